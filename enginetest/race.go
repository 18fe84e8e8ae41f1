package enginetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/history"
)

// handles are the engine and, where it can be had, a second one on its store.
func (s *stage) handles() []cloakroom.Engine {
	if s.Second == nil {
		return []cloakroom.Engine{s.engine, s.engine}
	}
	return []cloakroom.Engine{s.engine, s.Second(s.TB, s.engine)}
}

// noLostUpdate: writers of different names in one session, each trying again on
// a conflict, lose nothing.
func noLostUpdate(s *stage) {
	const writers = 8
	rounds := s.count(200)
	r := s.create(map[string]any{}, time.Hour)
	handles := s.handles()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			e, name := handles[w%2], fmt.Sprint("writer ", w)
			for range rounds {
				if err := s.increment(e, r.Key, name); err != nil {
					s.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	want := map[string]any{}
	for w := range writers {
		want[fmt.Sprint("writer ", w)] = int64(rounds)
	}
	if diff := difference(want, s.load(r.Key).Data); diff != "" {
		s.Errorf("updates were lost (-want +got):\n%s", diff)
	}
}

// increment adds 1 to a number in the session, whatever others do meanwhile.
func (s *stage) increment(e cloakroom.Engine, key, name string) error {
	const patience = 1000
	for attempt := range patience {
		r, err := e.Load(s.Context(), key)
		if err != nil {
			return err
		}
		data, _ := cloakroom.Plain(r.Data).(map[string]any)
		n, _ := data[name].(int64)
		data = maps.Clone(data)
		data[name] = n + 1
		err = e.Save(s.Context(), changed(r, data, time.Now().Add(time.Hour)))
		if !errors.Is(err, cloakroom.ErrConflict) {
			return err
		}
		time.Sleep(rand.N(time.Duration(min(attempt+1, 20)) * 100 * time.Microsecond))
	}
	return fmt.Errorf("still in conflict after %d attempts", patience)
}

// noResurrection: once Delete has returned, no save or touch that was under way
// brings the session back.
func noResurrection(s *stage) {
	const workers = 8
	trials := s.trials()
	handles := s.handles()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range (trials + w) / workers {
				if err := s.flushDuringSave(handles[0], handles[1]); err != nil {
					s.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// trials is how often a flush races with a save.
func (s *stage) trials() int {
	text, ok := os.LookupEnv(trialsVariable)
	switch n, err := strconv.Atoi(text); {
	case ok && err != nil:
		s.Fatalf("%s=%q is no number", trialsVariable, text)
	case ok:
		return n
	case s.Trials != 0:
		return s.Trials
	}
	return s.count(2000)
}

// linearizable: whatever clients do to a few sessions at the same time, each is as
// if they had done it one after the other.
func linearizable(s *stage) {
	_, moved := s.Waived["TouchKeepsVersion"]
	handles, histories := s.handles(), 1
	if _, wanted := os.LookupEnv(trialsVariable); wanted {
		histories = max(1, s.trials()/100)
	}
	for range histories {
		h := history.New(history.Options{Handles: handles, MovedByTouch: moved})
		h.Run(s.Context(), 300)
		if err := h.Check(); err != nil {
			s.Fatal(err)
		}
	}
}

// trialsVariable asks for all that can be tried.
const trialsVariable = "CLOAKROOM_TRIALS"

// count is how many of all are tried: a quarter for those who wait for the tests,
// and a tenth with -short.
func (s *stage) count(all int) int {
	switch _, wanted := os.LookupEnv(trialsVariable); {
	case wanted:
		return all
	case testing.Short():
		return all / 10
	}
	return all / 4
}

// flushDuringSave deletes a session at one handle while it is saved and touched
// at the other.
func (s *stage) flushDuringSave(here, there cloakroom.Engine) error {
	ctx, hour := s.Context(), time.Now().Add(time.Hour)
	r := &cloakroom.Record{Data: map[string]any{"n": int64(0)}, Expires: hour}
	if err := here.Create(ctx, r); err != nil {
		return err
	}
	late := changed(r, map[string]any{"n": int64(1)}, hour)

	var saved, touched error
	var under sync.WaitGroup
	start := make(chan struct{})
	under.Go(func() { <-start; saved = there.Save(ctx, late) })
	under.Go(func() { <-start; touched = there.Touch(ctx, r.Key, hour.Add(time.Hour)) })
	close(start)
	deleted := here.Delete(ctx, r.Key)
	_, atOnce := here.Load(ctx, r.Key)
	under.Wait()
	_, atLast := here.Load(ctx, r.Key)

	_, touchConflicts := s.Waived["TouchKeepsVersion"]
	switch {
	case deleted != nil:
		return fmt.Errorf("deleting during a save: %w", deleted)
	case !errors.Is(atOnce, cloakroom.ErrNotFound), !errors.Is(atLast, cloakroom.ErrNotFound):
		return fmt.Errorf("the session is back: Load after Delete: %w; when all were done: %w", atOnce, atLast)
	case touched != nil && !errors.Is(touched, cloakroom.ErrGone):
		return fmt.Errorf("touching during a delete: %w, want ErrGone or none", touched)
	case saved != nil && !errors.Is(saved, cloakroom.ErrGone) && !(touchConflicts && errors.Is(saved, cloakroom.ErrConflict)):
		return fmt.Errorf("saving during a delete: %w, want ErrGone or none", saved)
	}
	return nil
}
