package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/site"
)

// The settings that Horizon documents, word for word but for hosts and names.
func TestDocumented(t *testing.T) {
	t.Parallel()
	documented, err := filepath.Glob("../django/settings/testdata/documented/*.py")
	if err != nil || len(documented) != 6 {
		t.Fatalf("%d files are there (%v)", len(documented), err)
	}
	const secretKey = "\nSECRET_KEY = '" + djangotest.SecretKey + "'\n"
	for _, file := range documented {
		name := strings.TrimSuffix(filepath.Base(file), ".py")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := mariadb(t)
			// The one user of the tests' databases; localhost would be this machine's own server.
			python := strings.NewReplacer(
				"my_memcached_host:11211", memcached(t).Addr, "127.0.0.1:6379", redis(t).Addr,
				"'localhost'", "'"+m.Socket+"'", "'NAME': 'dash'", "'NAME': '"+m.NewDatabase(t).Name+"'",
				"'USER': 'dash'", "'USER': 'cloakroom'", "DASH_DBPASS", "password",
			).Replace(string(text)) + secretKey
			path := filepath.Join(t.TempDir(), "settings.py")
			if err := os.WriteFile(path, []byte(python), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := settings.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if name == "locmem" { // nobody to share with
				opened, err := site.Open(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				defer opened.Close()
				if _, ok := opened.Cache(); !ok {
					t.Error("it is no cache")
				}
				return
			}
			if strings.HasSuffix(s.SessionEngine, "db") {
				migrated(t, s)
			}
			// redis_cache is what django-redis was called, which is what there is.
			python = strings.NewReplacer("redis_cache.cache", "django_redis.cache", "redis_cache.client", "django_redis.client",
				`"`+redis(t).Addr+`:1"`, `"redis://`+redis(t).Addr+`/1"`).Replace(python)
			share(t, s, python)
		})
	}
}
