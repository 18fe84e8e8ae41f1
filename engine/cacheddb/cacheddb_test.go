package cacheddb_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

const secret = "a secret key of this test"

// setUp is an engine and what it stands on.
type setUp struct {
	cloakroom.Engine
	cache *switched
	at    string // where the store is
	open  func(t testing.TB, at string) cloakroom.Engine
}

// The suite asks for more than an Engine.
func (s setUp) Unwrap() cloakroom.Engine { return s.Engine }

func (s setUp) Wrap(e cloakroom.Engine) cloakroom.Engine { s.Engine = e; return s }

// switched is a cache that can be cut off, keeping what it has.
type switched struct {
	cache.Cache
	off *atomic.Bool
}

func (s *switched) fail() error {
	if s.off.Load() {
		return errors.New("cut off")
	}
	return nil
}

func (s *switched) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	if err := s.fail(); err != nil {
		return nil, err
	}
	return s.Cache.Get(ctx, key)
}

func (s *switched) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	if err := s.fail(); err != nil {
		return false, err
	}
	return s.Cache.Add(ctx, key, r)
}

func (s *switched) Swap(ctx context.Context, key string, r *cloakroom.Record) error {
	if err := s.fail(); err != nil {
		return err
	}
	return s.Cache.Swap(ctx, key, r)
}

func (s *switched) Delete(ctx context.Context, key string) error {
	if err := s.fail(); err != nil {
		return err
	}
	return s.Cache.Delete(ctx, key)
}

func (s *switched) Ping(ctx context.Context) error {
	if err := s.fail(); err != nil {
		return err
	}
	return s.Cache.Ping(ctx)
}

// begin sets up an engine, as another process would on the same cache and store.
func begin(t testing.TB, c cache.Cache, at string, open func(t testing.TB, at string) cloakroom.Engine) setUp {
	t.Helper()
	s := setUp{cache: &switched{c, new(atomic.Bool)}, at: at, open: open}
	e := cacheddb.New(s.cache, open(t, at), cacheddb.WithLogger(slog.New(slog.DiscardHandler)))
	t.Cleanup(func() { _ = e.Close() })
	s.Engine = e
	return s
}

func (s setUp) beside(t testing.TB) setUp {
	t.Helper()
	return begin(t, s.cache.Cache, s.at, s.open)
}

func openDB(t testing.TB, at string) cloakroom.Engine {
	t.Helper()
	return openURL(t, "sqlite:///"+at)
}

func openURL(t testing.TB, url string) cloakroom.Engine {
	t.Helper()
	e, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e.WithSecretKeys(secret)
}

func openFiles(t testing.TB, at string) cloakroom.Engine {
	t.Helper()
	e, err := file.Open(t.Context(), "file://"+at)
	if err != nil {
		t.Fatal(err)
	}
	return e.WithSecretKeys(secret)
}

func beforeDB(t testing.TB) setUp {
	t.Helper()
	return begin(t, locmem.New(), filepath.Join(t.TempDir(), "sessions.sqlite3"), openDB)
}

func TestBeforeDB(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Config{
		Open:   func(t testing.TB) cloakroom.Engine { return beforeDB(t) },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return e.(setUp).beside(t) },
		Corrupt: func(t testing.TB, e cloakroom.Engine, key string) {
			run(t, e.(setUp).at, `UPDATE django_session SET session_data = substr(session_data, 1, 20) WHERE session_key = ?`, key)
			uncache(t, e, key)
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which the store signs here, has neither: they come back as text",
			"Outage":                 "TestBeforeFiles has it: SQLite keeps what it has open",
		},
	})
}

func TestBeforeFiles(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Config{
		Open:   func(t testing.TB) cloakroom.Engine { return begin(t, locmem.New(), t.TempDir(), openFiles) },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return e.(setUp).beside(t) },
		Break: func(t testing.TB, e cloakroom.Engine) func() {
			s := e.(setUp)
			s.cache.off.Store(true)
			rename(t, s.at, s.at+".away")
			return func() {
				rename(t, s.at+".away", s.at)
				s.cache.off.Store(false)
			}
		},
		Corrupt: func(t testing.TB, e cloakroom.Engine, key string) {
			if err := os.Truncate(filepath.Join(e.(setUp).at, "sessionid"+key), 20); err != nil {
				t.Fatal(err)
			}
			uncache(t, e, key)
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which the store signs here, has neither: they come back as text",
		},
	})
}

// The real servers: Memcached before MariaDB, as in Horizon's documentation.
func TestBeforeMariaDB(t *testing.T) {
	t.Parallel()
	memcached, mariaDB := server.Memcached(t), server.MariaDB(t)
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine {
			return begin(t, openMemcached(t, memcached), mariaDB.NewDatabase(t).URL, openURL)
		},
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine {
			return begin(t, openMemcached(t, memcached), e.(setUp).at, openURL)
		},
		Break: func(t testing.TB, _ cloakroom.Engine) func() {
			memcached.Pause()
			mariaDB.Pause()
			return func() {
				mariaDB.Resume()
				memcached.Resume()
			}
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which the store signs here, has neither: they come back as text",
			"Corrupt":                "TestBeforeDB has it",
			"ListPassesOverCorrupt":  "TestBeforeDB has it",
			"StatsCorrupt":           "TestBeforeDB has it",
		},
		ExpiryGranularity: time.Second,
		CountsDown:        true,
	})
}

func nameOf(key string) string { return ":1:django.contrib.sessions.cached_db" + key }

// uncache has the cache evict a session.
func uncache(t testing.TB, e cloakroom.Engine, key string) {
	t.Helper()
	if err := e.(setUp).cache.Cache.Delete(t.Context(), nameOf(key)); err != nil {
		t.Fatal(err)
	}
}

// run runs SQL on the file at path, as somebody else would.
func run(t testing.TB, path, statement string, args ...any) {
	t.Helper()
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(context.WithoutCancel(t.Context()), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, e cloakroom.Engine, data map[string]any) *cloakroom.Record {
	t.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}
