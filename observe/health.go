package observe

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Healthz answers 200 as long as the process lives: for /healthz.
func Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, true) })
}

// Readyz answers 200 while the engine's back end does, or of several servers one,
// and 503 otherwise: for /readyz. It says no more than that, to whoever asks, and the
// back end is asked once a second at most. An engine that is no [cloakroom.Pinger] has
// none to ask.
func Readyz(engine cloakroom.Engine) http.Handler {
	pinger, ok := cloakroom.As[cloakroom.Pinger](engine)
	if !ok {
		return Healthz()
	}
	r := &readiness{ping: pinger.Ping, turn: make(chan struct{}, 1)}
	if servers, ok := pinger.(cloakroom.Sharded); ok {
		r.ping = anyOf(servers)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) { answer(w, r.ready(request.Context())) })
}

const (
	pingEvery = time.Second
	pingFor   = 2 * time.Second
)

type readiness struct {
	ping func(context.Context) error
	turn chan struct{} // who holds it asks; others wait for the answer

	asked time.Time
	err   error
}

func (r *readiness) ready(ctx context.Context) bool {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return false
	}
	if time.Since(r.asked) >= pingEvery {
		// The next one is answered with what comes of it, so it does not end with
		// this request.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingFor)
		defer cancel()
		r.err = r.ping(ctx)
		r.asked = time.Now()
	}
	return r.err == nil
}

// anyOf asks several servers at once, and is content with one. The sessions of one
// that is away are out of every process's reach; the others' are not.
func anyOf(servers cloakroom.Sharded) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answers := make(chan error, servers.Shards())
		for shard := range servers.Shards() {
			go func() { answers <- servers.PingShard(ctx, shard) }()
		}
		for range servers.Shards() {
			if err = <-answers; err == nil {
				break
			}
		}
		return err
	}
}

func answer(w http.ResponseWriter, well bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	text := "ok\n"
	if !well {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "unavailable\n"
	}
	_, _ = io.WriteString(w, text)
}
