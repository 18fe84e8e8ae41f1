package moving_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

const secret = djangotest.SecretKey

func openDB(t testing.TB, address string, options ...db.Option) cloakroom.Engine {
	t.Helper()
	e, err := db.Open(t.Context(), address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e.WithSecretKeys(secret)
}

func openMemcached(t testing.TB, s *server.Server) cloakroom.Engine {
	t.Helper()
	e, err := memcached.Open(t.Context(), "memcached://"+s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// halves is a moving engine with its halves in reach.
type halves struct {
	*moving.Engine
	to, from cloakroom.Engine
}

func move(t testing.TB, to, from cloakroom.Engine) halves {
	t.Helper()
	e, err := moving.New(to, from)
	if err != nil {
		t.Fatal(err)
	}
	return halves{e, to, from}
}

// begun is a moving engine whose sessions have all begun in the old.
type begun struct{ halves }

func (e begun) Create(ctx context.Context, r *cloakroom.Record) error {
	r.Version = nil
	if err := e.from.Create(ctx, r); err != nil {
		return err
	}
	loaded, err := e.Load(ctx, r.Key)
	if err == nil {
		r.Version = loaded.Version
	}
	return err
}

var unkept = map[string]string{
	"Add": "it is what moves, and not where to", "AddConflict": "as Add", "AddExpired": "as Add",
	"AddWrongKeys": "as Add", "AddOnce": "as Add", "Holds": "as Add",
	"RoundTripTimesAndBytes": "JSON, which the new has, has neither",
	"Corrupt":                "the halves have it", "ListPassesOverCorrupt": "the halves have it",
	"StatsCorrupt": "the halves have it",
}

func waive(more map[string]string) map[string]string {
	all := map[string]string{}
	for _, waived := range []map[string]string{unkept, more} {
		for name, why := range waived {
			all[name] = why
		}
	}
	return all
}

// Every promise holds for sessions that begin in the new, and for such as began
// in the old.
func TestEngine(t *testing.T) {
	t.Parallel()
	const conflicts = "touching a session moves it, which is a conflict for who has loaded it from the old"
	for name, begin := range map[string]func(halves) cloakroom.Engine{
		"new": func(h halves) cloakroom.Engine { return h },
		"old": func(h halves) cloakroom.Engine { return begun{h} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := map[string]string{"Outage": "TestOutage has it"}
			if name == "old" {
				more["TouchKeepsVersion"] = conflicts
				more["Unencodable"] = "the old is asked, and not the moving engine"
				more["ClearExpired"] = "the old expires by itself"
				more["Stats"] = "the old expires by itself"
			}
			enginetest.Run(t, enginetest.Config{
				Open: func(t testing.TB) cloakroom.Engine {
					to := openDB(t, "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
					return begin(move(t, to, locmem.Open()))
				},
				Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return e },
				Waived: waive(more),
				Trials: 400,
			})
		})
	}
}

// The same in memory, where there is time for many more trials.
func TestRaces(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Config{
		Open:   func(t testing.TB) cloakroom.Engine { return begun{move(t, locmem.Open(), locmem.Open())} },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return e },
		Waived: waive(map[string]string{
			"TouchKeepsVersion": "TestEngine says why",
			"Unencodable":       "TestEngine says why",
			"Outage":            "memory does not fail",
		}),
		ExpiresItself: true,
	})
}

var mariaDB = server.Shared(func(t testing.TB) *server.Server { return server.MariaDB(t) })

// The real servers: from Memcached to MariaDB.
func TestOnServers(t *testing.T) {
	t.Parallel()
	memcached := server.Memcached(t)
	urls := map[cloakroom.Engine]string{}
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine {
			url := mariaDB(t).NewDatabase(t).URL
			e := begun{move(t, openDB(t, url), openMemcached(t, memcached))}
			urls[e] = url
			return e
		},
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine {
			return move(t, openDB(t, urls[e]), openMemcached(t, memcached))
		},
		Waived: waive(map[string]string{
			"TouchKeepsVersion": "TestEngine says why",
			"Unencodable":       "TestEngine says why",
			"Outage":            "TestOutage has it",
			"ClearExpired":      "Memcached expires by itself; TestEngine has the rest",
			"Stats":             "Memcached counts what others left behind; TestEngine has it",
			"List":              "Memcached has what others left behind; TestEngine has it",
			"ListWhileDeleting": "as List",
		}),
		ExpiryGranularity: 2 * time.Second, // as Memcached's
		CountsDown:        true,
		Trials:            400,
	})
}

// While the old cannot be asked, what has moved goes on, and nobody is taken for
// logged out.
func TestOutage(t *testing.T) {
	t.Parallel()
	old := server.Memcached(t)
	e := move(t, locmem.Open(), openMemcached(t, old))
	var moved, left cloakroom.Record
	for _, r := range []*cloakroom.Record{&moved, &left} {
		r.Data, r.Expires = map[string]any{"n": int64(1)}, time.Now().Add(time.Hour)
		if err := e.from.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	save := func(ctx context.Context, key string) error {
		r, err := e.Load(ctx, key)
		if err != nil {
			return err
		}
		r.Expires = time.Now().Add(2 * time.Hour)
		return e.Save(ctx, r)
	}
	if err := save(t.Context(), moved.Key); err != nil {
		t.Fatal(err)
	}
	old.Pause()
	for what, c := range map[string]struct {
		do   func(context.Context) error
		want error
	}{
		"saving what has moved": {func(ctx context.Context) error { return save(ctx, moved.Key) }, nil},
		"logging it out":        {func(ctx context.Context) error { return e.Delete(ctx, moved.Key) }, cloakroom.ErrUnavailable},
		"loading what has not":  {func(ctx context.Context) error { _, err := e.Load(ctx, left.Key); return err }, cloakroom.ErrUnavailable},
		"touching it":           {func(ctx context.Context) error { return e.Touch(ctx, left.Key, left.Expires) }, cloakroom.ErrUnavailable},
		"loading what is none":  {func(ctx context.Context) error { _, err := e.Load(ctx, cloakroom.NewKey()); return err }, cloakroom.ErrUnavailable},
		"asking":                {e.Ping, cloakroom.ErrUnavailable},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		if err := c.do(ctx); !errors.Is(err, c.want) || errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		cancel()
	}
	old.Resume()
	for _, key := range []string{moved.Key, left.Key} {
		if err := save(t.Context(), key); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

// A session does not end by halves, whether or not the old one tells when it
// expires.
func TestEndNeedsTheOld(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(cloakroom.Engine) cloakroom.Engine{
		"told":   func(e cloakroom.Engine) cloakroom.Engine { return e },
		"untold": func(e cloakroom.Engine) cloakroom.Engine { return forgetful{e} },
	} {
		from := locmem.Open()
		e := move(t, locmem.Open(), keeping{wrap(from)})
		r := &cloakroom.Record{Data: map[string]any{}, Expires: time.Now().Add(time.Hour)}
		if err := from.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for range 2 { // once in the old, and once in the new
			got, err := e.Load(t.Context(), r.Key)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got.Expires = time.Unix(0, 0)
			if err := e.Save(t.Context(), got); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("%s: Save that ends it: %v", name, err)
			}
		}
		if err := e.Delete(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrUnavailable) {
			t.Errorf("%s: Delete: %v", name, err)
		}
	}
}

// keeping is an engine from which nothing can be deleted.
type keeping struct{ cloakroom.Engine }

func (keeping) Delete(context.Context, string) error {
	return &cloakroom.Error{Engine: "keeping", Op: "delete", Kind: cloakroom.ErrUnavailable}
}
