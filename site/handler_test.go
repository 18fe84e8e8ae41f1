package site_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
	"github.com/cloakroom-go/cloakroom/site"
)

// pages is a service on a site's sessions that says who asks.
type pages struct {
	*testing.T
	sessions *cloakroom.Manager
	http.Handler
}

func pagesOf(t *testing.T, s *settings.Settings) pages {
	t.Helper()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	p := pages{T: t, sessions: opened.Manager()}
	p.Handler, err = opened.Handler(p.sessions, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := p.sessions.Open(r)
		if err != nil {
			t.Error(err)
			return
		}
		user, _ := auth.UserID(session)
		fmt.Fprint(w, user)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signIn returns the key of a new session of user 7.
func (p pages) signIn() string {
	p.Helper()
	session := &cloakroom.Session{}
	session.Set(auth.UserIDName, "7")
	if err := p.sessions.Save(p.Context(), session); err != nil {
		p.Fatal(err)
	}
	return session.Key()
}

// page is who asks with that key.
func (p pages) page(key string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Body.String()
}

func disconnecting(engine, backend, address string) *settings.Settings {
	s := plain(engine)
	s.IsHorizon, s.SimultaneousSessions, s.SessionTimeout = true, "disconnect", time.Hour
	s.Caches = map[string]settings.Cache{"default": {Backend: backend, Location: []string{address}, KeyPrefix: "dash", Version: 3}}
	return s
}

func TestHandlerDisconnects(t *testing.T) {
	t.Parallel()
	for backend, address := range map[string]string{
		"django_redis.cache.RedisCache":                        "redis://" + redis(t).Addr,
		"django.core.cache.backends.memcached.PyMemcacheCache": memcached(t).Addr,
	} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			s := disconnecting(cacheEngine, backend, address)
			p := pagesOf(t, s)
			first, second := p.signIn(), p.signIn()
			if p.page(first) != "7" || p.page(second) != "7" || p.page(first) != "" {
				t.Error("the first session goes on beside the second")
			}
			d := djangotest.Start(t, string(python(s)))
			d.Exec("from django.core.cache import cache")
			if got := d.Eval("cache.get('user_pk_7_restrict')"); got != second {
				t.Errorf("Django finds %v", got)
			}
		})
	}
}

func TestHandlerLetsIn(t *testing.T) {
	t.Parallel()
	away := server.Redis(t)
	s := disconnecting(fileEngine, "django_redis.cache.RedisCache", "redis://"+away.Addr)
	s.FilePath = t.TempDir()
	away.Stop()
	p := pagesOf(t, s)
	first, second := p.signIn(), p.signIn()
	if p.page(first) != "7" || p.page(second) != "7" || p.page(first) != "7" {
		t.Error("somebody is kept out while the cache is away")
	}
	away.Start()
	if p.page(first) != "7" || p.page(second) != "7" || p.page(first) != "" {
		t.Error("the cache is back, and is not used")
	}

	s.SimultaneousSessions = "allow"
	p = pagesOf(t, s)
	if p.page(second) != "7" || p.page(p.signIn()) != "7" || p.page(second) != "7" {
		t.Error("two sessions are not allowed")
	}
}

func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	s := disconnecting(fileEngine, "django.core.cache.backends.locmem.LocMemCache", "")
	s.FilePath = t.TempDir()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, backend := range []string{"django.core.cache.backends.locmem.LocMemCache", "django.core.cache.backends.dummy.DummyCache"} {
		s.Caches["default"] = settings.Cache{Backend: backend}
		if _, err := opened.Handler(opened.Manager(), http.NotFoundHandler()); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: %v", backend, err)
		}
	}
}

// A site may be closed by whoever opened it and once more on the way out, and a
// page that comes late is answered.
func TestHandlerAfterClose(t *testing.T) {
	t.Parallel()
	s := disconnecting(fileEngine, "django_redis.cache.RedisCache", "redis://"+redis(t).Addr)
	s.FilePath = t.TempDir()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	p := pages{T: t, sessions: opened.Manager()}
	p.Handler, err = opened.Handler(p.sessions, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") }))
	if err != nil {
		t.Fatal(err)
	}
	key := p.signIn()
	for range 2 {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := p.page(key); got != "page" {
		t.Errorf("got %q", got)
	}
}
