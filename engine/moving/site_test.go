package moving_test

import (
	"os"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/movingtest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

const pickled = `SESSION_SERIALIZER = "django.contrib.sessions.serializers.PickleSerializer"`

// A site moves from Memcached to MariaDB while people use it: nobody is logged
// out, nothing is lost, and Django reads all of it. The same with 100,000 sessions
// is in bench/moving.
func TestSiteInUse(t *testing.T) {
	t.Parallel()
	memcached, database := server.Memcached(t), mariaDB(t).NewDatabase(t)
	d := djangotest.Start(t, pickled, `SESSION_ENGINE = "django.contrib.sessions.backends.db"`, database.Settings)
	horizon, err := os.ReadFile("../../django/testdata/horizon-23/cache_memcached.json")
	if err != nil {
		t.Fatal(err)
	}
	site := movingtest.New(t, d, openMemcached(t, memcached), 2000, horizon)
	report := site.Move(func() (to, from cloakroom.Engine) {
		return openDB(t, database.URL, db.WithSerializer(session.Pickle)), openMemcached(t, memcached)
	}, moving.Options{})
	t.Logf("%+v; %d updates", report, site.Counts.Updates.Load())
	site.Check(openDB(t, database.URL, db.WithSerializer(session.Pickle)))
	if read, live := site.ReadBy(d), site.Live(); read != live {
		t.Errorf("Django reads %d of %d sessions", read, live)
	}
}
