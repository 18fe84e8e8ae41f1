package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

func corrupt(s *stage) {
	s.need(s.Corrupt != nil, "Config.Corrupt")
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	s.Corrupt(s.TB, s.engine, r.Key)
	_, err := s.engine.Load(s.Context(), r.Key)
	s.is("Load of an unreadable record", err, cloakroom.ErrNotFound)
	if !errors.Is(err, cloakroom.ErrCorrupt) {
		s.Errorf("Load of an unreadable record: %v does not match ErrCorrupt", err)
	}
	s.delete(r.Key)
	s.absent(r.Key)
}

// outage: a back end that cannot be asked is told from one that has nothing, in
// time, and is used again once it is back.
func outage(s *stage) {
	s.need(s.Break != nil, "Config.Break")
	const deadline, slack = 500 * time.Millisecond, time.Second
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	restore := s.Break(s.TB, s.engine)
	for _, v := range s.verbs(r) {
		ctx, cancel := context.WithTimeout(s.Context(), deadline)
		err := s.within(deadline+slack, v.name, func() error { return v.do(ctx) })
		cancel()
		s.is(v.name+" during an outage", err, cloakroom.ErrUnavailable)
	}
	restore()

	recovered := time.Now().Add(10 * time.Second)
	again := &cloakroom.Record{Data: r.Data, Expires: r.Expires}
	for {
		err := s.engine.Create(s.Context(), again)
		if err == nil {
			break
		}
		s.is("Create after an outage", err, cloakroom.ErrUnavailable)
		if time.Now().After(recovered) {
			s.Fatalf("no recovery within 10 s: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.holds(again.Key, r.Data)
	if d, ok := cloakroom.As[cloakroom.Describer](s.engine); ok && d.Describe().Persistent {
		s.holds(r.Key, r.Data)
	}
}

// endedContext: what nobody waits for any more is not begun.
func endedContext(s *stage) {
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	cancelled, cancel := context.WithCancel(s.Context())
	cancel()
	expired, cancel := context.WithDeadline(s.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, expired} {
		for _, v := range s.verbs(r) {
			err := s.within(time.Second, v.name, func() error { return v.do(ctx) })
			if !errors.Is(err, ctx.Err()) && !errors.Is(err, cloakroom.ErrUnavailable) {
				s.Errorf("%s with an ended context (%v): error %v", v.name, ctx.Err(), err)
			}
			for _, kind := range []error{cloakroom.ErrNotFound, cloakroom.ErrGone, cloakroom.ErrConflict} {
				if errors.Is(err, kind) {
					s.Errorf("%s with an ended context (%v) claims %q", v.name, ctx.Err(), kind)
				}
			}
		}
	}
	s.holds(r.Key, r.Data)
}

// kinds are the sentinel values that an error may match.
var kinds = []error{
	cloakroom.ErrNotFound, cloakroom.ErrConflict, cloakroom.ErrGone, cloakroom.ErrTooLarge,
	cloakroom.ErrUnavailable, cloakroom.ErrUnencodable, cloakroom.ErrConfig,
}

// errorsNameNoSecret: an error says who failed at what, and tells neither the
// session key nor what is in the session.
func errorsNameNoSecret(s *stage) {
	const marker = "the visitor's secret"
	secret := map[string]any{marker: marker, "list": []any{marker}}
	check := func(r *cloakroom.Record, op string, err error) {
		s.Helper()
		if err == nil {
			return // for another promise to find
		}
		for _, secret := range []string{marker, r.Key} {
			if strings.Contains(err.Error(), secret) {
				s.Errorf("%s: the error tells the session's key or data", op)
			}
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return
		}
		named, ok := errors.AsType[*cloakroom.Error](err)
		if !ok || named.Engine == "" || named.Op == "" || !slices.Contains(kinds, named.Kind) {
			s.Errorf("%s: error %v is no *cloakroom.Error with Engine, Op and Kind", op, err)
		}
	}

	r := s.create(secret, time.Hour)
	stale := s.load(r.Key)
	if err := s.engine.Save(s.Context(), r); err != nil {
		s.Fatalf("Save: %v", err)
	}
	check(r, "Save at an old version", s.save(stale, secret))
	_, err := s.engine.Load(s.Context(), "../"+marker)
	check(r, "Load of a wrong key", err)
	check(r, "Save of what cannot be stored", s.save(r, map[string]any{marker: []any{marker, make(chan int)}}))
	ended, cancel := context.WithCancel(s.Context())
	cancel()
	for _, v := range s.verbs(r) {
		check(r, v.name+" with an ended context", v.do(ended))
	}
	s.delete(r.Key)
	check(r, "Save after Delete", s.save(r, secret))
	check(r, "Touch after Delete", s.engine.Touch(s.Context(), r.Key, r.Expires))
	_, err = s.engine.Load(s.Context(), r.Key)
	check(r, "Load after Delete", err)

	if s.Corrupt != nil {
		r = s.create(secret, time.Hour)
		s.Corrupt(s.TB, s.engine, r.Key)
		_, err = s.engine.Load(s.Context(), r.Key)
		check(r, "Load of an unreadable record", err)
	}
	if s.Break != nil {
		r = s.create(secret, time.Hour)
		restore := s.Break(s.TB, s.engine)
		defer restore()
		for _, v := range s.verbs(r) {
			ctx, cancel := context.WithTimeout(s.Context(), 500*time.Millisecond)
			check(r, v.name+" during an outage", v.do(ctx))
			cancel()
		}
	}
}
