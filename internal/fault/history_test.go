package fault_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/history"
)

// What clients are told by a back end that fails meanwhile could have happened
// one after the other. Who is told nothing of what became of a save or a delete
// may find it carried out at any time after.
func TestHistories(t *testing.T) {
	var all sync.WaitGroup
	for name, open := range map[string]func(t *testing.T) *backEnd{
		"Memcached": onMemcached, "Redis": onRedis, "MariaDB": onMariaDB, "PostgreSQL": onPostgreSQL,
		"SQLite": onSQLite, "file": onFiles, "cached_db, the cache": onCachedDB, "cached_db, the store": behindCache,
	} {
		all.Go(func() { t.Run(name, func(t *testing.T) { open(t).recordAll(t) }) })
	}
	all.Wait()
}

// confusing are the faults that leave somebody without an answer to what may have
// been carried out.
var confusing = []string{"killed", "frozen", "reset", "emptied", "disk full"}

func (b *backEnd) recordAll(t *testing.T) {
	b.engine, _ = cloakroom.With(b.engine, func(e cloakroom.Signed) cloakroom.Engine { return e.WithSecretKeys("secret") })
	for _, f := range b.faults {
		if slices.Contains(confusing, f.name) {
			b.record(t, f)
		}
	}
	for _, c := range b.close {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// record has clients use a few sessions while something happens to the back end,
// and for some time before and after.
func (b *backEnd) record(t *testing.T, f trouble) {
	h := history.New(history.Options{
		Handles: []cloakroom.Engine{b.engine}, Faults: true, Timeout: deadline, Pace: pace / 2,
	})
	ctx, leave := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	clients.Go(func() { h.Run(ctx, 1_000_000) }) // or until they leave
	happen := func() {
		f.begin(b)
		time.Sleep(f.lasts)
		f.end(b)
	}
	goOn := func() {
		for before, now := h.Operations(), 0; now < before+100; now = h.Operations() {
			time.Sleep(pace)
		}
	}
	goOn()
	if f.forgets && b.lossy {
		h.Lose(happen)
	} else {
		happen()
	}
	goOn()
	leave()
	clients.Wait()
	if err := h.Check(); err != nil {
		t.Errorf("%s: %v", f.name, err)
	}
	t.Logf("%s: %d operations, of which %d may have taken place at any later time, or never", f.name, h.Operations(), h.Unknown())
}
