package guarded

import (
	"context"
	"errors"
	"sync/atomic"
)

// room bounds how many calls are under way, and how many wait for that. Who came
// first goes first.
type room struct {
	turns      chan struct{} // one for each call under way
	waiting    atomic.Int64
	maxWaiting int64
	refused    atomic.Int64 // calls, for want of room or of a back end
}

func (g *guard) newRoom() *room {
	return &room{turns: make(chan struct{}, g.underWay), maxWaiting: int64(g.waiting)}
}

var errFull = errors.New("no room to wait")

// enter waits for a turn, for which leave has to be called. Its error is errFull
// or the context's.
func (r *room) enter(ctx context.Context) error {
	select {
	case r.turns <- struct{}{}:
		return nil
	default:
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > r.maxWaiting {
		return errFull
	}
	select {
	case r.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *room) leave() { <-r.turns }
