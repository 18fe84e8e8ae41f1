package observe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/observe"
)

// One span for each operation, under the request's; an error's text, which may
// tell where the storage is, stays out.
func TestSpans(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	behind := &answering{}
	engine := observe.New(behind, observe.WithTracerProvider(provider))

	ctx, request := provider.Tracer("a test").Start(t.Context(), "GET /")
	key := cloakroom.NewKey()
	engine.Load(ctx, key)
	behind.err = &cloakroom.Error{Engine: "db", Op: "save", Kind: cloakroom.ErrConflict}
	_ = engine.Save(ctx, &cloakroom.Record{Key: key})
	behind.err = &cloakroom.Error{Engine: "db", Op: "load", Kind: cloakroom.ErrUnavailable, Err: errors.New("at 10.1.2.3")}
	engine.Load(ctx, key)
	engine = observe.New(locmem.Open(), observe.WithTracerProvider(provider))
	_ = engine.Delete(ctx, key)
	request.End()

	var got []string
	for _, span := range recorder.Ended()[:4] {
		if span.Parent().SpanID() != request.SpanContext().SpanID() {
			t.Errorf("%s is not the request's", span.Name())
		}
		if len(span.Events()) > 0 || span.Status().Description != "" {
			t.Errorf("%s tells of its error: %v %v", span.Name(), span.Events(), span.Status())
		}
		attrs := attribute.NewSet(span.Attributes()...)
		got = append(got, fmt.Sprint(span.Name(), " ", span.SpanKind(), " ", span.Status().Code == codes.Error, " ", attrs.Encoded(attribute.DefaultEncoder())))
	}
	const db = "cloakroom.engine=db,cloakroom.outcome="
	want := []string{
		"load session client false " + db + "ok,db.operation.name=load,db.system.name=mariadb",
		"save session client false " + db + "conflict,db.operation.name=save,db.system.name=mariadb",
		"load session client true " + db + "unavailable,db.operation.name=load,db.system.name=mariadb,error.type=unavailable",
		"delete session internal false cloakroom.engine=cache,cloakroom.outcome=ok,db.operation.name=delete",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The back end's own spans belong under the operation's.
func TestSpanIsHandedOn(t *testing.T) {
	t.Parallel()
	provider := trace.NewTracerProvider()
	var behind spanned
	engine := observe.New(&behind, observe.WithTracerProvider(provider))
	engine.Load(t.Context(), "")
	if !behind.span.IsValid() {
		t.Error("the engine behind is not under a span")
	}
}

type spanned struct {
	cloakroom.Engine
	span api.SpanContext
}

func (s *spanned) Load(ctx context.Context, _ string) (*cloakroom.Record, error) {
	s.span = api.SpanContextFromContext(ctx)
	return nil, nil
}

func BenchmarkLoad(b *testing.B) {
	behind := &answering{}
	for name, engine := range map[string]cloakroom.Engine{"bare": behind, "observed": observe.New(behind)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				engine.Load(b.Context(), "")
			}
		})
	}
}
