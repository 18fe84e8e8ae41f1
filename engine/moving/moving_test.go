package moving_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

const secret = "a secret key of this test"

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
			more := map[string]string{"Outage": "TestOnServers has it"}
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

// The real servers: from Memcached to MariaDB.
func TestOnServers(t *testing.T) {
	t.Parallel()
	memcached, mariaDB := server.Memcached(t), server.MariaDB(t)
	urls := map[cloakroom.Engine]string{}
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine {
			url := mariaDB.NewDatabase(t).URL
			e := begun{move(t, openDB(t, url), openMemcached(t, memcached))}
			urls[e] = url
			return e
		},
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine {
			return move(t, openDB(t, urls[e]), openMemcached(t, memcached))
		},
		Break: func(t testing.TB, _ cloakroom.Engine) func() {
			memcached.Pause()
			mariaDB.Pause()
			return func() {
				mariaDB.Resume()
				memcached.Resume()
			}
		},
		Waived: waive(map[string]string{
			"TouchKeepsVersion": "TestEngine says why",
			"Unencodable":       "TestEngine says why",
			"ClearExpired":      "Memcached expires by itself; TestEngine has the rest",
			"Stats":             "Memcached counts what others left behind; TestEngine has it",
			"List":              "Memcached has what others left behind; TestEngine has it",
			"ListWhileDeleting": "as List",
		}),
		ExpiryGranularity: time.Second,
		Trials:            400,
	})
}
