package clearing

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
		defer cancel()
		const every, processes = 10 * time.Minute, 20
		engines := make([]*backlog, processes)
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, nil))
		var all sync.WaitGroup
		for i := range engines {
			engines[i] = &backlog{left: 100, cost: steadily(time.Microsecond)}
			engines[i].failAt = i // one more that it fails at
			all.Go(func() { Keep(ctx, engines[i], every, log) })
		}
		all.Wait()
		first := map[time.Duration]bool{}
		for _, b := range engines[5:] {
			if n := len(b.began); b.failAt > n {
				t.Errorf("asked %d times in 10 hours", n)
			}
			first[b.began[0].Sub(engines[5].began[0]).Truncate(time.Second)] = true
		}
		if len(first) < processes/2 {
			t.Errorf("%d processes began at %d moments", processes, len(first))
		}
		if n := len(engines[0].began); n < 50 || n > 75 {
			t.Errorf("asked %d times in 10 hours", n)
		}
		if !strings.Contains(said.String(), "expired sessions could not be cleared") || !strings.Contains(said.String(), "the disk is full") {
			t.Errorf("the log has %.200s", said.String())
		}
	})
}
