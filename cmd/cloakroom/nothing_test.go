package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// From nothing to working storage with createdb and migrate alone, by a settings
// file that a real Django shares: it finds nothing to do, and each finds the
// other's sessions.
func TestFromNothing(t *testing.T) {
	t.Parallel()
	const (
		databases = "SESSION_ENGINE = 'django.contrib.sessions.backends.db'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.%s', 'NAME': 'dash', 'USER': 'dash', 'PASSWORD': 'two words', 'HOST': %q, 'PORT': %q}}\n"
		caches    = "SESSION_ENGINE = 'django.contrib.sessions.backends.cache'\nCACHES = {'default': {'BACKEND': '%s', 'LOCATION': %q}}\n"
	)
	for name, settings := range map[string]func(t *testing.T) string{
		"MariaDB": func(t *testing.T) string {
			return fmt.Sprintf(databases, "mysql", server.MariaDB(t).Socket, "")
		},
		"PostgreSQL": func(t *testing.T) string {
			s := server.PostgreSQL(t)
			_, port, _ := strings.Cut(s.Addr, ":")
			return fmt.Sprintf(databases, "postgresql", s.Dir, port)
		},
		"Redis": func(t *testing.T) string {
			return fmt.Sprintf(caches, "django_redis.cache.RedisCache", "redis://"+server.Redis(t).Addr+"/1")
		},
		"Memcached": func(t *testing.T) string {
			return fmt.Sprintf(caches, "django.core.cache.backends.memcached.PyMemcacheCache", server.Memcached(t).Addr)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf("SECRET_KEY = %q\nSESSION_SERIALIZER = 'django.contrib.sessions.serializers.JSONSerializer'\n", djangotest.SecretKey) + settings(t)
			file := filepath.Join(t.TempDir(), "settings.py")
			write(t, file, text)
			done := func(args ...string) string {
				t.Helper()
				code, stdout, stderr := commandWith(t, "\n", append(args, "--settings", file)...)
				if code != exitDone {
					t.Errorf("%q: exit code %d\n%s", args, code, stderr)
				}
				return stdout
			}
			for range 2 { // it may be repeated
				done("createdb")
				done("migrate")
			}
			key := strings.TrimSpace(done("create", "n=1", `name="Žofie"`))

			django := djangotest.Start(t, text)
			if strings.Contains(text, "DATABASES") {
				django.Exec("from django.core.management import call_command\ncall_command('migrate', check_unapplied=True, verbosity=0)")
			}
			if data, ok := django.Load(key); !ok || data["name"] != "Žofie" {
				t.Errorf("Django finds %v, %v", data, ok)
			}
			theirs := django.Create(map[string]any{"from": "Django"})
			if shown := done("show", theirs); !strings.Contains(shown, "Django") {
				t.Errorf("what Django created shows as\n%s", shown)
			}
			done("revoke", theirs[:10])
			if _, ok := django.Load(theirs); ok {
				t.Error("Django still has what was revoked")
			}
			if listed := done("list", "--json"); !strings.Contains(listed, key) || strings.Contains(listed, theirs) {
				t.Errorf("listed:\n%s", listed)
			}
		})
	}
}

// Where there is no SQLite file none is made, by whatever is no setting up: it would be
// empty, and might be for another user than the site's.
func TestMissingFile(t *testing.T) {
	t.Setenv(secretVariable, secret)
	key := strings.Repeat("a", 32)
	file := filepath.Join(t.TempDir(), "typo.sqlite3")
	missing, there := "sqlite:///"+file, openSite(t, t.TempDir()).flags[1]
	for _, args := range [][]string{
		{"check", "--engine", missing},
		{"clearsessions", "--engine", missing},
		{"copy", "--to", "file://" + t.TempDir(), "--engine", missing},
		{"copy", "--to", missing, "--engine", there},
		{"create", "n=1", "--engine", missing},
		{"list", "--engine", missing},
		{"revoke", key, "--engine", missing},
		{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--engine", missing},
		{"set", key, "n=1", "--engine", missing},
		{"show", key, "--engine", missing},
	} {
		code, stdout, stderr := command(t, args...)
		if said := stdout + stderr; code != exitFailed || !strings.Contains(said, "the database file is not there") || !strings.Contains(said, file) {
			t.Errorf("%s: exit code %d, %s", args[0], code, said)
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s made the file: %v", args[0], err)
		}
	}
}

// SQLite needs no SQL, which is said where it cannot be taken for some.
func TestPrintForSQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new.sqlite3")
	code, stdout, stderr := command(t, "createdb", "--print", "--engine", "sqlite:///"+file)
	if code != exitDone || stdout != "" || !strings.Contains(stderr, "SQLite needs no SQL") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}
