package memcached_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Who waits for the shared server, which outlives the tests.
		goleak.IgnoreAnyFunction("github.com/cloakroom-go/cloakroom/internal/server.(*Server).Start.func1"))
}

// shared is for tests that leave its server alone. Each has keys of its own.
var shared = server.Shared(func(t testing.TB) *server.Server { return server.Memcached(t) })

func TestEngine(t *testing.T) {
	t.Parallel()
	s := server.Memcached(t)
	prefixes := map[cloakroom.Engine]string{}
	open := func(t testing.TB, prefix string) cloakroom.Engine {
		e := openAt(t, "memcached://"+s.Addr, memcached.WithKeys(cache.KeyPrefix(prefix)))
		prefixes[e] = prefix
		return e
	}
	enginetest.Run(t, enginetest.Config{
		Open:   func(t testing.TB) cloakroom.Engine { return open(t, t.Name()) },
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return open(t, prefixes[e]) },
		Break: func(testing.TB, cloakroom.Engine) func() {
			s.Stop()
			return s.Start
		},
		Corrupt: func(t testing.TB, e cloakroom.Engine, key string) {
			put(t, s.Addr, djangoKey(prefixes[e], key), 1, "\x80\x05}")
		},
		ExpiresItself:     true,
		ExpiryGranularity: 2 * time.Second,
		CountsDown:        true,
	})
}

func openAt(t testing.TB, address string, options ...memcached.Option) *memcached.Engine {
	t.Helper()
	e, err := memcached.Open(t.Context(), address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func djangoKey(prefix, key string) string {
	return prefix + ":1:django.contrib.sessions.cache" + key
}

// put stores a value behind the engine's back.
func put(t testing.TB, addr, key string, flags int, value string) {
	t.Helper()
	command := fmt.Sprintf("set %s %d 3600 %d\r\n%s\r\n", key, flags, len(value), value)
	if answer := ask(t, addr, command); answer != "STORED" {
		t.Fatalf("putting a value: %s", answer)
	}
}

// ask sends a command and returns the first line of the answer.
func ask(t testing.TB, addr, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(command)); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

func create(t testing.TB, e cloakroom.Engine, data map[string]any) *cloakroom.Record {
	t.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func ExampleOpen() {
	engine, err := memcached.Open(context.Background(), "memcached://10.0.0.1:11211,10.0.0.2:11211",
		memcached.WithPlacement(memcached.PyMemcache),
		memcached.WithKeys(cache.KeyPrefix("horizon")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	sessions := cloakroom.New(engine)
	_ = sessions.Handler
}
