package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// TestMain lets the test's own binary be another process: with a role in the
// environment it plays that instead of running tests.
func TestMain(m *testing.M) {
	roles := map[string]func(ctx context.Context, path, argument string) error{
		"write": writeRounds, "save": saveForever, "open": openOnly,
	}
	if role := roles[os.Getenv("ROLE")]; role != nil {
		if err := role(context.Background(), os.Getenv("FILE"), os.Getenv("ARGUMENT")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func process(t *testing.T, role, path, argument string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "ROLE="+role, "FILE="+path, "ARGUMENT="+argument)
	return cmd
}

func openProcess(ctx context.Context, path string) (*db.Engine, error) {
	e, err := db.Open(ctx, "sqlite:///"+path)
	if err != nil {
		return nil, err
	}
	return e.WithSecretKeys(secret).(*db.Engine), nil
}

const (
	writersPerProcess = 4
	rounds            = 200
)

// writeRounds has each writer add 1 to a name of its own, many times, in the
// session that all share. The argument is "process key".
func writeRounds(ctx context.Context, path, argument string) error {
	number, key, _ := strings.Cut(argument, " ")
	e, err := openProcess(ctx, path)
	if err != nil {
		return err
	}
	var writers sync.WaitGroup
	failed := make([]error, writersPerProcess)
	for w := range failed {
		writers.Go(func() {
			for range rounds {
				if failed[w] = addOne(ctx, e, key, fmt.Sprint(number, w)); failed[w] != nil {
					return
				}
			}
		})
	}
	writers.Wait()
	return errors.Join(append(failed, e.Close())...)
}

func addOne(ctx context.Context, e *db.Engine, key, name string) error {
	for {
		r, err := e.Load(ctx, key)
		if err != nil {
			return err
		}
		n, _ := r.Data[name].(int64)
		r.Data[name] = n + 1
		if err := e.Save(ctx, r); !errors.Is(err, cloakroom.ErrConflict) {
			return err
		}
	}
}

func TestTwoProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	e := openMigrated(t, path)
	key := create(t, e, nil).Key
	var both []*exec.Cmd
	for number := range 2 {
		p := process(t, "write", path, fmt.Sprint(number, " ", key))
		p.Stderr = os.Stderr
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		both = append(both, p)
	}
	for _, p := range both {
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	r, err := e.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Data) != 2*writersPerProcess {
		t.Errorf("%d writers left something, want %d", len(r.Data), 2*writersPerProcess)
	}
	for name, n := range r.Data {
		if n != int64(rounds) {
			t.Errorf("writer %s: %v of %d updates are there", name, n, rounds)
		}
	}
}

// saveForever saves rising numbers in sessions of its own, and prints each once
// it was acknowledged.
func saveForever(ctx context.Context, path, _ string) error {
	e, err := openProcess(ctx, path)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range writersPerProcess {
		go func() {
			r := &cloakroom.Record{Data: map[string]any{}, Expires: time.Now().Add(time.Hour)}
			err := e.Create(ctx, r)
			for n := int64(1); err == nil; n++ {
				r.Data["n"] = n
				if err = e.Save(ctx, r); err == nil {
					fmt.Println(r.Key, n)
				}
			}
			failed <- err
		}()
	}
	return <-failed
}

func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	e := openMigrated(t, path)
	acknowledged := map[string]int64{}
	for range 3 {
		p := process(t, "save", path, "")
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(700*time.Millisecond, func() { _ = p.Process.Kill() })
		defer kill.Stop()
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			if err != nil { // a line that the kill cut short was not acknowledged
				break
			}
			var key string
			var n int64
			if _, err := fmt.Sscan(line, &key, &n); err != nil {
				t.Fatal(err)
			}
			acknowledged[key] = n
		}
		_ = p.Wait() // killed
	}
	if len(acknowledged) != 3*writersPerProcess {
		t.Errorf("%d sessions were saved, want %d", len(acknowledged), 3*writersPerProcess)
	}
	var saves int64
	for key, n := range acknowledged {
		r, err := e.Load(t.Context(), key)
		if err != nil {
			t.Errorf("an acknowledged session: %v", err)
			continue
		}
		if got := r.Data["n"].(int64); got < n {
			t.Errorf("save %d is there, %d was acknowledged", got, n)
		}
		saves += n
	}
	t.Logf("%d acknowledged saves", saves)
}

// openOnly opens the file.
func openOnly(ctx context.Context, path, _ string) error {
	e, err := openProcess(ctx, path)
	if err != nil {
		return err
	}
	return e.Close()
}

// openAsNobody opens the file as a user without rights, and returns the error.
// The test may run as root, whom no permission stops.
func openAsNobody(t *testing.T, path string) string {
	t.Helper()
	p := process(t, "open", path, "")
	if os.Getuid() == 0 {
		const nobody = 65534
		p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		p.Path = copyExecutable(t, p.Path)
	}
	out, err := p.CombinedOutput()
	if err == nil {
		t.Error("opened")
	}
	return string(out)
}

// copyExecutable copies the test's binary to where everybody may run it.
func copyExecutable(t *testing.T, path string) string {
	t.Helper()
	dir := publicDir(t)
	from, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "test"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// publicDir is a folder that everybody may read.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Several that begin on a file which is not there yet are in nobody's way.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			e, err := openProcess(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			r := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
			if err := errors.Join(e.Migrate(t.Context()), e.Create(t.Context(), r), e.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
