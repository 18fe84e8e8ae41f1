package cacheddb

import (
	"context"
	"errors"
	"sync"

	"github.com/cloakroom-go/cloakroom"
)

// misses has loads of one session that is not in the cache share one way to the
// store: a cache that has lost what it had is filled again without a run on the
// database.
//
// Nobody shares what began before he asked, for a session may have ended since:
// who comes while a load is under way waits, and shares the next, which as a rule
// finds the cache filled. That is what tells it from
// golang.org/x/sync/singleflight, which would hand out what was read before.
type misses struct {
	mu       sync.Mutex
	underWay map[string]*miss
}

type miss struct {
	done   chan struct{} // closed once record and err are final
	record *cloakroom.Record
	err    error
}

func newMisses() *misses { return &misses{underWay: map[string]*miss{}} }

// load is fetch, shared. The record is the caller's own.
func (m *misses) load(ctx context.Context, key string, fetch func(context.Context, string) (*cloakroom.Record, error)) (*cloakroom.Record, error) {
	var before *miss // the one that was under way when we came
	for {
		m.mu.Lock()
		current := m.underWay[key]
		if current == nil {
			current = &miss{done: make(chan struct{}), err: context.Canceled}
			m.underWay[key] = current
			m.mu.Unlock()
			defer m.end(key, current)
			current.record, current.err = fetch(ctx, key)
			return current.result()
		}
		m.mu.Unlock()
		if before == nil {
			before = current
		}
		select {
		case <-current.done:
		case <-ctx.Done():
			return nil, tooLate("load", ctx.Err())
		}
		if current != before && !current.abandoned() {
			return current.result()
		}
	}
}

func (m *misses) end(key string, one *miss) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.underWay, key)
	close(one.done)
}

// abandoned reports that whoever loaded had no more time, which others may have.
func (one *miss) abandoned() bool {
	return errors.Is(one.err, context.Canceled) || errors.Is(one.err, context.DeadlineExceeded)
}

func (one *miss) result() (*cloakroom.Record, error) {
	if one.err != nil {
		return nil, one.err
	}
	own := *one.record
	return &own, nil
}
