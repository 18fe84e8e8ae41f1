package enginetest

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
)

func deleteOnce(s *stage) {
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	other := s.create(map[string]any{"n": int64(1)}, time.Hour)
	s.load(r.Key)
	for range 2 {
		s.delete(r.Key)
		s.absent(r.Key)
	}
	s.delete(cloakroom.NewKey())
	s.holds(other.Key, other.Data)
}

// deleteEverywhere: whoever logs in or out at one handle has done so at all.
func deleteEverywhere(s *stage) {
	s.need(s.Second != nil, "Config.Second")
	there := *s
	there.engine = s.Second(s.TB, s.engine)

	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	loaded := there.load(r.Key)
	there.holds(r.Key, r.Data)
	if err := s.save(r, map[string]any{"n": int64(1)}); err != nil {
		s.Fatalf("Save: %v", err)
	}
	there.holds(r.Key, map[string]any{"n": int64(1)})
	s.is("Save elsewhere", there.save(loaded, map[string]any{}), cloakroom.ErrConflict)

	s.delete(r.Key)
	there.absent(r.Key)
	s.is("Save elsewhere after Delete", there.save(loaded, map[string]any{}), cloakroom.ErrGone)
	s.is("Touch elsewhere after Delete",
		there.engine.Touch(s.Context(), r.Key, time.Now().Add(time.Hour)), cloakroom.ErrGone)
	there.absent(r.Key)
	s.absent(r.Key)
}
