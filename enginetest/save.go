package enginetest

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// save: the version that Create, Load and Save leave in the record is good for
// the next save.
func save(s *stage) {
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	step := func(data map[string]any) {
		s.Helper()
		r.Data, r.Expires = data, time.Now().Add(time.Hour)
		if err := s.engine.Save(s.Context(), r); err != nil {
			s.Fatalf("Save: %v", err)
		}
		s.holds(r.Key, data)
	}
	step(map[string]any{"n": int64(1)})
	step(map[string]any{"n": int64(2)})
	step(map[string]any{"n": int64(2)})
	step(map[string]any{})
	r = s.load(r.Key)
	step(map[string]any{"n": int64(3)})
	step(map[string]any{"n": int64(4)})
}

// saveConflict: who saves at a version that is not the last changes nothing,
// however often it tries.
func saveConflict(s *stage) {
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	loaded := s.load(r.Key)
	winner := map[string]any{"winner": true}
	if err := s.save(r, winner); err != nil {
		s.Fatalf("Save: %v", err)
	}
	made := *r
	made.Version = nil
	for what, stale := range map[string]*cloakroom.Record{
		"created": r, "loaded": loaded, "made without a version": &made,
	} {
		late := changed(stale, map[string]any{"late": true}, time.Now().Add(time.Hour))
		for range 2 {
			s.is(what+": Save", s.engine.Save(s.Context(), late), cloakroom.ErrConflict)
			s.holds(r.Key, winner)
		}
	}
}

// saveGone: a session that was flushed stays so.
func saveGone(s *stage) {
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	loaded := s.load(r.Key)
	s.delete(r.Key)
	for range 2 {
		for _, stale := range []*cloakroom.Record{r, loaded, {Key: r.Key}} {
			s.is("Save after Delete", s.save(stale, map[string]any{"revived": true}), cloakroom.ErrGone)
			s.absent(r.Key)
		}
	}
	never := &cloakroom.Record{Key: cloakroom.NewKey(), Version: r.Version}
	s.is("Save of what was never created", s.save(never, map[string]any{}), cloakroom.ErrGone)
	s.absent(never.Key)
}

// saveEnds: saving with an expiry in the past ends the session, if nobody saved
// in between.
func saveEnds(s *stage) {
	past := time.Now().Add(-time.Hour)
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	stale := s.load(r.Key)
	winner := map[string]any{"winner": true}
	r.Data = winner
	if err := s.engine.Save(s.Context(), r); err != nil {
		s.Fatalf("Save: %v", err)
	}
	s.is("Save in the past at an old version",
		s.engine.Save(s.Context(), changed(stale, stale.Data, past)), cloakroom.ErrConflict)
	s.holds(r.Key, winner)
	if err := s.engine.Save(s.Context(), changed(r, winner, past)); err != nil {
		s.Fatalf("Save in the past: %v", err)
	}
	s.absent(r.Key)
	s.is("Save after the end", s.save(r, winner), cloakroom.ErrGone)
	s.is("Save in the past after the end",
		s.engine.Save(s.Context(), changed(r, winner, past)), cloakroom.ErrGone)
}

func saveMovesExpiry(s *stage) {
	longer := s.create(map[string]any{}, s.shortLife())
	shorter := s.create(map[string]any{}, time.Hour)
	first := longer.Expires
	if err := s.save(longer, map[string]any{}); err != nil {
		s.Fatalf("Save: %v", err)
	}
	soon := time.Now().Add(s.shortLife())
	s.expire("Save", func() error { return s.engine.Save(s.Context(), changed(shorter, map[string]any{}, soon)) })
	s.outlive(first)
	s.load(longer.Key)
	s.outlive(soon)
	s.absent(shorter.Key)
}
