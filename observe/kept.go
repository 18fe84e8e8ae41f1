package observe

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom-go/cloakroom"
)

// How often sessions are counted, and how long that may take. In a large table
// counting reads a great deal, so it takes no more than a twentieth of the time.
const (
	every    = time.Minute
	patience = 30 * time.Second
	share    = 20
)

// kept is how much the engine keeps, as last measured: a scrape asks no back end.
type kept struct {
	measurer cloakroom.Measurer // nil if the engine cannot tell
	sessions *prometheus.Desc
	bytes    *prometheus.Desc
	measured *prometheus.Desc

	mu    sync.Mutex
	since time.Time // when counting began; zero where nobody counts
	stats cloakroom.Stats
	at    time.Time // zero until there is something to show
}

func newKept(behind cloakroom.Engine, labels prometheus.Labels) *kept {
	measurer, _ := cloakroom.As[cloakroom.Measurer](behind)
	desc := func(name, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc("cloakroom_"+name, help, variable, labels)
	}
	return &kept{
		measurer: measurer,
		sessions: desc("sessions", "Sessions in the back end when they were last counted, live and expired.", "state"),
		bytes:    desc("stored_bytes", "Bytes that sessions took in the back end when they were last counted."),
		measured: desc("sessions_counted_timestamp_seconds", "When the sessions were last counted, or else since when that is tried, in seconds since 1970."),
	}
}

// Run counts the sessions each minute until ctx ends. A count that fails shows
// in the time of the last that did not, or else of the beginning. Where the engine cannot count, Run
// returns at once.
func (e *Engine) Run(ctx context.Context) {
	if e.kept.measurer == nil {
		return
	}
	e.kept.begin()
	for {
		took := e.kept.measure(ctx)
		select {
		case <-time.After(max(every, share*took)):
		case <-ctx.Done():
			return
		}
	}
}

// begin notes that there ought to be a count from now on, so that its lack shows
// where none ever comes about.
func (k *kept) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.since = time.Now()
}

func (k *kept) measure(ctx context.Context) (took time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := time.Now()
	stats, err := k.measurer.Stats(ctx)
	if err == nil {
		k.mu.Lock()
		k.stats, k.at = stats, now
		k.mu.Unlock()
	}
	return time.Since(now)
}

// Describe implements [prometheus.Collector].
func (k *kept) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{k.sessions, k.bytes, k.measured} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (k *kept) Collect(out chan<- prometheus.Metric) {
	k.mu.Lock()
	stats, at, since := k.stats, k.at, k.since
	k.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	moment := func(t time.Time) { gauge(k.measured, float64(t.UnixMilli())/1e3) }
	if at.IsZero() {
		if !since.IsZero() {
			moment(since)
		}
		return
	}
	gauge(k.sessions, float64(stats.Live), "live")
	gauge(k.sessions, float64(stats.Expired), "expired")
	gauge(k.bytes, float64(stats.Bytes))
	moment(at)
}
