package enginetest

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
)

func expiredLoad(s *stage) {
	r := s.create(map[string]any{}, s.shortLife())
	other := s.create(map[string]any{}, time.Hour)
	s.load(r.Key)
	s.outlive(r.Expires)
	s.absent(r.Key)
	s.load(other.Key)
}

func expiredSave(s *stage) {
	r := s.create(map[string]any{}, s.shortLife())
	s.outlive(r.Expires)
	s.is("Save of an expired session", s.save(r, map[string]any{}), cloakroom.ErrGone)
	s.absent(r.Key)
}

func expiredTouch(s *stage) {
	r := s.create(map[string]any{}, s.shortLife())
	s.outlive(r.Expires)
	s.is("Touch of an expired session",
		s.engine.Touch(s.Context(), r.Key, time.Now().Add(time.Hour)), cloakroom.ErrGone)
	s.absent(r.Key)
}

func touchMovesExpiry(s *stage) {
	data := map[string]any{"n": int64(0)}
	longer, shorter, ended := s.create(data, s.shortLife()), s.create(data, time.Hour), s.create(data, time.Hour)
	s.touch(longer, time.Now().Add(time.Hour))
	s.touch(ended, time.Now().Add(-time.Hour))
	s.absent(ended.Key)
	soon := time.Now().Add(s.shortLife())
	s.touch(shorter, soon)
	s.outlive(longer.Expires)
	s.holds(longer.Key, data)
	s.outlive(soon)
	s.absent(shorter.Key)
}

// touchKeepsVersion: a request that only moved the expiry is in nobody's way.
func touchKeepsVersion(s *stage) {
	r := s.create(map[string]any{"n": int64(0)}, time.Hour)
	s.touch(r, time.Now().Add(2*time.Hour))
	if err := s.save(r, map[string]any{"n": int64(1)}); err != nil {
		s.Fatalf("Save at the version before Touch: %v", err)
	}
	s.holds(r.Key, map[string]any{"n": int64(1)})
}

func touchGone(s *stage) {
	r := s.create(map[string]any{}, time.Hour)
	s.delete(r.Key)
	for _, key := range []string{r.Key, cloakroom.NewKey()} {
		s.is("Touch", s.engine.Touch(s.Context(), key, time.Now().Add(time.Hour)), cloakroom.ErrGone)
		s.absent(key)
	}
}

// expiryIsAnInstant: neither the zone of the time nor its distance matters.
// (Memcached takes what is over 30 days for a date.)
func expiryIsAnInstant(s *stage) {
	for name, expires := range map[string]time.Time{
		"UTC":        time.Now().Add(time.Minute).UTC(),
		"far east":   time.Now().Add(time.Minute).In(time.FixedZone("", 14*3600)),
		"far west":   time.Now().Add(time.Minute).In(time.FixedZone("", -12*3600)),
		"two weeks":  time.Now().Add(14 * 24 * time.Hour),
		"two months": time.Now().Add(60 * 24 * time.Hour),
		"ten years":  time.Now().AddDate(10, 0, 0),
	} {
		began := time.Now()
		r := &cloakroom.Record{Data: map[string]any{}, Expires: expires}
		if err := s.engine.Create(s.Context(), r); err != nil {
			s.Fatalf("%s: Create: %v", name, err)
		}
		got, err := s.engine.Load(s.Context(), r.Key)
		if err != nil {
			s.Errorf("%s: Load: %v", name, err)
			continue
		}
		tolerance := max(s.inaccuracy(time.Since(began)), time.Millisecond)
		if off := got.Expires.Sub(expires).Abs(); !got.Expires.IsZero() && off > tolerance {
			s.Errorf("%s: Load says that it expires %v off", name, off)
		}
	}
}

func clearExpired(s *stage) {
	const expired, limit = 5, 2
	live := s.create(map[string]any{}, time.Hour)
	var last *cloakroom.Record
	for range expired {
		last = s.create(map[string]any{}, s.shortLife())
	}
	s.outlive(last.Expires)
	for _, step := range []struct{ limit, want int }{{0, 0}, {limit, 2}, {limit, 2}, {limit, 1}, {limit, 0}} {
		if s.ExpiresItself {
			step.want = 0
		}
		n, err := s.engine.ClearExpired(s.Context(), step.limit)
		if err != nil || n != step.want {
			s.Fatalf("ClearExpired(%d) = %d, %v; want %d", step.limit, n, err, step.want)
		}
	}
	s.load(live.Key)
	s.absent(last.Key)
}
