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
func (e *Engine) ask(ctx context.Context, op string, s server, repeat bool, call func(context.Context) error) error {
	began := time.Now()
	if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(began) > e.timeout {
		limited, cancel := context.WithTimeout(ctx, e.timeout)
		defer cancel()
		ctx = limited
	}
	verdict, err := e.try(ctx, op, s, call)
	if repeat && verdict == failed && time.Since(began) < e.soon() && e.pause(ctx) {
		_, err = e.try(ctx, op, s, call)
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

func (e *Engine) try(ctx context.Context, op string, s server, call func(context.Context) error) (verdict, error) {
	if wait := s.circuit.Wait(); wait > 0 {
		return nothing, e.away(op, s.room, wait)
	}
	if err := s.room.enter(ctx); err != nil {
		return nothing, s.room.crowded(op, err)
	}
	defer s.room.leave()
	if ctx.Err() != nil { // or the turn that finds out whether the back end is back goes to one who asks nothing
		return nothing, late(op, ctx.Err())
	}
	if wait := s.circuit.Pass(); wait > 0 { // it may have opened meanwhile
		return nothing, e.away(op, s.room, wait)
	}
	began := time.Now()
	err := call(ctx)
	v := judge(ctx, err, time.Since(began) < e.soon())
	if v == answered && err != nil && e.carries {
		v = nothing // that the cookie is no session needs no back end
	}
	switch {
	case v == answered && s.circuit.Answered():
		e.log.InfoContext(ctx, e.whatIsAway()+" is back")
	case v == failed && s.circuit.Failed():
		e.log.WarnContext(ctx, e.whatIsAway()+" is away; requests are answered without it until it is back", "error", err)
	}
	return v, late(op, err)
}

// late has an outage in place of a deadline that is over.
func late(op string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cloakroom.ErrUnavailable) {
		return unavailable(op, err, "the session storage did not answer in time", "look at the back end's load, or raise WithTimeout")
	}
	return err
}

func (g *guard) whatIsAway() string {
	if len(g.servers) > 1 {
		return "a server of the session storage"
	}
	return "the session storage"
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

func (g *guard) away(op string, r *room, wait time.Duration) error {
	r.refused.Add(1)
	return unavailable(op, nil, g.whatIsAway()+" is away; asked again in "+roundUp(wait).String(), "see that the back end runs")
}

// crowded is the error of a call that did not get its turn.
func (r *room) crowded(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the visitor did not wait
	}
	r.refused.Add(1)
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
