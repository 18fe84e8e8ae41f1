package memcached_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// backends are Django's, by Python client.
var backends = []struct {
	name      string
	options   string
	placement memcached.Placement
}{
	{"MemcachedCache", "", memcached.PythonMemcached},
	{"PyMemcacheCache", "", memcached.PyMemcache},
	{"PyLibMCCache", "", memcached.PyLibMC},
	{"PyLibMCCache", "'behaviors': {'ketama': True}", memcached.PyLibMCKetama},
	{"PyLibMCCache", "'behaviors': {'ketama_weighted': True}", memcached.PyLibMCKetamaWeighted},
}

// caches is an entry of Django's CACHES.
func caches(alias, backend string, servers []string, more string) string {
	return fmt.Sprintf("CACHES[%q] = {'BACKEND': 'django.core.cache.backends.memcached.%s', 'LOCATION': [%s], %s}",
		alias, backend, "'"+strings.Join(servers, "', '")+"'", more)
}

const engineSetting = "SESSION_ENGINE = 'django.contrib.sessions.backends.cache'"

func TestInterop(t *testing.T) {
	t.Parallel()
	for _, b := range backends[:3] {
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
            "pymemcache": Client("` + addr + `", serde=PickleSerde(protocol), default_noreply=False)}
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
		for protocol := range int64(6) {
			for _, flags := range []int64{1, 1 | 8} {
				if flags == 1|8 && client == "pymemcache" {
					continue // it knows no compression
				}
				t.Run(fmt.Sprintf("%s/protocol %d/flags %d", client, protocol, flags), func(t *testing.T) {
					d, key := d.In(t), cloakroom.NewKey()
					d.Exec(fmt.Sprintf("put(%q, %d, %q, %d & 8)", client, protocol, key, flags))
					changeTwice(t, e, key)
					if diff := d.Difference(key, map[string]any{"word": strings.Repeat("ticket ", 500), "changed": "by Go"}); diff != "" {
						t.Errorf("Django finds another session: %s", diff)
					}
					got := d.Eval(djangotest.Python(fmt.Sprintf("form(%q)", key)))
					want := []any{flags, protocol}
					if protocol < 2 {
						want[1] = int64(0) // these do not name themselves
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("Go saves with other flags or in another protocol (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// changeTwice saves a session at the version that Load left, and then at the one
// that Save did.
func changeTwice(t *testing.T, e cloakroom.Engine, key string) {
	t.Helper()
	r, err := e.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.Data = map[string]any{"word": r.Data["word"], "changed": "by Go"}
		if err := e.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// Each placement finds every key where its client puts it.
func TestPlacement(t *testing.T) {
	t.Parallel()
	const keys = 200
	s := start(t, 7)
	sites := [][]string{s[:1], s[:2], s[:3], s[:5], s, {
		"unix:" + server.MemcachedSocket(t).Socket, "unix:" + server.MemcachedSocket(t).Socket,
	}}
	settings := []string{engineSetting, "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}}"}
	for _, b := range backends {
		for i, servers := range sites {
			settings = append(settings, caches(fmt.Sprintf("%d-%d", b.placement, i), b.name, servers,
				"'KEY_PREFIX': 'příliš-žluť', 'OPTIONS': {"+b.options+"}"))
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
		for i, servers := range sites {
			alias := fmt.Sprintf("%d-%d", b.placement, i)
			d.Exec(fmt.Sprintf("put(%q)", alias))
			c, err := memcached.New("memcached://"+strings.Join(servers, ";"), memcached.WithPlacement(b.placement))
			if err != nil {
				t.Fatal(err)
			}
			missed := 0
			for n := range int64(keys) {
				r, err := c.Get(t.Context(), fmt.Sprintf("příliš-žluť:1:%s-%032d", alias, n))
				if err != nil || r.Data["n"] != n {
					missed++
				}
			}
			if missed > 0 {
				t.Errorf("%s with {%s}, %d servers: %d of %d keys are elsewhere", b.name, b.options, len(servers), missed, keys)
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
