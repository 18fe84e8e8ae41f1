package memcached_test

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
	addr := shared(t).Addr
	l := fault.NewLossy(t, addr, "cas ")
	e, direct := openAt(t, "memcached://"+l.Addr), openAt(t, "memcached://"+addr)
	r := create(t, e, map[string]any{"n": int64(0)})

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
	r, err := e.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
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
