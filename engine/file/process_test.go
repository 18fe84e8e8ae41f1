package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/file"
)

// TestMain lets the test's own binary be another process: with a role in the
// environment it plays that instead of running tests.
func TestMain(m *testing.M) {
	roles := map[string]func(ctx context.Context, dir, argument string) error{
		"write": writeRounds, "save": saveForever, "use": useOnce,
	}
	if role := roles[os.Getenv("ROLE")]; role != nil {
		if err := role(context.Background(), os.Getenv("FOLDER"), os.Getenv("ARGUMENT")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func process(t *testing.T, role, dir, argument string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "ROLE="+role, "FOLDER="+dir, "ARGUMENT="+argument)
	return cmd
}

func openProcess(ctx context.Context, dir string) (cloakroom.Engine, error) {
	e, err := file.Open(ctx, "file://"+dir)
	if err != nil {
		return nil, err
	}
	return e.WithSecretKeys(secret), nil
}

const (
	writersPerProcess = 4
	rounds            = 200
)

// writeRounds has each writer add 1 to a name of its own, many times, in the
// session that all share. The argument is "process key".
func writeRounds(ctx context.Context, dir, argument string) error {
	number, key, _ := strings.Cut(argument, " ")
	e, err := openProcess(ctx, dir)
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
	return errors.Join(failed...)
}

func addOne(ctx context.Context, e cloakroom.Engine, key, name string) error {
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
	e := open(t, t.TempDir())
	key := create(t, e, nil).Key
	var both []*exec.Cmd
	for number := range 2 {
		p := process(t, "write", location(e), fmt.Sprint(number, " ", key))
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
	if left := names(t, location(e)); len(left) != 1 {
		t.Errorf("%d files are there, want 1", len(left))
	}
}

// saveForever saves rising numbers in sessions of its own, and prints each once
// it was acknowledged.
func saveForever(ctx context.Context, dir, _ string) error {
	e, err := openProcess(ctx, dir)
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
	e := open(t, t.TempDir())
	acknowledged := map[string]int64{}
	for range 3 {
		p := process(t, "save", location(e), "")
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		saved := len(acknowledged)
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
			if n == 20 && len(acknowledged) == saved+writersPerProcess {
				_ = p.Process.Kill() // in the middle of what they all do
			}
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
		if err := e.Save(t.Context(), r); err != nil { // the killed hold no lock
			t.Error(err)
		}
		saves += n
	}
	t.Logf("%d acknowledged saves", saves)
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

// useOnce opens the folder, and does to the session that argument names what
// needs no more than reading, then what needs writing.
func useOnce(ctx context.Context, dir, key string) error {
	e, err := openProcess(ctx, dir)
	if err != nil || key == "" {
		return err
	}
	r, err := e.Load(ctx, key)
	if err != nil {
		return err
	}
	return e.Save(ctx, r)
}
