package file_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/internal/processes"
)

func TestMain(m *testing.M) {
	processes.Main(m, openProcess, map[string]processes.Role{"use": useOnce})
}

func openProcess(ctx context.Context, dir string) (cloakroom.Engine, error) {
	e, err := file.Open(ctx, "file://"+dir)
	if err != nil {
		return nil, err
	}
	return e.WithSecretKeys(secret), nil
}

func TestTwoProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	processes.LoseNothing(t, e, location(e))
	if left := names(t, location(e)); len(left) != 1 {
		t.Errorf("%d files are there, want 1", len(left))
	}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	e := open(t, t.TempDir())
	acknowledged := processes.Acknowledged{}
	for range 3 {
		acknowledged.SaveUntil(t, location(e), func(p *os.Process) { _ = p.Kill() })
	}
	acknowledged.Check(t, e, 3)
	tidied(t, e, len(acknowledged))
}

// tidied checks that ClearExpired removes what was left behind, once it is old.
func tidied(t *testing.T, e *file.Engine, sessions int) {
	t.Helper()
	for _, name := range names(t, location(e)) {
		if strings.Contains(name, "_out_") {
			age(t, location(e)+"/"+name)
		}
	}
	if n, err := e.ClearExpired(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("ClearExpired: %d, %v", n, err)
	}
	if left := names(t, location(e)); len(left) != sessions {
		t.Errorf("%d files are there, want %d", len(left), sessions)
	}
}

func age(t *testing.T, path string) {
	t.Helper()
	before := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(path, before, before); err != nil {
		t.Fatal(err)
	}
}

// useOnce does to the session that key names, if any, what needs no more than
// reading, then what needs writing.
func useOnce(ctx context.Context, e cloakroom.Engine, key string) error {
	if key == "" {
		return nil
	}
	r, err := e.Load(ctx, key)
	if err != nil {
		return err
	}
	return e.Save(ctx, r)
}
