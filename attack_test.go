package cloakroom_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	signed "github.com/cloakroom-go/cloakroom/engine/cookie"
)

// Whatever key somebody planted in another's browser, a login makes it worthless.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	for name, engine := range map[string]cloakroom.Engine{
		"on a server":     locmem.Open(),
		"in the cookie":   signed.Open(),
		"with revocation": signed.Open(signed.WithRevocation(locmem.New())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
				switch r.URL.Path {
				case "/login":
					s.CycleKey()
					s.Set("user", r.URL.RawQuery)
				case "/set":
					s.Set("was", r.URL.RawQuery)
				}
				user, _ := cloakroom.Get[string](s, "user")
				io.WriteString(w, user)
			}, cloakroom.WithSecretKey(pieceSecret))
			mallory := site.visitor(t)
			mallory.get("/set?bait")
			for what, planted := range map[string]string{
				"a key of Mallory's own":   mallory.key(),
				"a key that Mallory chose": cloakroom.NewKey(),
				"no key at all":            "planted",
			} {
				zoe, copied := site.visitor(t), site.visitor(t)
				zoe.setKey(planted)
				if got := zoe.get("/login?zoe").body; got != "zoe" || zoe.key() == planted {
					t.Fatalf("%s: signed in as %q, under the planted key: %v", what, got, zoe.key() == planted)
				}
				copied.setKey(planted)
				for _, path := range []string{"/", "/set?more", "/"} {
					if a := copied.get(path); a.StatusCode != http.StatusOK || a.body != "" {
						t.Errorf("%s: %s shows Mallory %d %q", what, path, a.StatusCode, a.body)
					}
				}
				if got := zoe.get("/").body; got != "zoe" {
					t.Errorf("%s: afterwards Zoe is %q", what, got)
				}
			}
		})
	}
}

// A guess costs one look and leaves nothing behind but a number. Many are one
// line in the log, without a key; one dead key that comes again and again is none.
func TestGuessedKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		engine := watch(locmem.Open())
		sessions := cloakroom.New(engine, cloakroom.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		page := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if s, err := sessions.Open(r); err != nil || len(s.Keys()) > 0 {
				t.Errorf("a guess opens %v, %v", s, err)
			}
		}))
		bring := func(key string) {
			request := httptest.NewRequest("GET", "/", nil)
			request.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
			recorder := httptest.NewRecorder()
			page.ServeHTTP(recorder, request)
			if set := recorder.Header().Get("Set-Cookie"); set != "" {
				t.Errorf("a guess is given %q", set)
			}
		}
		ended := cloakroom.NewKey()
		lines := func(want int) {
			t.Helper()
			if got := strings.Count(log.String(), "level=WARN"); got != want || strings.Contains(log.String(), ended) {
				t.Errorf("want %d lines without a key, got:\n%s", want, &log)
			}
		}
		for range 500 {
			bring(ended)
		}
		lines(0)
		for want := range 3 {
			for range 90 {
				bring(cloakroom.NewKey())
			}
			lines(want)
			for range 300 {
				bring(cloakroom.NewKey())
			}
			lines(want + 1)
			time.Sleep(time.Minute)
		}
		if calls := engine.calls(); calls != "load×1670" {
			t.Errorf("1670 guesses cost %s", calls)
		}
		if stats, err := engine.Engine.(cloakroom.Measurer).Stats(t.Context()); err != nil || stats.Live+stats.Expired > 0 {
			t.Errorf("guesses leave %+v, %v", stats, err)
		}
	})
}

// A cookie beyond what a server reads is refused; a session beyond what the back
// end takes is, too, and what was there stays.
func TestOversize(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(locmem.MaxBytes(20_000)), grow)
	v := site.visitor(t)
	v.get("/?1000")
	key := v.key()
	if a := v.get("/?40000"); a.StatusCode != http.StatusInternalServerError || a.setCookie(t) != nil {
		t.Errorf("a session that is too large: %d, cookies %v", a.StatusCode, a.Cookies())
	}
	if got := v.get("/").body; got != "1000" || v.key() != key {
		t.Errorf("afterwards: %q", got)
	}
	for size, want := range map[int]int{100_000: http.StatusOK, 1_100_000: http.StatusRequestHeaderFieldsTooLarge} {
		stranger := site.visitor(t)
		stranger.setKey(strings.Repeat("a", size))
		if a := stranger.get("/"); a.StatusCode != want || want == http.StatusOK && a.body != "0" {
			t.Errorf("a cookie of %d bytes: %d %q, want %d", size, a.StatusCode, a.body, want)
		}
	}
}

// sharedCache is a cache between a site and all of its visitors. It keeps every
// answer that nothing forbids it to keep (RFC 9111), and listens first to what
// is said to caches of its kind (RFC 9213, and what nginx and Varnish know).
type sharedCache struct {
	site http.Handler
	kept []kept
	hits int
}

type kept struct {
	url, cookie string
	answer      *httptest.ResponseRecorder
}

func (c *sharedCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cookie := r.Header.Get("Cookie")
	answer := httptest.NewRecorder()
	i := slices.IndexFunc(c.kept, func(k kept) bool {
		varies := strings.Contains(strings.Join(k.answer.Header().Values("Vary"), ","), "Cookie")
		return k.url == r.URL.String() && (!varies || k.cookie == cookie)
	})
	if i >= 0 {
		answer = c.kept[i].answer
		c.hits++
	} else {
		c.site.ServeHTTP(answer, r)
		if mayKeep(answer.Header()) {
			c.kept = append(c.kept, kept{r.URL.String(), cookie, answer})
		}
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func mayKeep(h http.Header) bool {
	for _, name := range []string{"Acme-CDN-Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires", "Cache-Control"} {
		if said := h.Get(name); said != "" {
			return !strings.Contains(said, "no-store") && !strings.Contains(said, "private")
		}
	}
	return true
}

// Behind a shared cache nobody is given another's cookie, page or logout, though
// the handlers would have everything kept.
func TestSharedCacheSwapsNobody(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"Cache-Control: public, max-age=600", "Cache-Control: s-maxage=600", "Expires: Fri, 01 Jan 2100 00:00:00 GMT",
		"CDN-Cache-Control: max-age=600", "Acme-CDN-Cache-Control: max-age=600", "Surrogate-Control: max-age=600", "X-Accel-Expires: 600",
	} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			engine := watch(locmem.Open())
			site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
				name, value, _ := strings.Cut(said, ": ")
				w.Header().Set(name, value)
				switch r.URL.Path {
				case "/begin":
					s.Set("mine", cloakroom.NewKey())
				case "/out":
					s.Flush()
				case "/away":
					engine.down.Store(true)
					s.Set("mine", "lost")
				}
				mine, _ := cloakroom.Get[string](s, "mine")
				io.WriteString(w, mine)
			})
			cache := &sharedCache{site: site.Config.Handler}
			site.Config.Handler = cache
			stranger := site.visitor(t)
			stranger.get("/")
			if stranger.get("/"); cache.hits == 0 {
				t.Fatal("nothing is ever served from the cache, so this shows nothing")
			}

			zoe, yan := site.visitor(t), site.visitor(t)
			hers, his := zoe.get("/begin").body, yan.get("/begin").body
			if hers == his || zoe.key() == yan.key() {
				t.Fatal("two visitors have one session")
			}
			for range 2 {
				if zoe.get("/").body != hers || yan.get("/").body != his || stranger.get("/").body != "" {
					t.Error("a visitor is shown another's page")
				}
			}
			key := yan.key()
			zoe.get("/out")
			yan.get("/out")
			if yan.setKey(key); yan.get("/begin").body == his {
				t.Error("a logout did not reach the site")
			}

			zoe.get("/begin")
			if a := zoe.get("/away"); a.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%d while the storage is away", a.StatusCode)
			}
			if slices.ContainsFunc(cache.kept, func(k kept) bool {
				return k.answer.Code != http.StatusOK || k.answer.Header().Get("Set-Cookie") != ""
			}) {
				t.Error("the cache keeps a failure, or a cookie")
			}
		})
	}
}
