package locmem

import (
	"time"
	"weak"
)

// sweepEvery is how long what has expired stays in memory at most.
const sweepEvery = 10 * time.Second

// full reports whether the store is over a bound.
func (c *Cache) full() bool {
	return c.total.entries.Load() > c.maxEntries || c.total.bytes.Load() > c.maxBytes
}

// makeRoom brings the store back within its bounds after a write.
func (c *Cache) makeRoom(now time.Time) {
	if !c.full() {
		return
	}
	c.evicting.Lock()
	defer c.evicting.Unlock()
	for c.full() {
		c.evict(now)
	}
}

// evict removes what has expired anywhere and, if that is not enough, the entry
// of the whole store that was used least recently.
func (c *Cache) evict(now time.Time) {
	var from *shard
	var used time.Duration
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.sweep(now)
		if e := s.oldest; e != nil && (from == nil || e.used < used) {
			from, used = s, e.used
		}
		s.mu.Unlock()
	}
	if from == nil || !c.full() {
		return
	}
	from.mu.Lock()
	defer from.mu.Unlock()
	// Unless somebody used it meanwhile: then it is another's turn.
	if e := from.oldest; e != nil && e.used == used {
		from.remove(e)
	}
}

// sweep removes what has expired anywhere.
func (c *Cache) sweep(now time.Time) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.sweep(now)
		s.mu.Unlock()
	}
}

// wake sees to it that the store is swept for as long as there is something in
// it. The timer does not keep alive a store that nobody has any more.
func (c *Cache) wake() {
	if !c.ticking.CompareAndSwap(false, true) {
		return
	}
	store := weak.Make(c)
	time.AfterFunc(sweepEvery, func() {
		if c := store.Value(); c != nil {
			c.tick()
		}
	})
}

func (c *Cache) tick() {
	c.sweep(c.now())
	c.ticking.Store(false)
	if c.total.entries.Load() > 0 {
		c.wake()
	}
}
