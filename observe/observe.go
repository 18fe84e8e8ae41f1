// Package observe shows how sessions fare: Prometheus metrics, OpenTelemetry
// traces. It stands before any engine.
//
//	engine := observe.New(behind)
//	prometheus.MustRegister(engine.Collector())
//	sessions := cloakroom.New(engine, cloakroom.WithEvents("", engine.Event))
//	go engine.Run(ctx) // counts the sessions each minute; one process of a site is enough
//
// No label, span or attribute holds a session key, session data or an address:
// all of them are from small, fixed sets. docs/observability.md lists them. The
// files grafana.json and alerts.yaml in this folder are a dashboard and alert
// rules for these metrics.
package observe

import (
	"context"
	"iter"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"go.opentelemetry.io/otel/trace"
)

// Engine is a [cloakroom.Engine] that counts and times what is asked of the one
// behind it. Make one with [New]. It is safe for concurrent use.
type Engine struct {
	behind cloakroom.Engine
	*instruments
}

var (
	_ cloakroom.Wrapper = (*Engine)(nil)
	_ cloakroom.Sweeper = (*Engine)(nil)
)

// instruments are shared by all copies of an Engine.
type instruments struct {
	*metrics
	*tracing // nil where nobody traces
}

// Option says what else [New] is to do.
type Option func(*instruments, cloakroom.Description)

// WithTracerProvider makes a span of each operation. Its parent is in the
// context: the request's span, where the server makes one.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(i *instruments, d cloakroom.Description) { i.tracing = newTracing(p, d) }
}

// New returns an engine that observes behind, named in every metric as that
// describes itself.
func New(behind cloakroom.Engine, options ...Option) *Engine {
	var d cloakroom.Description
	if describer, ok := cloakroom.As[cloakroom.Describer](behind); ok {
		d = describer.Describe()
	}
	i := &instruments{metrics: newMetrics(behind, d)}
	for _, option := range options {
		option(i, d)
	}
	return &Engine{behind, i}
}

// Unwrap implements [cloakroom.Wrapper].
func (e *Engine) Unwrap() cloakroom.Engine { return e.behind }

// Wrap implements [cloakroom.Wrapper]. The metrics stay the same.
func (e *Engine) Wrap(behind cloakroom.Engine) cloakroom.Engine {
	return &Engine{behind, e.instruments}
}

// Load implements [cloakroom.Engine].
func (e *Engine) Load(ctx context.Context, key string) (r *cloakroom.Record, err error) {
	ctx, call := e.begin(ctx, load)
	defer call.end(&err)
	return e.behind.Load(ctx, key)
}

// Create implements [cloakroom.Engine].
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) (err error) {
	ctx, call := e.begin(ctx, create)
	defer call.end(&err)
	return e.behind.Create(ctx, r)
}

// Save implements [cloakroom.Engine].
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) (err error) {
	ctx, call := e.begin(ctx, save)
	defer call.end(&err)
	return e.behind.Save(ctx, r)
}

// Delete implements [cloakroom.Engine].
func (e *Engine) Delete(ctx context.Context, key string) (err error) {
	ctx, call := e.begin(ctx, remove)
	defer call.end(&err)
	return e.behind.Delete(ctx, key)
}

// Touch implements [cloakroom.Engine].
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) (err error) {
	ctx, call := e.begin(ctx, touch)
	defer call.end(&err)
	return e.behind.Touch(ctx, key, expires)
}

// ClearExpired implements [cloakroom.Engine].
func (e *Engine) ClearExpired(ctx context.Context, limit int) (n int, err error) {
	ctx, call := e.begin(ctx, clearExpired)
	defer call.end(&err)
	n, err = e.behind.ClearExpired(ctx, limit)
	e.cleared.Add(float64(n))
	return n, err
}

// Sweep implements [cloakroom.Sweeper]: what is behind may know a way of its own,
// and each step of it is a clear_expired like any other.
func (e *Engine) Sweep(ctx context.Context, limit func() int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		start := time.Now()
		for n, err := range cloakroom.Sweep(ctx, e.behind, limit) {
			_, call := e.beginAt(ctx, clearExpired, start)
			call.end(&err)
			e.cleared.Add(float64(n))
			if !yield(n, err) {
				return
			}
			start = time.Now()
		}
	}
}

// call is an operation under way.
type call struct {
	*instruments
	op    op
	start time.Time
	span  trace.Span // nil where nobody traces
}

func (i *instruments) begin(ctx context.Context, o op) (context.Context, call) {
	return i.beginAt(ctx, o, time.Now())
}

func (i *instruments) beginAt(ctx context.Context, o op, start time.Time) (context.Context, call) {
	c := call{instruments: i, op: o, start: start}
	if i.tracing != nil {
		ctx, c.span = i.tracing.begin(ctx, o, start)
	}
	return ctx, c
}

func (c call) end(err *error) {
	out := outcomeOf(*err)
	c.count(c.op, out, time.Since(c.start))
	if c.span != nil {
		endSpan(c.span, out)
	}
}
