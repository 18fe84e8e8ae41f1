package site_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
	"github.com/cloakroom-go/cloakroom/site"
)

var (
	memcached  = server.Shared(func(t testing.TB) *server.Server { return server.Memcached(t) })
	memcached2 = server.Shared(func(t testing.TB) *server.Server { return server.Memcached(t) })
	redis      = server.Shared(func(t testing.TB) *server.Server { return server.Redis(t) })
	mariadb    = server.Shared(func(t testing.TB) *server.Server { return server.MariaDB(t) })
	postgres   = server.Shared(func(t testing.TB) *server.Server { return server.PostgreSQL(t) })
)

const (
	cacheEngine    = "django.contrib.sessions.backends.cache"
	dbEngine       = "django.contrib.sessions.backends.db"
	cachedDBEngine = "django.contrib.sessions.backends.cached_db"
	fileEngine     = "django.contrib.sessions.backends.file"
	cookieEngine   = "django.contrib.sessions.backends.signed_cookies"
	jsonSerializer = "django.contrib.sessions.serializers.JSONSerializer"
)

// plain are the settings that djangotest.Start sets Django up with.
func plain(engine string) *settings.Settings {
	return &settings.Settings{
		SessionEngine: engine, CacheAlias: "default", Serializer: jsonSerializer,
		Cookie:    settings.Cookie{Name: "sessionid", Path: "/", Age: 14 * 24 * time.Hour, HTTPOnly: true, SameSite: "Lax"},
		SecretKey: djangotest.SecretKey, HashingAlgorithm: "sha256",
		UseTZ: true, TimeZone: "America/Chicago",
	}
}

// python is s as a settings file has it.
func python(s *settings.Settings) djangotest.Settings {
	var b strings.Builder
	fmt.Fprintf(&b, "SESSION_ENGINE = %q\nSESSION_SERIALIZER = %q\nSESSION_COOKIE_NAME = %q\nUSE_TZ = %s\nTIME_ZONE = %q\nDEFAULT_HASHING_ALGORITHM = %q\n",
		s.SessionEngine, s.Serializer, s.Cookie.Name, literal(s.UseTZ), s.TimeZone, s.HashingAlgorithm)
	// As Django does that has a settings file.
	b.WriteString("import os, time\nos.environ['TZ'] = TIME_ZONE\ntime.tzset()\n")
	if s.FilePath != "" {
		fmt.Fprintf(&b, "SESSION_FILE_PATH = %q\n", s.FilePath)
	}
	if s.Caches != nil {
		b.WriteString("CACHES = {")
		for alias, c := range s.Caches {
			fmt.Fprintf(&b, "%q: {'BACKEND': %q, 'LOCATION': %s, 'KEY_PREFIX': %q, 'VERSION': %d, 'OPTIONS': %s},",
				alias, c.Backend, location(c.Location), c.KeyPrefix, c.Version, literal(c.Options))
		}
		b.WriteString("}\nSESSION_CACHE_ALIAS = '" + s.CacheAlias + "'\n")
	}
	if s.Databases != nil {
		b.WriteString("DATABASES = {")
		for alias, d := range s.Databases {
			fmt.Fprintf(&b, "%q: {'ENGINE': %q, 'NAME': %q, 'USER': %q, 'PASSWORD': %q, 'HOST': %q, 'PORT': %q, 'OPTIONS': %s, 'TIME_ZONE': %s},",
				alias, d.Engine, d.Name, d.User, d.Password, d.Host, d.Port, literal(d.Options), orNone(d.TimeZone))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "None"
	}
	return literal(s)
}

func location(all []string) string {
	if len(all) == 1 {
		return fmt.Sprintf("%q", all[0])
	}
	return literal(all)
}

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return fmt.Sprintf("%q", v)
	case []string:
		var all []any
		for _, one := range v {
			all = append(all, one)
		}
		return literal(all)
	case []any:
		var parts []string
		for _, one := range v {
			parts = append(parts, literal(one))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for name, one := range v {
			parts = append(parts, fmt.Sprintf("%q: %s", name, literal(one)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
}

// share has Django and Go read what the other wrote, each set up by the same
// settings.
func share(t *testing.T, s *settings.Settings, text djangotest.Settings) {
	t.Helper()
	shareWith(t, s, djangotest.Start(t, text))
}

func shareWith(t *testing.T, s *settings.Settings, beside *djangotest.Django) {
	t.Helper()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if engine, ok := opened.Database(); ok {
		if err := engine.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sessions := opened.Manager(cloakroom.WithTimeout(time.Minute))

	key := beside.Create(map[string]any{"from": "Django", "n": int64(1)})
	found, err := sessions.Load(t.Context(), key)
	if err != nil {
		t.Fatalf("Go does not find what Django stored: %v", err)
	}
	if from, _ := cloakroom.Get[string](found, "from"); from != "Django" {
		t.Errorf("Go finds %q", from)
	}
	found.Set("n", int64(2))
	if err := sessions.Save(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	key = found.Key()
	if got, ok := beside.Load(key); !ok || got["n"] != int64(2) {
		t.Errorf("Django finds %v (%v) of what Go saved", got, ok)
	}
	if want, got := time.Now().Add(s.Cookie.Age), beside.Expires(key); got.Sub(want).Abs() > time.Minute {
		t.Errorf("to Django it expires %v from when it should", got.Sub(want))
	}
	// More keys, for those that are placed on one of several servers.
	for i := range 8 {
		made := &cloakroom.Session{}
		made.Set("i", int64(i))
		if err := sessions.Save(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if got, ok := beside.Load(made.Key()); !ok || got["i"] != int64(i) {
			t.Fatalf("Django finds %v (%v) of what Go stored", got, ok)
		}
	}
}

func TestCaches(t *testing.T) {
	t.Parallel()
	two := []string{memcached(t).Addr, memcached2(t).Addr}
	r := redis(t)
	const django = "django.core.cache.backends."
	s := plain(cacheEngine)
	s.Caches = map[string]settings.Cache{
		"python-memcached":               {Backend: django + "memcached.MemcachedCache", Location: two[:1]},
		"python-memcached, two":          {Backend: django + "memcached.MemcachedCache", Location: two},
		"python-memcached, two in one":   {Backend: django + "memcached.MemcachedCache", Location: []string{strings.Join(two, ";")}},
		"python-memcached, prefix":       {Backend: django + "memcached.MemcachedCache", Location: two[:1], KeyPrefix: "site:of:ours", Version: 7},
		"python-memcached, own options":  {Backend: django + "memcached.MemcachedCache", Location: two[:1], Options: map[string]any{"socket_timeout": int64(2), "server_max_value_length": int64(1 << 20)}},
		"pymemcache, two":                {Backend: django + "memcached.PyMemcacheCache", Location: two, Options: map[string]any{"use_pooling": true}},
		"pylibmc, two":                   {Backend: django + "memcached.PyLibMCCache", Location: two},
		"pylibmc, ketama":                {Backend: django + "memcached.PyLibMCCache", Location: two, Options: map[string]any{"behaviors": map[string]any{"ketama": true, "tcp_nodelay": true}}},
		"pylibmc, binary":                {Backend: django + "memcached.PyLibMCCache", Location: two[:1], Options: map[string]any{"binary": true, "behaviors": map[string]any{"hash": "md5"}}},
		"django-redis":                   {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.Addr + "/3"}, Options: map[string]any{"CLIENT_CLASS": "django_redis.client.DefaultClient"}},
		"django-redis, socket":           {Backend: "django_redis.cache.RedisCache", Location: []string{"unix://" + r.Socket + "?db=4"}},
		"django-redis, two in one":       {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.Addr + "/5,redis://" + r.Addr + "/5"}},
		"django-redis, JSON and zlib":    {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.Addr + "/6"}, Options: map[string]any{"SERIALIZER": "django_redis.serializers.json.JSONSerializer", "COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"}},
		"django-redis, protocol, pool":   {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.Addr}, KeyPrefix: "p", Options: map[string]any{"PICKLE_VERSION": int64(-1), "SOCKET_TIMEOUT": 2.5, "CONNECTION_POOL_CLASS": "redis.BlockingConnectionPool", "CONNECTION_POOL_KWARGS": map[string]any{"max_connections": int64(50), "db": int64(7)}}},
		"django-redis, db of the client": {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.Addr + "/9?db=8"}},
	}
	shareEach(t, s)
}

// shareEach shares sessions on each of CACHES, one after the other, with one
// Django.
func shareEach(t *testing.T, s *settings.Settings) {
	t.Helper()
	for alias, c := range s.Caches {
		c.Version = max(c.Version, 1)
		s.Caches[alias] = c
	}
	s.Caches["default"] = settings.Cache{Backend: "django.core.cache.backends.dummy.DummyCache"}
	beside := djangotest.Start(t, python(s))
	delete(s.Caches, "default")
	for alias := range s.Caches {
		t.Run(alias, func(t *testing.T) {
			s.CacheAlias = alias
			beside.Exec("settings.SESSION_CACHE_ALIAS = " + literal(alias))
			shareWith(t, s, beside.In(t))
		})
	}
}

func TestRedisWithPassword(t *testing.T) {
	t.Parallel()
	const password = "p@ss/w:rd?#%"
	r := server.Redis(t, `requirepass "`+password+`"`)
	s := plain(cacheEngine)
	s.Caches = map[string]settings.Cache{
		"option":      {Location: []string{"redis://" + r.Addr + "/1"}, Options: map[string]any{"PASSWORD": password}},
		"URL":         {Location: []string{"redis://:p%40ss%2Fw%3Ard%3F%23%25@" + r.Addr + "/1"}},
		"URL wins":    {Location: []string{"redis://:p%40ss%2Fw%3Ard%3F%23%25@" + r.Addr + "/1"}, Options: map[string]any{"PASSWORD": "another"}},
		"pool kwargs": {Location: []string{"redis://" + r.Addr + "/1"}, Options: map[string]any{"CONNECTION_POOL_KWARGS": map[string]any{"password": password}}},
	}
	for alias, c := range s.Caches {
		c.Backend = "django_redis.cache.RedisCache"
		s.Caches[alias] = c
	}
	shareEach(t, s)
	t.Run("wrong", func(t *testing.T) {
		t.Parallel()
		s := plain(cacheEngine)
		s.Caches = map[string]settings.Cache{"default": {
			Backend: "django_redis.cache.RedisCache", Location: []string{"redis://:secret0@" + r.Addr + "/1"},
			Options: map[string]any{"PASSWORD": "secret1"},
		}}
		refuses(t, s, cloakroom.ErrConfig, "CACHES['default']", r.Addr)
	})
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	r := server.RedisSentinel(t)
	var sentinels []any
	for _, addr := range r.Addrs {
		host, port, _ := net.SplitHostPort(addr)
		sentinels = append(sentinels, []any{host, port})
	}
	s := plain(cacheEngine)
	s.Caches = map[string]settings.Cache{"default": {
		Version: 1, Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.MasterName + "/2"},
		Options: map[string]any{
			"SENTINELS":       sentinels,
			"SENTINEL_KWARGS": map[string]any{"socket_timeout": int64(2)},
		},
	}}
	share(t, s, python(s)+"DJANGO_REDIS_CONNECTION_FACTORY = 'django_redis.pool.SentinelConnectionFactory'")
	// This one reads from replicas, which may not have heard yet.
	s.Caches["default"].Options["CLIENT_CLASS"] = "django_redis.client.SentinelClient"
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	m, p := mariadb(t), postgres(t)
	_, mport, _ := net.SplitHostPort(m.Addr)
	_, pport, _ := net.SplitHostPort(p.Addr)
	my := func(t *testing.T) settings.Database {
		return settings.Database{Engine: "django.db.backends.mysql", Name: m.NewDatabase(t).Name, User: "cloakroom", Password: "password", Host: "127.0.0.1", Port: mport}
	}
	pg := func(t *testing.T) settings.Database {
		return settings.Database{Engine: "django.db.backends.postgresql", Name: p.NewDatabase(t).Name, User: "cloakroom", Password: "password", Host: "127.0.0.1", Port: pport}
	}
	for name, make := range map[string]func(*testing.T, *settings.Settings) settings.Database{
		"MariaDB, options": func(t *testing.T, _ *settings.Settings) settings.Database {
			d := my(t)
			d.Options = map[string]any{
				"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'", "isolation_level": "read committed",
				"connect_timeout": int64(5),
			}
			return d
		},
		"MariaDB, socket": func(t *testing.T, _ *settings.Settings) settings.Database {
			d := my(t)
			d.Host, d.Port = m.Socket, ""
			return d
		},
		"MariaDB, my.cnf": func(t *testing.T, _ *settings.Settings) settings.Database {
			d := my(t)
			file := filepath.Join(t.TempDir(), "my.cnf")
			text := "# a comment\n[mysqld]\nport = 1\n[client]\nuser = cloakroom\npassword = \"password\"\nhost=127.0.0.1\nport = " + mport +
				"\ndatabase = " + d.Name + "\ndefault-character-set = utf8\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return settings.Database{Engine: d.Engine, Options: map[string]any{"read_default_file": file}}
		},
		"MariaDB, local time": func(t *testing.T, s *settings.Settings) settings.Database {
			s.UseTZ, s.TimeZone = false, "Asia/Kolkata"
			return my(t)
		},
		"MariaDB, a zone of its own": func(t *testing.T, _ *settings.Settings) settings.Database {
			d := my(t)
			d.TimeZone = "Asia/Kolkata"
			return d
		},
		"MariaDB, legacy format": func(t *testing.T, s *settings.Settings) settings.Database {
			s.HashingAlgorithm = "sha1"
			return my(t)
		},
		"PostgreSQL, options": func(t *testing.T, s *settings.Settings) settings.Database {
			s.UseTZ = false
			d := pg(t)
			d.Options = map[string]any{"sslmode": "prefer", "options": "-c search_path=public", "connect_timeout": int64(5)}
			return d
		},
		"PostgreSQL, passfile": func(t *testing.T, _ *settings.Settings) settings.Database {
			d := pg(t)
			file := filepath.Join(t.TempDir(), "pgpass")
			if err := os.WriteFile(file, []byte("127.0.0.1:"+pport+":*:cloakroom:password\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			d.Password, d.Options = "", map[string]any{"passfile": file}
			return d
		},
		"PostgreSQL, socket": func(t *testing.T, _ *settings.Settings) settings.Database {
			d := pg(t)
			d.Host = filepath.Dir(p.Socket)
			return d
		},
		"SQLite": func(t *testing.T, _ *settings.Settings) settings.Database {
			return settings.Database{Engine: "django.db.backends.sqlite3", Name: filepath.Join(t.TempDir(), "a file of 100%?#.sqlite3"), Options: map[string]any{"timeout": int64(20)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plain(dbEngine)
			s.Databases = map[string]settings.Database{"default": make(t, s)}
			migrated(t, s)
			share(t, s, python(s))
		})
	}
}

// migrated makes the table, as Django looks for it before Go does.
func migrated(t *testing.T, s *settings.Settings) {
	t.Helper()
	engine, err := site.OpenDatabase(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCachedDB(t *testing.T) {
	t.Parallel()
	s := plain(cachedDBEngine)
	s.Caches = map[string]settings.Cache{"default": {Backend: "django.core.cache.backends.memcached.PyMemcacheCache", Location: []string{memcached(t).Addr}, KeyPrefix: "cached", Version: 1}}
	s.Databases = map[string]settings.Database{"default": {Engine: "django.db.backends.sqlite3", Name: filepath.Join(t.TempDir(), "db.sqlite3")}}
	migrated(t, s)
	share(t, s, python(s))
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := plain(fileEngine)
	s.Cookie.Name = "horizon"
	s.FilePath = filepath.Join(t.TempDir(), "a folder of 100%?#")
	if err := os.Mkdir(s.FilePath, 0o700); err != nil {
		t.Fatal(err)
	}
	share(t, s, python(s))
}

func TestSignedCookies(t *testing.T) {
	t.Parallel()
	s := plain(cookieEngine)
	share(t, s, python(s))
}

// refuses checks that the settings cannot be opened, and that the error says
// what has to be known and no secret.
func refuses(t *testing.T, s *settings.Settings, kind error, says ...string) {
	t.Helper()
	opened, err := site.Open(t.Context(), s)
	if err == nil {
		_ = opened.Close()
		t.Fatal("it is opened")
	}
	e, ok := errors.AsType[*cloakroom.Error](err)
	if !errors.Is(err, kind) || !ok || e.Mend == "" || e.Reason == "" {
		t.Errorf("it is %v, want %v with a reason and a mend", err, kind)
	}
	for _, what := range says {
		if !strings.Contains(err.Error(), what) {
			t.Errorf("%v\ndoes not say %q", err, what)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("it tells a secret: %v", err)
	}
}
