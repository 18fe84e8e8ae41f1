package clearing

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// kinds are the requests of the load, and how many a second of each.
var kinds = []kind{
	{"load", 4, 100, func(ctx context.Context, e cloakroom.Engine, keys []string) (time.Duration, error) {
		start := time.Now()
		_, err := e.Load(ctx, keys[rand.IntN(len(keys))])
		return time.Since(start), err
	}},
	{"save", 4, 30, func(ctx context.Context, e cloakroom.Engine, keys []string) (time.Duration, error) {
		r, err := e.Load(ctx, keys[rand.IntN(len(keys))])
		if err != nil {
			return 0, err
		}
		changed := *r
		changed.Data = sessionData()
		changed.Expires = time.Now().Add(sessionAge)
		start := time.Now()
		err = e.Save(ctx, &changed)
		return time.Since(start), err
	}},
	{"create", 4, 30, func(ctx context.Context, e cloakroom.Engine, _ []string) (time.Duration, error) {
		start := time.Now()
		err := e.Create(ctx, &cloakroom.Record{Data: sessionData(), Expires: time.Now().Add(sessionAge)})
		return time.Since(start), err
	}},
}

// kind is one kind of request: so many workers send it, each at most so often a
// second.
type kind struct {
	name    string
	workers int
	rate    int
	do      func(ctx context.Context, e cloakroom.Engine, keys []string) (time.Duration, error)
}

const sessionAge = 14 * 24 * time.Hour

// latencies are those of one kind's requests, and how many failed.
type latencies struct {
	took   []time.Duration
	failed int
	err    error // the first
}

// load sends requests until it is told to stop.
type load struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	seen    map[string]*latencies
}

func startLoad(ctx context.Context, e cloakroom.Engine, keys []string) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{stop: stop, seen: map[string]*latencies{}}
	for _, k := range kinds {
		l.seen[k.name] = &latencies{}
		for w := range k.workers {
			// No two workers save the same session.
			share := keys[len(keys)*w/k.workers : len(keys)*(w+1)/k.workers]
			l.running.Go(func() { l.work(ctx, k, e, share) })
		}
	}
	return l
}

// work sends one request after the other. One that is late because the one
// before it took long began when it was due.
func (l *load) work(ctx context.Context, k kind, e cloakroom.Engine, keys []string) {
	every := time.Second / time.Duration(k.rate)
	due := time.Now().Add(rand.N(every))
	for {
		late := time.Since(due)
		if late < 0 {
			select {
			case <-time.After(-late):
			case <-ctx.Done():
				return
			}
			late = 0
		}
		took, err := k.do(context.WithoutCancel(ctx), e, keys)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		seen := l.seen[k.name]
		seen.took = append(seen.took, late+took)
		if err != nil {
			seen.failed++
			if seen.err == nil {
				seen.err = err
			}
		}
		l.mu.Unlock()
		due = due.Add(every)
		if time.Since(due) > every {
			due = time.Now()
		}
	}
}

// take returns what was seen since the last take.
func (l *load) take() map[string]*latencies {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = map[string]*latencies{}
	for name := range seen {
		l.seen[name] = &latencies{}
	}
	return seen
}

func (l *load) end() {
	l.stop()
	l.running.Wait()
}

func (l *latencies) add(other *latencies) {
	l.took = append(l.took, other.took...)
	l.failed += other.failed
	if l.err == nil {
		l.err = other.err
	}
}

// at is the latency that the given share of requests did not exceed.
func (l *latencies) at(share float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	slices.Sort(l.took)
	return l.took[min(len(l.took)-1, int(share*float64(len(l.took))))]
}
