package observe

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
)

// guard shows the state of a guard that stands before the back end, at the
// moment of the scrape; nothing where there is none.
type guard struct {
	*guarded.Engine
	open, underWay, waiting, refused *prometheus.Desc
}

func newGuard(behind cloakroom.Engine, labels prometheus.Labels) *guard {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("cloakroom_guard_"+name, help, nil, labels)
	}
	g, _ := cloakroom.As[*guarded.Engine](behind)
	return &guard{
		Engine:   g,
		open:     desc("circuit_open", "1 while the back end, or one of its servers, is taken to be away and requests are answered without it, 0 otherwise."),
		underWay: desc("calls_under_way", "Calls that the back end is being asked."),
		waiting:  desc("calls_waiting", "Calls that wait for their turn."),
		refused:  desc("calls_refused_total", "Calls answered without asking the back end: it is away, or too many wait."),
	}
}

// Describe implements [prometheus.Collector].
func (g *guard) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.open, g.underWay, g.waiting, g.refused} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *guard) Collect(out chan<- prometheus.Metric) {
	if g.Engine == nil {
		return
	}
	s, open := g.State(), 0.
	if s.Circuit != guarded.Closed {
		open = 1
	}
	out <- prometheus.MustNewConstMetric(g.open, prometheus.GaugeValue, open)
	out <- prometheus.MustNewConstMetric(g.underWay, prometheus.GaugeValue, float64(s.UnderWay))
	out <- prometheus.MustNewConstMetric(g.waiting, prometheus.GaugeValue, float64(s.Waiting))
	out <- prometheus.MustNewConstMetric(g.refused, prometheus.CounterValue, float64(s.Refused))
}
