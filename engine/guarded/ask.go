package guarded

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Whether a call may be carried out twice.
const (
	once       = false
	repeatable = true
)

// ask carries a call out, within the deadline and the limits.
func (g *guard) ask(ctx context.Context, op string, repeat bool, call func(context.Context) error) error {
	began := time.Now()
	if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(began) > g.timeout {
		limited, cancel := context.WithTimeout(ctx, g.timeout)
		defer cancel()
		ctx = limited
	}
	verdict, err := g.try(ctx, op, call)
	if repeat && verdict == failed && time.Since(began) < g.soon() && g.pause(ctx) {
		_, err = g.try(ctx, op, call)
	}
	return err
}

// soon is how long a call is no long one: what fails within it may be repeated,
// and a caller who gives no more learns nothing about the back end.
func (g *guard) soon() time.Duration { return g.timeout / 10 }

// pause gives the back end a moment, unpredictably long so that those who failed
// together do not come back together. It reports whether there is time left.
func (g *guard) pause(ctx context.Context) bool {
	select {
	case <-time.After(rand.N(g.soon() / 4)):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// verdict is what a call tells about the back end.
type verdict int

const (
	nothing verdict = iota
	answered
	failed
)

func (g *guard) try(ctx context.Context, op string, call func(context.Context) error) (verdict, error) {
	if wait := g.circuit.Wait(); wait > 0 {
		return nothing, g.away(op, wait)
	}
	if err := g.room.enter(ctx); err != nil {
		return nothing, g.crowded(op, err)
	}
	defer g.room.leave()
	if wait := g.circuit.Pass(); wait > 0 { // it may have opened meanwhile
		return nothing, g.away(op, wait)
	}
	began := time.Now()
	err := call(ctx)
	v := judge(ctx, err, time.Since(began) < g.soon())
	switch {
	case v == answered && g.circuit.Answered():
		g.log.InfoContext(ctx, "the session storage is back")
	case v == failed && g.circuit.Failed():
		g.log.WarnContext(ctx, "the session storage is away; requests are answered without it until it is back", "error", err)
	}
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cloakroom.ErrUnavailable) {
		err = unavailable(op, err, "the session storage did not answer in time", "look at the back end's load, or raise WithTimeout")
	}
	return v, err
}

func judge(ctx context.Context, err error, soon bool) verdict {
	switch {
	case err == nil, errors.Is(err, cloakroom.ErrNotFound), errors.Is(err, cloakroom.ErrConflict), errors.Is(err, cloakroom.ErrGone):
		return answered
	case errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return nothing
	case errors.Is(err, context.DeadlineExceeded):
		if soon {
			return nothing
		}
		return failed
	case errors.Is(err, cloakroom.ErrUnavailable):
		return failed
	}
	return nothing // it may have failed before the back end was asked
}

func (g *guard) away(op string, wait time.Duration) error {
	g.room.refused.Add(1)
	return unavailable(op, nil, "the session storage is away; asked again in "+roundUp(wait).String(), "see that the back end runs")
}

// crowded is the error of a call that did not get its turn.
func (g *guard) crowded(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the visitor did not wait
	}
	g.room.refused.Add(1)
	if errors.Is(err, errFull) {
		err = nil
	}
	return unavailable(op, err, "too many requests wait for the session storage", "look at the back end's load, or raise WithLimits")
}

func unavailable(op string, err error, reason, mend string) error {
	return &cloakroom.Error{Engine: "guard", Op: op, Kind: cloakroom.ErrUnavailable, Reason: reason, Mend: mend, Err: err}
}

func roundUp(d time.Duration) time.Duration {
	const unit = 10 * time.Millisecond
	return (d + unit - 1).Truncate(unit)
}
