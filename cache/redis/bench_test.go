package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
)

// session is about as large as one of Horizon's with a small catalog.
func session(b *testing.B, e *redis.Engine) *cloakroom.Record {
	b.Helper()
	r := &cloakroom.Record{
		Data:    map[string]any{"_auth_user_id": "1", "user": "Ada", "token": strings.Repeat("catalog ", 220)},
		Expires: time.Now().Add(time.Hour),
	}
	if err := e.Create(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	return r
}

func BenchmarkLoad(b *testing.B) {
	e := open(b, "redis://"+shared(b).Addr, apart(b))
	key := session(b, e).Key
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := e.Load(b.Context(), key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSave(b *testing.B) {
	e := open(b, "redis://"+shared(b).Addr, apart(b))
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		r := session(b, e)
		for pb.Next() {
			if err := e.Save(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
