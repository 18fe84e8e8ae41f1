package observe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/observe"
)

type pinged struct {
	cloakroom.Engine
	pings int
	err   error
	hangs bool
}

func (p *pinged) Ping(ctx context.Context) error {
	p.pings++
	if p.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.err
}

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &pinged{}
		healthz, readyz := observe.Healthz(), observe.Readyz(observe.New(engine))
		check := func(h http.Handler, status int, text string) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if w.Code != status || strings.TrimSpace(w.Body.String()) != text || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
			}
		}
		check(readyz, 200, "ok")
		engine.err = errors.New("dial tcp 10.1.2.3:6379: connection refused")
		check(readyz, 200, "ok") // was asked a moment ago
		time.Sleep(time.Second)
		check(readyz, 503, "unavailable")
		check(healthz, 200, "ok")

		engine.err, engine.hangs, engine.pings = nil, true, 0
		time.Sleep(time.Second)
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { check(readyz, 503, "unavailable") })
		}
		all.Wait()
		if took := time.Since(began); engine.pings != 1 || took != 2*time.Second {
			t.Errorf("a hundred who ask at once: %d pings in %v", engine.pings, took)
		}
		engine.hangs = false
		time.Sleep(time.Second)
		check(readyz, 200, "ok")
		check(observe.Readyz(struct{ cloakroom.Engine }{locmem.Open()}), 200, "ok")
	})
}

// servers are several, each with an answer of its own.
type servers struct {
	pinged
	errs []error
}

var _ cloakroom.Sharded = (*servers)(nil)

func (s *servers) Shards() int      { return len(s.errs) }
func (s *servers) Shard(string) int { return 0 }
func (s *servers) PingShard(ctx context.Context, shard int) error {
	if s.errs[shard] != nil {
		<-ctx.Done()
	}
	return s.errs[shard]
}

// One of several servers that is away takes no process out of service.
func TestReadyWhileOneServerAnswers(t *testing.T) {
	t.Parallel()
	away := errors.New("i/o timeout")
	for _, c := range []struct {
		errs []error
		want int
		took time.Duration
	}{
		{[]error{away, nil, away}, 200, 0},
		{[]error{away, away}, 503, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, began := httptest.NewRecorder(), time.Now()
			observe.Readyz(observe.New(&servers{errs: c.errs})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if took := time.Since(began); w.Code != c.want || took != c.took {
				t.Errorf("%v: %d after %v, want %d after %v", c.errs, w.Code, took, c.want, c.took)
			}
		})
	}
}
