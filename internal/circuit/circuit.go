// Package circuit is a circuit breaker: it tells when a server is away, so that
// nobody waits for it, and when to find out whether it is back.
package circuit

import (
	"sync/atomic"
	"time"
)

const (
	// run is how many calls in a row have to fail before the circuit opens.
	run = 5

	// quiet is how long the server must not have answered anybody by then. Of
	// several servers one may be away: its failures come in runs, and between
	// them the others answer.
	quiet = 100 * time.Millisecond

	// probeEvery is how often a call is let through an open circuit, whatever
	// became of the one before: a frozen server keeps that waiting.
	probeEvery = 500 * time.Millisecond
)

// Breaker is a circuit breaker. It is safe for concurrent use; while it is closed
// nobody waits for a lock. Make one with [New].
type Breaker struct {
	start    time.Time
	failures atomic.Int64 // in a row
	heard    atomic.Int64 // when the server last answered, in nanoseconds from start
	again    atomic.Int64 // when it is asked again; 0 while the circuit is closed
}

// New returns a closed one.
func New() *Breaker { return &Breaker{start: time.Now()} }

func (b *Breaker) now() int64 { return int64(time.Since(b.start)) }

// IsClosed reports whether everybody may ask the server.
func (b *Breaker) IsClosed() bool { return b.again.Load() == 0 }

// Wait is how long nobody may ask the server; 0 when somebody may.
func (b *Breaker) Wait() time.Duration {
	again := b.again.Load()
	if again == 0 {
		return 0
	}
	return time.Duration(max(again-b.now(), 0))
}

// Pass is Wait for one who asks when it is 0: others then wait for the next turn.
func (b *Breaker) Pass() time.Duration {
	for {
		again := b.again.Load()
		if again == 0 {
			return 0
		}
		now := b.now()
		if now < again {
			return time.Duration(again - now)
		}
		if b.again.CompareAndSwap(again, now+int64(probeEvery)) {
			return 0
		}
	}
}

// Answered closes the circuit, and reports whether it was open.
func (b *Breaker) Answered() bool {
	b.heard.Store(b.now())
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
	return b.again.Load() != 0 && b.again.Swap(0) != 0
}

// Failed counts a call that the server left unanswered, and reports whether that
// opened the circuit.
func (b *Breaker) Failed() bool {
	now := b.now()
	if b.failures.Add(1) < run || now-b.heard.Load() < int64(quiet) {
		return false
	}
	return b.again.CompareAndSwap(0, now+int64(probeEvery))
}
