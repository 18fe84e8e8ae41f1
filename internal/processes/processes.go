// Package processes has several processes use one storage. Each is the test's own
// binary, which plays a role instead of running tests.
package processes

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

// Role is what a process does with a storage.
type Role func(ctx context.Context, e cloakroom.Engine, argument string) error

// Main is for a TestMain. It runs the tests, or the role that the process was
// begun with: one of those here, or of more. open opens the storage at an address.
func Main(m *testing.M, open func(ctx context.Context, address string) (cloakroom.Engine, error), more map[string]Role) {
	name, begun := os.LookupEnv("ROLE")
	if !begun {
		os.Exit(m.Run())
	}
	roles := map[string]Role{write: writeRounds, save: saveForever}
	maps.Copy(roles, more)
	ctx := context.Background()
	e, err := open(ctx, os.Getenv("ADDRESS"))
	if err == nil {
		err = roles[name](ctx, e, os.Getenv("ARGUMENT"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Command is a process with a role, to be started.
func Command(t *testing.T, role, address, argument string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "ROLE="+role, "ADDRESS="+address, "ARGUMENT="+argument)
	return cmd
}
