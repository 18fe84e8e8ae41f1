package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// failover kills a primary and returns once all sessions are found again, which
// is soon after one of its replicas took its place. Until then whatever is asked
// of it is in time, and told that it is unavailable.
func failover(t *testing.T, e cloakroom.Engine, primary *server.Server, replicas []*server.Server, sessions []*cloakroom.Record) {
	t.Helper()
	e = guarded.New(e, guarded.WithLogger(slog.New(slog.DiscardHandler)))
	primary.Kill()
	killed := time.Now()
	var replaced time.Time
	for _, r := range sessions {
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			got, err := e.Load(ctx, r.Key)
			cancel()
			if took := time.Since(start); took > 1500*time.Millisecond {
				t.Errorf("Load during a failover took %v", took)
			}
			if err == nil {
				if got.Data["n"] != r.Data["n"] {
					t.Error("a session is another after a failover")
				}
				break
			}
			if !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Fatalf("Load during a failover: %v", err)
			}
			if replaced.IsZero() && slices.ContainsFunc(replicas, isPrimary) {
				replaced = time.Now()
			}
			if time.Since(killed) > time.Minute {
				t.Fatalf("no recovery within a minute: %v", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	t.Logf("all sessions are back %v after their primary was killed", time.Since(killed).Round(100*time.Millisecond))
	if replaced.IsZero() {
		return // it was found at once
	}
	t.Logf("and %v after it was replaced", time.Since(replaced).Round(100*time.Millisecond))
	if took := time.Since(replaced); took > 5*time.Second {
		t.Errorf("a new primary is found after %v, want at most 5 s", took)
	}
}

// isPrimary asks a server past the engine.
func isPrimary(s *server.Server) bool {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	answer := make([]byte, 64)
	if _, err := conn.Write([]byte("ROLE\r\n")); err != nil {
		return false
	}
	n, err := conn.Read(answer)
	return err == nil && strings.Contains(string(answer[:n]), "master")
}

func some(t *testing.T, e cloakroom.Engine, count int) []*cloakroom.Record {
	t.Helper()
	all := make([]*cloakroom.Record, count)
	for i := range all {
		all[i] = create(t, e)
	}
	return all
}

func saved(t *testing.T, e cloakroom.Engine, all []*cloakroom.Record) {
	t.Helper()
	for _, r := range all {
		r.Data = map[string]any{"n": r.Data["n"].(int64) + 1}
		if err := e.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func listed(t *testing.T, e cloakroom.Lister, want []*cloakroom.Record) {
	t.Helper()
	missing := map[string]bool{}
	for _, r := range want {
		missing[r.Key] = true
	}
	for r, err := range e.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !missing[r.Key] {
			t.Error("List yields a session twice, or one that is not there")
		}
		delete(missing, r.Key)
	}
	if len(missing) > 0 {
		t.Errorf("List misses %d of %d sessions", len(missing), len(want))
	}
}

// It runs by itself: a primary that gets no processor for a second is replaced.
// Django is told to read from the primary as well, for a replica lags behind.
func TestSentinelFailover(t *testing.T) {
	s := server.RedisSentinel(t)
	address := "redis+sentinel://" + strings.Join(s.Addrs, ",") + "/" + s.MasterName + "/1"
	djangotest.Interop(t, open(t, address, apart(t)), django(t, "redis://"+s.MasterName+"/1", `
		"CONNECTION_POOL_CLASS": "redis.sentinel.SentinelConnectionPool",
		"SENTINELS": [`+sentinels(s.Addrs)+`],
	`, `DJANGO_REDIS_CONNECTION_FACTORY = "django_redis.pool.SentinelConnectionFactory"`))

	e := open(t, address)
	sessions := some(t, e, 20)
	replicated(t, s.Primary)
	failover(t, e, s.Primary, s.Replicas, sessions)
	saved(t, e, sessions)
	listed(t, e, sessions)
}

// sentinels is a list of Python's.
func sentinels(addrs []string) string {
	var list strings.Builder
	for _, addr := range addrs {
		host, port, _ := strings.Cut(addr, ":")
		list.WriteString(`("` + host + `", ` + port + `),`)
	}
	return list.String()
}

// replicated waits until a replica has all that was written.
func replicated(t *testing.T, primary *server.Server) {
	t.Helper()
	command(t, primary.Addr, "WAIT", "1", "5000")
}

// It runs by itself, as TestSentinelFailover does.
func TestCluster(t *testing.T) {
	c := server.RedisCluster(t)
	address := "redis+cluster://" + strings.Join(c.Addrs[:2], ",")

	// Every promise but that of an outage, which is what follows.
	enginetest.Run(t, enginetest.Config{
		Open:   func(t testing.TB) cloakroom.Engine { return open(t, address, apart(t)) },
		Second: func(t testing.TB, _ cloakroom.Engine) cloakroom.Engine { return open(t, address, apart(t)) },
		Waived: map[string]string{
			"Outage":                "see TestCluster itself",
			"Corrupt":               "the same bytes as in TestPromises",
			"ListPassesOverCorrupt": "the same bytes as in TestPromises",
			"StatsCorrupt":          "the same bytes as in TestPromises",
		},
		ExpiresItself:     true,
		ExpiryGranularity: granularity,
		CountsDown:        true,
	})

	whole, err := redis.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	if health, err := whole.Health(t.Context()); err != nil || len(health) != 3 {
		t.Errorf("%d primaries tell how they are (%v)", len(health), err)
	}

	e := open(t, address, apart(t))
	sessions := some(t, e, 100)
	for _, primary := range c.Nodes[:3] {
		size := command(t, primary.Addr, "DBSIZE")
		if n, err := size.AsInt64(); err != nil || n == 0 {
			t.Errorf("a primary has %d sessions (%v)", n, err)
		}
		replicated(t, primary)
	}
	listed(t, e, sessions)

	node := open(t, "redis://"+c.Addrs[0], apart(t))
	moved := 0
	for _, r := range sessions {
		if _, err := node.Load(t.Context(), r.Key); err != nil {
			says(t, err, cloakroom.ErrConfig, "this Redis is part of a Cluster (begin the address with redis+cluster://)")
			moved++
		}
	}
	if moved == 0 || moved == len(sessions) {
		t.Errorf("one node of three has all sessions but %d of %d", moved, len(sessions))
	}

	failover(t, e, c.Nodes[0], c.Nodes[3:], sessions)
	saved(t, e, sessions)
	listed(t, e, sessions)
	if st, err := e.Stats(t.Context()); err != nil || st.Live != int64(len(sessions)) {
		t.Errorf("Stats: %+v, %v", st, err)
	}
}
