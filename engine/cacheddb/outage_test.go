package cacheddb_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

func openMemcached(t testing.TB, s *server.Server) cache.Cache {
	t.Helper()
	c, err := memcached.New("memcached://" + s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// onMemcached are two processes on one Memcached and one database, which
// believe the cache.
func onMemcached(t testing.TB, s *server.Server) (here, there setUp) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "sessions.sqlite3")
	here, there = begin(t, openMemcached(t, s), at, openDB), begin(t, openMemcached(t, s), at, openDB)
	trust(here, there)
	return here, there
}

// What is flushed while the cache is stopped, and keeps all it has, is not
// served once it goes on: not by who flushed it, not by who noticed the outage,
// and not by who noticed nothing.
func TestFlushWhileStopped(t *testing.T) {
	t.Parallel()
	memcached := server.Memcached(t)
	here, there := onMemcached(t, memcached)
	unaware := begin(t, openMemcached(t, memcached), here.at, openDB)
	trust(unaware)
	keys := make([]string, 50)
	for i := range keys {
		keys[i] = create(t, here, nil).Key
		for _, e := range []setUp{here, there, unaware} {
			load(t, e, keys[i], nil)
		}
	}
	fallen := begin(t, openMemcached(t, memcached), here.at, openDB) // has never asked anything

	memcached.Pause()
	began := time.Now()
	for _, key := range keys {
		if err := here.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		load(t, here, key, cloakroom.ErrNotFound)
		load(t, there, key, cloakroom.ErrNotFound)
	}
	if each := time.Since(began) / time.Duration(len(keys)); each > time.Second {
		t.Errorf("logging out took %v each", each)
	}
	memcached.Resume()
	for until := time.Now().Add(4 * time.Second); time.Now().Before(until); {
		for _, key := range keys {
			for _, e := range []setUp{unaware, fallen, here, there} {
				load(t, e, key, cloakroom.ErrNotFound)
			}
		}
	}
	for _, key := range keys {
		if _, err := here.cache.Cache.Get(t.Context(), nameOf(key)); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("the cache still has what was flushed: %v", err)
		}
	}
	believed(t, here, there)
}

func load(t testing.TB, e cloakroom.Engine, key string, want error) {
	t.Helper()
	if _, err := e.Load(t.Context(), key); !errors.Is(err, want) {
		t.Fatalf("Load: %v, want %v", err, want)
	}
}

// believed waits until the cache is.
func believed(t testing.TB, all ...setUp) {
	t.Helper()
	key := create(t, all[0], nil).Key
	for until := time.Now().Add(30 * time.Second); ; {
		trusted := 0
		for _, e := range all {
			load(t, e, key, nil)
			if e.Engine.(*cacheddb.Engine).Trusts() {
				trusted++
			}
		}
		if trusted == len(all) {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the cache is back, and not believed after 30 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A cache that answers and takes nothing is left alone until it does, which the
// log has once.
func TestFullCache(t *testing.T) {
	t.Parallel()
	s := server.Redis(t)
	c, err := redis.New(t.Context(), "redis://"+s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	admin, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	memory := func(bytes string) {
		t.Helper()
		if err := admin.Do(t.Context(), admin.B().ConfigSet().ParameterValue().ParameterValue("maxmemory", bytes).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	told := &lines{}
	e := cacheddb.New(c, openDB(t, filepath.Join(t.TempDir(), "sessions.sqlite3")), cacheddb.WithLogger(slog.New(slog.NewTextHandler(told, nil))))
	t.Cleanup(func() { _ = e.Close() })
	e.Trust()
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = create(t, e, nil).Key
	}
	load(t, e, keys[0], nil)

	memory("1")
	for until := time.Now().Add(2 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		load(t, e, keys[rand.N(len(keys))], nil)
		load(t, e, create(t, e, nil).Key, nil)
	}
	if n := told.n.Load(); n != 1 || e.Trusts() {
		t.Errorf("the log has %d lines of one cache that is full; it is trusted: %t", n, e.Trusts())
	}
	memory("0")
	for until := time.Now().Add(30 * time.Second); !e.Trusts(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the cache has room, and is not believed after 30 s")
		}
	}
}

// lines counts what is logged.
type lines struct{ n atomic.Int64 }

func (l *lines) Write(p []byte) (int, error) { l.n.Add(1); return len(p), nil }

// Whatever becomes of the cache, sessions are loaded and saved, and go forward.
func TestCacheComesAndGoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ away, back func(*server.Server) }{
		"killed":  {(*server.Server).Kill, (*server.Server).Start},
		"stopped": {(*server.Server).Pause, (*server.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memcached := server.Memcached(t)
			here, there := onMemcached(t, memcached)
			key := create(t, here, map[string]any{"n": int64(0)}).Key
			forward(t, key, here, there, 5*time.Second, func(ctx context.Context) {
				for ctx.Err() == nil {
					time.Sleep(time.Second)
					c.away(memcached)
					time.Sleep(time.Second)
					c.back(memcached)
				}
			})
			believed(t, here, there)
			if cacheAway(here) || cacheAway(there) {
				t.Error("it is back, and said to be away")
			}
		})
	}
}

func cacheAway(s setUp) bool { return s.Engine.(*cacheddb.Engine).CacheAway() }

// A cache that never answered is never missed.
func TestNoCache(t *testing.T) {
	t.Parallel()
	memcached := server.Memcached(t)
	memcached.Stop()
	here, there := onMemcached(t, memcached)
	r := create(t, here, map[string]any{"n": int64(0)})
	began := time.Now()
	for n := range int64(20) {
		got, err := there.Load(t.Context(), r.Key)
		if err != nil || got.Data["n"] != n {
			t.Fatalf("Load: %v, %v", got, err)
		}
		got.Data = map[string]any{"n": n + 1}
		if err := there.Save(t.Context(), got); err != nil {
			t.Fatal(err)
		}
	}
	if !cacheAway(there) {
		t.Error("nobody is told that there is none")
	}
	if err := here.Delete(t.Context(), r.Key); err != nil {
		t.Fatal(err)
	}
	load(t, there, r.Key, cloakroom.ErrNotFound)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("without a cache it took %v", took)
	}
}

// Where only one of two cannot reach the cache, it goes on without, and tells
// the cache what it missed once it can. Who has not heard from the cache for a
// while does not believe it meanwhile.
func TestFlushWhileCutOff(t *testing.T) {
	t.Parallel()
	here, there := two(t)
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = create(t, here, nil).Key
		load(t, there, keys[i], nil)
	}
	here.cache.off.Store(true)
	for _, key := range keys {
		if err := here.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		load(t, here, key, cloakroom.ErrNotFound)
	}
	for _, key := range keys[1:] {
		if _, err := here.cache.Cache.Get(t.Context(), nameOf(key)); err != nil {
			t.Fatalf("what cannot be reached was told: %v", err)
		}
	}
	time.Sleep(time.Second / 2)
	load(t, there, keys[0], cloakroom.ErrNotFound)

	here.cache.off.Store(false)
	for until := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := 0
		for _, key := range keys {
			if _, err := here.cache.Cache.Get(t.Context(), nameOf(key)); err == nil {
				left++
			}
		}
		if left == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("the cache still has %d that were flushed", left)
		}
	}
	for _, key := range keys {
		load(t, here, key, cloakroom.ErrNotFound)
	}
	believed(t, here, there)
}

// What Django fills the cache with that it read before the end of a session is
// removed again.
func TestFilledAfterTheEnd(t *testing.T) {
	t.Parallel()
	here, there := two(t)
	for name, end := range map[string]func(r *cloakroom.Record) error{
		"Delete": func(r *cloakroom.Record) error { return here.Delete(t.Context(), r.Key) },
		"Save": func(r *cloakroom.Record) error {
			ended := *r
			ended.Expires = time.Unix(0, 0)
			return here.Save(t.Context(), &ended)
		},
	} {
		r := create(t, here, nil)
		if err := end(r); err != nil {
			t.Fatal(err)
		}
		if added, err := there.cache.Add(t.Context(), nameOf(r.Key), r); !added || err != nil {
			t.Fatal(added, err)
		}
		time.Sleep(time.Second)
		if _, err := there.cache.Get(t.Context(), nameOf(r.Key)); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: what has ended is in the cache: %v", name, err)
		}
	}
}

// Of several servers of a cache one that is away takes nothing but its own part
// with it, and comes back with nothing that was flushed.
func TestOneOfSeveral(t *testing.T) {
	t.Parallel()
	lasting, leaving := server.Memcached(t), server.Memcached(t)
	c, err := memcached.New("memcached://" + lasting.Addr + "," + leaving.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	store := &counted{Engine: openDB(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))}
	e := cacheddb.New(c, store, cacheddb.WithLogger(slog.New(slog.DiscardHandler)))
	t.Cleanup(func() { _ = e.Close() })
	e.Trust()
	kept, gone := make([]string, 0, 40), make([]string, 0, 40)
	for range cap(kept) {
		key := create(t, e, nil).Key
		load(t, e, key, nil)
		if c.Shard(nameOf(key)) == 0 {
			kept = append(kept, key)
		} else {
			gone = append(gone, key)
		}
	}

	leaving.Pause()
	for _, key := range gone {
		if err := e.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		load(t, e, key, cloakroom.ErrNotFound)
	}
	for until := time.Now().Add(30 * time.Second); ; {
		before := store.loads.Load()
		for _, key := range kept {
			load(t, e, key, nil)
		}
		if store.loads.Load() == before {
			break
		}
		if time.Now().After(until) {
			t.Fatal("what the other server has is still asked of the store after 30 s")
		}
	}
	if e.TrustsFor(gone[0]) {
		t.Error("a server that does not answer is believed")
	}

	leaving.Resume()
	for until := time.Now().Add(30 * time.Second); !e.TrustsFor(gone[0]); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the server is back, and not believed after 30 s")
		}
		load(t, e, gone[0], cloakroom.ErrNotFound)
	}
	for _, key := range gone {
		load(t, e, key, cloakroom.ErrNotFound)
		if _, err := c.Get(t.Context(), nameOf(key)); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("the cache still has what was flushed: %v", err)
		}
	}
}

// counted is a store that counts its loads.
type counted struct {
	cloakroom.Engine
	loads atomic.Int64
}

func (c *counted) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	c.loads.Add(1)
	return c.Engine.Load(ctx, key)
}
