package observe

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom-go/cloakroom"
)

// pooled is an engine that asks its back end over a pool of connections which is
// smaller than the guard lets in, as those on databases do.
type pooled interface {
	PoolStats() sql.DBStats
}

// pool shows the connections at the moment of the scrape; nothing where there is
// no pool.
type pool struct {
	pooled
	connections, most, waits, waited *prometheus.Desc
}

func newPool(behind cloakroom.Engine, labels prometheus.Labels) *pool {
	desc := func(name, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc("cloakroom_pool_"+name, help, variable, labels)
	}
	p, _ := cloakroom.As[pooled](behind)
	return &pool{
		pooled:      p,
		connections: desc("connections", "Open connections to the back end.", "state"),
		most:        desc("connections_max", "Connections that may be open at once."),
		waits:       desc("waits_total", "Times that a connection had to be waited for."),
		waited:      desc("wait_seconds_total", "How long connections were waited for, in all."),
	}
}

// Describe implements [prometheus.Collector].
func (p *pool) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.connections, p.most, p.waits, p.waited} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (p *pool) Collect(out chan<- prometheus.Metric) {
	if p.pooled == nil {
		return
	}
	s := p.PoolStats()
	out <- prometheus.MustNewConstMetric(p.connections, prometheus.GaugeValue, float64(s.InUse), "in_use")
	out <- prometheus.MustNewConstMetric(p.connections, prometheus.GaugeValue, float64(s.Idle), "idle")
	out <- prometheus.MustNewConstMetric(p.most, prometheus.GaugeValue, float64(s.MaxOpenConnections))
	out <- prometheus.MustNewConstMetric(p.waits, prometheus.CounterValue, float64(s.WaitCount))
	out <- prometheus.MustNewConstMetric(p.waited, prometheus.CounterValue, s.WaitDuration.Seconds())
}
