package observe_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/clearing"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is observed keeps its promises.
func TestEngine(t *testing.T) {
	t.Parallel()
	const inProcess = "there is no back end that could fail or be damaged: it is this process"
	enginetest.Run(t, enginetest.Config{
		Open:          func(testing.TB) cloakroom.Engine { return observe.New(locmem.Open()) },
		ExpiresItself: true,
		FakeClock:     true,
		Waived: map[string]string{
			"DeleteEverywhere":      "the store belongs to the one engine that opened it",
			"Outage":                inProcess,
			"Corrupt":               inProcess,
			"ListPassesOverCorrupt": inProcess,
			"StatsCorrupt":          inProcess,
		},
	})
}

// answering is an engine that gives one answer.
type answering struct {
	cloakroom.Engine
	err error
}

func (a *answering) Load(context.Context, string) (*cloakroom.Record, error) { return nil, a.err }
func (a *answering) Save(context.Context, *cloakroom.Record) error           { return a.err }
func (a *answering) ClearExpired(context.Context, int) (int, error)          { return 3, a.err }

func (a *answering) Describe() cloakroom.Description {
	return cloakroom.Description{Engine: "db", BackEnd: "MariaDB", Location: "db.example/secret"}
}

func (a *answering) Stats(context.Context) (cloakroom.Stats, error) {
	return cloakroom.Stats{Live: 65, Expired: 7, Bytes: 4096}, a.err
}

func (a *answering) PoolStats() sql.DBStats {
	return sql.DBStats{MaxOpenConnections: 16, OpenConnections: 9, InUse: 6, Idle: 3, WaitCount: 40, WaitDuration: 1500 * time.Millisecond}
}

func (a *answering) CacheAway() bool { return a.err != nil }

// A cache that cached_db does without is missed by no visitor, and by no guard.
func TestCacheAwayIsShown(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{"0": nil, "1": cloakroom.ErrUnavailable} {
		const text = `
# HELP cloakroom_cache_away 1 while the cache, or one of its servers, does not answer and what is behind it is asked, 0 otherwise.
# TYPE cloakroom_cache_away gauge
cloakroom_cache_away{back_end="MariaDB",engine="db"} `
		engine := observe.New(guarded.New(&answering{err: err}))
		if err := testutil.CollectAndCompare(engine.Collector(), strings.NewReader(text+want+"\n"), "cloakroom_cache_away"); err != nil {
			t.Error(err)
		}
	}
	if n := testutil.CollectAndCount(observe.New(locmem.Open()).Collector(), "cloakroom_cache_away"); n != 0 {
		t.Errorf("%d values of a cache where there is none", n)
	}
	engine := cacheddb.New(locmem.New(), locmem.Open())
	defer engine.Close()
	if n := testutil.CollectAndCount(observe.New(guarded.New(engine)).Collector(), "cloakroom_cache_away"); n != 1 {
		t.Errorf("%d values of cached_db", n)
	}
}

// Calls that wait for a connection are under way to the guard.
func TestPoolIsShown(t *testing.T) {
	t.Parallel()
	const want = `
# HELP cloakroom_pool_connections Open connections to the back end.
# TYPE cloakroom_pool_connections gauge
cloakroom_pool_connections{back_end="MariaDB",engine="db",state="idle"} 3
cloakroom_pool_connections{back_end="MariaDB",engine="db",state="in_use"} 6
# HELP cloakroom_pool_connections_max Connections that may be open at once.
# TYPE cloakroom_pool_connections_max gauge
cloakroom_pool_connections_max{back_end="MariaDB",engine="db"} 16
# HELP cloakroom_pool_wait_seconds_total How long connections were waited for, in all.
# TYPE cloakroom_pool_wait_seconds_total counter
cloakroom_pool_wait_seconds_total{back_end="MariaDB",engine="db"} 1.5
# HELP cloakroom_pool_waits_total Times that a connection had to be waited for.
# TYPE cloakroom_pool_waits_total counter
cloakroom_pool_waits_total{back_end="MariaDB",engine="db"} 40
`
	names := []string{"cloakroom_pool_connections", "cloakroom_pool_connections_max", "cloakroom_pool_wait_seconds_total", "cloakroom_pool_waits_total"}
	if err := testutil.CollectAndCompare(observe.New(guarded.New(&answering{})).Collector(), strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(observe.New(locmem.Open()).Collector(), names...); n != 0 {
		t.Errorf("%d values of a pool where there is none", n)
	}
	database, err := db.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if n := testutil.CollectAndCount(observe.New(guarded.New(database)).Collector(), names...); n != 5 {
		t.Errorf("%d values of a database's pool", n)
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	t.Parallel()
	behind := &answering{}
	engine := observe.New(behind)
	wrapped := func(kind error) error {
		return &cloakroom.Error{Engine: "db", Op: "load", Kind: kind, Err: errors.New("at 10.1.2.3")}
	}
	for _, err := range []error{
		nil, wrapped(cloakroom.ErrNotFound), errors.Join(wrapped(cloakroom.ErrNotFound), cloakroom.ErrCorrupt), wrapped(cloakroom.ErrUnavailable),
		errors.Join(wrapped(cloakroom.ErrUnavailable), context.DeadlineExceeded), context.Canceled, errors.New("odd"),
	} {
		behind.err = err
		engine.Load(t.Context(), "key")
	}
	for _, err := range []error{nil, nil, wrapped(cloakroom.ErrConflict), wrapped(cloakroom.ErrGone), wrapped(cloakroom.ErrTooLarge), wrapped(cloakroom.ErrUnencodable)} {
		behind.err = err
		_ = engine.Save(t.Context(), &cloakroom.Record{})
	}
	engine.Event(t.Context(), cloakroom.Event{Kind: cloakroom.EventMerged})
	behind.err = nil
	engine.ClearExpired(t.Context(), 10)

	// With other keys, the copy counts where its original does.
	engine.Wrap(behind).Save(t.Context(), &cloakroom.Record{})

	want := `
# HELP cloakroom_operations_total Operations asked of the session engine, by what became of them.
# TYPE cloakroom_operations_total counter
cloakroom_operations_total{back_end="MariaDB",engine="db",op="clear_expired",outcome="ok"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="create",outcome="failed"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="create",outcome="ok"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="create",outcome="timeout"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="create",outcome="unavailable"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="delete",outcome="ok"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="canceled"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="corrupt"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="failed"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="not_found"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="ok"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="timeout"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="load",outcome="unavailable"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="conflict"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="failed"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="gone"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="ok"} 3
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="timeout"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="too_large"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="unavailable"} 0
cloakroom_operations_total{back_end="MariaDB",engine="db",op="save",outcome="unencodable"} 1
cloakroom_operations_total{back_end="MariaDB",engine="db",op="touch",outcome="ok"} 0
# HELP cloakroom_sessions_cleared_total Expired sessions deleted.
# TYPE cloakroom_sessions_cleared_total counter
cloakroom_sessions_cleared_total{back_end="MariaDB",engine="db"} 3
# HELP cloakroom_session_events_total What happened to sessions, by kind.
# TYPE cloakroom_session_events_total counter
cloakroom_session_events_total{back_end="MariaDB",engine="db",kind="created"} 0
cloakroom_session_events_total{back_end="MariaDB",engine="db",kind="flushed"} 0
cloakroom_session_events_total{back_end="MariaDB",engine="db",kind="merged"} 1
cloakroom_session_events_total{back_end="MariaDB",engine="db",kind="refused"} 0
cloakroom_session_events_total{back_end="MariaDB",engine="db",kind="renewed"} 0
cloakroom_session_events_total{back_end="MariaDB",engine="db",kind="timed_out"} 0
`
	if err := testutil.CollectAndCompare(engine.Collector(), strings.NewReader(want),
		"cloakroom_operations_total", "cloakroom_sessions_cleared_total", "cloakroom_session_events_total"); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(engine.Collector(), "cloakroom_operation_duration_seconds"); n != 6 {
		t.Errorf("%d histograms, want one for each operation", n)
	}
}

// sweeping is an engine with a way of its own through a backlog.
type sweeping struct{ answering }

func (s *sweeping) Sweep(context.Context, func() int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if yield(70, nil) && yield(5, nil) {
			yield(0, s.err)
		}
	}
}

// What clearing deletes is counted whichever way it is done.
func TestSweepingIsCounted(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	behind := &sweeping{answering{err: cloakroom.ErrUnavailable}}
	engine := observe.New(behind, observe.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(recorder))))
	if report, err := clearing.Run(t.Context(), engine, clearing.Options{}); report.Cleared != 75 || !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("%+v, %v", report, err)
	}
	for range cloakroom.Sweep(t.Context(), engine, func() int { return 1 }) {
		break // and no more is asked for
	}
	const want = `
# HELP cloakroom_sessions_cleared_total Expired sessions deleted.
# TYPE cloakroom_sessions_cleared_total counter
cloakroom_sessions_cleared_total{back_end="MariaDB",engine="db"} 145
`
	if err := testutil.CollectAndCompare(engine.Collector(), strings.NewReader(want), "cloakroom_sessions_cleared_total"); err != nil {
		t.Error(err)
	}
	var spans []string
	for _, span := range recorder.Ended() {
		spans = append(spans, fmt.Sprint(span.Name(), " ", span.Status().Code))
	}
	if diff := cmp.Diff([]string{"clear_expired session Unset", "clear_expired session Unset", "clear_expired session Error", "clear_expired session Unset"}, spans); diff != "" {
		t.Error(diff)
	}
}

// A scrape asks the back end nothing; Run does, each minute, and a failure
// leaves what was last known.
func TestSessionsAreCountedEachMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		behind := &counted{}
		behind.fails.Store(true)
		engine := observe.New(behind)
		const moment = "cloakroom_sessions_counted_timestamp_seconds"
		count := func() int { return testutil.CollectAndCount(engine.Collector(), "cloakroom_sessions") }
		if n := testutil.CollectAndCount(engine.Collector(), moment); count() != 0 || behind.stats.Load() != 0 || n != 0 {
			t.Errorf("%d values of what was never counted, %d counts, %d moments", count(), behind.stats.Load(), n)
		}
		go engine.Run(ctx)
		synctest.Wait()
		if count() != 0 || behind.stats.Load() != 1 {
			t.Errorf("%d values of what cannot be counted, %d counts", count(), behind.stats.Load())
		}
		const began = `
# HELP cloakroom_sessions_counted_timestamp_seconds When the sessions were last counted, or else since when that is tried, in seconds since 1970.
# TYPE cloakroom_sessions_counted_timestamp_seconds gauge
cloakroom_sessions_counted_timestamp_seconds{back_end="MariaDB",engine="db"} 9.466848e+08
`
		if err := testutil.CollectAndCompare(engine.Collector(), strings.NewReader(began), moment); err != nil {
			t.Error("no alert can tell that none was ever counted:", err)
		}
		behind.fails.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		const want = `
# HELP cloakroom_sessions Sessions in the back end when they were last counted, live and expired.
# TYPE cloakroom_sessions gauge
cloakroom_sessions{back_end="MariaDB",engine="db",state="expired"} 7
cloakroom_sessions{back_end="MariaDB",engine="db",state="live"} 65
# HELP cloakroom_sessions_counted_timestamp_seconds When the sessions were last counted, or else since when that is tried, in seconds since 1970.
# TYPE cloakroom_sessions_counted_timestamp_seconds gauge
cloakroom_sessions_counted_timestamp_seconds{back_end="MariaDB",engine="db"} 9.4668486e+08
# HELP cloakroom_stored_bytes Bytes that sessions took in the back end when they were last counted.
# TYPE cloakroom_stored_bytes gauge
cloakroom_stored_bytes{back_end="MariaDB",engine="db"} 4096
`
		for range 10 {
			if err := testutil.CollectAndCompare(engine.Collector(), strings.NewReader(want),
				"cloakroom_sessions", "cloakroom_stored_bytes", "cloakroom_sessions_counted_timestamp_seconds"); err != nil {
				t.Fatal(err)
			}
		}
		if behind.stats.Load() != 2 {
			t.Errorf("counted %d times in a minute", behind.stats.Load())
		}
		behind.takes.Store(int64(20 * time.Second)) // then a twentieth of the time is 400 s
		time.Sleep(time.Minute + 20*time.Second)
		time.Sleep(390 * time.Second)
		if behind.stats.Load() != 3 {
			t.Errorf("counted %d times: a slow count is repeated too often", behind.stats.Load())
		}
		stop()
		synctest.Wait()
	})
}

type counted struct {
	answering
	stats atomic.Int32
	fails atomic.Bool
	takes atomic.Int64
}

func (c *counted) Stats(ctx context.Context) (cloakroom.Stats, error) {
	c.stats.Add(1)
	time.Sleep(time.Duration(c.takes.Load()))
	if c.fails.Load() {
		return cloakroom.Stats{}, errors.New("away")
	}
	return c.answering.Stats(ctx)
}

// The names keep to Prometheus's conventions, also of a site that has several
// engines, and of one that tells nothing about itself.
func TestMetricsKeepToTheConventions(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	for _, behind := range []cloakroom.Engine{&answering{}, locmem.Open(), cookie.Open(), struct{ cloakroom.Engine }{}} {
		registry.MustRegister(observe.New(behind).Collector())
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// Whatever is behind shows through: a Manager signs with the site's keys, sends
// cookies that carry sessions, and still is observed.
func TestWhatIsBehindShowsThrough(t *testing.T) {
	t.Parallel()
	engine := observe.New(cookie.Open())
	sessions := cloakroom.New(engine, cloakroom.WithSecretKey("a secret"), cloakroom.WithEvents("", engine.Event))
	s := &cloakroom.Session{}
	s.Set("coat", "green")
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, ok := cloakroom.As[cloakroom.Carrier](sessions.Engine()); !ok || len(s.Key()) < 40 {
		t.Errorf("the session is not in its key: %d bytes", len(s.Key()))
	}
	if _, ok := cloakroom.As[cloakroom.Lister](sessions.Engine()); ok {
		t.Error("cookies cannot be listed")
	}
	found := false
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(engine.Collector())
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			found = found || family.GetName() == "cloakroom_operations_total" && metric.GetCounter().GetValue() == 1 &&
				strings.Contains(metric.String(), `"create"`) && strings.Contains(metric.String(), `"signed_cookies"`)
		}
	}
	if !found {
		t.Errorf("the save was not counted: %v", families)
	}
}
