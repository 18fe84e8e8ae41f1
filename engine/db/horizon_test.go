package db_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/horizon"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// horizonKey is the SECRET_KEY of the Horizon whose sessions are in testdata.
const horizonKey = "horizon-lab-secret-key-not-for-production-0123456789"

// A session of a real Horizon survives a save from Go: the token object, and all
// else that nobody touched, is as it was.
func TestHorizon(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		plain := openAt(t, d.URL)
		migrate(t, plain)
		e := plain.WithSecretKeys(horizonKey).(*db.Engine)
		for _, name := range []string{"db_sqlite", "db_mariadb", "db_mariadb_legacy_sha1", "cached_db"} {
			key, raw, names := horizonRow(t, name)
			execute(t, d.URL, `INSERT INTO django_session (session_key, session_data, expire_date)
				VALUES ('`+key+`', '`+raw+`', '2999-01-01 00:00:00')`)
			r, err := e.Load(t.Context(), key)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(names, slices.Sorted(maps.Keys(r.Data))); diff != "" {
				t.Errorf("%s: names (-want +got)\n%s", name, diff)
			}
			before := tagged(t, r.Data)
			r.Data = maps.Clone(r.Data)
			r.Data["changed"] = "by Go"
			if err := e.Save(t.Context(), r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if r, err = e.Load(t.Context(), key); err != nil {
				t.Fatalf("%s: after Save: %v", name, err)
			}
			if r.Data["changed"] != "by Go" {
				t.Errorf("%s: the change is lost", name)
			}
			delete(r.Data, "changed")
			if diff := cmp.Diff(before, tagged(t, r.Data)); diff != "" {
				t.Errorf("%s: a save changed what nobody touched (-want +got)\n%s", name, diff)
			}
		}
	})
}

func tagged(t *testing.T, data map[string]any) any {
	t.Helper()
	tags, err := pickle.Tag(data)
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

// horizonRow is what a Horizon left in its database.
func horizonRow(t *testing.T, name string) (key, raw string, names []string) {
	t.Helper()
	text, err := os.ReadFile("../../django/testdata/horizon-23/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Key   string `json:"session_key"`
		Store []struct {
			Table string
			Raw   string `json:"session_data"`
		}
		Names []string `json:"session_keys"`
	}
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	for _, place := range record.Store {
		if place.Table == "django_session" {
			return record.Key, place.Raw, slices.Sorted(slices.Values(record.Names))
		}
	}
	t.Fatalf("%s: no row", name)
	return "", "", nil
}

// A session that a real Horizon had in Memcached stays signed in where it is
// added: as the objects that it is, and as JSON, with nothing of the token lost.
func TestAddHorizonFromMemcached(t *testing.T) {
	t.Parallel()
	data := horizonCached(t)
	for name, c := range map[string]struct {
		options []db.Option
		same    bool
	}{
		"as found": {nil, true},
		"Pickle":   {[]db.Option{db.WithSerializer(session.Pickle)}, true},
		"JSON":     {[]db.Option{db.WithSerializer(session.JSON)}, false},
	} {
		e := openMigrated(t, filepath.Join(t.TempDir(), "sessions.sqlite3"), c.options...).
			WithSecretKeys(horizonKey).(*db.Engine)
		if keeps := e.Keeps(data); keeps != c.same {
			t.Errorf("%s: keeps: %v", name, keeps)
		}
		key := cloakroom.NewKey()
		if err := e.Add(t.Context(), foreign(key, data, time.Now().Add(time.Hour))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, err := cloakroom.New(e, cloakroom.WithSecretKey(horizonKey)).Load(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		expires := time.Date(2026, 11, 24, 8, 3, 24, 0, time.UTC)
		if user, ok := horizon.UserOf(s); !ok || user.Name != "admin" || !user.Expires.Equal(expires) || len(user.Roles) != 3 {
			t.Errorf("%s: signed in: %v, %+v", name, ok, user)
		}
		got, err := e.Load(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.same {
			if diff := cmp.Diff(tagged(t, data), tagged(t, got.Data)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			continue
		}
		if diff := cmp.Diff(attributes(t, data), attributes(t, got.Data)); diff != "" {
			t.Errorf("%s: the token's attributes (-want +got):\n%s", name, diff)
		}
	}
}

// attributes are the names of what a session's token holds.
func attributes(t *testing.T, data map[string]any) []string {
	t.Helper()
	token, ok := data["token"].(cloakroom.Value)
	if !ok {
		t.Fatalf("the token is a %T", data["token"])
	}
	plain, ok := token.Plain().(map[string]any)
	if !ok || len(plain) == 0 {
		t.Fatalf("the token is a plain %T", token.Plain())
	}
	return slices.Sorted(maps.Keys(plain))
}

// horizonCached is what a Horizon left in Memcached.
func horizonCached(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../django/testdata/horizon-23/cache_memcached.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Store []struct {
			Value []byte `json:"value_b64"`
		}
	}
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	data, err := pickle.Unmarshal(record.Store[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
