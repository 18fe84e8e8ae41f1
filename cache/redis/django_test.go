package redis_test

import (
	_ "embed"
	"fmt"
	"testing"

	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// django starts a site on django-redis.
func django(t testing.TB, location, options string, more ...string) *djangotest.Django {
	t.Helper()
	return djangotest.Start(t, append(more, caches(t, "django_redis.cache.RedisCache", location, options))...)
}

func caches(t testing.TB, backend, location, options string) djangotest.Settings {
	return fmt.Sprintf(`
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {"default": {"BACKEND": %q, "LOCATION": %q, "KEY_PREFIX": %q, "OPTIONS": {%s}}}`,
		backend, location, t.Name(), options)
}

//go:embed testdata/compressors.py
var compressors string

func TestBesideDjangoRedis(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for name, c := range map[string]struct {
		options string
		ours    []redis.Option
	}{
		"as found": {},
		"protocol 2": {
			`"PICKLE_VERSION": 2`,
			[]redis.Option{redis.WithPickleProtocol(2)},
		},
		"JSON": {
			`"SERIALIZER": "django_redis.serializers.json.JSONSerializer"`,
			[]redis.Option{redis.WithSerializer(redis.JSON)},
		},
		"zlib": {
			`"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"`,
			[]redis.Option{redis.WithCompressor(redis.Zlib)},
		},
		"gzip": {
			`"COMPRESSOR": "compressors.GzipCompressor"`,
			[]redis.Option{redis.WithCompressor(redis.Gzip)},
		},
		"LZMA": {
			`"COMPRESSOR": "django_redis.compressors.lzma.LzmaCompressor"`,
			[]redis.Option{redis.WithCompressor(redis.LZMA)},
		},
		"LZ4": {
			`"COMPRESSOR": "django_redis.compressors.lz4.Lz4Compressor"`,
			[]redis.Option{redis.WithCompressor(redis.LZ4)},
		},
		"zstd": {
			`"COMPRESSOR": "django_redis.compressors.zstd.ZStdCompressor"`,
			[]redis.Option{redis.WithCompressor(redis.Zstd)},
		},
		"LZ4 where it was, with JSON": {
			`"COMPRESSOR": "django_redis.compressors.lz4.Lz4Compressor", "SERIALIZER": "django_redis.serializers.json.JSONSerializer"`,
			[]redis.Option{redis.WithSerializer(redis.JSON)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := django(t, "redis://"+s.Addr+"/1", c.options, compressors)
			e := open(t, "redis://"+s.Addr+"/1", append(c.ours, apart(t))...)
			djangotest.Interop(t, e, d)
		})
	}
}

// Ways to Redis that Django and Go both take.
func TestBesideDjangoRedisByAnyWay(t *testing.T) {
	t.Parallel()
	t.Run("Unix socket", func(t *testing.T) {
		t.Parallel()
		address := "unix://" + shared(t).Socket + "?db=2"
		djangotest.Interop(t, open(t, address, apart(t)), django(t, address, ""))
	})
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		s := server.Redis(t, "requirepass p@ss/w:rd")
		address := "redis://:p%40ss%2Fw%3Ard@" + s.Addr + "/3"
		djangotest.Interop(t, open(t, address, apart(t)), django(t, address, ""))
	})
	t.Run("user", func(t *testing.T) {
		t.Parallel()
		s := server.Redis(t, "user default off",
			"user django on >secret ~"+t.Name()+":1:django.contrib.sessions.cache* +exists +get +set +del",
			"user go on >secret ~"+t.Name()+":1:django.contrib.sessions.cache* "+leastRights)
		djangotest.Interop(t,
			open(t, "redis://go:secret@"+s.Addr, apart(t)),
			django(t, "redis://django:secret@"+s.Addr+"/0", ""))
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		s := server.RedisTLS(t)
		address := "rediss://" + s.Addr + "/0?ssl_ca_certs=" + s.CA
		djangotest.Interop(t, open(t, address, apart(t)), django(t, address, ""))
	})
}

//go:embed testdata/backends.py
var backends string

func TestBesideOtherBackends(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for backend, location := range map[string]string{
		"Django": "redis://" + s.Addr + "/4",
		"Old":    s.Addr + ":4",
	} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			d := djangotest.Start(t, backends, caches(t, "backends."+backend, location, ""))
			djangotest.Interop(t, open(t, location, apart(t)), d)
		})
	}
	t.Run("Old on a socket", func(t *testing.T) {
		t.Parallel()
		location := "unix:" + s.Socket + ":5"
		d := djangotest.Start(t, backends, caches(t, "backends.Old", location, ""))
		djangotest.Interop(t, open(t, location, apart(t)), d)
	})
}
