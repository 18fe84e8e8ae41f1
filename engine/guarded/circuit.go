package guarded

import (
	"sync/atomic"
	"time"
)

const (
	// run is how many calls in a row have to fail before the circuit opens.
	run = 5

	// quiet is how long the back end must not have answered anybody by then. Of
	// several servers one may be away: its failures come in runs, and between
	// them the others answer.
	quiet = 100 * time.Millisecond

	// probeEvery is how often a call is let through an open circuit, whatever
	// became of the one before: a frozen back end keeps that waiting.
	probeEvery = 500 * time.Millisecond
)

// circuit is a circuit breaker. While it is closed nobody waits for a lock.
type circuit struct {
	start    time.Time
	failures atomic.Int64 // in a row
	heard    atomic.Int64 // when the back end last answered, in nanoseconds from start
	again    atomic.Int64 // when it is asked again; 0 while the circuit is closed
}

func newCircuit() *circuit { return &circuit{start: time.Now()} }

func (c *circuit) now() int64 { return int64(time.Since(c.start)) }

// wait is how long nobody may ask the back end; 0 when somebody may.
func (c *circuit) wait() time.Duration {
	again := c.again.Load()
	if again == 0 {
		return 0
	}
	return time.Duration(max(again-c.now(), 0))
}

// pass is wait for one who asks when it is 0: others then wait for the next turn.
func (c *circuit) pass() time.Duration {
	for {
		again := c.again.Load()
		if again == 0 {
			return 0
		}
		now := c.now()
		if now < again {
			return time.Duration(again - now)
		}
		if c.again.CompareAndSwap(again, now+int64(probeEvery)) {
			return 0
		}
	}
}

// answered closes the circuit, and reports whether it was open.
func (c *circuit) answered() bool {
	c.heard.Store(c.now())
	if c.failures.Load() != 0 {
		c.failures.Store(0)
	}
	return c.again.Load() != 0 && c.again.Swap(0) != 0
}

// failed reports whether that opened the circuit.
func (c *circuit) failed() bool {
	now := c.now()
	if c.failures.Add(1) < run || now-c.heard.Load() < int64(quiet) {
		return false
	}
	return c.again.CompareAndSwap(0, now+int64(probeEvery))
}
