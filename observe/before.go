package observe

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom-go/cloakroom"
)

// cached is an engine with a cache before it, which it can do without.
type cached interface {
	CacheAway() bool
}

// before shows whether the cache before the sessions answers, at the moment of the
// scrape; nothing where there is none. No visitor notices when it does not, and the
// guard neither.
type before struct {
	cached
	away *prometheus.Desc
}

func newBefore(behind cloakroom.Engine, labels prometheus.Labels) *before {
	c, _ := cloakroom.As[cached](behind)
	return &before{c, prometheus.NewDesc("cloakroom_cache_away", "1 while the cache, or one of its servers, does not answer and what is behind it is asked, 0 otherwise.", nil, labels)}
}

// Describe implements [prometheus.Collector].
func (b *before) Describe(out chan<- *prometheus.Desc) { out <- b.away }

// Collect implements [prometheus.Collector].
func (b *before) Collect(out chan<- prometheus.Metric) {
	if b.cached == nil {
		return
	}
	away := 0.
	if b.CacheAway() {
		away = 1
	}
	out <- prometheus.MustNewConstMetric(b.away, prometheus.GaugeValue, away)
}
