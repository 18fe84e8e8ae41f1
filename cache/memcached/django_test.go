package memcached_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// backends are Django's, by Python client.
var backends = []struct {
	name      string
	placement memcached.Placement
}{
	{"MemcachedCache", memcached.PythonMemcached},
	{"PyMemcacheCache", memcached.PyMemcache},
	{"PyLibMCCache", memcached.PyLibMC},
}

// caches is an entry of Django's CACHES.
func caches(alias, backend string, servers []string, more string) string {
	return fmt.Sprintf("CACHES[%q] = {'BACKEND': 'django.core.cache.backends.memcached.%s', 'LOCATION': [%s], %s}",
		alias, backend, "'"+strings.Join(servers, "', '")+"'", more)
}

const engineSetting = "SESSION_ENGINE = 'django.contrib.sessions.backends.cache'"

func TestInterop(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			servers := start(t, 3)
			e := openAt(t, "memcached://"+strings.Join(servers, ","), memcached.WithPlacement(b.placement),
				memcached.WithKeys(cache.KeyPrefix("horizon"), cache.Version(2)))
			d := djangotest.Start(t, engineSetting, "CACHES = {}",
				caches("default", b.name, servers, "'KEY_PREFIX': 'horizon', 'VERSION': 2"))
			djangotest.Interop(t, e, d)
		})
	}
}

// A compressed session is saved compressed, and in the pickle protocol it had.
func TestKeepsForm(t *testing.T) {
	t.Parallel()
	addr := shared(t).Addr
	e := openAt(t, "memcached://"+addr, memcached.WithKeys(cache.KeyPrefix("form")))
	d := djangotest.Start(t, engineSetting, "CACHES = {}",
		caches("default", "MemcachedCache", []string{addr}, "'KEY_PREFIX': 'form'"))
	d.Exec(`
import memcache, pylibmc
from pymemcache.client.base import Client
from pymemcache.serde import PickleSerde
word = {"word": "ticket " * 500}
def clients(protocol):
    pl = pylibmc.Client(["` + addr + `"])
    pl.behaviors["pickle_protocol"] = protocol
    return {"python-memcached": memcache.Client(["` + addr + `"], pickleProtocol=protocol), "pylibmc": pl,
            "pymemcache": Client("` + addr + `", serde=PickleSerde(protocol))}
def put(client, protocol, key, compressed):
    key = "form:1:django.contrib.sessions.cache" + key
    options = {"min_compress_len": 1} if compressed else {}
    assert clients(protocol)[client].set(key, word, 3600, **options)
def form(key):
    key = "form:1:django.contrib.sessions.cache" + key
    raw, flags = Client("` + addr + `", deserializer=lambda key, value, flags: (value, flags)).get(key)
    if flags & 8:
        import zlib
        raw = zlib.decompress(raw)
    return [flags, raw[1] if raw[:1] == b"\x80" else 0]
`)
	for _, client := range []string{"python-memcached", "pylibmc", "pymemcache"} {
		for _, compressed := range []bool{false, true} {
			if compressed && client == "pymemcache" {
				continue // it knows no compression
			}
			for protocol := range int64(6) {
				name := fmt.Sprintf("%s, compressed %v, protocol %d", client, compressed, protocol)
				key := cloakroom.NewKey()
				python := "False"
				wantFlags := int64(1)
				if compressed {
					python, wantFlags = "True", 9
				}
				d.Exec(fmt.Sprintf("put(%q, %d, %q, %s)", client, protocol, key, python))
				r, err := e.Load(t.Context(), key)
				if err != nil {
					t.Fatalf("%s: Load: %v", name, err)
				}
				for range 2 { // at the version that Load left, and at the one that Save did
					r.Data = map[string]any{"word": r.Data["word"], "changed": "by Go"}
					if err := e.Save(t.Context(), r); err != nil {
						t.Fatalf("%s: Save: %v", name, err)
					}
				}
				if diff := d.Difference(key, map[string]any{"word": strings.Repeat("ticket ", 500), "changed": "by Go"}); diff != "" {
					t.Errorf("%s: Django finds another session: %s", name, diff)
				}
				// Protocols 0 and 1 do not name themselves.
				wantProtocol := protocol
				if protocol < 2 {
					wantProtocol = 0
				}
				got := d.Eval(djangotest.Python(fmt.Sprintf("form(%q)", key))).([]any)
				if got[0] != wantFlags || got[1] != wantProtocol {
					t.Errorf("%s: Go saves with flags and protocol %v, want %v and %v", name, got, wantFlags, wantProtocol)
				}
			}
		}
	}
}

// Each placement finds every key where its client puts it.
func TestPlacement(t *testing.T) {
	t.Parallel()
	const keys = 1000
	servers := start(t, 5)
	sizes := []int{1, 2, 3, 5}
	settings := []string{engineSetting, "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}}"}
	for _, b := range backends {
		for _, size := range sizes {
			settings = append(settings, caches(fmt.Sprint(b.name, size), b.name, servers[:size], "'KEY_PREFIX': 'příliš-žluť'"))
		}
	}
	d := djangotest.Start(t, settings...)
	d.Exec(fmt.Sprintf(`
from django.core.cache import caches
def put(alias):
    for i in range(%d):
        caches[alias].set("%%s-%%032d" %% (alias, i), {"n": i}, 3600)
`, keys))
	for _, b := range backends {
		for _, size := range sizes {
			alias := fmt.Sprint(b.name, size)
			d.Exec(fmt.Sprintf("put(%q)", alias))
			c, err := memcached.New("memcached://"+strings.Join(servers[:size], ";"), memcached.WithPlacement(b.placement))
			if err != nil {
				t.Fatal(err)
			}
			missed := 0
			for i := range int64(keys) {
				r, err := c.Get(t.Context(), fmt.Sprintf("příliš-žluť:1:%s-%032d", alias, i))
				if err != nil || r.Data["n"] != i {
					missed++
				}
			}
			if missed > 0 {
				t.Errorf("%s, %d servers: %d of %d keys are elsewhere", b.name, size, missed, keys)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func start(t testing.TB, count int) (addrs []string) {
	t.Helper()
	for range count {
		addrs = append(addrs, server.Memcached(t).Addr)
	}
	return addrs
}
