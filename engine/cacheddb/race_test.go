package cacheddb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
)

// two are two processes on one cache and one database, which believe the cache.
func two(t testing.TB) (here, there setUp) {
	t.Helper()
	here = beforeDB(t)
	there = here.beside(t)
	trust(here, there)
	return here, there
}

func trust(all ...setUp) {
	for _, s := range all {
		s.Engine.(*cacheddb.Engine).Trust()
	}
}

func trials(n int) int {
	if _, all := os.LookupEnv("CLOAKROOM_TRIALS"); all {
		return n
	}
	return n / 10
}

// A request that only reads, and fills the cache again, never brings back what
// ends meanwhile.
func TestLogoutWhileFilling(t *testing.T) {
	t.Parallel()
	here, there := two(t)
	const workers = 8
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range trials(10_000) / workers {
				if err := logoutWhileFilling(t.Context(), here, there); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func logoutWhileFilling(ctx context.Context, here, there setUp) error {
	r := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
	if err := here.Create(ctx, r); err != nil { // which leaves nothing in the cache
		return err
	}
	var reads sync.WaitGroup
	start := make(chan struct{})
	var failed [3]error
	for i, e := range []setUp{here, there, there} {
		reads.Go(func() {
			<-start
			if _, err := e.Load(ctx, r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
				failed[i] = err
			}
		})
	}
	close(start)
	deleted := here.Delete(ctx, r.Key)
	_, atOnce := there.Load(ctx, r.Key)
	reads.Wait()
	_, atLast := here.Load(ctx, r.Key)
	if err := errors.Join(deleted, errors.Join(failed[:]...)); err != nil {
		return err
	}
	if !errors.Is(atOnce, cloakroom.ErrNotFound) || !errors.Is(atLast, cloakroom.ErrNotFound) {
		return fmt.Errorf("the session is back: Load after Delete: %v; when all were done: %v", atOnce, atLast)
	}
	return nil
}

// Whatever is evicted and filled again meanwhile, no load goes back behind what
// another has seen or a save has been told.
func TestLoadsGoForward(t *testing.T) {
	t.Parallel()
	here, there := two(t)
	key := create(t, here, map[string]any{"n": int64(0)}).Key
	forward(t, key, here, there, 3*time.Second, func(ctx context.Context) {
		for ctx.Err() == nil { // the cache is full
			time.Sleep(time.Millisecond)
			uncache(t, here, key)
		}
	})
}

// forward loads and saves a session that counts, while it is disturbed.
func forward(t *testing.T, key string, here, there setUp, life time.Duration, disturb func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), life)
	defer cancel()

	var mu sync.Mutex
	seen := int64(0)
	floor := func() int64 { mu.Lock(); defer mu.Unlock(); return seen }
	raise := func(n int64) { mu.Lock(); defer mu.Unlock(); seen = max(seen, n) }

	var all sync.WaitGroup
	for _, e := range []setUp{here, there} {
		for range 2 {
			all.Go(func() { // a writer
				for ctx.Err() == nil {
					before := floor()
					r, err := e.Load(t.Context(), key)
					if err != nil {
						t.Error(err)
						return
					}
					n := r.Data["n"].(int64)
					if n < before {
						t.Errorf("Load has %d after %d was seen", n, before)
						return
					}
					raise(n)
					r.Data = maps.Clone(r.Data)
					r.Data["n"] = n + 1
					switch err := e.Save(t.Context(), r); {
					case err == nil:
						raise(n + 1)
					case !errors.Is(err, cloakroom.ErrConflict):
						t.Error(err)
						return
					}
				}
			})
		}
		for range 3 {
			all.Go(func() { // a reader
				for ctx.Err() == nil {
					before := floor()
					r, err := e.Load(t.Context(), key)
					if err != nil {
						t.Error(err)
						return
					}
					n := r.Data["n"].(int64)
					if n < before {
						t.Errorf("Load has %d after %d was seen", n, before)
						return
					}
					raise(n)
				}
			})
		}
	}
	disturb(ctx)
	all.Wait()
	t.Logf("%d saves", floor())
}

// What is in the cache is served from there, and saved upon without conflict.
func TestHit(t *testing.T) {
	t.Parallel()
	here, there := two(t)
	r := create(t, here, map[string]any{"n": int64(0), "list": []any{int64(1), "two", nil}, "whole": 2.0})
	if _, err := here.Load(t.Context(), r.Key); err != nil { // which fills the cache
		t.Fatal(err)
	}
	run(t, here.at, `UPDATE django_session SET session_data = 'not now ' || session_data`)
	got, err := there.Load(t.Context(), r.Key)
	if err != nil || got.Expires.Sub(r.Expires).Abs() > time.Millisecond {
		t.Fatalf("Load: %v, %v", got, err)
	}
	run(t, here.at, `UPDATE django_session SET session_data = substr(session_data, 9)`)
	got.Data = map[string]any{"n": int64(1)}
	if err := there.Save(t.Context(), got); err != nil {
		t.Errorf("Save of what came from the cache: %v", err)
	}
	if cached, err := here.cache.Cache.Get(t.Context(), nameOf(r.Key)); err != nil || cached.Data["n"] != int64(1) {
		t.Errorf("the cache after a save has %v, %v", cached, err)
	}
}

// A save upon what the cache has is no better than that: where the database has
// moved on, it is a conflict, and the next load brings the database's.
func TestSaveUponOldEntry(t *testing.T) {
	t.Parallel()
	here, _ := two(t)
	r := create(t, here, map[string]any{"n": int64(0)})
	if _, err := here.Load(t.Context(), r.Key); err != nil {
		t.Fatal(err)
	}
	stale, err := here.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody saves who does not know of the cache.
	r.Data = map[string]any{"n": int64(1)}
	if err := saveInStore(t, here, r); err != nil {
		t.Fatal(err)
	}
	stale.Data = map[string]any{"n": int64(2)}
	if err := here.Save(t.Context(), stale); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("Save: %v", err)
	}
	if got, err := here.Load(t.Context(), r.Key); err != nil || got.Data["n"] != int64(1) {
		t.Errorf("Load: %v, %v", got, err)
	}
}

func saveInStore(t *testing.T, s setUp, r *cloakroom.Record) error {
	t.Helper()
	store := s.open(t, s.at)
	stored, err := store.Load(t.Context(), r.Key)
	if err != nil {
		return err
	}
	stored.Data = r.Data
	return store.Save(t.Context(), stored)
}

// A lease whose holder ended keeps nobody waiting for long.
func TestForsakenLease(t *testing.T) {
	t.Parallel()
	here, there := two(t)
	r := create(t, here, nil)
	here.Engine.(*cacheddb.Engine).LeaveLease(t, r.Key)
	began := time.Now()
	if _, err := there.Load(t.Context(), r.Key); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Load took %v", took)
	}
	if cached, err := here.cache.Cache.Get(t.Context(), nameOf(r.Key)); err != nil || len(cached.Data) != 0 {
		t.Errorf("the cache afterwards has %v, %v", cached, err)
	}
}
