package fault

import (
	"errors"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// CheckLostAnswer has the connection of through, an engine that reaches its server
// by l, break after a save was carried out and before it was acknowledged. Another
// engine is direct on the same server.
func CheckLostAnswer(t *testing.T, l *Lossy, through, direct cloakroom.Engine) {
	t.Helper()
	r := &cloakroom.Record{Data: map[string]any{"n": int64(0)}, Expires: time.Now().Add(time.Hour)}
	// From the first save on Redis knows the script of all others.
	if err := errors.Join(through.Create(t.Context(), r), through.Save(t.Context(), r)); err != nil {
		t.Fatal(err)
	}
	r.Data = map[string]any{"n": int64(1)}
	l.Lose()
	if err := through.Save(t.Context(), r); err != nil {
		t.Errorf("a save that was carried out: %v", err)
	}
	if !l.Lost() {
		t.Error("no answer was lost")
	}

	// When somebody else has saved by now, nobody knows whether this was saved
	// before: as a conflict it would be made once more.
	r, err := through.Load(t.Context(), r.Key) // Memcached tells the version only then
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
	if err := through.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrUnavailable) || errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save of which nobody knows: %v", err)
	}
	if err := through.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save that came too late: %v", err)
	}
}
