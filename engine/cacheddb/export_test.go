package cacheddb

import (
	"context"
	"slices"
)

// Trust ends the probation that a new engine is on.
func (e *Engine) Trust() {
	for _, h := range e.servers {
		h.last.Store(h.now())
		h.trusted.Store(0)
	}
}

// Trusts reports whether the cache is believed.
func (e *Engine) Trusts() bool {
	return !slices.ContainsFunc(e.servers, func(h *health) bool { return h.isAway() || !h.isTrusted() })
}

// TrustsFor reports whether the server that has a session is believed.
func (e *Engine) TrustsFor(key string) bool {
	h := e.healthOf(key)
	return !h.isAway() && h.isTrusted()
}

// LeaveLease leaves a lease in the cache that nobody will take away.
func (e *Engine) LeaveLease(t interface{ Fatal(...any) }, key string) {
	if err := e.add(context.Background(), key, newLease()); err != nil {
		t.Fatal(err)
	}
}
