package db_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// elsewhere is the Version of a record that another engine loaded.
type elsewhere struct{}

func foreign(key string, data map[string]any, expires time.Time) *cloakroom.Record {
	return &cloakroom.Record{Key: key, Data: data, Expires: expires, Version: elsewhere{}}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		key, expires := cloakroom.NewKey(), time.Now().Add(time.Hour).Truncate(time.Microsecond)
		added := foreign(key, map[string]any{"n": int64(1)}, expires)
		if err := e.Add(t.Context(), added); err != nil {
			t.Fatal(err)
		}
		got, err := e.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if added.Key != key || got.Data["n"] != int64(1) || !got.Expires.Equal(expires) {
			t.Errorf("added %v until %v, loaded %v until %v", added.Data, expires, got.Data, got.Expires)
		}
		again := foreign(key, map[string]any{"n": int64(2)}, expires.Add(time.Hour))
		if err := e.Add(t.Context(), again); !errors.Is(err, cloakroom.ErrConflict) {
			t.Errorf("Add where a live session is: %v", err)
		}
		// Which changed nothing, so what was added can be saved.
		added.Data = map[string]any{"n": int64(3)}
		if err := e.Save(t.Context(), added); err != nil {
			t.Errorf("Save of what was added: %v", err)
		}
		if err := e.Touch(t.Context(), key, time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := e.Add(t.Context(), again); err != nil {
			t.Errorf("Add where a session has expired: %v", err)
		}
		if got, err := e.Load(t.Context(), key); err != nil || got.Data["n"] != int64(2) {
			t.Errorf("afterwards: %v, %v", got, err)
		}
	})
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	e := openMigrated(t, t.TempDir()+"/sessions.sqlite3")
	later := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		record *cloakroom.Record
		want   string
	}{
		"no key":       {foreign("", nil, later), "the session key has the wrong shape"},
		"a wrong key":  {foreign("../etc/passwd", nil, later), "the session key has the wrong shape"},
		"no expiry":    {foreign(cloakroom.NewKey(), nil, time.Time{}), "nobody said when the session expires"},
		"a late one":   {foreign(cloakroom.NewKey(), nil, time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)), "outside the years 1 to 9999"},
		"no such data": {foreign(cloakroom.NewKey(), map[string]any{"c": make(chan int)}, later), "chan int"},
	} {
		err := e.Add(t.Context(), c.record)
		if !errors.Is(err, cloakroom.ErrUnencodable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unsigned := e.WithSecretKeys("").(*db.Engine)
	if err := unsigned.Add(t.Context(), foreign(cloakroom.NewKey(), nil, later)); !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("without a secret key: %v", err)
	}
}

// Of many that add under one key at once, one wins: where nothing is, and where
// a session has expired.
func TestAddersRace(t *testing.T) {
	t.Parallel()
	const adders, trials = 8, 100
	onDatabases(t, func(t *testing.T, d server.Database) {
		engines := []*db.Engine{openAt(t, d.URL), openAt(t, d.URL)}
		migrate(t, engines[0])
		for trial := range trials {
			key := cloakroom.NewKey()
			if trial%2 == 1 {
				if err := engines[0].Add(t.Context(), foreign(key, nil, time.Now().Add(-time.Second))); err != nil {
					t.Fatal(err)
				}
			}
			var winners sync.WaitGroup
			var won, winner atomic.Int64
			for i := range adders {
				winners.Go(func() {
					err := engines[i%2].Add(t.Context(), foreign(key, map[string]any{"i": int64(i)}, time.Now().Add(time.Hour)))
					switch {
					case err == nil:
						won.Add(1)
						winner.Store(int64(i))
					case !errors.Is(err, cloakroom.ErrConflict):
						t.Error(err)
					}
				})
			}
			winners.Wait()
			got, err := engines[0].Load(t.Context(), key)
			if err != nil {
				t.Fatalf("trial %d: %v", trial, err)
			}
			if won.Load() != 1 || got.Data["i"] != winner.Load() {
				t.Fatalf("trial %d: %d won, %d last; %v is there", trial, won.Load(), winner.Load(), got.Data["i"])
			}
		}
	})
}

// What one Django pickled, as Memcached has it, another Django finds in the
// database: as it was where its serializer is Pickle, and as what JSON can say
// of it where that is JSON.
func TestAddForDjango(t *testing.T) {
	t.Parallel()
	const pickled = "SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'"
	python := map[string]any{
		"token": djangotest.Python(`Token("ada", {"id": "p", "domain": ("d", b"e")})`),
		"pair":  djangotest.Python(`(1, 2)`),
		"list":  []any{int64(1), "two"},
	}
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		expires := time.Now().Add(time.Hour)
		there := sqliteDatabase(t)
		from := djangotest.Start(t, dbEngine, pickled, there.Settings)
		from.Migrate()
		key := from.Create(python)
		r, err := openAt(t, there.URL).Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		add := func(options ...db.Option) (key string, keeps bool) {
			t.Helper()
			key = cloakroom.NewKey()
			e := openAt(t, d.URL, options...)
			if err := e.Add(t.Context(), foreign(key, r.Data, expires)); err != nil {
				t.Fatal(err)
			}
			return key, e.Keeps(r.Data)
		}
		django := djangotest.Start(t, dbEngine, pickled, d.Settings)
		for name, options := range map[string][]db.Option{
			"Pickle": {db.WithSerializer(session.Pickle)}, "as found": nil,
		} {
			key, keeps := add(options...)
			if difference := django.Difference(key, python); difference != "" || !keeps {
				t.Errorf("%s, keeps %v: %s", name, keeps, difference)
			}
		}
		key, keeps := add(db.WithSerializer(session.JSON))
		if keeps {
			t.Error("JSON is said to keep a token")
		}
		found, ok := djangotest.Start(t, dbEngine, d.Settings).Load(key)
		if !ok {
			t.Fatal("Django finds nothing where the serializer is JSON")
		}
		project := map[string]any{"id": "p", "domain": []any{"d", "ZQ=="}}
		want := map[string]any{
			"pair": []any{int64(1), int64(2)}, "list": python["list"],
			"token": map[string]any{
				"user": "ada", "project": project, "tenant": project,
				"roles": []any{map[string]any{"name": "member"}}, "expires": "2031-02-03T00:00:00+00:00",
			},
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("as JSON (-want +Django):\n%s", diff)
		}
	})
}

// A session that JSON can say goes there as JSON, whatever it was; one of
// another db engine stays in its form.
func TestAddedForm(t *testing.T) {
	t.Parallel()
	e := openMigrated(t, t.TempDir()+"/sessions.sqlite3")
	plain, err := pickle.Unmarshal([]byte("\x80\x05}\x8c\x01l]K\x01as."))
	if err != nil {
		t.Fatal(err)
	}
	from := openMigrated(t, t.TempDir()+"/sessions.sqlite3", db.WithSerializer(session.Pickle))
	ours, err := from.Load(t.Context(), create(t, from, plain).Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		record *cloakroom.Record
		want   string
	}{
		"elsewhere":         {foreign(cloakroom.NewKey(), plain, ours.Expires), "JSON"},
		"another db engine": {ours, "pickle"},
	} {
		if err := e.Add(t.Context(), c.record); err != nil {
			t.Fatal(err)
		}
		got, err := e.Load(t.Context(), c.record.Key)
		if err != nil {
			t.Fatal(err)
		}
		form := "JSON"
		if _, isPickle := got.Data["l"].(pickle.Raw); isPickle {
			form = "pickle"
		}
		if form != c.want {
			t.Errorf("%s: %s, want %s", name, form, c.want)
		}
	}
}
