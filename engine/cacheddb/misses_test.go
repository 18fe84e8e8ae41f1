package cacheddb_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
)

// slow is a store that takes its time, and counts loads.
type slow struct {
	cloakroom.Engine
	takes          time.Duration
	loads, atOnce  atomic.Int64
	mostEverAtOnce atomic.Int64
}

func (s *slow) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	s.loads.Add(1)
	if n := s.atOnce.Add(1); n > s.mostEverAtOnce.Load() {
		s.mostEverAtOnce.Store(n)
	}
	defer s.atOnce.Add(-1)
	r, err := s.Engine.Load(ctx, key)
	if late := s.take(ctx); late != nil {
		return nil, late
	}
	return r, err
}

func (s *slow) take(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) Save(ctx context.Context, r *cloakroom.Record) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	return s.Engine.Save(ctx, r)
}

func (s *slow) Touch(ctx context.Context, key string, expires time.Time) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	return s.Engine.Touch(ctx, key, expires)
}

func (s *slow) Delete(ctx context.Context, key string) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	return s.Engine.Delete(ctx, key)
}

func onSlow(t *testing.T, takes time.Duration) (*cacheddb.Engine, *slow) {
	t.Helper()
	store := &slow{Engine: cache.New(locmem.New()), takes: takes}
	e := cacheddb.New(locmem.New(), store)
	t.Cleanup(func() { _ = e.Close() })
	return e, store
}

// A cache that was emptied is filled again without a run on the store, however
// slow that is, and whether or not the cache is believed.
func TestEmptiedCache(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{5 * time.Millisecond, 200 * time.Millisecond} {
		for _, trusted := range []bool{true, false} {
			e, store := onSlow(t, takes)
			if trusted {
				e.Trust()
			}
			key := create(t, e, map[string]any{"n": int64(1)}).Key
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					if r, err := e.Load(t.Context(), key); err != nil || r.Data["n"] != int64(1) {
						t.Errorf("Load: %v, %v", r, err)
					}
				})
			}
			all.Wait()
			t.Logf("reads that take %v, cache believed: %v: 200 loads made %d reads", takes, trusted, store.loads.Load())
			if most := store.mostEverAtOnce.Load(); most > 1 {
				t.Errorf("%d reads of one session at once", most)
			}
			if reads := store.loads.Load(); reads > 10 {
				t.Errorf("200 loads made %d reads", reads)
			}
		}
	}
}

// Who asks after a session has ended is not given what was read before.
func TestWhatBeganEarlierIsNotShared(t *testing.T) {
	t.Parallel()
	for range 20 {
		e, _ := onSlow(t, 20*time.Millisecond)
		key := create(t, e, nil).Key
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { _, _ = e.Load(t.Context(), key) })
		}
		time.Sleep(5 * time.Millisecond) // they are reading
		if err := e.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("Load after Delete: %v", err)
		}
		all.Wait()
	}
}

// Whoever does not wait for the read that others share takes nothing from them.
func TestReaderWhoLeaves(t *testing.T) {
	t.Parallel()
	e, _ := onSlow(t, 100*time.Millisecond)
	key := create(t, e, nil).Key
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if i%2 == 0 {
				time.AfterFunc(50*time.Millisecond, cancel)
			}
			defer cancel()
			if _, err := e.Load(ctx, key); i%2 == 1 && err != nil {
				t.Errorf("Load: %v", err)
			}
		})
	}
	all.Wait()
}

// Whoever guesses keys fills the cache with nothing.
func TestUnknownKeysLeaveNothing(t *testing.T) {
	t.Parallel()
	c := locmem.New()
	e := cacheddb.New(c, cache.New(locmem.New()))
	t.Cleanup(func() { _ = e.Close() })
	e.Trust()
	for range 500 {
		if _, err := e.Load(t.Context(), cloakroom.NewKey()); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if stats, err := c.Stats(t.Context(), ""); err != nil || stats.Live > 0 {
		t.Errorf("500 unknown keys leave %+v in the cache, %v", stats, err)
	}
}
