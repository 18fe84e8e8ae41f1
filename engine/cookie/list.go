package cookie

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// List is where the names of ended sessions are kept until every cookie of
// theirs has run out. Every cache that package engine/cache stands on is one.
// All processes that accept the cookies must share it.
//
// It must not forget before: what it forgets is logged in again. Whoever begins
// sessions and ends them fills it, so a store that then throws the oldest out,
// as Memcached does, lets a patient thief back in. Redis with the policy
// noeviction refuses instead, and so does the logout.
//
// A List is safe for concurrent use and honours the deadline of its context.
type List interface {
	// Add keeps r under key until r.Expires. If there is something under key
	// already it answers false.
	Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error)

	// Get returns what is kept under key. The error is [cloakroom.ErrNotFound]
	// when there is nothing.
	Get(ctx context.Context, key string) (*cloakroom.Record, error)
}

// Keeper is an engine that keeps its sessions on a server, such as db or file.
type Keeper interface {
	cloakroom.Engine
	cloakroom.Adder
}

// ListIn is a List in an engine that has its secret keys: each name is the key of
// an empty session there. Unlike a cache, a database throws nothing out before
// its time.
func ListIn(e Keeper) List { return listIn{e} }

type listIn struct{ Keeper }

func (l listIn) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	listed := *r
	listed.Key = strings.TrimPrefix(key, listPrefix)
	err := l.Keeper.Add(ctx, &listed)
	if errors.Is(err, cloakroom.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

func (l listIn) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	return l.Load(ctx, strings.TrimPrefix(key, listPrefix))
}

// listPrefix begins the names on the list, in the manner of Django's caches.
const listPrefix = ":1:cloakroom.signed_cookies.ended"

// overlap is how long a session stays on the list beyond what its last cookie
// can live: for clocks that differ, and saves that were under way.
const overlap = 5 * time.Minute

// end puts a session on the list. The error is ErrGone if it was there already.
func (e *Engine) end(ctx context.Context, op string, t ticket) error {
	if e.list == nil {
		return nil
	}
	until := time.Now().Add(e.maxAge + overlap)
	added, err := e.list.Add(ctx, listPrefix+t.id(), &cloakroom.Record{Data: map[string]any{}, Expires: until})
	if err == nil && !added {
		return &cloakroom.Error{Engine: name, Op: op, Kind: cloakroom.ErrGone}
	}
	return unavailable(op, err)
}

// ended reports whether a session is on the list. What cannot be read is there.
func (e *Engine) ended(ctx context.Context, op string, t ticket) (bool, error) {
	if e.list == nil {
		return false, nil
	}
	_, err := e.list.Get(ctx, listPrefix+t.id())
	switch {
	case err == nil, errors.Is(err, cloakroom.ErrCorrupt):
		return true, nil
	case errors.Is(err, cloakroom.ErrNotFound):
		return false, nil
	}
	return false, unavailable(op, err)
}
