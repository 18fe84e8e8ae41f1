// Package moving moves 100,000 sessions that are in use from Memcached to MariaDB
// and from there to Redis, on real servers:
//
//	go test ./moving -v -timeout 30m
//
// It fails if anybody is logged out, an update is lost, a session that was ended
// is back, or Django reads one of them as another than it was.
package moving

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/movingtest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

var (
	sessions = flag.Int("sessions", 100_000, "how many sessions move")
	readers  = flag.Int("djangos", 2, "how many Djangos read them")
)

const cached = `
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://%s/1"}}`

const inDatabase = `
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.PickleSerializer"`

func TestMoving(t *testing.T) {
	cache := server.Memcached(t, "--memory-limit=1024", "--conn-limit=4096")
	database := server.MariaDB(t, "--innodb-buffer-pool-size=512M").NewDatabase(t)
	store := server.Redis(t)

	opened := func(e cloakroom.Engine, err error) cloakroom.Engine {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	inMemcached := func() cloakroom.Engine {
		e, err := memcached.Open(t.Context(), "memcached://"+cache.Addr)
		return opened(e, err)
	}
	inMariaDB := func() cloakroom.Engine {
		e, err := db.Open(t.Context(), database.URL, db.WithSerializer(session.Pickle), db.WithConnections(16))
		if err == nil {
			err = e.Migrate(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return e.WithSecretKeys(djangotest.SecretKey)
	}
	inRedis := func() cloakroom.Engine {
		e, err := redis.Open(t.Context(), "redis://"+store.Addr+"/1")
		return opened(e, err)
	}

	horizon, err := os.ReadFile("../../django/testdata/horizon-23/cache_memcached.json")
	if err != nil {
		t.Fatal(err)
	}
	start := func(settings ...string) (djangos []*djangotest.Django) {
		for range *readers {
			djangos = append(djangos, djangotest.Start(t, settings...))
		}
		return djangos
	}
	onMariaDB := start(inDatabase, database.Settings)
	onRedis := start(fmt.Sprintf(cached, store.Addr))
	began := time.Now()
	site := movingtest.New(t, onMariaDB[0], inMemcached(), *sessions, horizon)
	fmt.Printf("%d sessions in Memcached after %v\n", *sessions, since(began))

	fmt.Println("| from | to | copied | by their users | skipped, failed | took | sessions/s | updates | logins | new keys | logouts | refused | Django reads | in |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, move := range []struct {
		from, to         string
		openFrom, openTo func() cloakroom.Engine
		djangos          []*djangotest.Django
	}{
		{"Memcached", "MariaDB", inMemcached, inMariaDB, onMariaDB},
		{"MariaDB", "Redis", inMariaDB, inRedis, onRedis},
	} {
		was := site.Live()
		site.Counts = movingtest.Counts{}
		began := time.Now()
		report := site.Move(func() (to, from cloakroom.Engine) { return move.openTo(), move.openFrom() }, moving.Options{
			Progress: func(done, total int64) {
				if done%25_600 == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d\n", done, total)
				}
			},
		})
		took := since(began)
		if len(report.Skipped) > 0 || report.Failed > 0 {
			t.Errorf("%+v", report)
		}
		site.Check(move.openTo())
		began = time.Now()
		read, live := site.ReadBy(move.djangos...), site.Live()
		if read != live {
			t.Errorf("Django reads %d of %d sessions", read, live)
		}
		c := &site.Counts
		fmt.Printf("| %s | %s | %d | %d | %d | %v | %.0f | %d | %d | %d | %d | %d | %d of %d | %v |\n",
			move.from, move.to, report.Copied, was-report.Copied, int64(len(report.Skipped))+report.Failed,
			took, float64(was)/took.Seconds(),
			c.Updates.Load(), c.Logins.Load(), c.Cycles.Load(), c.Logouts.Load(), c.Refused.Load(), read, live, since(began))
		if t.Failed() {
			t.FailNow()
		}
	}
}

func since(began time.Time) time.Duration { return time.Since(began).Round(100 * time.Millisecond) }
