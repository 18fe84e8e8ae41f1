package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
)

// write writes files into a folder of the test's and returns the first's path.
func write(t *testing.T, namesAndTexts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(namesAndTexts); i += 2 {
		path := filepath.Join(dir, namesAndTexts[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(namesAndTexts[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, namesAndTexts[0])
}

func load(t *testing.T, path string) *settings.Settings {
	t.Helper()
	s, err := settings.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func minutes(n int) *time.Duration {
	d := time.Duration(n) * time.Minute
	return &d
}

func TestDocumentedSnippets(t *testing.T) {
	t.Parallel()
	dash := map[string]settings.Database{"default": {
		Engine: "django.db.backends.mysql", Name: "dash", User: "dash", Password: "DASH_DBPASS",
		Host: "localhost", Ignored: []string{"default-character-set"},
	}}
	locmem := map[string]settings.Cache{"default": {
		Backend: "django.core.cache.backends.locmem.LocMemCache", Timeout: minutes(5), Version: 1,
	}}
	memcached := map[string]settings.Cache{"default": {
		Backend:  "django.core.cache.backends.memcached.MemcachedCache",
		Location: []string{"my_memcached_host:11211"}, Timeout: minutes(5), Version: 1,
	}}
	redis := map[string]settings.Cache{"default": {
		Backend: "redis_cache.cache.RedisCache", Location: []string{"127.0.0.1:6379:1"}, Timeout: minutes(5), Version: 1,
		Options: map[string]any{"CLIENT_CLASS": "redis_cache.client.DefaultClient"},
	}}
	for file, want := range map[string]struct {
		engine    string
		caches    map[string]settings.Cache
		databases map[string]settings.Database
	}{
		"cached_db.py":      {"cached_db", memcached, dash},
		"database.py":       {"db", locmem, dash},
		"locmem.py":         {"cache", locmem, nil},
		"memcached.py":      {"cache", memcached, nil},
		"redis.py":          {"cache", redis, nil},
		"signed_cookies.py": {"signed_cookies", locmem, nil},
	} {
		s := load(t, filepath.Join("testdata", "documented", file))
		if got := s.SessionEngine; got != "django.contrib.sessions.backends."+want.engine {
			t.Errorf("%s: engine %s", file, got)
		}
		if diff := cmp.Diff(want.caches, s.Caches) + cmp.Diff(want.databases, s.Databases); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestDebian reads what Debian's package openstack-dashboard installs. It keeps the
// secret key in /var/lib, and CACHES of local_settings.d win.
func TestDebian(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	place := `"/","var","lib","openstack-dashboard","secret-key"`
	files := []string{"local_settings.py", ""}
	original, err := os.ReadFile("testdata/debian/local_settings.py")
	if err != nil {
		t.Fatal(err)
	}
	files[1] = strings.Replace(string(original), place, `"`+keys+`"`, 1) +
		"\nCACHES = {'default': {'BACKEND': 'django.core.cache.backends.memcached.PyMemcacheCache', 'LOCATION': 'controller:11211'}}\n"
	snippets, err := filepath.Glob("testdata/debian/local_settings.d/*.py")
	if err != nil || len(snippets) != 6 {
		t.Fatal(snippets, err)
	}
	for _, snippet := range snippets {
		text, err := os.ReadFile(snippet)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, "local_settings.d/"+filepath.Base(snippet), string(text))
	}
	path := write(t, files...)

	s := load(t, path)
	if !s.IsHorizon || s.SecretKey != "" || s.NoSecretKey == nil {
		t.Fatalf("Horizon: %v, key %q", s.IsHorizon, s.SecretKey)
	}
	key := filepath.Join(keys, ".secret_key_store")
	if want := "the secret key file " + key + " is not there"; !strings.Contains(s.NoSecretKey.Error(), want) || !strings.Contains(s.NoSecretKey.Error(), "(start Horizon once, which makes it)") {
		t.Errorf("got  %v\nwant %s", s.NoSecretKey, want)
	}
	if entries, _ := os.ReadDir(keys); len(entries) != 0 {
		t.Errorf("made: %v", entries)
	}

	if err := os.WriteFile(key, []byte("a secret of Horizon's"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = load(t, path)
	if s.SecretKey != "a secret of Horizon's" || s.NoSecretKey != nil {
		t.Errorf("key %q, %v", s.SecretKey, s.NoSecretKey)
	}
	if got := s.Caches["default"].Backend; got != "django.core.cache.backends.locmem.LocMemCache" {
		t.Errorf("CACHES: %s", got)
	}
	source := s.Source("CACHES")
	if filepath.Base(source.File) != "_0006_debian_cache.py" || len(source.Overridden) != 1 || source.Overridden[0].File != path {
		t.Errorf("CACHES are from %+v", source)
	}

	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if s = load(t, path); s.NoSecretKey == nil || !strings.Contains(s.NoSecretKey.Error(), "chmod 600 it") {
		t.Errorf("a key for all to read: %v", s.NoSecretKey)
	}
	unedited := load(t, "testdata/debian/local_settings.py")
	if unedited.TimeZone != "UTC" || unedited.SessionEngine != "django.contrib.sessions.backends.cache" {
		t.Errorf("%+v", unedited)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	django := load(t, write(t, "settings.py", ""))
	want := &settings.Settings{
		SessionEngine: "django.contrib.sessions.backends.db", CacheAlias: "default",
		Serializer:       "django.contrib.sessions.serializers.JSONSerializer",
		Cookie:           settings.Cookie{Name: "sessionid", Path: "/", Age: 14 * 24 * time.Hour, HTTPOnly: true, SameSite: "Lax"},
		HashingAlgorithm: "sha256", UseTZ: true, TimeZone: "America/Chicago",
		Caches: map[string]settings.Cache{"default": {Backend: "django.core.cache.backends.locmem.LocMemCache", Timeout: minutes(5), Version: 1}},
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(settings.Settings{}), cmpopts.IgnoreFields(settings.Settings{}, "NoSecretKey")}
	if diff := cmp.Diff(want, django, ignore); diff != "" {
		t.Errorf("Django (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, settings.FromURLs("", ""), ignore); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}

	horizon := load(t, write(t, "local_settings.py", ""))
	want.IsHorizon, want.Serializer, want.SessionEngine = true, "", "django.contrib.sessions.backends.cache"
	want.ExpireAtBrowserClose = true
	want.SessionTimeout, want.SessionRefresh, want.SimultaneousSessions = time.Hour, true, "allow"
	want.Caches = map[string]settings.Cache{"default": {
		Backend: "django.core.cache.backends.memcached.MemcachedCache", Location: []string{"127.0.0.1:11211"}, Timeout: minutes(5), Version: 1,
	}}
	if diff := cmp.Diff(want, horizon, ignore); diff != "" {
		t.Errorf("Horizon (-want +got):\n%s", diff)
	}
	if s := horizon.Source("CACHES"); s.Default != "Horizon" || s.Line != 0 {
		t.Errorf("CACHES are from %+v", s)
	}
	if s := horizon.Source("SESSION_COOKIE_NAME"); s.Default != "Django" {
		t.Errorf("SESSION_COOKIE_NAME is from %+v", s)
	}
}

func TestWhoseFileItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, text string
		horizon    bool
	}{
		"name":                {"local_settings.py", "DEBUG = False", true},
		"name without ending": {"local_settings", "DEBUG = False", true},
		"import":              {"settings.py", "from horizon.utils import secret_key", true},
		"import in a try":     {"settings.py", "try:\n    from openstack_dashboard.settings import HORIZON_CONFIG\nexcept ImportError:\n    pass", true},
		"setting":             {"settings.py", "OPENSTACK_HOST = 'x'", true},
		"Django's":            {"settings.py", "ROOT_URLCONF = 'x.urls'", false},
		"Django's, by name":   {"local_settings.py", "ROOT_URLCONF = 'x.urls'", false},
		"snippet":             {"redis.py", "SESSION_ENGINE = 'a.b'", false},
	} {
		if got := load(t, write(t, test.file, test.text)).IsHorizon; got != test.horizon {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestHorizonsOwnSettings: given Horizon's settings.py, its local_settings.py is read,
// as is that of its folder "local".
func TestHorizonsOwnSettings(t *testing.T) {
	t.Parallel()
	path := write(t,
		"openstack_dashboard/settings.py", "whatever",
		"openstack_dashboard/local/enabled/__init__.py", "",
		"openstack_dashboard/local/local_settings.py", "SESSION_TIMEOUT = 60\nSECRET_KEY = ''",
		"openstack_dashboard/local/local_settings.d/b.py", "SESSION_TIMEOUT += 1",
		"openstack_dashboard/local/local_settings.d/a.py", "SESSION_TIMEOUT = 120",
		"openstack_dashboard/local/local_settings.d/note.txt", "SESSION_TIMEOUT = 1",
		"openstack_dashboard/local/.secret_key_store", "the key\nand more\n")
	s := load(t, path)
	if s.SessionTimeout != 121*time.Second {
		t.Errorf("SESSION_TIMEOUT %v", s.SessionTimeout)
	}
	if s.SecretKey != "the key\n" { // as Horizon reads it
		t.Errorf("SECRET_KEY %q", s.SecretKey)
	}
	if len(s.Files()) != 3 {
		t.Errorf("read: %v", s.Files())
	}
}

func TestEverySetting(t *testing.T) {
	t.Parallel()
	s := load(t, write(t, "settings.py", `
from pathlib import Path
SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'
SESSION_CACHE_ALIAS = 'sessions'
SESSION_SERIALIZER = 'django.contrib.sessions.serializers.PickleSerializer'
SESSION_FILE_PATH = Path('/var') / 'sessions'
SESSION_SAVE_EVERY_REQUEST = 1
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = 'sid'
SESSION_COOKIE_AGE = 90.5
SESSION_COOKIE_DOMAIN = '.example.org'
SESSION_COOKIE_PATH = '/site/'
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = None
SESSION_COOKIE_SAMESITE = False
SECRET_KEY = b'bytes'
SECRET_KEY_FALLBACKS = ('old', b'older')
DEFAULT_HASHING_ALGORITHM = 'sha1'
CACHES = {'sessions': {
    'BACKEND': 'a.B', 'LOCATION': ('h1:1', 'h2:2'), 'TIMEOUT': None, 'KEY_PREFIX': 'p', 'VERSION': 3,
    'KEY_FUNCTION': 'a.key', 'OPTIONS': {'n': 1, 'f': 1.5, 'l': (True, None), 'd': {'x': b'y'}}},
    'other': {'BACKEND': 'a.B', 'LOCATION': Path('/tmp'), 'TIMEOUT': '60', 'OPTIONS': None}}
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.sqlite3', 'NAME': Path('/srv/db'), 'USER': None, 'PASSWORD': 'pw',
    'HOST': '/run/db.sock', 'PORT': 3306, 'TIME_ZONE': 'UTC', 'CONN_MAX_AGE': 5, 'TEST': {}, 'OPTIONS': {'ssl': {'ca': 'f'}}}}
DATABASE_ROUTERS = ['a.Router']
USE_TZ = False
TIME_ZONE = 'Europe/Prague'
`))
	want := &settings.Settings{
		SessionEngine: "django.contrib.sessions.backends.cached_db", CacheAlias: "sessions",
		Serializer: "django.contrib.sessions.serializers.PickleSerializer", FilePath: "/var/sessions",
		SaveEveryRequest: true, ExpireAtBrowserClose: true,
		Cookie:    settings.Cookie{Name: "sid", Path: "/site/", Domain: ".example.org", Age: 90500 * time.Millisecond, Secure: true},
		SecretKey: "bytes", SecretKeyFallbacks: []string{"old", "older"}, HashingAlgorithm: "sha1",
		Caches: map[string]settings.Cache{
			"sessions": {
				Backend: "a.B", Location: []string{"h1:1", "h2:2"}, KeyPrefix: "p", Version: 3, KeyFunction: "a.key",
				Options: map[string]any{"n": int64(1), "f": 1.5, "l": []any{true, nil}, "d": map[string]any{"x": "y"}},
			},
			"other": {Backend: "a.B", Location: []string{"/tmp"}, Timeout: minutes(1), Version: 1},
		},
		Databases: map[string]settings.Database{"default": {
			Engine: "django.db.backends.sqlite3", Name: "/srv/db", Password: "pw", Host: "/run/db.sock", Port: "3306",
			TimeZone: "UTC", Options: map[string]any{"ssl": map[string]any{"ca": "f"}},
		}},
		DatabaseRouters: true, TimeZone: "Europe/Prague",
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(settings.Settings{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const wrong = "settings: read: session configuration wrong: "
	for text, want := range map[string]string{
		"SESSION_COOKIE_AGE = '3600'":        "SESSION_COOKIE_AGE is of the type str, at FILE:1 (it should be a number of seconds)",
		"\n\nSESSION_COOKIE_AGE = -5":        "SESSION_COOKIE_AGE is -5, at FILE:3 (it should be a number of seconds from 0 on)",
		"SESSION_COOKIE_SECURE = 'False'":    "SESSION_COOKIE_SECURE is of the type str, at FILE:1 (it should be True or False)",
		"SESSION_COOKIE_SAMESITE = 'lux'":    `SESSION_COOKIE_SAMESITE is "lux", at FILE:1 (it should be 'Lax', 'Strict', 'None' or False)`,
		"SESSION_ENGINE = 'db'":              `SESSION_ENGINE is "db", at FILE:1 (it should be a dotted path, such as django.contrib.sessions.backends.db)`,
		"SESSION_ENGINE = None":              "SESSION_ENGINE is of the type None, at FILE:1 (it should be a text)",
		"DEFAULT_HASHING_ALGORITHM = 'md5'":  `DEFAULT_HASHING_ALGORITHM is "md5", at FILE:1 (it should be one of sha256, sha1)`,
		"SECRET_KEY = 5":                     "SECRET_KEY is of the type int, at FILE:1 (it should be a text)",
		"SECRET_KEY_FALLBACKS = ['a', None]": "SECRET_KEY_FALLBACKS[1] is of the type None, at FILE:1 (it should be a text)",
		"SECRET_KEY_FALLBACKS = 'a'":         "SECRET_KEY_FALLBACKS is of the type str, at FILE:1 (it should be a list of texts)",
		"CACHES = []":                        "CACHES is of the type list, at FILE:1 (it should be a dictionary of dictionaries)",

		"SESSION_ENGINE = 'a.cache'\nCACHES = {'default': {}}":                                                                 "CACHES['default'] has no BACKEND, at FILE:2 (add it)",
		"SESSION_ENGINE = 'a.cache'\nCACHES = {'default': {'BACKEND': 'a.B', 'TIMEOUT': 'x'}}":                                 "CACHES['default']['TIMEOUT'] is of the type str, at FILE:2 (it should be a number of seconds)",
		"SESSION_ENGINE = 'a.cache'\nCACHES = {'default': {'BACKEND': 'a.B', 'LOCATION': [1]}}":                                "CACHES['default']['LOCATION'][0] is of the type int, at FILE:2 (it should be a text)",
		"SESSION_ENGINE = 'a.cache'\nCACHES = {'default': {'BACKEND': 'a.B', 'OPTIONS': [1]}}":                                 "CACHES['default']['OPTIONS'] is of the type list, at FILE:2 (it should be a dictionary)",
		"SESSION_ENGINE = 'a.cache'\nimport os\nCACHES = {'default': {'BACKEND': 'a.B', 'LOCATION': os.environ['NO_SUCH_1']}}": "CACHES cannot be known: the environment variable 'NO_SUCH_1' is not set, at FILE:3 (set it as the site has it)",
		"SESSION_ENGINE = 'a.cache'\ndef key(x): pass\nCACHES = {'default': {'BACKEND': 'a.B', 'KEY_FUNCTION': key}}":          "CACHES['default']['KEY_FUNCTION'] is a function, and what it makes of keys cannot be known, at FILE:3 (remove it, or name Django's own by its dotted path)",

		"DATABASES = {'default': {'PORT': 'x'}}":                                    "DATABASES['default']['PORT'] is of the type str, at FILE:1 (it should be a port's number)",
		"DATABASES = {'default': {'NAME': 5}}":                                      "DATABASES['default']['NAME'] is of the type int, at FILE:1 (it should be a path, as text)",
		"import dj_database_url\nDATABASES = {'default': dj_database_url.config()}": "DATABASES['default'] cannot be known: the module dj_database_url is not looked into, at FILE:2 (write the value itself into the settings file)",

		"from decouple import config\nSESSION_COOKIE_AGE = config('AGE', default=5)": "SESSION_COOKIE_AGE cannot be known: what decouple has as config is not looked into, at FILE:2 (write the value itself into the settings file)",
		"SESSION_COOKIE_AGE = 5 +":                                           `SESSION_COOKIE_AGE cannot be known: line 1 is not understood: unexpected end of the line, at FILE:1 (write the value itself into the settings file)`,
		"SESSION_COOKIE_AGE = hours * 3600":                                  "SESSION_COOKIE_AGE cannot be known: the name hours is not defined, at FILE:1 (write the value itself into the settings file)",
		"from nowhere import *":                                              "SESSION_ENGINE, SESSION_CACHE_ALIAS, SESSION_SERIALIZER and 16 more cannot be known: there is no file for the module nowhere, of which everything is imported, at FILE:1 (write the value itself into the settings file)",
		"import socket\nif socket.gethostname() == 'a':\n    USE_TZ = False": "USE_TZ cannot be known: it depends on what cannot be known: socket.gethostname is not looked into, at FILE:2 (write the value itself into the settings file)",
		"class Dev(Configuration):\n    USE_TZ = False":                      "USE_TZ cannot be known: it is set inside of the class Dev, which is not looked into, at FILE:1 (write the value itself into the settings file)",
		"def f():\n    global USE_TZ\n    USE_TZ = False\nf()":               "USE_TZ cannot be known: the function f is not looked into, at FILE:4 (write the value itself into the settings file)",
	} {
		path := write(t, "settings.py", text)
		_, err := settings.Load(path)
		want = wrong + strings.ReplaceAll(want, "FILE", path)
		got := "no error"
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != want || !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// TestNothingOfOurs: what no session needs may be as unknown as it likes.
func TestNothingOfOurs(t *testing.T) {
	t.Parallel()
	s := load(t, write(t, "settings.py", `
import environ, dj_database_url
env = environ.Env(DEBUG=(bool, False))
DEBUG = env('DEBUG')
EMAIL_CONFIG = env.email_url('EMAIL_URL')
print DEBUG
SESSION_COOKIE_AGE = 5
`))
	if s.Cookie.Age != 5*time.Second {
		t.Errorf("%v", s.Cookie.Age)
	}
}

func TestUnneededAlias(t *testing.T) {
	t.Parallel()
	s := load(t, write(t, "settings.py", `
import dj_database_url
SESSION_ENGINE = 'django.contrib.sessions.backends.cache'
SECRET_KEY = dj_database_url.secret()
CACHES = {'default': {'BACKEND': 'a.B'}, 'other': {'BACKEND': dj_database_url.cache()}}
DATABASES = {'default': dj_database_url.config()}
`))
	if _, ok := s.Caches["other"]; ok || len(s.Caches) != 1 || len(s.Databases) != 0 {
		t.Errorf("%v %v", s.Caches, s.Databases)
	}
	for _, err := range []error{s.Unknown("CACHES['other']"), s.Unknown("DATABASES['default']"), s.NoSecretKey} {
		if err == nil || !strings.Contains(err.Error(), "cannot be known: the module dj_database_url is not looked into") {
			t.Errorf("got %v", err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "settings.py")
	if err := os.WriteFile(binary, []byte("\xff\xfe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                             "is not a regular file",
		filepath.Join(dir, "absent.py"): "name the site's settings.py, or Horizon's local_settings.py",
		binary:                          "is not UTF-8",
	} {
		if _, err := settings.Load(path); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	path := write(t, "settings.py", "from base import *\nCACHES['default']['TIMEOUT'] = 5\nUSE_TZ = True\nTIME_ZONE = TIME_ZONE + ''\n",
		"base.py", "CACHES = {'default': {'BACKEND': 'a.B'}}\nUSE_TZ = False\nTIME_ZONE = 'UTC'\nSESSION_ENGINE = 'a.b'\n")
	base := filepath.Join(filepath.Dir(path), "base.py")
	s := load(t, path)
	for name, want := range map[string]settings.Source{
		"CACHES":              {Place: settings.Place{File: path, Line: 2}},
		"USE_TZ":              {Place: settings.Place{File: path, Line: 3}, Overridden: []settings.Place{{File: base, Line: 2}}},
		"TIME_ZONE":           {Place: settings.Place{File: path, Line: 4}},
		"SESSION_ENGINE":      {Place: settings.Place{File: base, Line: 4}},
		"SESSION_COOKIE_NAME": {Default: "Django"},
	} {
		if diff := cmp.Diff(want, s.Source(name), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
