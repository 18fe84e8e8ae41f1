package processes

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

const save = "save"

// Acknowledged is the last save of each session, by its key, that its process was
// told is done.
type Acknowledged map[string]int64

// SaveUntil has a process save in the storage at address, in sessions of its own,
// until that ends by kill, some time after all of its writers have begun.
func (a Acknowledged) SaveUntil(t *testing.T, address string, kill func(*os.Process)) {
	t.Helper()
	p := Command(t, save, address, "")
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
			a[key] = n
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
	kill(p.Process)
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // killed, or without its server
}

// Check finds every acknowledged save of so many processes in e, where each
// session can be saved again.
func (a Acknowledged) Check(t *testing.T, e cloakroom.Engine, processes int) {
	t.Helper()
	if len(a) != processes*writersPerProcess {
		t.Errorf("%d sessions were saved, want %d", len(a), processes*writersPerProcess)
	}
	var saves int64
	for key, n := range a {
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
}

// saveForever saves rising numbers in sessions of its own, and prints each once
// it was acknowledged.
func saveForever(ctx context.Context, e cloakroom.Engine, _ string) error {
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
