package site_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/server"
	"github.com/cloakroom-go/cloakroom/site"
)

// What cannot be known is refused by name.
func TestRefused(t *testing.T) {
	t.Parallel()
	const django = "django.core.cache.backends."
	redisOptions := func(options map[string]any) settings.Cache {
		return settings.Cache{Backend: "django_redis.cache.RedisCache", Location: []string{"redis://:secret@127.0.0.1:1/1"}, Options: options}
	}
	for name, c := range map[string]struct {
		cache    settings.Cache
		database settings.Database
		change   func(*settings.Settings)
		says     []string
	}{
		"engine":            {change: func(s *settings.Settings) { s.SessionEngine = "ours.sessions" }, says: []string{"SESSION_ENGINE", `"ours.sessions"`}},
		"serializer":        {database: settings.Database{Engine: "django.db.backends.sqlite3", Name: "x"}, change: func(s *settings.Settings) { s.Serializer = "ours.Serializer" }, says: []string{"SESSION_SERIALIZER", "ours.Serializer"}},
		"time zone":         {database: settings.Database{Engine: "django.db.backends.sqlite3", Name: "x"}, change: func(s *settings.Settings) { s.UseTZ, s.TimeZone = false, "Mars/Olympus" }, says: []string{"TIME_ZONE", "Mars/Olympus"}},
		"no such cache":     {change: func(s *settings.Settings) { s.SessionEngine, s.CacheAlias = cacheEngine, "none" }, says: []string{"CACHES['none']"}},
		"dummy cache":       {cache: settings.Cache{Backend: django + "dummy.DummyCache"}, says: []string{"CACHES['default']", "dummy.DummyCache"}},
		"db cache":          {cache: settings.Cache{Backend: django + "db.DatabaseCache"}, says: []string{"db.DatabaseCache"}},
		"file cache":        {cache: settings.Cache{Backend: django + "filebased.FileBasedCache"}, says: []string{"filebased.FileBasedCache"}},
		"custom cache":      {cache: settings.Cache{Backend: "ours.Cache"}, says: []string{`"ours.Cache"`}},
		"key function":      {cache: settings.Cache{Backend: django + "memcached.MemcachedCache", Location: []string{"127.0.0.1:1"}, KeyFunction: "ours.key"}, says: []string{"KEY_FUNCTION", "ours.key"}},
		"no location":       {cache: settings.Cache{Backend: django + "memcached.MemcachedCache"}, says: []string{"LOCATION"}},
		"no Redis location": {cache: settings.Cache{Backend: django + "redis.RedisCache"}, says: []string{"LOCATION"}},
		"pymemcache serde":  {cache: settings.Cache{Backend: django + "memcached.PyMemcacheCache", Location: []string{"127.0.0.1:1"}, Options: map[string]any{"serde": "ours"}}, says: []string{"OPTIONS['serde']"}},
		"pylibmc hash":      {cache: settings.Cache{Backend: django + "memcached.PyLibMCCache", Location: []string{"127.0.0.1:1", "127.0.0.1:2"}, Options: map[string]any{"behaviors": map[string]any{"hash": "md5"}}}, says: []string{"OPTIONS['behaviors']['hash']"}},
		"herd":              {cache: redisOptions(map[string]any{"CLIENT_CLASS": "django_redis.client.HerdClient"}), says: []string{"CLIENT_CLASS", "HerdClient"}},
		"shard":             {cache: redisOptions(map[string]any{"CLIENT_CLASS": "django_redis.client.ShardClient"}), says: []string{"CLIENT_CLASS", "ShardClient"}},
		"Redis serializer":  {cache: redisOptions(map[string]any{"SERIALIZER": "ours.Serializer"}), says: []string{"SERIALIZER", "ours.Serializer"}},
		"Redis compressor":  {cache: redisOptions(map[string]any{"COMPRESSOR": "ours.Compressor"}), says: []string{"COMPRESSOR", "ours.Compressor"}},
		"Redis pool":        {cache: redisOptions(map[string]any{"CONNECTION_POOL_CLASS": "ours.Pool"}), says: []string{"CONNECTION_POOL_CLASS", "ours.Pool"}},
		"Redis pool option": {cache: redisOptions(map[string]any{"CONNECTION_POOL_KWARGS": map[string]any{"credential_provider": "x"}}), says: []string{"CONNECTION_POOL_KWARGS", "credential_provider"}},
		"no Sentinels":      {cache: redisOptions(map[string]any{"CLIENT_CLASS": "django_redis.client.SentinelClient"}), says: []string{"SENTINELS"}},
		"no address":        {cache: settings.Cache{Backend: django + "redis.RedisCache", Location: []string{"http://:secret@127.0.0.1"}}, says: []string{"LOCATION"}},
		"no database":       {change: func(s *settings.Settings) { s.SessionEngine = dbEngine }, says: []string{"DATABASES['default']"}},
		"custom database":   {database: settings.Database{Engine: "ours.db", Name: "x"}, says: []string{"DATABASES['default']", `"ours.db"`}},
		"database option":   {database: settings.Database{Engine: "django.db.backends.mysql", Name: "x", Options: map[string]any{"plugin": "x"}}, says: []string{"OPTIONS['plugin']"}},
		"odd value":         {database: settings.Database{Engine: "django.db.backends.mysql", Name: "x", Options: map[string]any{"unix_socket": []any{"x"}}}, says: []string{"OPTIONS['unix_socket']"}},
		"ssl option":        {database: settings.Database{Engine: "django.db.backends.mysql", Name: "x", Options: map[string]any{"ssl": map[string]any{"capath": "/etc"}}}, says: []string{"OPTIONS['ssl']['capath']"}},
		"no my.cnf":         {database: settings.Database{Engine: "django.db.backends.mysql", Name: "x", Options: map[string]any{"read_default_file": "/nowhere/my.cnf"}}, says: []string{"read_default_file", "/nowhere/my.cnf"}},
		"no name":           {database: settings.Database{Engine: "django.db.backends.mysql", Password: "secret"}, says: []string{"NAME"}},
		"in memory":         {database: settings.Database{Engine: "django.db.backends.sqlite3", Name: ":memory:"}, says: []string{"NAME"}},
		"engine URL":        {change: func(s *settings.Settings) { s.EngineURL = "http://u:secret@h/" }, says: []string{"http:"}},
		"cache URL":         {change: func(s *settings.Settings) { s.EngineURL, s.CacheURL = "sqlite:///x", "mysql://u:secret@h/" }, says: []string{"mysql:"}},
		"cache of a cache":  {change: func(s *settings.Settings) { s.EngineURL, s.CacheURL = "redis://127.0.0.1:1", "locmem:" }, says: []string{"redis:"}},
		"cache of cookies":  {change: func(s *settings.Settings) { s.EngineURL, s.CacheURL = "cookies:", "locmem:" }, says: []string{"cookies:"}},
		"cache alone":       {change: func(s *settings.Settings) { s.CacheURL = "locmem:" }, says: []string{"engine"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plain(cookieEngine)
			if c.cache.Backend != "" {
				s.SessionEngine, s.Caches = cacheEngine, map[string]settings.Cache{"default": c.cache}
			}
			if c.database.Engine != "" {
				s.SessionEngine, s.Databases = dbEngine, map[string]settings.Database{"default": c.database}
			}
			if c.change != nil {
				c.change(s)
			}
			refuses(t, s, cloakroom.ErrConfig, c.says...)
		})
	}
}

// A back end that is away or refuses is named by the setting that led there.
func TestFailures(t *testing.T) {
	t.Parallel()
	m := mariadb(t)
	database := m.NewDatabase(t)
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		kind   error
		says   []string
	}{
		"Memcached": {func(s *settings.Settings) {
			s.SessionEngine = cacheEngine
			s.Caches = map[string]settings.Cache{"default": {Backend: "django.core.cache.backends.memcached.MemcachedCache", Location: []string{"127.0.0.1:1"}}}
		}, cloakroom.ErrUnavailable, []string{"CACHES['default']", "127.0.0.1:1"}},
		"Redis": {func(s *settings.Settings) {
			s.SessionEngine = cacheEngine
			s.Caches = map[string]settings.Cache{"default": {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://ada:secret@127.0.0.1:1/1"}}}
		}, cloakroom.ErrUnavailable, []string{"CACHES['default']", "127.0.0.1:1"}},
		"Redis, URL":      {func(s *settings.Settings) { s.EngineURL = "redis://ada:secret@127.0.0.1:1/1" }, cloakroom.ErrUnavailable, []string{"redis://127.0.0.1:1/1"}},
		"PostgreSQL, URL": {func(s *settings.Settings) { s.EngineURL = "postgres://ada:secret@127.0.0.1:1/dash" }, cloakroom.ErrUnavailable, []string{"postgres://127.0.0.1:1/dash"}},
		"PostgreSQL": {func(s *settings.Settings) {
			s.SessionEngine = dbEngine
			s.Databases = map[string]settings.Database{"default": {Engine: "django.db.backends.postgresql", Name: "dash", User: "ada", Password: "secret", Host: "127.0.0.1", Port: "1"}}
		}, cloakroom.ErrUnavailable, []string{"DATABASES['default']", "127.0.0.1:1/dash"}},
		"MariaDB, wrong password": {func(s *settings.Settings) {
			s.SessionEngine = dbEngine
			s.Databases = map[string]settings.Database{"default": {Engine: "django.db.backends.mysql", Name: database.Name, User: "cloakroom", Password: "secret", Host: m.Socket}}
		}, cloakroom.ErrConfig, []string{"DATABASES['default']", m.Socket + "/" + database.Name, "refuses this user"}},
		"file": {func(s *settings.Settings) { s.SessionEngine, s.FilePath = fileEngine, "/nowhere/at all" }, cloakroom.ErrUnavailable, []string{"SESSION_FILE_PATH"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plain(cookieEngine)
			c.change(s)
			refuses(t, s, c.kind, c.says...)
		})
	}
}

// Whoever mistypes an address has the password in a place where none belongs.
func TestMistypedAddressesTellNoPassword(t *testing.T) {
	t.Parallel()
	behind := "sqlite:///" + filepath.Join(t.TempDir(), "sessions.sqlite3")
	for _, rest := range []string{
		":user:secret@h", ":/user:secret@h", "://user:12/secret@h", "://user:12?secret@h", "://user:12#secret@h",
		"://user:p@secret/x@h:port", "://[user:secret@h", "://user:secret", ":secret@h:1",
	} {
		refused := func(change func(*settings.Settings)) {
			s := plain(cookieEngine)
			change(s)
			opened, err := site.Open(t.Context(), s)
			switch {
			case err == nil:
				t.Errorf("%s is taken", rest)
				_ = opened.Close()
			case strings.Contains(err.Error(), "secret"):
				t.Error(err)
			}
		}
		for _, scheme := range []string{"redis", "rediss", "redis+sentinel", "redis+cluster", "memcached", "mysql", "postgres", "cookies", "locmem"} {
			refused(func(s *settings.Settings) { s.EngineURL = scheme + rest })
			refused(func(s *settings.Settings) { s.EngineURL, s.CacheURL = behind, scheme+rest })
		}
		for _, backend := range []string{
			"django_redis.cache.RedisCache", "redis_cache.RedisCache", "django.core.cache.backends.redis.RedisCache",
			"django.core.cache.backends.memcached.PyMemcacheCache", "django.core.cache.backends.memcached.PyLibMCCache", "django.core.cache.backends.memcached.MemcachedCache",
		} {
			for _, location := range []string{"redis" + rest, "memcached" + rest, strings.TrimLeft(rest, ":/")} {
				refused(func(s *settings.Settings) {
					s.SessionEngine = cacheEngine
					s.Caches = map[string]settings.Cache{"default": {Backend: backend, Location: []string{location}, Version: 1}}
				})
			}
		}
	}
}

// The sessions of a Django with cached_db can be had without its cache, which
// may come later.
func TestCachedDBWithoutItsCache(t *testing.T) {
	t.Parallel()
	r := server.Redis(t)
	s := plain(cachedDBEngine)
	s.Caches = map[string]settings.Cache{"default": {Backend: "django_redis.cache.RedisCache", Location: []string{"redis://" + r.Addr + "/1"}, Version: 1, Options: map[string]any{"IGNORE_EXCEPTIONS": true}}}
	s.Databases = map[string]settings.Database{"default": {Engine: "django.db.backends.sqlite3", Name: filepath.Join(t.TempDir(), "db.sqlite3")}}
	migrated(t, s)
	r.Stop()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	sessions := opened.Manager(cloakroom.WithTimeout(time.Minute))
	session := &cloakroom.Session{}
	session.Set("a", 1)
	if err := sessions.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Load(t.Context(), session.Key()); err != nil {
		t.Fatal(err)
	}
	r.Start()
	before, _ := opened.Cache()
	const key = ":1:django.contrib.sessions.cached_db"
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := sessions.Load(t.Context(), session.Key()); err != nil {
			t.Fatal(err)
		}
		_, err := before.Get(t.Context(), key+session.Key())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cache is back, and is not used: %v", err)
		}
	}
}

// What MariaDB has no encryption for is not sent in plain text.
func TestMySQLTLS(t *testing.T) {
	t.Parallel()
	m := mariadb(t)
	database := m.NewDatabase(t)
	host, port := split(m.Addr)
	for name, options := range map[string]map[string]any{
		"mode":         {"ssl_mode": "REQUIRED"},
		"switch":       {"ssl": true},
		"own hostname": {"ssl": map[string]any{"check_hostname": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plain(dbEngine)
			s.Databases = map[string]settings.Database{"default": {
				Engine: "django.db.backends.mysql", Name: database.Name, User: "cloakroom", Password: "password", Host: host, Port: port, Options: options,
			}}
			refuses(t, s, cloakroom.ErrConfig, "does not encrypt")
		})
	}
}
