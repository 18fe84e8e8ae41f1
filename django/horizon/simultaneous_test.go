package horizon_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/django/horizon"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// home is a site where everybody has one session.
type home struct {
	*testing.T
	sessions *cloakroom.Manager
	handler  http.Handler
}

func newHome(t *testing.T, engine cloakroom.Engine, d horizon.Disconnect, options ...cloakroom.Option) *home {
	h := &home{T: t, sessions: cloakroom.New(engine, options...)}
	d.Sessions = h.sessions
	h.handler = d.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := h.sessions.Open(r)
		if err != nil {
			t.Error(err)
			return
		}
		user, _ := auth.UserID(s)
		fmt.Fprint(w, user)
	}))
	return h
}

// signIn returns the key of a new session of user 7.
func (h *home) signIn() string {
	h.Helper()
	s := &cloakroom.Session{}
	s.Set(auth.UserIDName, "7")
	if err := h.sessions.Save(h.Context(), s); err != nil {
		h.Fatal(err)
	}
	return s.Key()
}

// page asks for one and returns who is signed in.
func (h *home) page(key string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Body.String()
}

// The text that Horizon keeps in its default cache is read and written as
// Django's caches do.
func TestDisconnectBesideDjango(t *testing.T) {
	t.Parallel()
	redisAt, memcachedAt := server.Redis(t).Addr, server.Memcached(t).Addr
	onRedis := func(options ...redis.Option) horizon.Texts {
		c, err := redis.New(t.Context(), "redis://"+redisAt, options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	onMemcached, err := memcached.New("memcached://" + memcachedAt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = onMemcached.Close() })
	const back, inRedis, inMemcached = "'VERSION': 2, 'BACKEND': ", "'django_redis.cache.RedisCache'", "'django.core.cache.backends.memcached."
	caches := map[string]struct {
		settings string
		texts    horizon.Texts
	}{
		"default":       {inRedis, onRedis()},
		"zlib":          {inRedis + ", 'OPTIONS': {'COMPRESSOR': 'django_redis.compressors.zlib.ZlibCompressor'}", onRedis(redis.WithCompressor(redis.Zlib))},
		"json":          {inRedis + ", 'OPTIONS': {'SERIALIZER': 'django_redis.serializers.json.JSONSerializer'}", onRedis(redis.WithSerializer(redis.JSON))},
		"old-protocols": {inRedis + ", 'OPTIONS': {'PICKLE_VERSION': 1}", onRedis(redis.WithPickleProtocol(0))},
		"memcache":      {inMemcached + "MemcachedCache'", onMemcached},
		"pymemcache":    {inMemcached + "PyMemcacheCache'", onMemcached},
		"pylibmc":       {inMemcached + "PyLibMCCache'", onMemcached},
	}
	settings := []string{"CACHES = {}"}
	for name, c := range caches {
		at := "redis://" + redisAt
		if strings.HasPrefix(c.settings, inMemcached) {
			at = memcachedAt
		}
		settings = append(settings, fmt.Sprintf("CACHES[%q] = {'LOCATION': %q, 'KEY_PREFIX': %q, %s%s}", name, at, name, back, c.settings))
	}
	d := djangotest.Start(t, settings...)
	d.Exec("from django.core.cache import caches")
	for name, c := range caches {
		h := newHome(t, locmem.Open(), horizon.Disconnect{Cache: c.texts, KeyPrefix: name, Version: 2, Timeout: 20 * time.Minute})
		registered := func() any {
			return d.Eval(djangotest.Python(fmt.Sprintf("caches[%q].get('user_pk_7_restrict')", name)))
		}

		first := h.signIn()
		if h.page(first) != "7" || registered() != first {
			t.Fatalf("%s: Django finds %v", name, registered())
		}
		second := h.signIn()
		if h.page(second) != "7" || registered() != second || h.page(first) != "" {
			t.Errorf("%s: Django finds %v after another sign-in", name, registered())
		}
		there := h.signIn()
		d.Exec(fmt.Sprintf("caches[%q].set('user_pk_7_restrict', %q, 3600)", name, there))
		if h.page(there) != "7" || registered() != there {
			t.Errorf("%s: the session that Horizon registered is not let alone", name)
		}
		if h.page(second) != "7" || registered() != second || h.page(there) != "" {
			t.Errorf("%s: the session that Horizon registered goes on", name)
		}
	}
	if d.Eval("1100 < caches['default'].ttl('user_pk_7_restrict') <= 1200") != true {
		t.Error("it is not kept for 20 minutes")
	}
}

// While the cache hangs few wait for it, the log has it once, and when it is back
// it is found again.
func TestDisconnectWaitsForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		register := &texts{kept: map[string]string{}, hangs: true}
		var log strings.Builder
		h := newHome(t, locmem.Open(), horizon.Disconnect{Cache: register, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		first, second := h.signIn(), h.signIn()
		began := time.Now()
		for range 1000 {
			if h.page(first) != "7" || h.page(second) != "7" {
				t.Fatal("somebody is kept out")
			}
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("2,000 pages wait %v for a cache that hangs", took)
		}
		if n := strings.Count(log.String(), "is away"); n != 1 || strings.Count(log.String(), "\n") > 5 {
			t.Errorf("the log says so %d times:\n%s", n, &log)
		}
		register.hangs = false
		time.Sleep(time.Second)
		if h.page(first) != "7" || h.page(second) != "7" || h.page(first) != "" || !strings.Contains(log.String(), "is back") {
			t.Errorf("the cache is back, and is not used:\n%s", &log)
		}
	})
}

// texts is a cache in this process.
type texts struct {
	kept  map[string]string
	err   error
	hangs bool
	sets  int
}

func (c *texts) Text(ctx context.Context, key string) (string, error) {
	if c.hangs {
		<-ctx.Done()
		return "", ctx.Err()
	}
	text, ok := c.kept[key]
	if c.err == nil && !ok {
		return "", cloakroom.ErrNotFound
	}
	return text, c.err
}

func (c *texts) SetText(_ context.Context, key, text string, _ time.Time) error {
	c.sets++
	c.kept[key] = text
	return c.err
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	register := &texts{kept: map[string]string{}}
	var log strings.Builder
	var told []cloakroom.Event
	h := newHome(t, locmem.Open(), horizon.Disconnect{Cache: register, Logger: slog.New(slog.NewTextHandler(&log, nil))},
		cloakroom.WithEvents(auth.UserIDName, func(_ context.Context, e cloakroom.Event) { told = append(told, e) }))
	first, second := h.signIn(), h.signIn()

	h.page("")
	h.page(cloakroom.NewKey())
	visitor := &cloakroom.Session{}
	visitor.Set("language", "nl")
	if err := h.sessions.Save(t.Context(), visitor); err != nil {
		t.Fatal(err)
	}
	h.page(visitor.Key())
	if register.sets != 0 {
		t.Error("a visitor who is not signed in is registered")
	}

	for range 3 {
		h.page(first)
	}
	if register.sets != 1 || register.kept[":1:user_pk_7_restrict"] != first {
		t.Errorf("%d times, %v", register.sets, register.kept)
	}

	// The first asks for a page, the second takes over, and only then the first is
	// compared: it has been disconnected, and disconnects nobody.
	underWay := h.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := h.sessions.Open(r); err != nil {
			t.Error(err)
		}
		h.page(second)
		horizon.Disconnect{Sessions: h.sessions, Cache: register}.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sessionid", Value: first})
	underWay.ServeHTTP(httptest.NewRecorder(), r)
	if h.page(second) != "7" || h.page(first) != "" || register.kept[":1:user_pk_7_restrict"] != second {
		t.Error("who was disconnected ended the other's session")
	}
	last := told[len(told)-1]
	if last.Kind != cloakroom.EventFlushed || last.User != "7" || last.Session != cloakroom.Fingerprint(first) || last.Request == nil {
		t.Errorf("the audit log hears of %+v", last)
	}

	register.err = errors.New("away")
	third := h.signIn()
	if h.page(third) != "7" || h.page(second) != "7" || !strings.Contains(log.String(), "could not be ended") {
		t.Errorf("while the cache is away: %s", &log)
	}
	if strings.Contains(log.String(), second) || strings.Contains(log.String(), third) {
		t.Error("a session key is logged")
	}
}
