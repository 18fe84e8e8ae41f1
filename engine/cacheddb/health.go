package cacheddb

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long the cache has for an answer.
	patience = 500 * time.Millisecond

	// silence is how long nothing need be heard from the cache. It is shorter
	// than patience: nobody else can have given the cache up in so little time.
	silence = 400 * time.Millisecond

	// lastTry is how long a change waits for a cache that is thought to be away.
	lastTry = 50 * time.Millisecond

	// overtime is how long a visitor whose time is over is kept, so that the cache
	// forgets what it has to.
	overtime = 50 * time.Millisecond

	// probation is how long what the cache has is not believed after a silence:
	// others may have things to tell it first.
	probation = 2 * time.Second

	// retry is how often a cache that is away is tried.
	retry = 100 * time.Millisecond

	// djangosTurn is how long after the end of a session its entry is removed
	// again: a hundred times what Django takes from reading a row to filling the
	// cache with it, and more than it was ever seen to take.
	djangosTurn = 250 * time.Millisecond

	// maxOwed bounds the memory that an outage takes.
	maxOwed = 1 << 18
)

// health is whether a server of the cache answers, and what it still has to be
// told.
//
// When it falls silent a goroutine begins that tries it until it is back and
// knows everything, or until the engine is closed.
type health struct {
	front *front
	start time.Time

	away    atomic.Bool
	last    atomic.Int64 // when it was last heard, in nanoseconds from start
	trusted atomic.Int64 // from when on its entries are believed; never, while it owes an answer

	mu       sync.Mutex
	owed     map[string]struct{} // what it has to forget
	overflow bool                // and more than that
	mending  bool
	closed   chan struct{}
	mends    sync.WaitGroup
}

const never = math.MaxInt64

func newHealth(f *front) *health {
	h := &health{front: f, start: time.Now(), owed: map[string]struct{}{}, closed: make(chan struct{})}
	h.last.Store(math.MinInt64 / 2)
	return h
}

// errAway says that the cache was not asked, for it does not answer.
var errAway = errors.New("the cache does not answer")

// ask asks the server something, no longer than it is sensible to wait for it.
func (h *health) ask(ctx context.Context, do func(context.Context) error) error {
	return h.askFor(ctx, patience, do)
}

func (h *health) askFor(ctx context.Context, patience time.Duration, do func(context.Context) error) error {
	if h.isAway() {
		return errAway
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := do(short)
	switch {
	case answered(err):
		h.heard()
	case ctx.Err() == nil: // and nobody lost interest
		h.lost(err)
	}
	return err
}

func (h *health) now() int64 { return int64(time.Since(h.start)) }

func (h *health) isAway() bool { return h.away.Load() }

func (h *health) isTrusted() bool { return h.now() >= h.trusted.Load() }

// heard notes an answer.
func (h *health) heard() {
	now := h.now()
	if now-h.last.Swap(now) <= int64(silence) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.mending && !h.overflow {
		h.trusted.Store(now + int64(probation))
	}
}

// lost notes that there was none.
func (h *health) lost(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(err)
}

func (h *health) leave(err error) {
	h.away.Store(true)
	h.trusted.Store(never)
	if h.mending {
		return
	}
	select {
	case <-h.closed:
	default:
		h.mending = true
		h.mends.Go(h.mend)
		h.front.log.Warn(h.whoIsAway()+" does not answer; sessions are loaded from what is behind it", "error", err)
	}
}

// owe notes that the cache could not be told to forget something.
func (h *health) owe(key string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(key)
	h.leave(err)
}

func (h *health) note(key string) {
	if len(h.owed) < maxOwed {
		h.owed[key] = struct{}{}
	} else {
		h.overflow = true
	}
}

// mend waits for the cache, and tells it what it missed.
func (h *health) mend() {
	for {
		select {
		case <-h.closed:
			return
		case <-time.After(retry):
		}
		if h.answers() && h.settle() {
			return
		}
	}
}

// answers reports whether the server is well. One that is full, or has become a
// replica, answers a Ping, and takes nothing.
func (h *health) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := h.front.probe(ctx, h)
	return answered(err)
}

// whoIsAway is who, for the log.
func (h *health) whoIsAway() string {
	if len(h.front.servers) > 1 {
		return "a server of the cache"
	}
	return "the cache"
}

// settle lets the cache be asked again, tells it what it has to forget, and then
// has it trusted. It reports whether that is done.
func (h *health) settle() bool {
	h.mu.Lock()
	owed := h.owed
	h.owed = map[string]struct{}{}
	h.away.Store(false)
	h.mu.Unlock()
	for key := range owed {
		if err := h.front.drop(context.Background(), key); err != nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.leave(err)
			for key := range owed {
				h.note(key)
			}
			return false
		}
		delete(owed, key)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away.Load() {
		return false
	}
	h.mending = false
	if h.overflow {
		h.front.log.Error(h.whoIsAway() + " is back, but it missed more than can be remembered; every load is checked from now on (flush the cache, and restart)")
		return true
	}
	h.trusted.Store(h.now() + int64(probation))
	h.front.log.Info(h.whoIsAway() + " is back")
	return true
}

// later runs do when Django has had its turn, or the engine is closed.
func (h *health) later(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.closed:
		return
	default:
	}
	h.mends.Go(func() {
		select {
		case <-h.closed:
		case <-time.After(djangosTurn):
		}
		do()
	})
}

func (h *health) close() {
	h.mu.Lock()
	select {
	case <-h.closed:
	default:
		close(h.closed)
	}
	h.mu.Unlock()
	h.mends.Wait()
}
