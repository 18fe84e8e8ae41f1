package check_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/check"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/server"
	"github.com/cloakroom-go/cloakroom/site"
)

var (
	memcached = server.Shared(func(t testing.TB) *server.Server { return server.Memcached(t) })
	redis     = server.Shared(func(t testing.TB) *server.Server { return server.Redis(t, "appendonly yes") })
	mariadb   = server.Shared(func(t testing.TB) *server.Server { return server.MariaDB(t) })
	postgres  = server.Shared(func(t testing.TB) *server.Server { return server.PostgreSQL(t) })
)

// healthy is all that is well with every site.
const healthy = `
SECRET_KEY = 'Zq3vR8sK1mW6xT0bN4yH7uJ2pL5dF9gC-aE.iO_kQzXwVtYrBn'
SESSION_COOKIE_SECURE = True
`

func cacheSettings(backend, location string) string {
	return fmt.Sprintf("SESSION_ENGINE = 'django.contrib.sessions.backends.cache'\nCACHES = {'default': {'BACKEND': %q, 'LOCATION': %q}}\n", backend, location)
}

func onMemcached(location string) string {
	return cacheSettings("django.core.cache.backends.memcached.PyMemcacheCache", location)
}

func onRedis(location string) string {
	return cacheSettings("django_redis.cache.RedisCache", "redis://"+location+"/1")
}

func onDatabase(d server.Database) string {
	return "SESSION_ENGINE = 'django.contrib.sessions.backends.db'\n" + d.Settings
}

func sqlite(t testing.TB) server.Database {
	return server.Database{Settings: fmt.Sprintf("DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': %q}}\n", filepath.Join(t.TempDir(), "db.sqlite3"))}
}

// load reads settings as a file of that name.
func load(t testing.TB, name, text string) *settings.Settings {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := settings.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func django(t testing.TB, text string) *settings.Settings {
	t.Helper()
	return load(t, "settings.py", healthy+text)
}

// horizon is a site of Horizon's.
func horizon(t testing.TB, text string) *settings.Settings {
	t.Helper()
	return load(t, "local_settings.py", healthy+text)
}

// migrated makes the table.
func migrated(t testing.TB, s *settings.Settings) {
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

// stored keeps n sessions with that data.
func stored(t testing.TB, s *settings.Settings, n int, data map[string]any) (keys []string) {
	t.Helper()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for range n {
		r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
		if err := opened.Engine.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, r.Key)
	}
	return keys
}

const wrongPassword = "Wr0ng-and-secret"

// found is what is not well, by its name and severity.
func found(t testing.TB, s *settings.Settings, o check.Options) []string {
	t.Helper()
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	var all []string
	for f := range check.Run(t.Context(), s, o) {
		t.Logf("%s %s: %s (%s)", f.Severity, f.ID, f.Text, f.Mend)
		if f.Severity > check.OK {
			all = append(all, f.Severity.String()+" "+f.ID)
		}
		sound(t, s, f)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sound checks what is promised of every finding.
func sound(t testing.TB, s *settings.Settings, f check.Finding) {
	t.Helper()
	if f.Text == "" || (f.Severity > check.OK) != (f.Mend != "") || strings.Contains(f.Text+f.Mend, "%!") {
		t.Errorf("it is ill said: %+v", f)
	}
	for _, secret := range []string{s.SecretKey, wrongPassword} {
		if secret != "" && strings.Contains(f.Text+f.Mend, secret) {
			t.Errorf("it tells a secret: %s", f.Text)
		}
	}
	name := f.Severity.String() + " " + f.ID
	produced.Store(name, true)
	if !slices.Contains(documented(), name) {
		t.Errorf("docs/check.md lacks %s", name)
	}
}

func finds(t *testing.T, s *settings.Settings, o check.Options, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, found(t, s, o)); diff != "" {
		t.Errorf("findings (-want +got)\n%s", diff)
	}
}

func execute(t testing.TB, d server.Database, statements ...string) {
	t.Helper()
	driver, source := "pgx", d.URL
	if rest, ok := strings.CutPrefix(d.URL, "mysql://"); ok {
		account, place, _ := strings.Cut(rest, "@")
		host, name, _ := strings.Cut(place, "/")
		driver, source = "mysql", account+"@tcp("+host+")/"+name
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// A site with which all is well.
func TestHealthy(t *testing.T) {
	t.Parallel()
	data := map[string]any{"name": "Ada", "list": []any{int64(1), nil, true, 1.5}}
	for name, text := range map[string]string{
		"MariaDB":    onDatabase(mariadb(t).NewDatabase(t)),
		"PostgreSQL": onDatabase(postgres(t).NewDatabase(t)),
		"SQLite":     onDatabase(sqlite(t)),
		"Redis":      onRedis(redis(t).Addr),
		"Memcached":  onMemcached(memcached(t).Addr),
		"files":      fmt.Sprintf("SESSION_ENGINE = 'django.contrib.sessions.backends.file'\nSESSION_FILE_PATH = %q\n", t.TempDir()),
		"cached_db":  onMemcached(memcached(t).Addr) + sqlite(t).Settings + "SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := django(t, text)
			if s.Databases != nil {
				migrated(t, s)
			}
			stored(t, s, 3, data)
			before := count(t, s)
			finds(t, s, check.Options{})
			if after := count(t, s); after != before {
				t.Errorf("%d sessions are there, %d were before: the throw-away one is left", after, before)
			}
		})
	}
	t.Run("cookies", func(t *testing.T) {
		t.Parallel()
		s := django(t, "SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'\n")
		finds(t, s, check.Options{Cookie: stored(t, s, 1, data)[0]})
	})
}

func count(t testing.TB, s *settings.Settings) (n int) {
	t.Helper()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	lister, ok := cloakroom.As[cloakroom.Lister](opened.Engine)
	if !ok {
		t.Fatal("it lists nothing")
	}
	for _, err := range lister.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// What Debian's package does to who wrote CACHES into local_settings.py.
func TestOverriddenByDebian(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"local_settings.py": healthy + onMemcached(memcached(t).Addr),
		"local_settings.d/_0006_debian_cache.py": `CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.locmem.LocMemCache',
    },
}
`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := settings.Load(filepath.Join(dir, "local_settings.py"))
	if err != nil {
		t.Fatal(err)
	}
	finds(t, s, check.Options{}, "warning local-memory", "warning settings-overridden")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const inMemory = "SESSION_ENGINE = 'django.contrib.sessions.backends.cache'\nCACHES = {'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}\n"
	const cookies = "SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"startproject's key":  {inMemory + "SECRET_KEY = 'django-insecure-a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0'", []string{"error secret-key-default"}},
		"placeholder":         {inMemory + "SECRET_KEY = 'PLEASE-CHANGE-ME-or-else-everybody-can-forge-sessions-of-yours'", []string{"error secret-key-default"}},
		"short key":           {inMemory + "SECRET_KEY = 'Zq3vR8sK1mW6'", []string{"warning secret-key-weak"}},
		"monotonous key":      {inMemory + "SECRET_KEY = 'ab' * 30", []string{"warning secret-key-weak"}},
		"no key":              {inMemory + "SECRET_KEY = ''", []string{"error secret-key-missing"}},
		"SameSite":            {inMemory + "SESSION_COOKIE_SECURE, SESSION_COOKIE_SAMESITE = False, 'None'", []string{"error cookie-samesite"}},
		"split cookie path":   {inMemory + "SESSION_COOKIE_PATH = '/; Domain=example.org'", []string{"error cookie-refused"}},
		"broken cookie name":  {inMemory + "SESSION_COOKIE_NAME = 'a\\r\\nSet-Cookie: b'", []string{"error cookie-refused"}},
		"host-only, a domain": {inMemory + "SESSION_COOKIE_NAME, SESSION_COOKIE_DOMAIN = '__Host-a', 'example.org'", []string{"error cookie-refused"}},
		"not secure":          {inMemory + "SESSION_COOKIE_SECURE = False", []string{"notice cookie-not-secure"}},
		"redirected to https": {inMemory + "SESSION_COOKIE_SECURE, SECURE_SSL_REDIRECT = False, True", []string{"warning cookie-not-secure"}},
		"behind a proxy":      {inMemory + "SESSION_COOKIE_SECURE = False\nSECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')", []string{"warning cookie-not-secure"}},
		"scriptable":          {inMemory + "SESSION_COOKIE_HTTPONLY = False", []string{"warning cookie-scriptable"}},
		"no age":              {inMemory + "SESSION_COOKIE_AGE = 0", []string{"error cookie-age"}},
		"great age":           {inMemory + "SESSION_COOKIE_AGE = 10 * 365 * 86400", []string{"notice cookie-age"}},
		"routers":             {inMemory + "DATABASE_ROUTERS = ['ours.Router']", []string{"notice database-routers"}},
		"cookies":             {cookies, []string{"notice cookie-size-unknown"}},
		"pickled cookies":     {cookies + "SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'", []string{"error pickle-in-cookies", "notice cookie-size-unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(c.text, inMemory) {
				c.want = append(c.want, "warning local-memory")
			}
			finds(t, django(t, c.text), check.Options{}, c.want...)
		})
	}
	t.Run("Horizon's cookies", func(t *testing.T) {
		t.Parallel()
		s := horizon(t, cookies+"SESSION_TIMEOUT = 86400\nSESSION_COOKIE_AGE = 3600\n")
		finds(t, s, check.Options{}, "warning cookie-age", "warning cookie-size-unknown")
	})
}

func TestCookieSize(t *testing.T) {
	t.Parallel()
	s := django(t, "SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'\n")
	random := func(n int) map[string]any {
		text := make([]byte, n)
		for i := range text {
			text[i] = 'a' + cloakroom.NewKey()[0]%26
		}
		return map[string]any{"catalog": string(text)}
	}
	for name, c := range map[string]struct {
		cookie string
		want   string
	}{
		"large": {stored(t, s, 1, random(4200))[0], "warning cookie-large"},
		"alien": {"eyJhIjoxfQ:1vPfWw:nobody", "warning cookie-unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			finds(t, s, check.Options{Cookie: c.cookie}, c.want)
		})
	}
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		s := *s
		s.Cookie.Path = "/" + strings.Repeat("dashboard/", 70)
		finds(t, &s, check.Options{Cookie: stored(t, &s, 1, random(4200))[0]}, "error cookie-too-large")
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	d := mariadb(t).NewDatabase(t)
	host, port, _ := net.SplitHostPort(mariadb(t).Addr)
	account := func(user, password string) string {
		return fmt.Sprintf("SESSION_ENGINE = 'django.contrib.sessions.backends.db'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': %q, 'USER': %q, 'PASSWORD': %q, 'HOST': %q, 'PORT': %s}}\n", d.Name, user, password, host, port)
	}
	locked := server.Redis(t, "requirepass right", "appendonly yes")
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"Redis":                    {onRedis("127.0.0.1:1"), []string{"error storage-unreachable"}},
		"Memcached":                {onMemcached("127.0.0.1:1"), []string{"error storage-unreachable"}},
		"database":                 {strings.ReplaceAll(account("cloakroom", "password"), port+"}", "1}"), []string{"error storage-unreachable"}},
		"wrong password":           {account("cloakroom", wrongPassword), []string{"error storage-refused"}},
		"wrong password of Redis":  {onRedis(":" + wrongPassword + "@" + locked.Addr), []string{"error storage-refused"}},
		"no database of that name": {strings.ReplaceAll(account("cloakroom", "password"), d.Name, d.Name+"x"), []string{"error storage-refused"}},
		"missing table":            {account("cloakroom", "password"), []string{"error table-unusable"}},
		"unknown cache":            {cacheSettings("ours.Cache", ""), []string{"error storage-refused"}},
		"cache before a database":  {onMemcached("127.0.0.1:1") + sqlite(t).Settings + "SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'\n", []string{"warning cache-unreachable"}},
		"local memory before it":   {cacheSettings("django.core.cache.backends.locmem.LocMemCache", "") + sqlite(t).Settings + "SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'\n", []string{"warning local-memory"}},
		"missing file":             {onDatabase(sqlite(t)), []string{"error table-unusable"}},
		"no key before any table":  {onDatabase(sqlite(t)) + "SECRET_KEY = None\n", []string{"error secret-key-missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := django(t, c.text)
			if strings.Contains(name, "before") {
				migrated(t, s)
			}
			finds(t, s, check.Options{}, c.want...)
		})
	}
}

// What hangs is not waited for.
func TestHanging(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *server.Server{"Redis": server.Redis, "Memcached": server.Memcached} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hanging := start(t)
			text := onMemcached(hanging.Addr)
			if name == "Redis" {
				text = onRedis(hanging.Addr)
			}
			s := django(t, text)
			hanging.Pause()
			began := time.Now()
			finds(t, s, check.Options{Patience: time.Second}, "error storage-unreachable")
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil []string
		want  string
	}{
		"no index":      {[]string{"DROP INDEX django_session_expire_date_a5c62663 ON django_session"}, "warning table-incomplete"},
		"another shape": {[]string{"ALTER TABLE django_session DROP COLUMN expire_date"}, "error storage-refused"},
		"never cleared": {[]string{"INSERT INTO django_session SELECT concat('expired', seq), 'x', '2020-01-01' FROM seq_1_to_2000"}, "warning expired-sessions"},
		"damaged":       {[]string{"INSERT INTO django_session SELECT concat('damaged', seq), 'x', '2999-01-01' FROM seq_1_to_2"}, "notice sessions-unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := mariadb(t).NewDatabase(t)
			s := django(t, onDatabase(d))
			migrated(t, s)
			stored(t, s, 10, map[string]any{"a": int64(1)})
			execute(t, d, c.spoil...)
			finds(t, s, check.Options{}, c.want)
		})
	}
	t.Run("PostgreSQL, no index", func(t *testing.T) {
		t.Parallel()
		d := postgres(t).NewDatabase(t)
		s := django(t, onDatabase(d))
		migrated(t, s)
		execute(t, d, "DROP INDEX django_session_expire_date_a5c62663")
		finds(t, s, check.Options{}, "warning table-incomplete")
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	s := server.MariaDB(t, "--init-connect=SET timestamp = UNIX_TIMESTAMP() - 3600")
	d := s.NewDatabase(t)
	set := django(t, onDatabase(d))
	migrated(t, set)
	finds(t, set, check.Options{}, "warning clock-differs")
}

// Whoever reads the findings one by one can see what comes next.
func TestBusyDatabase(t *testing.T) {
	t.Parallel()
	d := mariadb(t).NewDatabase(t)
	s := django(t, onDatabase(d))
	migrated(t, s)
	rest, _ := strings.CutPrefix(d.URL, "mysql://")
	account, place, _ := strings.Cut(rest, "@")
	host, name, _ := strings.Cut(place, "/")
	db, err := sql.Open("mysql", account+"@tcp("+host+")/"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for f := range check.Run(ctx, s, check.Options{Patience: 4 * time.Second}) {
		if f.ID == "sample" {
			if _, err := conn.ExecContext(ctx, "LOCK TABLES django_session WRITE"); err != nil {
				t.Fatal(err)
			}
		}
		if f.Severity > check.OK {
			got = append(got, f.ID)
			sound(t, s, f)
		}
	}
	if diff := cmp.Diff([]string{"expired-unknown"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRoundTripFails(t *testing.T) {
	t.Parallel()
	d := mariadb(t).NewDatabase(t)
	s := django(t, onDatabase(d))
	migrated(t, s)
	execute(t, d, "CREATE TRIGGER lose AFTER UPDATE ON django_session FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'lost'")
	finds(t, s, check.Options{}, "error round-trip-failed")
	if n := count(t, s); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestOtherSecretKey(t *testing.T) {
	t.Parallel()
	const other = "\nSECRET_KEY = 'another key that the site has been running with before 42'\n"
	for name, text := range map[string]string{
		"MariaDB": onDatabase(mariadb(t).NewDatabase(t)),
		"files":   fmt.Sprintf("SESSION_ENGINE = 'django.contrib.sessions.backends.file'\nSESSION_FILE_PATH = %q\n", t.TempDir()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, before := django(t, text), django(t, text+other)
			if s.Databases != nil {
				migrated(t, s)
			}
			stored(t, s, 1, map[string]any{"a": int64(1)})
			stored(t, before, 1, map[string]any{"a": int64(1)})
			finds(t, s, check.Options{}, "notice secret-key-changed")
			stored(t, before, 5, map[string]any{"a": int64(1)})
			finds(t, s, check.Options{}, "error secret-key-differs")
			s.SecretKeyFallbacks = []string{before.SecretKey}
			finds(t, s, check.Options{})
		})
	}
}

func TestPickle(t *testing.T) {
	t.Parallel()
	s := django(t, onDatabase(sqlite(t))+"SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'\n")
	migrated(t, s)
	stored(t, s, 2, map[string]any{"a": int64(1)})
	finds(t, s, check.Options{}, "warning pickle")
	stored(t, s, 1, map[string]any{"a": map[string]any{"b": []any{time.Now()}}})
	finds(t, s, check.Options{}, "notice pickle-needed")
}

func TestMemcached(t *testing.T) {
	t.Parallel()
	t.Run("small items", func(t *testing.T) {
		t.Parallel()
		s := django(t, onMemcached(server.Memcached(t, "-I", "16k", "-o", "slab_chunk_max=16384").Addr))
		stored(t, s, 1, map[string]any{"a": strings.Repeat("x", 3000)})
		finds(t, s, check.Options{}, "warning memcached-item-size")
	})
	t.Run("small items before a database", func(t *testing.T) {
		t.Parallel()
		s := django(t, onMemcached(server.Memcached(t, "-I", "16k", "-o", "slab_chunk_max=16384").Addr)+sqlite(t).Settings+"SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'\n")
		migrated(t, s)
		finds(t, s, check.Options{}, "warning memcached-item-size")
	})
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		s := django(t, onMemcached(server.Memcached(t, "-m", "8").Addr))
		large := map[string]any{"a": strings.Repeat("x", 100_000)}
		stored(t, s, 70, large)
		finds(t, s, check.Options{}, "warning memcached-full")
		stored(t, s, 70, large)
		finds(t, s, check.Options{}, "warning memcached-evictions")
	})
}

func TestRedis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config []string
		want   []string
	}{
		"evicts all":        {[]string{"appendonly yes", "maxmemory 64mb", "maxmemory-policy allkeys-lru"}, []string{"warning redis-evicts"}},
		"evicts sessions":   {[]string{"appendonly yes", "maxmemory 64mb", "maxmemory-policy volatile-ttl"}, []string{"warning redis-evicts"}},
		"evicts nothing":    {[]string{"save 3600 1", "maxmemory 64mb", "maxmemory-policy noeviction"}, nil},
		"never full":        {[]string{"appendonly yes", "maxmemory-policy allkeys-lru"}, nil},
		"keeps nothing":     {nil, []string{"warning redis-not-persistent"}},
		"tells nothing":     {[]string{"user default on nopass ~* &* +@all -info -config"}, []string{"notice redis-unknown"}},
		"cache of database": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := onRedis(server.Redis(t, c.config...).Addr)
			if name == "cache of database" {
				text += sqlite(t).Settings + "SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'\n"
			}
			s := django(t, text)
			if s.Databases != nil {
				migrated(t, s)
			}
			finds(t, s, check.Options{}, c.want...)
		})
	}
}

// What a Finding is in JSON is what the command prints.
func TestJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(check.Finding{Severity: check.Warning, ID: "local-memory", Text: "It is.", Mend: "Do not."})
	if want := `{"severity":"warning","id":"local-memory","text":"It is.","mend":"Do not."}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

func TestBreakingOffLeavesNothing(t *testing.T) {
	t.Parallel()
	s := django(t, onRedis(redis(t).Addr))
	for range check.Run(t.Context(), s, check.Options{}) {
		break
	}
}
