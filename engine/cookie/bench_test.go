package cookie_test

import (
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
)

func BenchmarkEngine(b *testing.B) {
	data := map[string]any{
		"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash": "9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c",
		"cart":            []any{"tea", int64(2), map[string]any{"z": int64(1)}},
	}
	for name, e := range map[string]*cookie.Engine{"signed": open(), "encrypted": open(cookie.WithEncryption())} {
		r := &cloakroom.Record{Data: data, Expires: time.Now().Add(14 * 24 * time.Hour)}
		if err := e.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/Load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Load(b.Context(), r.Key); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/Save", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := e.Save(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
