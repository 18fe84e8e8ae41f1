package enginetest

import (
	"context"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// fill creates live sessions numbered from 0.
func (s *stage) fill(count int) map[string]int64 {
	s.Helper()
	keys := make(map[string]int64, count)
	for i := range int64(count) {
		keys[s.create(map[string]any{"n": i}, time.Hour).Key] = i
	}
	return keys
}

func list(s *stage) {
	lister := as[cloakroom.Lister](s, "Lister")
	for _, err := range lister.List(s.Context()) {
		s.Fatalf("List of nothing yields a record or an error: %v", err)
	}
	expired := s.create(map[string]any{"expired": true}, s.shortLife())
	s.outlive(expired.Expires)

	count := s.count(3000)
	missing := s.fill(count)
	var last *cloakroom.Record
	for r, err := range lister.List(s.Context()) {
		if err != nil {
			s.Fatalf("List: %v", err)
		}
		i, ok := missing[r.Key]
		if !ok {
			s.Fatal("List yields a record twice, or one that is not live")
		}
		delete(missing, r.Key)
		if diff := difference(map[string]any{"n": i}, r.Data); diff != "" {
			s.Fatalf("List yields other data (-want +got):\n%s", diff)
		}
		last = r
	}
	if len(missing) > 0 {
		s.Fatalf("List misses %d of %d records", len(missing), count)
	}
	if err := s.save(last, map[string]any{"n": int64(-1)}); err != nil {
		s.Errorf("Save at the version that List gave: %v", err)
	}
}

func listStops(s *stage) {
	lister := as[cloakroom.Lister](s, "Lister")
	s.fill(100)
	seen := 0
	for _, err := range lister.List(s.Context()) {
		if err != nil {
			s.Fatalf("List: %v", err)
		}
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		s.Errorf("List yields %d of 100 records", seen)
	}
	// Whatever the iteration held is free again.
	s.fill(1)

	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	failed := false
	for _, err := range lister.List(ctx) {
		if failed {
			s.Fatal("List goes on after an error")
		}
		failed = err != nil
	}
	if !failed {
		s.Error("List with an ended context yields no error")
	}
}

// listWhileDeleting: logging out everybody is a loop over List.
func listWhileDeleting(s *stage) {
	lister := as[cloakroom.Lister](s, "Lister")
	keys := s.fill(100)
	for r, err := range lister.List(s.Context()) {
		if err != nil {
			s.Fatalf("List: %v", err)
		}
		s.delete(r.Key)
		delete(keys, r.Key)
	}
	if len(keys) > 0 {
		s.Errorf("List missed %d of 100 records while they were being deleted", len(keys))
	}
	for range lister.List(s.Context()) {
		s.Fatal("List yields what was deleted")
	}
}

func listPassesOverCorrupt(s *stage) {
	lister := as[cloakroom.Lister](s, "Lister")
	s.need(s.Corrupt != nil, "Config.Corrupt")
	missing := s.fill(10)
	bad := s.create(map[string]any{}, time.Hour)
	s.Corrupt(s.TB, s.engine, bad.Key)
	for r, err := range lister.List(s.Context()) {
		if err != nil {
			s.Fatalf("List: %v", err)
		}
		if r.Key == bad.Key {
			s.Error("List yields an unreadable record")
		}
		delete(missing, r.Key)
	}
	if len(missing) > 0 {
		s.Errorf("List misses %d records beside an unreadable one", len(missing))
	}
}

func stats(s *stage) {
	measurer := as[cloakroom.Measurer](s, "Measurer")
	measure := func() cloakroom.Stats {
		s.Helper()
		st, err := measurer.Stats(s.Context())
		if err != nil {
			s.Fatalf("Stats: %v", err)
		}
		return st
	}
	if st := measure(); st.Live != 0 || st.Expired != 0 || st.Corrupt != 0 {
		s.Errorf("Stats of nothing: %+v", st)
	}
	var last *cloakroom.Record
	for range 3 {
		last = s.create(map[string]any{}, s.shortLife())
	}
	s.outlive(last.Expires)
	s.fill(5)
	want := int64(3)
	if s.ExpiresItself {
		want = 0
	}
	if st := measure(); st.Live != 5 || st.Expired != want || st.Bytes <= 0 {
		s.Errorf("Stats: %+v, want 5 live, %d expired and some bytes", st, want)
	}
}

func statsCorrupt(s *stage) {
	measurer := as[cloakroom.Measurer](s, "Measurer")
	s.need(s.Corrupt != nil, "Config.Corrupt")
	r := s.create(map[string]any{}, time.Hour)
	s.Corrupt(s.TB, s.engine, r.Key)
	_, _ = s.engine.Load(s.Context(), r.Key)
	if st, err := measurer.Stats(s.Context()); err != nil || st.Corrupt != 1 {
		s.Errorf("Stats after one unreadable record: %+v, %v; want Corrupt 1", st, err)
	}
}

func ping(s *stage) {
	if err := as[cloakroom.Pinger](s, "Pinger").Ping(s.Context()); err != nil {
		s.Errorf("Ping: %v", err)
	}
}

func describe(s *stage) {
	d := as[cloakroom.Describer](s, "Describer").Describe()
	if d.Engine == "" || d.BackEnd == "" {
		s.Errorf("Describe: %+v, want the words for the engine and its back end", d)
	}
}
