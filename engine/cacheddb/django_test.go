package cacheddb_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

func TestBesideDjango(t *testing.T) {
	t.Parallel()
	onMemcached := func(t testing.TB) (cache.Cache, string) {
		s := server.Memcached(t)
		return openMemcached(t, s), s.Addr
	}
	onRedis := func(t testing.TB) (cache.Cache, string) {
		address := "redis://" + server.Redis(t).Addr + "/1"
		c, err := redis.New(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c, address
	}
	for backEnd, open := range map[string]func(testing.TB) (cache.Cache, string){
		"django.core.cache.backends.memcached.MemcachedCache":  onMemcached,
		"django.core.cache.backends.memcached.PyMemcacheCache": onMemcached,
		"django.core.cache.backends.memcached.PyLibMCCache":    onMemcached,
		"django_redis.cache.RedisCache":                        onRedis,
	} {
		t.Run(backEnd, func(t *testing.T) {
			c, location := open(t)
			e, d := shared(t, c, backEnd, location)
			e.Trust()
			djangotest.Interop(t, e, d)
			leaseIsNothing(t, e, d)
		})
	}
}

// shared is an engine, and a Django on the same cache and database.
func shared(t *testing.T, c cache.Cache, backEnd, location string) (*cacheddb.Engine, *djangotest.Django) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.sqlite3")
	d := djangotest.Start(t, fmt.Sprintf(`
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %q}}
CACHES = {"default": {"BACKEND": %q, "LOCATION": %q}}
`, path, backEnd, location))
	d.Migrate()
	store, err := db.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	e := cacheddb.New(c, store)
	t.Cleanup(func() { _, _ = e.Close(), store.Close() })
	keyed, _ := cloakroom.With(e, func(s cloakroom.Signed) cloakroom.Engine { return s.WithSecretKeys(djangotest.SecretKey) })
	return keyed.(*cacheddb.Engine), d
}

// leaseIsNothing: where Go has left a lease, Django finds the session in the
// database, and puts it into the cache.
func leaseIsNothing(t *testing.T, e *cacheddb.Engine, d *djangotest.Django) {
	t.Helper()
	key := create(t, e, map[string]any{"user": "1"}).Key
	e.LeaveLease(t, key)
	if data, ok := d.Load(key); !ok || data["user"] != "1" {
		t.Errorf("Django finds %v, %v behind a lease", data, ok)
	}
	if got, err := e.Load(t.Context(), key); err != nil || got.Data["user"] != "1" {
		t.Errorf("Load of what Django put there: %v, %v", got, err)
	}
}
