// Package history records what clients ask of an engine and what they are told,
// and finds out whether it is linearizable, session by session: whether all of it
// could have happened one after the other, each at a moment between question and
// answer.
package history

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/cloakroom-go/cloakroom"
)

// Options say what clients may meet.
type Options struct {
	// Handles are engines on one back end. The clients share them out.
	Handles []cloakroom.Engine

	// MovedByTouch says that touching a session may be a conflict for who has
	// loaded it.
	MovedByTouch bool

	// Faults says that the back end may fail. Who is told that it did knows
	// nothing: what was asked may take place at any later time, or never. Asking
	// again is safe with a touch, and so it may take place twice, and no expiry
	// tells anything. Keys are not used again, since the same holds for a delete.
	Faults bool

	// Timeout is how long an operation may take; 0 is for ever.
	Timeout time.Duration

	// Pace is how long a client rests after each operation, and ten times as long
	// after one that failed.
	Pace time.Duration
}

// History is what was asked and answered. It is safe for concurrent use.
type History struct {
	Options
	epoch  time.Time
	clock  atomic.Int64 // counts questions and answers, in their order
	values atomic.Int64 // no two writes write the same

	mu         sync.Mutex
	keys       [sessions]string // in use
	operations map[string][]porcupine.Operation
	losses     []porcupine.Operation
	failures   []error // that no engine may answer with
}

const (
	clients  = 8
	sessions = 3 // at a time, so that clients meet
)

// New returns an empty history.
func New(o Options) *History {
	return &History{Options: o, epoch: time.Now().Add(time.Hour), operations: map[string][]porcupine.Operation{}}
}

// Run has clients use a few sessions, until they have done so many operations or
// ctx has ended.
func (h *History) Run(ctx context.Context, operations int) {
	var all sync.WaitGroup
	for i := range clients {
		c := &client{History: h, id: i, engine: h.Handles[i%len(h.Handles)], known: map[string]known{}}
		if !h.Faults {
			c.adder, _ = cloakroom.As[cloakroom.Adder](c.engine)
		}
		all.Go(func() {
			for range operations / clients {
				if ctx.Err() != nil {
					return
				}
				c.act(context.WithoutCancel(ctx))
			}
		})
	}
	all.Wait()
}

// Lose records that the back end loses everything while it is done.
func (h *History) Lose(do func()) {
	lost := porcupine.Operation{ClientId: clients, Input: question{verb: lose}, Output: answer{told: done}, Call: h.clock.Add(1)}
	do()
	lost.Return = h.clock.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.losses = append(h.losses, lost)
}

// Operations is how many were recorded.
func (h *History) Operations() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range h.operations {
		n += len(of)
	}
	return n
}

// Unknown is of how many of them nobody knows whether they took place.
func (h *History) Unknown() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range h.operations {
		for _, one := range of {
			if one.Output.(answer).told == nothing {
				n++
			}
		}
	}
	return n
}

// record asks, and records what was asked and answered.
func (h *History) record(ctx context.Context, client int, q question, ask func(ctx context.Context, q *question) (answer, error)) answer {
	if h.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.Timeout)
		defer cancel()
	}
	called := h.clock.Add(1)
	runtime.Gosched() // or clients of an engine in memory would never meet
	a, err := ask(ctx, &q)
	a.told = toldBy(err)
	returned := h.clock.Add(1)

	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case a.told == "", a.told == nothing && !h.Faults:
		h.failures = append(h.failures, fmt.Errorf("%v: %w", q.verb, err))
	case a.told == nothing && (q.verb == load || q.verb == touch || q.key == ""):
		// It leaves nothing behind that anybody could find.
	default:
		h.operations[q.key] = append(h.operations[q.key], porcupine.Operation{
			ClientId: client, Input: q, Output: a, Call: called, Return: returned,
		})
	}
	return a
}

// toldBy is what an engine tells by an error, and empty where it may not.
func toldBy(err error) told {
	switch {
	case err == nil:
		return done
	case errors.Is(err, cloakroom.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return nothing
	case errors.Is(err, cloakroom.ErrCorrupt):
		return ""
	case errors.Is(err, cloakroom.ErrNotFound), errors.Is(err, cloakroom.ErrGone):
		return missing
	case errors.Is(err, cloakroom.ErrConflict):
		return conflict
	}
	return ""
}

// Check returns an error if the history is not linearizable.
func (h *History) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	errs := h.failures
	for _, of := range h.operations {
		errs = append(errs, check(model(h.Options), append(of, h.losses...)))
	}
	return errors.Join(errs...)
}
