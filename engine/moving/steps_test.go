package moving_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/moving"
)

// stepper counts what is asked of both engines, and does something before one of
// these steps.
type stepper struct {
	at, steps int
	do        func()
	dead      bool // whoever takes the steps has ended
}

var errDead = errors.New("this process has ended")

func (s *stepper) step() error {
	if s.steps++; s.steps-1 == s.at && s.do != nil {
		s.do()
	}
	if s.dead {
		return errDead
	}
	return nil
}

// stepped is an engine that tells a stepper of every step.
type stepped struct {
	*cache.Engine
	*stepper
}

func (e stepped) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	return e.Engine.Load(ctx, key)
}

func (e stepped) Add(ctx context.Context, r *cloakroom.Record) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.Engine.Add(ctx, r)
}

func (e stepped) Create(ctx context.Context, r *cloakroom.Record) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.Engine.Create(ctx, r)
}

func (e stepped) Save(ctx context.Context, r *cloakroom.Record) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.Engine.Save(ctx, r)
}

func (e stepped) Delete(ctx context.Context, key string) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.Engine.Delete(ctx, key)
}

func (e stepped) Touch(ctx context.Context, key string, expires time.Time) error {
	if err := e.step(); err != nil {
		return err
	}
	return e.Engine.Touch(ctx, key, expires)
}

// scene is a session in the old, one who is watched doing something to it, and
// another who does something between two of the steps.
type scene struct {
	*testing.T
	stepper
	to, from cloakroom.Engine
	watched  *moving.Engine
	other    *moving.Engine
	key      string
	err      error // of what the watched one did
}

// deeds are all that moves a session.
var deeds = map[string]func(s *scene) error{
	"Save": func(s *scene) error {
		r, err := s.watched.Load(s.Context(), s.key)
		if err != nil {
			return err
		}
		return s.watched.Save(s.Context(), &cloakroom.Record{
			Key: s.key, Data: map[string]any{"n": r.Data["n"], "saved": true}, Expires: r.Expires.Add(time.Minute), Version: r.Version,
		})
	},
	"a short Save": func(s *scene) error {
		r, err := s.watched.Load(s.Context(), s.key)
		if err != nil {
			return err
		}
		return s.watched.Save(s.Context(), &cloakroom.Record{
			Key: s.key, Data: map[string]any{"n": r.Data["n"], "saved": true}, Expires: time.Now().Add(30 * time.Minute), Version: r.Version,
		})
	},
	"Touch": func(s *scene) error {
		return s.watched.Touch(s.Context(), s.key, time.Now().Add(2*time.Hour))
	},
	"Copy":         func(s *scene) error { return s.copy(moving.Options{Parallel: 1}) },
	"a Copy moves": func(s *scene) error { return s.copy(moving.Options{Parallel: 1, Move: true}) },
}

func (s *scene) copy(o moving.Options) error {
	_, err := moving.Copy(s.Context(), stepped{s.to.(*cache.Engine), &s.stepper}, stepped{s.from.(*cache.Engine), &s.stepper}, o)
	return err
}

// everywhere plays a scene as often as there are places between two steps, with
// do in each.
func everywhere(t *testing.T, deed string, do func(s *scene), check func(s *scene)) {
	t.Helper()
	for at, more := 0, true; more; at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to, from := locmem.Open(), locmem.Open()
				s := &scene{T: t, to: to, from: from}
				s.at, s.do = at, func() { do(s) }
				s.watched = move(t, stepped{to, &s.stepper}, stepped{from, &s.stepper}).Engine
				s.other = move(t, to, from).Engine
				r := &cloakroom.Record{Data: map[string]any{"n": int64(1)}, Expires: time.Now().Add(time.Hour)}
				if err := from.Create(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				s.key = r.Key
				s.err = deeds[deed](s)
				more = s.steps > at
				if !more {
					do(s)
				}
				check(s)
			})
		})
	}
}

// found is what everybody finds, now and when no marker is left.
func (s *scene) found() map[string]any {
	s.Helper()
	var data [2]map[string]any
	for i := range data {
		r, err := s.other.Load(s.Context(), s.key)
		switch {
		case err == nil:
			data[i] = r.Data
		case !errors.Is(err, cloakroom.ErrNotFound):
			s.Fatal(err)
		}
		time.Sleep(31 * time.Second)
	}
	if diff := cmp.Diff(data[0], data[1]); diff != "" {
		s.Errorf("it changes by itself:\n%s", diff)
	}
	return data[0]
}

// Whoever is logged out stays so, at whichever step of whatever moves the
// session.
func TestFlushAtEveryStep(t *testing.T) {
	t.Parallel()
	for deed := range deeds {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			everywhere(t, deed, func(s *scene) {
				if err := s.other.Delete(s.Context(), s.key); err != nil {
					s.Fatal(err)
				}
				if data := s.atOnce(); data != nil {
					s.Errorf("right after it ended: %v", data)
				}
			}, func(s *scene) {
				if s.err != nil && !errors.Is(s.err, cloakroom.ErrGone) && !errors.Is(s.err, cloakroom.ErrNotFound) {
					s.Error(s.err)
				}
				if data := s.found(); data != nil {
					s.Errorf("it is back: %v", data)
				}
			})
		})
	}
}

func (s *scene) atOnce() map[string]any {
	r, err := s.other.Load(s.Context(), s.key)
	if err != nil {
		return nil
	}
	return r.Data
}

// Whoever is found missing half-way through a logout, at whichever step of whatever
// moves the session, does not turn up again.
func TestMissingStaysMissing(t *testing.T) {
	t.Parallel()
	for deed := range deeds {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			missing := false
			everywhere(t, deed, func(s *scene) {
				if err := s.from.Delete(s.Context(), s.key); err != nil {
					s.Fatal(err)
				}
				missing = s.atOnce() == nil
			}, func(s *scene) {
				if data := s.atOnce(); missing && data != nil {
					s.Errorf("it was missing, and is back: %v", data)
				}
			})
		})
	}
}

// Nobody is logged out by whoever ends at whichever step, and the session can be
// saved and ended by others.
func TestEndAtEveryStep(t *testing.T) {
	t.Parallel()
	for deed := range deeds {
		for what, then := range map[string]func(s *scene){
			"found": func(*scene) {},
			"saved": func(s *scene) {
				if err := s.increment(s.other); err != nil {
					s.Error(err)
				}
				if n := s.atOnce()["n"]; n != int64(2) {
					s.Errorf("n is %v", n)
				}
			},
			"copied": func(s *scene) {
				if _, err := moving.Copy(s.Context(), s.to, s.from, moving.Options{}); err != nil {
					s.Error(err)
				}
				if r, err := s.to.Load(s.Context(), s.key); err != nil || r.Data["n"] != int64(1) {
					s.Errorf("%v, %v", r, err)
				}
			},
		} {
			t.Run(deed+" "+what, func(t *testing.T) {
				t.Parallel()
				everywhere(t, deed, func(s *scene) { s.dead = true }, func(s *scene) {
					if data := s.atOnce(); data == nil {
						s.Fatal("it is gone")
					}
					then(s)
					s.found()
					if s.atOnce() == nil {
						s.Fatal("it is gone when the marker is")
					}
					if err := s.other.Delete(s.Context(), s.key); err != nil {
						s.Fatal(err)
					}
					if data := s.found(); data != nil {
						s.Errorf("it is back: %v", data)
					}
				})
			})
		}
	}
}

// increment adds 1, as a Manager does.
func (s *scene) increment(e cloakroom.Engine) error {
	for range 100 {
		r, err := e.Load(s.Context(), s.key)
		if err != nil {
			return err
		}
		data := maps.Clone(r.Data)
		data["n"] = r.Data["n"].(int64) + 1
		err = e.Save(s.Context(), &cloakroom.Record{Key: s.key, Data: data, Expires: r.Expires, Version: r.Version})
		if !errors.Is(err, cloakroom.ErrConflict) {
			return err
		}
	}
	return cloakroom.ErrConflict
}

// What somebody saves meanwhile is not lost, and the session is found throughout.
func TestSaveAtEveryStep(t *testing.T) {
	t.Parallel()
	for deed := range deeds {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			everywhere(t, deed, func(s *scene) {
				if err := s.increment(s.other); err != nil {
					s.Errorf("saving meanwhile: %v", err)
				}
			}, func(s *scene) {
				if s.err != nil && !errors.Is(s.err, cloakroom.ErrConflict) {
					s.Error(s.err)
				}
				// Nobody but the Save knew of n what it was before.
				data := s.found()
				if n := data["n"]; n != int64(2) {
					s.Errorf("n is %v, and what was saved is lost (%v)", n, s.err)
				}
				if s.err != nil && data["saved"] != nil {
					s.Errorf("it says %v, and yet it saved", s.err)
				}
			})
		})
	}
}

// A load finds the session at whichever step it moves.
func TestLoadWhileItMoves(t *testing.T) {
	t.Parallel()
	for at := range 4 {
		synctest.Test(t, func(t *testing.T) {
			to, from := locmem.Open(), locmem.Open()
			s := &scene{T: t, to: to, from: from}
			s.other = move(t, to, from).Engine
			s.watched = move(t, stepped{to, &s.stepper}, stepped{from, &s.stepper}).Engine
			r := &cloakroom.Record{Data: map[string]any{"n": int64(1)}, Expires: time.Now().Add(time.Hour)}
			if err := from.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			s.key, s.at = r.Key, at
			s.do = func() {
				if err := s.increment(s.other); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.watched.Load(t.Context(), s.key); err != nil {
				t.Errorf("moved before step %d: %v", at, err)
			}
		})
	}
}
