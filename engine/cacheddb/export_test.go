package cacheddb

import "context"

// Trust ends the probation that a new engine is on.
func (e *Engine) Trust() {
	e.health.last.Store(e.health.now())
	e.health.trusted.Store(0)
}

// Trusts reports whether the cache is believed.
func (e *Engine) Trusts() bool { return !e.health.isAway() && e.health.isTrusted() }

// LeaveLease leaves a lease in the cache that nobody will take away.
func (e *Engine) LeaveLease(t interface{ Fatal(...any) }, key string) {
	if err := e.add(context.Background(), e.nameOf(key), newLease()); err != nil {
		t.Fatal(err)
	}
}
