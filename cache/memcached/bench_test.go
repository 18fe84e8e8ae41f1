package memcached_test

import (
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// session is about as large as one of Horizon's with a small catalog.
var session = map[string]any{"_auth_user_id": "1", "user": "Ada", "token": strings.Repeat("catalog ", 220)}

func BenchmarkLoad(b *testing.B) {
	e := openAt(b, "memcached://"+shared(b).Addr, memcached.WithKeys(cache.KeyPrefix("bench")))
	r := create(b, e, session)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := e.Load(b.Context(), r.Key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoadSave(b *testing.B) {
	e := openAt(b, "memcached://"+shared(b).Addr, memcached.WithKeys(cache.KeyPrefix("bench")))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		key, expires := create(b, e, session).Key, create(b, e, session).Expires
		for pb.Next() {
			r, err := e.Load(b.Context(), key)
			if err != nil {
				b.Fatal(err)
			}
			r.Expires = expires
			if err := e.Save(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
