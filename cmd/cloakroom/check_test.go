package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloakroom-go/cloakroom/internal/server"
)

// Settings of a site in trouble, and of one with which all is well: on the same
// Redis, which may throw sessions out and keeps none on disk.
const (
	troubledSettings = `SECRET_KEY = 'change-me, for everybody knows this one'
SESSION_ENGINE = 'django.contrib.sessions.backends.cache'
SESSION_TIMEOUT = 3600
CSRF_COOKIE_SECURE = True
DATABASE_ROUTERS = ['ours.Router']
CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://%s/1'}}
`
	wellSettings = `SECRET_KEY = 'Zq3vR8sK1mW6xT0bN4yH7uJ2pL5dF9gC-aE.iO_kQzXwVtYrBn'
SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'
SESSION_COOKIE_SECURE = True
CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://%s/2'}}
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': %q}}
`
)

func TestJSONOfCheck(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	redis := server.Redis(t, "maxmemory 64mb", "maxmemory-policy allkeys-lru").Addr
	troubled, later, well := filepath.Join(folder, "local_settings.py"), filepath.Join(folder, "local_settings.d", "_10.py"), filepath.Join(folder, "settings.py")
	if err := os.Mkdir(filepath.Dir(later), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, troubled, fmt.Sprintf(troubledSettings, redis))
	write(t, later, "SESSION_TIMEOUT = 7200\n")
	write(t, well, fmt.Sprintf(wellSettings, redis, filepath.Join(folder, "db.sqlite3")))
	for _, site := range []struct {
		name, settings string
		code           int
		said           string
	}{
		{"check", troubled, exitFailed, "cloakroom: found 1 error and 4 warnings\n"},
		{"check-well", well, exitDone, ""},
	} {
		s := siteOn{flags: []string{"--settings", site.settings}}
		s.done(t, "migrate")
		s.done(t, "create", "n=1")
		code, stdout, stderr := command(t, append(s.flags, "check", "--json")...)
		if code != site.code || stderr != site.said {
			t.Errorf("%s: exit code %d, %q", site.name, code, stderr)
		}
		golden(t, site.name, folder, stdout)
	}
}
