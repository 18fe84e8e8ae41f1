package enginetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// elsewhere is a version as another engine has them.
type elsewhere struct{ _ []byte }

// taken is a session as another engine has it.
func taken(data map[string]any) *cloakroom.Record {
	return &cloakroom.Record{
		Key: cloakroom.NewKey(), Data: data,
		Expires: time.Now().Add(time.Hour), Version: elsewhere{},
	}
}

// add: a session from another engine is found under its own key, and its version
// is good for the next save.
func add(s *stage) {
	adder := as[cloakroom.Adder](s, "Adder")
	r := taken(everyKind())
	key := r.Key
	s.absent(key) // and whatever that leaves behind is in nobody's way
	if err := adder.Add(s.Context(), r); err != nil {
		s.Fatalf("Add: %v", err)
	}
	if r.Key != key {
		s.Fatal("Add changed the key")
	}
	s.holds(key, everyKind())
	if err := s.save(r, map[string]any{"n": int64(1)}); err != nil {
		s.Fatalf("Save at the version that Add gave: %v", err)
	}
	s.holds(key, map[string]any{"n": int64(1)})
	s.delete(key)
	s.absent(key)
	s.is("Save after Delete", s.save(r, map[string]any{}), cloakroom.ErrGone)
}

// addConflict: what is there already stays as it is.
func addConflict(s *stage) {
	adder := as[cloakroom.Adder](s, "Adder")
	live := s.create(map[string]any{"whose": "another's"}, time.Hour)
	late := taken(map[string]any{"late": true})
	late.Key = live.Key
	for range 2 {
		s.is("Add", adder.Add(s.Context(), late), cloakroom.ErrConflict)
		s.holds(live.Key, live.Data)
	}
	if err := s.save(live, map[string]any{"n": int64(1)}); err != nil {
		s.Errorf("Save after Add: %v", err)
	}
}

func addExpired(s *stage) {
	adder := as[cloakroom.Adder](s, "Adder")
	expired := s.create(map[string]any{}, s.shortLife())
	s.outlive(expired.Expires)
	r := taken(map[string]any{"n": int64(1)})
	r.Key = expired.Key
	if err := adder.Add(s.Context(), r); err != nil {
		s.Fatalf("Add in place of what has expired: %v", err)
	}
	s.holds(r.Key, r.Data)
}

func addWrongKeys(s *stage) {
	adder := as[cloakroom.Adder](s, "Adder")
	for name, key := range map[string]string{
		"empty": "", "31 letters": cloakroom.NewKey()[1:], "path": "../../../../../../etc/passwd/../", "signed": "a:b:c",
	} {
		r := taken(map[string]any{})
		r.Key = key
		s.is(name+": Add", adder.Add(s.Context(), r), cloakroom.ErrUnencodable)
		s.absent(key)
	}
}

// addOnce: of all who add a session under one key, one does.
func addOnce(s *stage) {
	const adders, rounds = 8, 25
	handles := s.handles()
	for range rounds {
		key := cloakroom.NewKey()
		var added atomic.Int64
		winner := int64(-1)
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range int64(adders) {
			adder, ok := cloakroom.As[cloakroom.Adder](handles[i%2])
			s.need(ok, "an engine that is a cloakroom.Adder")
			r := taken(map[string]any{"adder": i})
			r.Key = key
			all.Go(func() {
				<-start
				switch err := adder.Add(s.Context(), r); {
				case err == nil:
					added.Add(1)
					atomic.StoreInt64(&winner, i)
				case !errors.Is(err, cloakroom.ErrConflict):
					s.Errorf("Add: %v, want none or ErrConflict", err)
				}
			})
		}
		close(start)
		all.Wait()
		if added.Load() != 1 {
			s.Fatalf("%d of %d added a session under one key, want 1", added.Load(), adders)
		}
		s.holds(key, map[string]any{"adder": winner})
	}
}

// holds: what an engine says that it holds comes back as it was, and what it does
// not is named by a clear error.
func holds(s *stage) {
	adder := as[cloakroom.Adder](s, "Adder")
	if err := adder.Holds(everyKind()); err != nil {
		s.Errorf("Holds of what all serializers know: %v", err)
	}
	for name, v := range map[string]any{
		"time": time.Date(2031, 2, 3, 4, 5, 6, 789_000, time.UTC), "bytes": []byte("\x00\xff\x80"),
	} {
		data := map[string]any{"list": []any{map[string]any{"deep": v}}}
		if err := adder.Holds(data); err != nil {
			s.is(fmt.Sprintf("Holds of %s", name), err, cloakroom.ErrUnencodable)
			continue
		}
		r := taken(data)
		if err := adder.Add(s.Context(), r); err != nil {
			s.Fatalf("%s: Add: %v", name, err)
		}
		s.holds(r.Key, data)
	}
}
