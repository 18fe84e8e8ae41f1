package enginetest

import (
	"context"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom-go/cloakroom"
)

// stage is where one promise is checked: a fresh engine, and what every check
// does with it.
type stage struct {
	testing.TB
	Config
	engine cloakroom.Engine
	late   time.Duration // the most that a call took which set an expiry
}

func newStage(t testing.TB, c Config) *stage {
	return &stage{TB: t, Config: c, engine: c.Open(t)}
}

// need fails the promise when the engine's test left out what it stands on.
func (s *stage) need(met bool, what string) {
	s.Helper()
	if !met {
		s.Fatalf("this promise needs %s: supply it, or say in Config.Waived why the promise cannot hold", what)
	}
}

// as returns the engine as one of the optional interfaces.
func as[T any](s *stage, what string) T {
	s.Helper()
	t, ok := cloakroom.As[T](s.engine)
	s.need(ok, "an engine that is a cloakroom."+what)
	return t
}

// create stores data for the given time.
func (s *stage) create(data map[string]any, life time.Duration) *cloakroom.Record {
	s.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(life)}
	s.expire("Create", func() error { return s.engine.Create(s.Context(), r) })
	return r
}

// touch moves the expiry of a session.
func (s *stage) touch(r *cloakroom.Record, expires time.Time) {
	s.Helper()
	s.expire("Touch", func() error { return s.engine.Touch(s.Context(), r.Key, expires) })
}

// expire runs a call that sets an expiry which outlive is to wait for.
func (s *stage) expire(op string, do func() error) {
	s.Helper()
	began := time.Now()
	if err := do(); err != nil {
		s.Fatalf("%s: %v", op, err)
	}
	s.late = max(s.late, time.Since(began))
}

func (s *stage) load(key string) *cloakroom.Record {
	s.Helper()
	r, err := s.engine.Load(s.Context(), key)
	if err != nil {
		s.Fatalf("Load: %v", err)
	}
	return r
}

// save saves changed data at the version of r, and leaves r alone.
func (s *stage) save(r *cloakroom.Record, data map[string]any) error {
	return s.engine.Save(s.Context(), changed(r, data, time.Now().Add(time.Hour)))
}

func changed(r *cloakroom.Record, data map[string]any, expires time.Time) *cloakroom.Record {
	return &cloakroom.Record{Key: r.Key, Data: data, Expires: expires, Version: r.Version}
}

// delete ends a session.
func (s *stage) delete(key string) {
	s.Helper()
	if err := s.engine.Delete(s.Context(), key); err != nil {
		s.Fatalf("Delete: %v", err)
	}
}

// holds checks what is kept under key.
func (s *stage) holds(key string, want map[string]any) {
	s.Helper()
	if diff := difference(want, s.load(key).Data); diff != "" {
		s.Fatalf("the data is not what was saved (-want +got):\n%s", diff)
	}
}

// absent checks that there is no session under key.
func (s *stage) absent(key string) {
	s.Helper()
	_, err := s.engine.Load(s.Context(), key)
	s.is("Load", err, cloakroom.ErrNotFound)
	if errors.Is(err, cloakroom.ErrCorrupt) {
		s.Fatalf("Load: %v, want a plain ErrNotFound", err)
	}
}

// is checks an error's kind: it has to match want and, apart from the cause of
// an outage, nothing else that callers tell apart.
func (s *stage) is(op string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("%s: error %v, want one that matches %q", op, err, want)
	}
	for _, other := range []error{
		cloakroom.ErrNotFound, cloakroom.ErrConflict, cloakroom.ErrGone, cloakroom.ErrUnavailable,
	} {
		if other != want && errors.Is(err, other) {
			s.Fatalf("%s: error %v matches %q as well as %q", op, err, other, want)
		}
	}
}

// shortLife is a lifetime long enough to act in and short enough to wait for.
func (s *stage) shortLife() time.Duration { return time.Second + s.ExpiryGranularity }

// outlive waits until a record with that expiry can no longer be found.
func (s *stage) outlive(expires time.Time) {
	time.Sleep(time.Until(expires) + s.inaccuracy(s.late) + 10*time.Millisecond)
}

// inaccuracy is how far off an expiry may be when the calls took that long.
func (s *stage) inaccuracy(calls time.Duration) time.Duration {
	if s.CountsDown {
		return s.ExpiryGranularity + calls
	}
	return s.ExpiryGranularity
}

// within runs an operation that has to come back in time.
func (s *stage) within(limit time.Duration, op string, do func() error) error {
	s.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		s.Fatalf("%s: not back after %v", op, limit)
		return nil
	}
}

// verb is one thing to ask an engine.
type verb struct {
	name string
	do   func(context.Context) error
}

// verbs is everything that asks the back end, the end of the session last.
func (s *stage) verbs(r *cloakroom.Record) []verb {
	e := s.engine
	vs := []verb{
		{"Load", func(ctx context.Context) error { _, err := e.Load(ctx, r.Key); return err }},
		{"Create", func(ctx context.Context) error {
			return e.Create(ctx, &cloakroom.Record{Data: r.Data, Expires: r.Expires})
		}},
		{"Save", func(ctx context.Context) error { return e.Save(ctx, changed(r, map[string]any{}, r.Expires)) }},
		{"Touch", func(ctx context.Context) error { return e.Touch(ctx, r.Key, r.Expires.Add(time.Hour)) }},
	}
	if !s.ExpiresItself {
		vs = append(vs, verb{"ClearExpired", func(ctx context.Context) error {
			_, err := e.ClearExpired(ctx, 1)
			return err
		}})
	}
	if a, ok := cloakroom.As[cloakroom.Adder](e); ok {
		vs = append(vs, verb{"Add", func(ctx context.Context) error {
			return a.Add(ctx, &cloakroom.Record{Key: cloakroom.NewKey(), Data: r.Data, Expires: r.Expires})
		}})
	}
	if l, ok := cloakroom.As[cloakroom.Lister](e); ok {
		vs = append(vs, verb{"List", func(ctx context.Context) error {
			for _, err := range l.List(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		}})
	}
	if p, ok := cloakroom.As[cloakroom.Pinger](e); ok {
		vs = append(vs, verb{"Ping", p.Ping})
	}
	if m, ok := cloakroom.As[cloakroom.Measurer](e); ok {
		vs = append(vs, verb{"Stats", func(ctx context.Context) error { _, err := m.Stats(ctx); return err }})
	}
	return append(vs, verb{"Delete", func(ctx context.Context) error { return e.Delete(ctx, r.Key) }})
}

// difference compares dictionaries by their plain values.
func difference(want, got map[string]any) string {
	return cmp.Diff(cloakroom.Plain(want), cloakroom.Plain(got),
		cmpopts.EquateEmpty(),
		cmpopts.EquateNaNs(),
		cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }))
}
