package observe

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom-go/cloakroom"
)

// buckets are for what answers from memory and for what is about to give up: a
// Manager waits 2 seconds.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// Native histograms, for servers that ask for them: buckets that grow by a tenth.
const (
	nativeFactor = 1.1
	nativeMost   = 100
	nativeReset  = time.Hour
)

// metrics are what a registry collects of one engine.
type metrics struct {
	operations *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	events     *prometheus.CounterVec
	cleared    prometheus.Counter
	usual      map[op]prometheus.Counter // of operations, those that end well
	times      map[op]prometheus.Observer
	kept       *kept
	guard      *guard
	pool       *pool
	before     *before
}

func newMetrics(behind cloakroom.Engine, d cloakroom.Description) *metrics {
	labels := prometheus.Labels{"engine": d.Engine, "back_end": d.BackEnd}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "cloakroom", Name: name, Help: help, ConstLabels: labels}
	}
	m := &metrics{
		operations: prometheus.NewCounterVec(counter("operations_total", "Operations asked of the session engine, by what became of them."), []string{"op", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "cloakroom", Name: "operation_duration_seconds", Help: "How long the session engine took for an operation.", ConstLabels: labels,
			Buckets: buckets, NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeMost, NativeHistogramMinResetDuration: nativeReset,
		}, []string{"op"}),
		events:  prometheus.NewCounterVec(counter("session_events_total", "What happened to sessions, by kind."), []string{"kind"}),
		cleared: prometheus.NewCounter(counter("sessions_cleared_total", "Expired sessions deleted.")),
		usual:   map[op]prometheus.Counter{},
		times:   map[op]prometheus.Observer{},
		kept:    newKept(behind, labels),
		guard:   newGuard(behind, labels),
		pool:    newPool(behind, labels),
		before:  newBefore(behind, labels),
	}
	for _, o := range ops {
		m.usual[o] = m.operations.WithLabelValues(string(o), string(ok))
		m.times[o] = m.durations.WithLabelValues(string(o))
	}
	// What alerts watch is there before it first happens.
	for o, outs := range map[op][]outcome{
		load:   {notFound, corrupt, unavailable, timeout, failed},
		create: {unavailable, timeout, failed},
		save:   {conflict, gone, unavailable, timeout, failed},
	} {
		for _, out := range outs {
			m.operations.WithLabelValues(string(o), string(out))
		}
	}
	for _, kind := range []cloakroom.EventKind{
		cloakroom.EventCreated, cloakroom.EventRenewed, cloakroom.EventFlushed,
		cloakroom.EventTimedOut, cloakroom.EventRefused, cloakroom.EventMerged,
	} {
		m.events.WithLabelValues(string(kind))
	}
	return m
}

func (m *metrics) count(o op, out outcome, took time.Duration) {
	if out == ok {
		m.usual[o].Inc()
	} else {
		m.operations.WithLabelValues(string(o), string(out)).Inc()
	}
	m.times[o].Observe(took.Seconds())
}

// Event counts what a Manager tells: it is for [cloakroom.WithEvents].
func (e *Engine) Event(_ context.Context, event cloakroom.Event) {
	e.events.WithLabelValues(string(event.Kind)).Inc()
}

// Collector returns the metrics, to be registered once. A registry takes several
// engines that stand on different back ends; for two alike, wrap it with a label.
func (e *Engine) Collector() prometheus.Collector { return collectors(e.metrics.all()) }

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.operations, m.durations, m.events, m.cleared, m.kept, m.guard, m.pool, m.before}
}

// collectors are one.
type collectors []prometheus.Collector

func (cs collectors) Describe(out chan<- *prometheus.Desc) {
	for _, c := range cs {
		c.Describe(out)
	}
}

func (cs collectors) Collect(out chan<- prometheus.Metric) {
	for _, c := range cs {
		c.Collect(out)
	}
}
