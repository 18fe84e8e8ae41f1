package db_test

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

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// TestMain lets the test's own binary be another process: with a role in the
// environment it plays that instead of running tests.
func TestMain(m *testing.M) {
	roles := map[string]func(ctx context.Context, address, argument string) error{
		"write": writeRounds, "save": saveForever, "open": openOnly,
	}
	if role := roles[os.Getenv("ROLE")]; role != nil {
		if err := role(context.Background(), os.Getenv("ADDRESS"), os.Getenv("ARGUMENT")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func process(t *testing.T, role, address, argument string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "ROLE="+role, "ADDRESS="+address, "ARGUMENT="+argument)
	return cmd
}

func openProcess(ctx context.Context, address string) (*db.Engine, error) {
	e, err := db.Open(ctx, address)
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
func writeRounds(ctx context.Context, address, argument string) error {
	number, key, _ := strings.Cut(argument, " ")
	e, err := openProcess(ctx, address)
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
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		key := create(t, e, nil).Key
		var both []*exec.Cmd
		for number := range 2 {
			p := process(t, "write", d.URL, fmt.Sprint(number, " ", key))
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
		checkRounds(t, e, key)
	})
}

func checkRounds(t *testing.T, e *db.Engine, key string) {
	t.Helper()
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
func saveForever(ctx context.Context, address, _ string) error {
	e, err := openProcess(ctx, address)
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
	onDatabases(t, func(t *testing.T, d server.Database) {
		e := openAt(t, d.URL)
		migrate(t, e)
		acknowledged := map[string]int64{}
		for range 3 {
			p := process(t, "save", d.URL, "")
			readAcknowledged(t, p, acknowledged, func() { _ = p.Process.Kill() })
		}
		if len(acknowledged) != 3*writersPerProcess {
			t.Errorf("%d sessions were saved, want %d", len(acknowledged), 3*writersPerProcess)
		}
		checkAcknowledged(t, e, acknowledged)
	})
}

// killedServerLosesNothing: a server that is killed keeps what it confirmed.
func killedServerLosesNothing(t *testing.T, s *server.Server) {
	d := s.NewDatabase(t)
	e := openAt(t, d.URL)
	migrate(t, e)
	acknowledged := map[string]int64{}
	for range 2 {
		readAcknowledged(t, process(t, "save", d.URL, ""), acknowledged, func() { crash(s) })
		s.Start()
	}
	checkAcknowledged(t, e, acknowledged)
}

// readAcknowledged notes the saves that p acknowledges, until that ends by kill,
// some time after all of its writers have begun.
func readAcknowledged(t *testing.T, p *exec.Cmd, acknowledged map[string]int64, kill func()) {
	t.Helper()
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	begun, read := make(chan struct{}), make(chan error, 1)
	go func() {
		writers, all := map[string]bool{}, sync.OnceFunc(func() { close(begun) })
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			if err != nil { // a line that the kill cut short was not acknowledged
				read <- nil
				return
			}
			var key string
			var n int64
			if _, err := fmt.Sscan(line, &key, &n); err != nil {
				read <- err
				return
			}
			acknowledged[key] = n
			if writers[key] = true; len(writers) == writersPerProcess {
				all()
			}
		}
	}()
	select {
	case <-begun:
		time.Sleep(500 * time.Millisecond)
	case <-time.After(time.Minute):
		t.Error("not all writers have begun within a minute")
	}
	kill()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // killed, or without its server
}

func checkAcknowledged(t *testing.T, e *db.Engine, acknowledged map[string]int64) {
	t.Helper()
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
	if saves == 0 {
		t.Error("nothing was saved")
	}
	t.Logf("%d acknowledged saves", saves)
}

// openOnly opens the file.
func openOnly(ctx context.Context, address, _ string) error {
	e, err := openProcess(ctx, address)
	if err != nil {
		return err
	}
	return e.Close()
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

// Several that begin on a database which is empty yet are in nobody's way.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, d server.Database) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				e, err := openProcess(t.Context(), d.URL)
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
		applied := texts(t, d.URL, `SELECT name FROM django_migrations`)
		if diff := cmp.Diff([]string{"0001_initial"}, applied); diff != "" {
			t.Errorf("recorded as migrated (-want +got):\n%s", diff)
		}
	})
}
