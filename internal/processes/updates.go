package processes

import (
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
)

const (
	write = "write"

	writersPerProcess = 4
	rounds            = 200
)

// LoseNothing has two processes change one session in the storage at address,
// which is e's too, and checks that no change is lost.
func LoseNothing(t *testing.T, e cloakroom.Engine, address string) {
	t.Helper()
	r := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var both []*exec.Cmd
	for number := range 2 {
		p := Command(t, write, address, fmt.Sprint(number, " ", r.Key))
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
	r, err := e.Load(t.Context(), r.Key)
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

// writeRounds has each writer add 1 to a name of its own, many times, in the
// session that all share. The argument is "process key".
func writeRounds(ctx context.Context, e cloakroom.Engine, argument string) error {
	number, key, _ := strings.Cut(argument, " ")
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
