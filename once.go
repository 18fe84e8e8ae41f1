package cloakroom

import (
	"hash/maphash"
	"sync"
)

// onceEach tells what it has not been asked about before, so that a damaged
// record is logged once and not on every click. It keeps hashes only, and
// forgets them all rather than grow.
type onceEach struct {
	mu   sync.Mutex
	seed maphash.Seed
	seen map[uint64]struct{}
}

const onceEachLimit = 4096

func (o *onceEach) first(s string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil || len(o.seen) >= onceEachLimit {
		o.seed, o.seen = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	hash := maphash.String(o.seed, s)
	_, before := o.seen[hash]
	o.seen[hash] = struct{}{}
	return !before
}
