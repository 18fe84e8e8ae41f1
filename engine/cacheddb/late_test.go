package cacheddb_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
)

// stalling is a cache whose every answer may come never, or too late for two.
type stalling struct {
	cache.Cache
	takes *atomic.Int64 // nanoseconds; negative is for ever
}

func (s stalling) stall(ctx context.Context) error {
	if s.takes.Load() < 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-time.After(time.Duration(s.takes.Load())):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s stalling) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	if err := s.stall(ctx); err != nil {
		return nil, err
	}
	return s.Cache.Get(ctx, key)
}

func (s stalling) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	if err := s.stall(ctx); err != nil {
		return false, err
	}
	return s.Cache.Add(ctx, key, r)
}

func (s stalling) Swap(ctx context.Context, key string, r *cloakroom.Record) error {
	if err := s.stall(ctx); err != nil {
		return err
	}
	return s.Cache.Swap(ctx, key, r)
}

func (s stalling) Delete(ctx context.Context, key string) error {
	if err := s.stall(ctx); err != nil {
		return err
	}
	return s.Cache.Delete(ctx, key)
}

func (s stalling) Ping(ctx context.Context) error { return s.stall(ctx) }

// Whatever the cache and the store do not answer, nobody waits longer than the
// deadline plus a tenth.
func TestInTime(t *testing.T) {
	t.Parallel()
	const deadline = 2 * time.Second
	for _, cacheTakes := range []time.Duration{-1, 0, 100 * time.Millisecond, 450 * time.Millisecond} {
		for _, storeTakes := range []time.Duration{0, 1900 * time.Millisecond, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				store := &slow{Engine: cache.New(locmem.New())}
				before := stalling{locmem.New(), new(atomic.Int64)}
				e := cacheddb.New(before, store, cacheddb.WithLogger(slog.New(slog.DiscardHandler)))
				defer e.Close()
				r := create(t, e, nil)
				if _, err := e.Load(t.Context(), r.Key); err != nil {
					t.Fatal(err)
				}
				e.Trust()
				before.takes.Store(int64(cacheTakes))
				store.takes = storeTakes
				for verb, do := range map[string]func(context.Context) error{
					"Load": func(ctx context.Context) error { _, err := e.Load(ctx, r.Key); return err },
					"Save": func(ctx context.Context) error {
						return e.Save(ctx, &cloakroom.Record{Key: r.Key, Version: r.Version, Expires: r.Expires})
					},
					"Touch":  func(ctx context.Context) error { return e.Touch(ctx, r.Key, r.Expires) },
					"Delete": func(ctx context.Context) error { return e.Delete(ctx, r.Key) },
				} {
					ctx, cancel := context.WithTimeout(t.Context(), deadline)
					began := time.Now()
					err := do(ctx)
					cancel()
					if took := time.Since(began); took > deadline+deadline/10 {
						t.Errorf("cache %v, store %v: %s took %v (%v)", cacheTakes, storeTakes, verb, took, err)
					}
				}
			})
		}
	}
}
