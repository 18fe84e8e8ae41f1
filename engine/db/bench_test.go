package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/engine/db"
)

// benchmarkDatabases runs a benchmark on each kind of database.
func benchmarkDatabases(b *testing.B, bench func(b *testing.B, e *db.Engine)) {
	b.Helper()
	on := func(name string, address func(b *testing.B) string) {
		b.Run(name, func(b *testing.B) {
			e := openAt(b, address(b))
			migrate(b, e)
			b.ReportAllocs()
			b.ResetTimer()
			bench(b, e)
		})
	}
	on("SQLite", func(b *testing.B) string { return "sqlite:///" + b.TempDir() + "/sessions.sqlite3" })
	for _, kind := range brands {
		on(kind.name, func(b *testing.B) string { return kind.shared(b).NewDatabase(b).URL })
	}
}

func BenchmarkLoad(b *testing.B) {
	benchmarkDatabases(b, func(b *testing.B, e *db.Engine) {
		r := create(b, e, benchData())
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		for b.Loop() {
			if _, err := e.Load(ctx, r.Key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSave(b *testing.B) {
	benchmarkDatabases(b, func(b *testing.B, e *db.Engine) {
		r := create(b, e, benchData())
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		for n := int64(0); b.Loop(); n++ {
			r.Data["n"] = n
			if err := e.Save(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Each goroutine loads and saves a session of its own.
func BenchmarkParallel(b *testing.B) {
	benchmarkDatabases(b, benchmarkParallel)
}

func benchmarkParallel(b *testing.B, e *db.Engine) {
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		key := create(b, e, benchData()).Key
		for n := int64(0); pb.Next(); n++ {
			r, err := e.Load(ctx, key)
			if err != nil {
				b.Error(err)
				return
			}
			r.Data["n"] = n
			if err := e.Save(ctx, r); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// benchData is what a signed-in user's session holds.
func benchData() map[string]any {
	return map[string]any{
		"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash": "9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c",
		"_session_expiry": int64(3600), "n": int64(0), "pi": 3.25, "name": "žluťoučký",
		"cart":   []any{"tea", "milk", "sugar", int64(3)},
		"nested": map[string]any{"a": map[string]any{"b": []any{"c"}}},
	}
}
