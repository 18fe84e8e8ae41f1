package enginetest

import (
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

func createFreshKeys(s *stage) {
	count := s.count(1000)
	keys := make(map[string]int64, count)
	for i := range int64(count) {
		r := s.create(map[string]any{"n": i}, time.Hour)
		if !cloakroom.ValidKey(r.Key) {
			s.Fatalf("Create made a key of the wrong shape, %d bytes", len(r.Key))
		}
		if _, twice := keys[r.Key]; twice {
			s.Fatalf("Create made the same key twice in %d", i+1)
		}
		keys[r.Key] = i
	}
	for key, i := range keys {
		s.holds(key, map[string]any{"n": i})
	}
}

// createIgnoresKey: neither a key that a client invented nor one that another
// session has is adopted.
func createIgnoresKey(s *stage) {
	other := s.create(map[string]any{"whose": "another's"}, time.Hour)
	for _, key := range []string{cloakroom.NewKey(), other.Key, "invented"} {
		r := &cloakroom.Record{Key: key, Data: map[string]any{}, Expires: time.Now().Add(time.Hour)}
		if err := s.engine.Create(s.Context(), r); err != nil {
			s.Fatalf("Create: %v", err)
		}
		if r.Key == key {
			s.Errorf("Create adopted the key it was given")
		}
		if key != other.Key {
			s.absent(key)
		}
	}
	s.holds(other.Key, other.Data)
}

func wrongKeys(s *stage) {
	live := s.create(map[string]any{}, time.Hour).Key
	huge := strings.Repeat("a", 1<<20)
	expires := time.Now().Add(time.Hour)
	for name, key := range map[string]string{
		"empty":      "",
		"31 letters": live[:31],
		"33 letters": live + "a",
		"upper case": strings.ToUpper(live[:16]) + strings.Repeat("A", 16),
		"NUL":        live[:31] + "\x00",
		"newline":    live[:31] + "\n",
		"path":       "../../../../../../etc/passwd/../",
		"quotes":     `' or '1'='1' or ""="" -- ;drop `,
		"wildcards":  strings.Repeat("%", 31) + "*",
		"not UTF-8":  strings.Repeat("\xff", 32),
		"1 MB":       huge,
	} {
		s.absent(key)
		if err := s.engine.Delete(s.Context(), key); err != nil {
			s.Errorf("%s: Delete: %v", name, err)
		}
		s.is(name+": Touch", s.engine.Touch(s.Context(), key, expires), cloakroom.ErrGone)
		r := &cloakroom.Record{Key: key, Data: map[string]any{}, Expires: expires}
		s.is(name+": Save", s.engine.Save(s.Context(), r), cloakroom.ErrGone)
		s.absent(key)
	}
	s.load(live)

	// No attacker makes the back end work with a cookie that cannot be a key.
	began := time.Now()
	for range 1000 {
		s.absent(huge)
	}
	if took := time.Since(began); took > time.Second {
		s.Errorf("1000 loads of a 1 MB key took %v: look at its shape first", took)
	}
}
