package db_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/django/pickle"
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
