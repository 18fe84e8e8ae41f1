package locmem

import (
	"container/heap"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// shard is the part of a store that one lock guards.
type shard struct {
	mu       sync.Mutex
	entries  map[string]*entry
	byExpiry expiries
	newest   *entry // by use
	oldest   *entry
	total    *totals
}

// totals is what all shards of a store keep.
type totals struct{ entries, bytes atomic.Int64 }

// entry is one session. Its snapshot is replaced, never changed.
type entry struct {
	key          string
	snapshot     *snapshot
	expires      time.Time // without a monotonic reading: it is a date
	used         time.Duration
	newer, older *entry
	index        int // in byExpiry
}

// live returns what is under key, if it has not expired.
func (s *shard) live(key string, now time.Time) *entry {
	e := s.entries[key]
	if e != nil && !e.expires.After(now) {
		s.remove(e)
		return nil
	}
	return e
}

func (s *shard) add(e *entry) {
	s.entries[e.key] = e
	heap.Push(&s.byExpiry, e)
	s.link(e)
	s.account(1, e.snapshot.size)
}

func (s *shard) remove(e *entry) {
	delete(s.entries, e.key)
	heap.Remove(&s.byExpiry, e.index)
	s.unlink(e)
	s.account(-1, -e.snapshot.size)
}

func (s *shard) account(entries, bytes int) {
	s.total.entries.Add(int64(entries))
	s.total.bytes.Add(int64(bytes))
}

// swap replaces the snapshot that r was read at.
func (s *shard) swap(key string, kept *snapshot, r *cloakroom.Record, now time.Time, used time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.live(key, now)
	if e == nil {
		return cloakroom.ErrGone
	}
	if read, _ := r.Version.(*snapshot); read != e.snapshot {
		return cloakroom.ErrConflict
	}
	s.account(0, kept.size-e.snapshot.size)
	e.snapshot = kept
	s.expire(e, r.Expires)
	s.use(e, used)
	return nil
}

// expire moves the expiry of e.
func (s *shard) expire(e *entry, expires time.Time) {
	e.expires = expires.Round(0)
	heap.Fix(&s.byExpiry, e.index)
}

// use makes e the newest.
func (s *shard) use(e *entry, used time.Duration) {
	e.used = used
	if s.newest != e {
		s.unlink(e)
		s.link(e)
	}
}

func (s *shard) link(e *entry) {
	e.newer, e.older = nil, s.newest
	if s.newest != nil {
		s.newest.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

func (s *shard) unlink(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
}

// sweep removes what has expired.
func (s *shard) sweep(now time.Time) {
	removed := false
	for len(s.byExpiry) > 0 && !s.byExpiry[0].expires.After(now) {
		s.remove(s.byExpiry[0])
		removed = true
	}
	if removed && len(s.entries) == 0 {
		// Both keep the room that they once needed.
		s.entries, s.byExpiry = map[string]*entry{}, nil
	}
}

func (s *shard) keys(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.entries))
	for key := range s.entries {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// peek returns what is under key without using it.
func (s *shard) peek(key string, now time.Time) *cloakroom.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.live(key, now)
	if e == nil {
		return nil
	}
	r := e.snapshot.record(e.expires)
	r.Key = key
	return r
}

// expiries is a heap with the next to expire on top.
type expiries []*entry

func (h expiries) Len() int           { return len(h) }
func (h expiries) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *expiries) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *expiries) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
