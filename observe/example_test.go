package observe_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/observe"
)

// A site with metrics and health checks. They belong on a listener that the
// public does not reach.
func Example() {
	engine := observe.New(locmem.Open())
	sessions := cloakroom.New(engine, cloakroom.WithEvents("", engine.Event))
	site := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err == nil {
			cloakroom.Update(s, "visits", func(n int) int { return n + 1 })
		}
	}))

	registry := prometheus.NewRegistry()
	registry.MustRegister(engine.Collector())
	private := http.NewServeMux()
	private.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	private.Handle("/healthz", observe.Healthz())
	private.Handle("/readyz", observe.Readyz(engine))

	get := func(h http.Handler, path string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Body.String()
	}
	get(site, "/")
	for line := range strings.Lines(get(private, "/metrics")) {
		if strings.Contains(line, `kind="created"`) || strings.Contains(line, `op="create",outcome="ok"`) {
			fmt.Print(line)
		}
	}
	fmt.Print(get(private, "/readyz"))
	// Output:
	// cloakroom_operations_total{back_end="local memory",engine="cache",op="create",outcome="ok"} 1
	// cloakroom_session_events_total{back_end="local memory",engine="cache",kind="created"} 1
	// ok
}
