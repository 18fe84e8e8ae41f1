package observe

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloakroom-go/cloakroom"
)

// systems are the back ends that OpenTelemetry has names for.
var systems = []string{"sqlite", "mysql", "mariadb", "postgresql", "redis", "memcached"}

// outcomeKey tells what is no error, such as a conflict, which is merged.
const outcomeKey = attribute.Key("cloakroom.outcome")

type tracing struct {
	tracer trace.Tracer
	start  map[op][]trace.SpanStartOption
}

func newTracing(p trace.TracerProvider, d cloakroom.Description) *tracing {
	t := &tracing{
		tracer: p.Tracer("github.com/cloakroom-go/cloakroom/observe", trace.WithSchemaURL(semconv.SchemaURL)),
		start:  map[op][]trace.SpanStartOption{},
	}
	system, _, _ := strings.Cut(strings.ToLower(d.BackEnd), " ")
	for _, o := range ops {
		attrs := []attribute.KeyValue{attribute.String("cloakroom.engine", d.Engine), semconv.DBOperationName(string(o))}
		kind := trace.SpanKindInternal
		if slices.Contains(systems, system) {
			attrs, kind = append(attrs, semconv.DBSystemNameKey.String(system)), trace.SpanKindClient
		}
		t.start[o] = []trace.SpanStartOption{trace.WithAttributes(attrs...), trace.WithSpanKind(kind)}
	}
	return t
}

// begin starts a span, named as the conventions have it: operation and target.
func (t *tracing) begin(ctx context.Context, o op, start time.Time) (context.Context, trace.Span) {
	options := append(slices.Clip(t.start[o]), trace.WithTimestamp(start))
	return t.tracer.Start(ctx, string(o)+" session", options...)
}

// endSpan tells what became of it, and nothing of an error's text.
func endSpan(span trace.Span, out outcome) {
	span.SetAttributes(outcomeKey.String(string(out)))
	if !out.expected() {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(string(out)))
	}
	span.End()
}
