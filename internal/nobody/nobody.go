// Package nobody runs a test's own binary as a user without rights. The test may run
// as root, whom no permission stops.
package nobody

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Output runs cmd as a user without rights and returns what that has to say. As
// anybody but root, the user has no more rights than the test already.
func Output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Path = public(t, cmd.Path)
	}
	out, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return string(out)
}

// public copies an executable to where everybody may run it. A program does, for
// what this process holds open for writing, a child that another test begins in
// that moment would hold too, and nobody could run it then (ETXTBSY).
func public(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	copied := filepath.Join(dir, "test")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("install", "-m", "755", path, copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return copied
}
