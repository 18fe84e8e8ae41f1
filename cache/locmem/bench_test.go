package locmem_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
)

// fill returns an engine with sessions as a login leaves them.
func fill(b *testing.B, count int, options ...locmem.Option) (cloakroom.Engine, []*cloakroom.Record) {
	e := locmem.Open(options...)
	records := make([]*cloakroom.Record, count)
	for i := range records {
		records[i] = login(i)
		if err := e.Create(b.Context(), records[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	return e, records
}

func login(i int) *cloakroom.Record {
	return &cloakroom.Record{Expires: time.Now().Add(time.Hour), Data: map[string]any{
		"_auth_user_id": fmt.Sprint(i), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	}}
}

func BenchmarkLoad(b *testing.B) {
	e, records := fill(b, 10_000)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := e.Load(b.Context(), records[i%len(records)].Key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoadSameKey(b *testing.B) {
	e, records := fill(b, 1)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := e.Load(b.Context(), records[0].Key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSave(b *testing.B) {
	e, _ := fill(b, 10_000)
	b.RunParallel(func(pb *testing.PB) {
		r := login(0)
		if err := e.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		for pb.Next() {
			if err := e.Save(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCreateWhenFull(b *testing.B) {
	const count = 10_000
	e, _ := fill(b, count, locmem.MaxEntries(count))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := e.Create(b.Context(), login(0)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
