package cloakroom

import (
	"context"
	"sync"
	"time"
)

// guesses notices when visitors bring many different keys that no session has.
// One that comes again and again, as from a page that polls on after its session
// has ended, counts once. The zero value is ready.
type guesses struct {
	mu    sync.Mutex
	until time.Time // the end of the period that is counted
	count int
	known onceEach
}

const (
	guessesPeriod = time.Minute
	manyGuesses   = 100 // different keys in a period
)

// many reports whether there are many with this one. It does so once a period at
// most, so that a flood of keys is none in the log.
func (g *guesses) many(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); !now.Before(g.until) {
		g.until, g.count, g.known = now.Add(guessesPeriod), 0, onceEach{}
	}
	if g.count == manyGuesses || !g.known.first(key) {
		return false
	}
	g.count++
	return g.count == manyGuesses
}

// unknown notes that a visitor brought a key that no session has. It takes nothing
// but a hash of it, and nobody is kept from asking again: after a cache has lost
// its sessions everybody's key is unknown, and no key can be guessed.
func (m *Manager) unknown(ctx context.Context, key string) {
	if m.guesses.many(key) {
		m.log.WarnContext(ctx, "visitors bring many keys that no session has: somebody guesses, or the storage has lost sessions",
			"keys", manyGuesses, "within", guessesPeriod)
	}
}
