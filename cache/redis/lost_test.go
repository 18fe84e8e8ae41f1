package redis_test

import (
	"errors"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/fault"
)

// The connection breaks after a save was carried out and before it was
// acknowledged.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	s := shared(t)
	l := fault.NewLossy(t, s.Addr, "EVALSHA")
	e, direct := open(t, "redis://"+l.Addr, apart(t)), open(t, "redis://"+s.Addr, apart(t))
	r := create(t, e)
	if err := e.Save(t.Context(), r); err != nil { // the script is known from here
		t.Fatal(err)
	}

	r.Data = map[string]any{"n": int64(1)}
	l.Lose()
	if err := e.Save(t.Context(), r); err != nil {
		t.Errorf("a save that was carried out: %v", err)
	}
	if !l.Lost() {
		t.Error("no answer was lost")
	}

	// When somebody else has saved by now, nobody knows whether this was saved
	// before: as a conflict it would be made once more.
	other, err := direct.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	other.Data = map[string]any{"n": int64(2)}
	if err := direct.Save(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r.Data = map[string]any{"n": int64(3)}
	l.Lose()
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrUnavailable) || errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save of which nobody knows: %v", err)
	}
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save that came too late: %v", err)
	}
}
