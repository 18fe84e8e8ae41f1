package server_test

import (
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/internal/server"
)

func TestQuick(t *testing.T) {
	for name, f := range map[string]func(t testing.TB, a ...string) *server.Server{
		"my": server.MariaDB, "pg": server.PostgreSQL, "m": server.Memcached, "mt": server.MemcachedTLS, "ms": server.MemcachedSocket, "r": server.Redis, "rt": server.RedisTLS,
	} {
		t.Run(name, func(t *testing.T) {
			b := time.Now()
			s := f(t)
			t.Log(time.Since(b), s)
			if name == "my" || name == "pg" {
				t.Log(s.NewDatabase(t))
				t.Log(time.Since(b), s)
			}
			b = time.Now()
			s.Stop()
			t.Log(time.Since(b))
			s.Start()
			s.Kill()
			s.Start()
			s.Pause()
			s.Resume()
			s.Pause()
		})
	}
}
