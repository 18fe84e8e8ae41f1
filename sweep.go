package cloakroom

import (
	"context"
	"iter"
)

// Sweeper is an Engine that knows a better way through a large backlog than to
// be asked to ClearExpired again and again.
type Sweeper interface {
	// Sweep deletes what has expired in steps, until nothing is left. Each is a
	// transaction of at most limit() records, and yields how many it deleted,
	// which may be none; the next begins when the loop's body is done. What is
	// deleted stays so, wherever it ends. After an error it stops.
	Sweep(ctx context.Context, limit func() int) iter.Seq2[int, error]
}

// Sweep has e delete everything that has expired, as [Sweeper] says. An engine
// that is none is asked to ClearExpired until nothing is left.
func Sweep(ctx context.Context, e Engine, limit func() int) iter.Seq2[int, error] {
	if s, ok := As[Sweeper](e); ok {
		return s.Sweep(ctx, limit)
	}
	return func(yield func(int, error) bool) {
		for {
			n, err := e.ClearExpired(ctx, limit())
			if n == 0 && err == nil || !yield(n, err) || err != nil {
				return
			}
		}
	}
}
