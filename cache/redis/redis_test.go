package redis_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// shared is a Redis that nobody stops.
var shared = server.Shared(func(t testing.TB) *server.Server { return server.Redis(t) })

func open(t testing.TB, address string, options ...redis.Option) *redis.Engine {
	t.Helper()
	e, err := redis.Open(t.Context(), address, options...)
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

// apart keeps the sessions of a test by themselves.
func apart(t testing.TB) redis.Option { return redis.WithKeys(cache.KeyPrefix(t.Name())) }

func TestPromises(t *testing.T) {
	s := server.Redis(t, "appendonly yes")
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine { return open(t, "redis://"+s.Addr, apart(t)) },
		Second: func(t testing.TB, _ cloakroom.Engine) cloakroom.Engine {
			return open(t, "unix://"+s.Socket, apart(t))
		},
		Break: func(testing.TB, cloakroom.Engine) func() {
			s.Kill()
			return s.Start
		},
		Corrupt: func(t testing.TB, _ cloakroom.Engine, key string) {
			command(t, s.Addr, "SET", t.Name()+":1:django.contrib.sessions.cache"+key, "\x80\x04}", "PX", "60000")
		},
		ExpiresItself:     true,
		ExpiryGranularity: granularity,
		CountsDown:        true,
	})
}

func TestCloseLeavesNothing(t *testing.T) {
	s := shared(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	e, err := redis.Open(t.Context(), "redis://"+s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
