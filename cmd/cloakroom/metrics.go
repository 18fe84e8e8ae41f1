package main

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cloakroom-go/cloakroom/observe"
)

// withHealth answers health checks beside handler, whose sign-in and sessions
// they do not touch.
func withHealth(engine *observe.Engine, handler http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", observe.Healthz())
	mux.Handle("GET /readyz", observe.Readyz(engine))
	mux.Handle("/", handler)
	return mux
}

// metrics are the engine's and the process's own.
func metrics(engine *observe.Engine, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(engine.Collector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), EnableOpenMetrics: true,
	}))
	return mux
}
