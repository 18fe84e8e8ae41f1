package cloakroom_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// What a page shows is what is stored: without a rival, Update's function is not
// called a second time.
func TestUpdateIsComputedOnce(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/form" {
			cloakroom.Update(s, "csrf", func(string) string { return rand.Text() })
		}
		token, _ := cloakroom.Get[string](s, "csrf")
		io.WriteString(w, token)
	})
	v := site.visitor(t)
	for range 2 { // a session that begins, and one that is there
		page := v.get("/form").body
		if stored := v.get("/").body; stored != page {
			t.Errorf("the page shows %q, stored is %q", page, stored)
		}
	}
}

func TestNothingIsSavedAfterAServerError(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/500" {
			http.Error(w, "broken", http.StatusInternalServerError)
			s.Set("was", "broken")
			return
		}
		remember(w, r, s)
	})
	v := site.visitor(t)
	v.get("/set?well")
	v.get("/500")
	if got := v.get("/").body; got != "well" {
		t.Errorf("got %q", got)
	}
}

// What is copied begins the answer with its first byte, and none where there is
// none: then another may be given.
func TestNothingIsSavedWhereThereWasNothingToCopy(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path != "/copy" {
			remember(w, r, s)
			return
		}
		s.Set("was", "copied")
		long := strings.Repeat("long", 1<<10)
		var source io.Reader = strings.NewReader(long[:len(r.URL.RawQuery)])
		if r.URL.RawQuery == "long" {
			source = strings.NewReader(long)
		}
		n, err := w.(io.ReaderFrom).ReadFrom(io.MultiReader(source, iotest.ErrReader(io.ErrNoProgress)))
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%q: copied %d bytes: %v", r.URL.RawQuery, n, err)
		}
		if n == 0 {
			http.Error(w, "nothing came", http.StatusBadGateway)
		}
	})
	for query, want := range map[string]struct {
		status, size int
		was          string
	}{
		"": {http.StatusBadGateway, len("nothing came\n"), "well"}, "x": {http.StatusOK, 1, "copied"}, "long": {http.StatusOK, 4 << 10, "copied"},
	} {
		v := site.visitor(t)
		v.get("/set?well")
		if got := v.get("/copy?" + query); got.StatusCode != want.status || len(got.body) != want.size {
			t.Errorf("%q: %d, %d bytes", query, got.StatusCode, len(got.body))
		}
		if got := v.get("/").body; got != want.was {
			t.Errorf("%q: got %q, want %q", query, got, want.was)
		}
	}
}

// http.TimeoutHandler answers 503 while the handler inside it goes on.
func TestNothingIsSavedWhenTheHandlerWasTooSlow(t *testing.T) {
	t.Parallel()
	type answered struct{}
	sessions := cloakroom.New(locmem.Open())
	key := stored(t, sessions, map[string]any{"paid": false}).Key()
	handler := sessions.Handler(http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		done := r.Context().Value(answered{}).(chan struct{})
		s, err := sessions.Open(r)
		for {
			select {
			case <-done:
				return
			default:
				if err == nil {
					s.Set("n", 1)
				}
			}
		}
	}), time.Millisecond, "slow"))
	for range 50 {
		done := make(chan struct{})
		request := httptest.NewRequestWithContext(context.WithValue(t.Context(), answered{}, done), "GET", "/", nil)
		request.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		close(done)
		s, err := sessions.Load(t.Context(), key)
		if err != nil || recorder.Code != http.StatusServiceUnavailable || s.Has("n") {
			t.Fatalf("answered %d, saved: %v, %v", recorder.Code, s.Has("n"), err)
		}
	}
}

func TestBrowserCloseReplacesAPersistentCookie(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/forget" {
			s.SetExpiry(cloakroom.ExpireAtBrowserClose())
			return
		}
		s.Set("a", 1)
	})
	v := site.visitor(t)
	v.get("/")
	if c := v.get("/forget").setCookie(t); c == nil || c.MaxAge != 0 || c.Value != v.key() {
		t.Errorf("cookie %v, want it again without an age", c)
	}
}

// A handler that streams may save by itself. What needed a cookie is told.
func TestLateSaveOfItsOwnIsNotSilent(t *testing.T) {
	t.Parallel()
	var sessions *cloakroom.Manager
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		switch r.URL.Path {
		case "/stream/cycle", "/stream":
			http.NewResponseController(w).Flush()
			if r.URL.Path == "/stream/cycle" {
				s.CycleKey()
			}
			s.Set("was", "streamed")
			if err := sessions.Save(r.Context(), s); err != nil {
				t.Error(err)
			}
		default:
			remember(w, r, s)
		}
	})
	sessions = site.sessions
	v := site.visitor(t)
	v.get("/set?in")
	v.get("/stream")
	if got := v.get("/").body; got != "streamed" || site.log.Len() != 0 {
		t.Errorf("got %q, log %q", got, site.log)
	}
	v.get("/stream/cycle")
	if !strings.Contains(site.log.String(), "level=ERROR") {
		t.Error("a key that the browser was never told, and nobody knows")
	}
}

func TestHijackThatCannotBeLeavesTheSession(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessions.Open(r)
		cloakroom.Update(s, "n", func(n int) int { return n + 1 })
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("got %v, want ErrNotSupported", err)
		}
		if r.URL.Path == "/give-up" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, "by long polling, then")
	}))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	cookies := recorder.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatal("no cookie: the session is lost")
	}
	again := httptest.NewRequest("GET", "/give-up", nil)
	again.AddCookie(cookies[0])
	handler.ServeHTTP(httptest.NewRecorder(), again)
	s, err := sessions.Load(t.Context(), cookies[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := cloakroom.Get[int](s, "n"); n != 1 {
		t.Errorf("n is %d, want 1: an answer of 500 saves nothing", n)
	}
}

func TestAfterTheErrorHandlerNothingElseAnswers(t *testing.T) {
	t.Parallel()
	for name, goOn := range map[string]func(http.ResponseWriter) error{
		"Write": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "x"); return err },
		"ReadFrom": func(w http.ResponseWriter) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
			return err
		},
		"Flush":       func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"Hijack":      func(w http.ResponseWriter) error { _, _, err := http.NewResponseController(w).Hijack(); return err },
		"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(200); _, err := w.Write(nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine := watch(locmem.Open())
			site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
				engine.down.Store(true)
				s.Set("a", 1)
				w.Header().Set("Content-Length", "999")
				w.Header().Set("X-Accel-Redirect", "/private")
				w.WriteHeader(http.StatusOK)
				if err := goOn(w); !errors.Is(err, cloakroom.ErrUnavailable) {
					t.Errorf("got %v, want what the save failed of", err)
				}
			})
			a := site.visitor(t).get("/")
			if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("X-Accel-Redirect") != "" || !strings.HasSuffix(a.body, "the back end is away\n") {
				t.Errorf("%d %v %q", a.StatusCode, a.Header, a.body)
			}
		})
	}
}

func TestSwitchingProtocolsBegins(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	recorder := httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessions.Open(r)
		s.Set("a", 1)
		w.WriteHeader(http.StatusSwitchingProtocols)
	})).ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	if recorder.Header().Get("Set-Cookie") == "" {
		t.Error("no cookie")
	}
}

// A handler that asks for the save's error may answer it in its own way.
func TestOwnAnswerToAFailedSave(t *testing.T) {
	t.Parallel()
	var sessions *cloakroom.Manager
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		s.Set("x", make(chan int))
		if err := sessions.Save(r.Context(), s); err != nil {
			s.Discard()
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, "own page")
		}
	})
	sessions = site.sessions
	if a := site.visitor(t).get("/"); a.StatusCode != http.StatusUnprocessableEntity || a.body != "own page" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
}

// While secret keys are being exchanged, one side cannot read what the other
// stored. Logging out there must end it all the same.
func TestLogoutOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	engine, err := db.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	if err := engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ahead := cloakroom.New(engine, cloakroom.WithSecretKey("new"))
	key := stored(t, ahead, map[string]any{"user": "zoe"}).Key()
	behind := newSite(t, engine, func(_ http.ResponseWriter, _ *http.Request, s *cloakroom.Session) { s.Flush() }, cloakroom.WithSecretKey("old"))
	v := behind.visitor(t)
	v.setKey(key)
	v.get("/out")
	if _, err := ahead.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
		t.Error("logged out, and the key still opens the session:", err)
	}
}

// An environment that lacks the secret key is told at the start, unless nothing is
// signed.
func TestEmptySecretKey(t *testing.T) {
	t.Parallel()
	engine, err := db.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	refused(t, "a database", cloakroom.New(engine, cloakroom.WithSecretKey("")))
	if err := cloakroom.New(locmem.Open(), cloakroom.WithSecretKey("")).Err(); err != nil {
		t.Errorf("local memory: %v", err)
	}
}

func TestAPageWithoutASessionForAnOutageIsNotShared(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	engine.down.Store(true)
	sessions := cloakroom.New(engine)
	request := httptest.NewRequest("GET", "/", nil)
	request.AddCookie(&http.Cookie{Name: "sessionid", Value: cloakroom.NewKey()})
	recorder := httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := sessions.Open(r); err != nil {
			io.WriteString(w, "the page for everybody")
		}
	})).ServeHTTP(recorder, request)
	if recorder.Header().Get("Vary") != "Cookie" {
		t.Error("a shared cache may give it to those who are signed in")
	}

	recorder = httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hurried, cancel := context.WithCancel(r.Context())
		cancel()
		if _, err := sessions.Open(r.WithContext(hurried)); err != nil {
			io.WriteString(w, "the page for everybody")
		}
	})).ServeHTTP(recorder, request)
	if recorder.Header().Get("Vary") != "Cookie" {
		t.Error("a shared cache may give it to those who are signed in, where the handler had no time to open the session")
	}
}

// stuckTouch never answers a Touch.
type stuckTouch struct{ *watched }

func (e stuckTouch) Touch(ctx context.Context, _ string, _ time.Time) error {
	e.touches.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

// A visitor who only reads waits for the storage once, if it goes away meanwhile.
func TestAStuckTouchIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &strings.Builder{}
		engine := stuckTouch{watch(locmem.Open())}
		sessions := cloakroom.New(engine, cloakroom.WithIdleTimeout(time.Hour), cloakroom.WithTimeout(time.Second),
			cloakroom.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
		request := httptest.NewRequest("GET", "/", nil)
		request.AddCookie(&http.Cookie{Name: "sessionid", Value: stored(t, sessions, map[string]any{"a": 1}).Key()})
		time.Sleep(30 * time.Minute)
		began := time.Now()
		sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, err := sessions.Open(r); err != nil || !s.Has("a") {
				t.Error(err)
			}
			io.WriteString(w, "page")
		})).ServeHTTP(httptest.NewRecorder(), request)
		if took := time.Since(began); took != time.Second || engine.touches.Load() != 1 || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("the page took %v, %d touches, %s", took, engine.touches.Load(), log)
		}
	})
}

func TestWrappedTwiceIsWrappedOnce(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	set := func(name string, next http.Handler) http.Handler {
		return sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := sessions.Open(r)
			s.Set(name, 1)
			if next != nil {
				next.ServeHTTP(w, r)
			}
		}))
	}
	recorder := httptest.NewRecorder()
	set("outer", set("inner", nil)).ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	c := answer{Response: recorder.Result()}.setCookie(t)
	s, err := sessions.Load(t.Context(), c.Value)
	if err != nil || !s.Has("outer") || !s.Has("inner") {
		t.Errorf("%v, %v", s.Keys(), err)
	}
}

// An Open whose own context ended does not stand for the whole request.
func TestOpenAgainAfterItsContextEnded(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	request := httptest.NewRequest("GET", "/", nil)
	request.AddCookie(&http.Cookie{Name: "sessionid", Value: stored(t, sessions, map[string]any{"a": 1}).Key()})
	sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ended, cancel := context.WithCancel(r.Context())
		cancel()
		if _, err := sessions.Open(r.WithContext(ended)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if s, err := sessions.Open(r); err != nil || !s.Has("a") {
			t.Error(err)
		}
	})).ServeHTTP(httptest.NewRecorder(), request)
}

// stuckSave never answers a Save.
type stuckSave struct{ cloakroom.Engine }

func (stuckSave) Save(ctx context.Context, _ *cloakroom.Record) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFailedCycleLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	engine := locmem.Open()
	key := stored(t, cloakroom.New(engine), map[string]any{"user": "zoe"}).Key()
	slow := cloakroom.New(stuckSave{engine}, cloakroom.WithTimeout(20*time.Millisecond))
	s, err := slow.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	s.CycleKey()
	if err := slow.Save(t.Context(), s); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if stats, err := engine.Stats(t.Context()); err != nil || stats.Live != 1 {
		t.Errorf("%d live sessions of one visitor, %v", stats.Live, err)
	}
}

// disputed always conflicts.
type disputed struct{ cloakroom.Engine }

func (disputed) Save(context.Context, *cloakroom.Record) error {
	return &cloakroom.Error{Engine: "disputed", Op: "save", Kind: cloakroom.ErrConflict}
}

func TestEndlessConflictEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	site := newSite(t, disputed{locmem.Open()}, remember, cloakroom.WithTimeout(100*time.Millisecond))
	v := site.visitor(t)
	v.get("/set?first")
	if a := v.get("/set?second"); a.StatusCode != http.StatusConflict || a.setCookie(t) != nil {
		t.Errorf("%d, cookie %v", a.StatusCode, a.setCookie(t))
	}
	if got := v.get("/").body; got != "first" {
		t.Errorf("got %q", got)
	}
}
