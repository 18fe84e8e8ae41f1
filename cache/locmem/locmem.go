// Package locmem keeps sessions in the memory of this process, as Django's
// django.core.cache.backends.locmem does. They end with the process, and no
// other process sees them.
//
// A store has two bounds, on the number of sessions and on the bytes they take.
// When a write goes over one, what has expired anywhere in the store makes room
// first, and then the session that was used least recently.
package locmem

import (
	"context"
	"hash/maphash"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// Open returns an engine on an empty store of its own. It needs no closing.
func Open(options ...Option) *cache.Engine { return cache.New(New(options...)) }

// Cache is a store in local memory. Its zero value is not ready: see [New]. It
// is safe for concurrent use.
//
// It keeps the dictionaries that it is handed, without copying them, and they
// must not be written to again.
type Cache struct {
	maxEntries, maxBytes int64

	seed   maphash.Seed
	shards [32]shard
	total  totals
	start  time.Time        // what uses are counted from
	now    func() time.Time // time.Now

	evicting sync.Mutex  // one at a time, or two would evict twice as much
	ticking  atomic.Bool // whether a sweep is due
}

var _ cache.Cache = (*Cache)(nil)

// Option changes the bounds of a store.
type Option func(*Cache)

// MaxEntries bounds the number of sessions. The default is 1,048,576, and so is
// what any n below 1 means.
func MaxEntries(n int) Option { return func(c *Cache) { c.maxEntries = atLeast1(n, c.maxEntries) } }

// MaxBytes bounds the approximate number of bytes that all sessions take with
// what it needs to keep them; see [cloakroom.Stats]. The default is 256 MiB, and
// so is what any n below 1 means. A session that takes more than that alone is
// refused with [cloakroom.ErrTooLarge].
func MaxBytes(n int) Option { return func(c *Cache) { c.maxBytes = atLeast1(n, c.maxBytes) } }

func atLeast1(n int, otherwise int64) int64 {
	if n < 1 {
		return otherwise
	}
	return int64(n)
}

// New returns an empty store.
func New(options ...Option) *Cache {
	c := &Cache{
		maxEntries: 1 << 20,
		maxBytes:   256 << 20,
		seed:       maphash.MakeSeed(),
		start:      time.Now(),
		now:        time.Now,
	}
	for i := range c.shards {
		c.shards[i] = shard{entries: map[string]*entry{}, total: &c.total}
	}
	for _, o := range options {
		o(c)
	}
	return c
}

func (c *Cache) shard(key string) *shard {
	return &c.shards[maphash.String(c.seed, key)%uint64(len(c.shards))]
}

// use is the moment of a use. It does not go back when the clock does.
func (c *Cache) use(now time.Time) time.Duration { return now.Sub(c.start) }

// Get implements [cache.Cache].
func (c *Cache) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now, s := c.now(), c.shard(key)
	s.mu.Lock()
	e := s.live(key, now)
	if e == nil {
		s.mu.Unlock()
		return nil, cloakroom.ErrNotFound
	}
	s.use(e, c.use(now))
	kept, expires := e.snapshot, e.expires
	s.mu.Unlock()
	return kept.record(expires), nil
}

// Add implements [cache.Cache].
func (c *Cache) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	kept, err := c.keep(ctx, key, r)
	if err != nil {
		return false, err
	}
	now, s := c.now(), c.shard(key)
	s.mu.Lock()
	if s.live(key, now) != nil {
		s.mu.Unlock()
		return false, nil
	}
	s.add(&entry{key: key, snapshot: kept, expires: r.Expires.Round(0), used: c.use(now)})
	s.mu.Unlock()

	r.Version = kept
	c.makeRoom(now)
	c.wake()
	return true, nil
}

// Swap implements [cache.Cache].
func (c *Cache) Swap(ctx context.Context, key string, r *cloakroom.Record) error {
	kept, err := c.keep(ctx, key, r)
	if err != nil {
		return err
	}
	now, s := c.now(), c.shard(key)
	if err := s.swap(key, kept, r, now, c.use(now)); err != nil {
		return err
	}
	r.Version = kept
	c.makeRoom(now)
	return nil
}

// Delete implements [cache.Cache].
func (c *Cache) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.remove(e)
	}
	return nil
}

// Touch implements [cache.Cache]. It leaves the version as it is.
func (c *Cache) Touch(ctx context.Context, key string, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now, s := c.now(), c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.live(key, now)
	if e == nil {
		return cloakroom.ErrGone
	}
	s.expire(e, expires)
	s.use(e, c.use(now))
	return nil
}

// List implements [cache.Cache]. To be listed is no use: it saves nothing from
// eviction.
func (c *Cache) List(ctx context.Context, prefix string) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for i := range c.shards {
			s := &c.shards[i]
			for _, key := range s.keys(prefix) {
				if err := ctx.Err(); err != nil {
					yield(nil, err)
					return
				}
				if r := s.peek(key, c.now()); r != nil && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Stats implements [cache.Cache].
func (c *Cache) Stats(ctx context.Context, prefix string) (cloakroom.Stats, error) {
	var st cloakroom.Stats
	if err := ctx.Err(); err != nil {
		return st, err
	}
	now := c.now()
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.sweep(now)
		for key, e := range s.entries {
			if strings.HasPrefix(key, prefix) {
				st.Live++
				st.Bytes += int64(e.snapshot.size)
			}
		}
		s.mu.Unlock()
	}
	return st, nil
}

// Ping implements [cloakroom.Pinger].
func (*Cache) Ping(ctx context.Context) error { return ctx.Err() }

// Describe implements [cloakroom.Describer].
func (*Cache) Describe() cloakroom.Description {
	return cloakroom.Description{BackEnd: "local memory", Location: "this process"}
}
