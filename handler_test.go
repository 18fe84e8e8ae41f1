package cloakroom_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
)

// watched counts what the back end is asked, and fails on demand.
type watched struct {
	cloakroom.Engine
	loads, creates, saves, deletes, touches atomic.Int32
	down                                    atomic.Bool
}

var errDown = &cloakroom.Error{Engine: "watched", Op: "call", Kind: cloakroom.ErrUnavailable, Reason: "the back end is away"}

func watch(e cloakroom.Engine) *watched { return &watched{Engine: e} }

func (w *watched) call(n *atomic.Int32) error {
	n.Add(1)
	if w.down.Load() {
		return errDown
	}
	return nil
}

func (w *watched) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if err := w.call(&w.loads); err != nil {
		return nil, err
	}
	return w.Engine.Load(ctx, key)
}

func (w *watched) Create(ctx context.Context, r *cloakroom.Record) error {
	if err := w.call(&w.creates); err != nil {
		return err
	}
	return w.Engine.Create(ctx, r)
}

func (w *watched) Save(ctx context.Context, r *cloakroom.Record) error {
	if err := w.call(&w.saves); err != nil {
		return err
	}
	return w.Engine.Save(ctx, r)
}

func (w *watched) Delete(ctx context.Context, key string) error {
	if err := w.call(&w.deletes); err != nil {
		return err
	}
	return w.Engine.Delete(ctx, key)
}

func (w *watched) Touch(ctx context.Context, key string, expires time.Time) error {
	if err := w.call(&w.touches); err != nil {
		return err
	}
	return w.Engine.Touch(ctx, key, expires)
}

// calls is how often each verb was used since the last call of calls.
func (w *watched) calls() string {
	var b strings.Builder
	for _, c := range []struct {
		name string
		n    *atomic.Int32
	}{{"load", &w.loads}, {"create", &w.creates}, {"save", &w.saves}, {"delete", &w.deletes}, {"touch", &w.touches}} {
		if n := c.n.Swap(0); n > 0 {
			fmt.Fprintf(&b, "%s×%d ", c.name, n)
		}
	}
	return strings.TrimSpace(b.String())
}

func TestWhatARequestCosts(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		switch r.URL.Path {
		case "/count":
			n, _ := cloakroom.Get[int](s, "n")
			s.Set("n", n+1)
			fmt.Fprint(w, n+1)
		case "/read":
			n, _ := cloakroom.Get[int](s, "n")
			fmt.Fprint(w, n)
		}
	})
	unopened := httptest.NewServer(site.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "no session")
	})))
	t.Cleanup(unopened.Close)
	v := site.visitor(t)

	for _, step := range []struct {
		what, path, body, calls string
		cookie, vary            bool
	}{
		{"a stranger reads", "/read", "0", "", false, true},
		{"a stranger writes", "/count", "1", "create×1", true, true},
		{"writes again", "/count", "2", "load×1 save×1", true, true},
		{"only reads", "/read", "2", "load×1", false, true},
	} {
		a := v.get(step.path)
		if a.body != step.body {
			t.Errorf("%s: got %q, want %q", step.what, a.body, step.body)
		}
		if calls := engine.calls(); calls != step.calls {
			t.Errorf("%s: cost %q, want %q", step.what, calls, step.calls)
		}
		if got := a.setCookie(t) != nil; got != step.cookie {
			t.Errorf("%s: cookie set: %v, want %v", step.what, got, step.cookie)
		}
		if got := a.Header.Get("Vary") == "Cookie"; got != step.vary {
			t.Errorf("%s: Vary: %q", step.what, a.Header.Get("Vary"))
		}
	}
	response, err := v.Get(unopened.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if calls := engine.calls(); calls != "" || response.Header.Get("Vary") != "" || len(response.Cookies()) != 0 {
		t.Errorf("a request that opens no session cost %q, Vary %q, cookies %v", calls, response.Header.Get("Vary"), response.Cookies())
	}
}

func TestHostileCookies(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, remember)
	owner := site.visitor(t)
	owner.get("/set?owner")
	real := owner.key()

	for name, header := range map[string]string{
		"empty":            "sessionid=",
		"quoted":           `sessionid="` + real + `"`,
		"too short":        "sessionid=" + real[:31],
		"too long":         "sessionid=" + real + "a",
		"upper case":       "sessionid=" + strings.ToUpper(real),
		"odd characters":   "sessionid=../../../etc/passwd; x=1",
		"not found":        "sessionid=" + cloakroom.NewKey(),
		"huge":             "sessionid=" + strings.Repeat("a", 200_000),
		"no value":         "sessionid",
		"repeated, forged": "sessionid=" + cloakroom.NewKey() + "; sessionid=" + cloakroom.NewKey(),
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest("GET", "/set?stranger", nil)
			request.Header.Set("Cookie", header)
			recorder := httptest.NewRecorder()
			site.Config.Handler.ServeHTTP(recorder, request)
			set := answer{Response: recorder.Result()}.setCookie(t)
			switch {
			case name == "quoted":
				// A browser that quotes means the same value.
				if recorder.Body.String() != "owner" {
					t.Errorf("got %q", recorder.Body)
				}
			case recorder.Code != 200 || recorder.Body.String() != "":
				t.Errorf("got %d %q, want a fresh session", recorder.Code, recorder.Body)
			case set == nil || !cloakroom.ValidKey(set.Value) || strings.Contains(header, set.Value):
				t.Errorf("cookie %v, want a fresh key", set)
			}
		})
	}
	if site.log.Len() != 0 {
		t.Errorf("strangers' cookies fill the log:\n%s", site.log)
	}
}

// remember answers what was remembered and remembers the query.
func remember(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
	was, _ := cloakroom.Get[string](s, "was")
	if r.URL.Path == "/set" {
		s.Set("was", r.URL.RawQuery)
	}
	io.WriteString(w, was)
}

func TestRepeatedCookieDjangoChoosesTheLast(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), remember)
	v := site.visitor(t)
	v.get("/set?mine")
	for header, want := range map[string]string{
		"sessionid=" + cloakroom.NewKey() + "; sessionid=" + v.key(): "mine",
		"sessionid=" + v.key() + "; sessionid=" + cloakroom.NewKey(): "",
		"sessionid=" + v.key() + "; sessionid=junk":                  "mine",
	} {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Cookie", header)
		recorder := httptest.NewRecorder()
		site.Config.Handler.ServeHTTP(recorder, request)
		if recorder.Body.String() != want {
			t.Errorf("got %q, want %q", recorder.Body, want)
		}
	}
}

func TestLogoutDeletesTheCookie(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/out" {
			s.Flush()
			return
		}
		remember(w, r, s)
	})
	v := site.visitor(t)
	v.get("/set?in")
	key := v.key()
	if c := v.get("/out").setCookie(t); c == nil || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("cookie %v, want it deleted", c)
	}
	if v.key() != "" {
		t.Error("the browser still has the key")
	}
	v.setKey(key)
	if got := v.get("/").body; got != "" {
		t.Errorf("the old key still opens the session: %q", got)
	}
	if c := v.get("/").setCookie(t); c != nil {
		t.Errorf("a stale cookie was answered with %v: it might be a newer login's", c)
	}
	if c := v.get("/out").setCookie(t); c == nil || c.MaxAge >= 0 {
		t.Errorf("logging out with a stale key must delete it too: %v", c)
	}
}

func TestServerErrorSavesNothingButAFlush(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		switch r.URL.Path {
		case "/500":
			s.Set("was", "broken")
			w.WriteHeader(http.StatusBadGateway)
		case "/500/cycle":
			s.CycleKey()
			w.WriteHeader(http.StatusInternalServerError)
		case "/500/flush":
			s.Flush()
			s.Set("was", "broken")
			w.WriteHeader(http.StatusInternalServerError)
		case "/panic":
			s.Set("was", "broken")
			panic(http.ErrAbortHandler)
		case "/panic/flush":
			s.Flush()
			panic(http.ErrAbortHandler)
		case "/400":
			s.Set("was", "saved")
			w.WriteHeader(http.StatusBadRequest)
		default:
			remember(w, r, s)
		}
	})
	v := site.visitor(t)
	v.get("/set?well")
	key := v.key()
	for _, path := range []string{"/500", "/500/cycle"} {
		if c := v.get(path).setCookie(t); c != nil {
			t.Errorf("%s set %v", path, c)
		}
	}
	if _, err := v.Get(site.URL + "/panic"); err == nil {
		t.Error("the panic was swallowed")
	}
	if got := v.get("/").body; got != "well" {
		t.Errorf("a failed request saved: %q", got)
	}
	if v.get("/400"); v.get("/").body != "saved" {
		t.Error("a response of 400 saves")
	}
	if _, err := v.Get(site.URL + "/panic/flush"); err == nil {
		t.Error("the panic was swallowed")
	}
	if got := v.get("/").body; got != "" {
		t.Errorf("logged out, then panicked, and still in: %q", got)
	}
	v.get("/set?again")
	if c := v.get("/500/flush").setCookie(t); c == nil || c.MaxAge >= 0 {
		t.Errorf("cookie %v, want it deleted", c)
	}
	v.setKey(key)
	if got := v.get("/").body; got != "" {
		t.Errorf("logged out, then failed, and still in: %q", got)
	}
}

func TestOutageLogsNobodyOut(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/away" {
			engine.down.Store(true)
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Content-Length", "3")
			s.Set("was", "lost")
			w.WriteHeader(http.StatusSeeOther)
			if _, err := io.WriteString(w, "yes"); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("writing on: %v", err)
			}
			return
		}
		remember(w, r, s)
	})
	v := site.visitor(t)
	v.get("/set?here")

	a := v.get("/away")
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "the back end is away") {
		t.Errorf("save failed: %d %q, want 503 with a reason", a.StatusCode, a.body)
	}
	if a.Header.Get("Location") != "" || a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" || a.setCookie(t) != nil {
		t.Errorf("header %v", a.Header)
	}
	a = v.get("/")
	if a.StatusCode != http.StatusServiceUnavailable || a.setCookie(t) != nil {
		t.Errorf("load failed: %d, cookie %v", a.StatusCode, a.setCookie(t))
	}
	engine.down.Store(false)
	if got := v.get("/").body; got != "here" {
		t.Errorf("after the outage: %q", got)
	}
	if strings.Contains(site.log.String(), v.key()) {
		t.Error("the session key is in the log")
	}
}

func TestErrorHandlerAnswersInPlaceOfTheHandler(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		engine.down.Store(true)
		s.Set("was", "lost")
		io.WriteString(w, "fine")
	}, cloakroom.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, err error) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "own page: "+cloakroom.Reason(err))
	}))
	a := site.visitor(t).get("/")
	if a.StatusCode != http.StatusTeapot || a.body != "own page: the back end is away" {
		t.Errorf("got %d %q", a.StatusCode, a.body)
	}
}

func TestEndedMeanwhileIsAnswered400(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), nil)
	view := func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/slow" {
			if err := site.sessions.Engine().Delete(r.Context(), s.Key()); err != nil {
				t.Error(err)
			}
			s.Set("was", "back")
			return
		}
		remember(w, r, s)
	}
	*site = *newSite(t, site.sessions.Engine(), view)
	v := site.visitor(t)
	v.get("/set?in")
	a := v.get("/slow")
	if a.StatusCode != http.StatusBadRequest || a.setCookie(t) != nil {
		t.Errorf("got %d, cookie %v; want 400 and no cookie, for a newer login may have set one", a.StatusCode, a.setCookie(t))
	}
	if got := v.get("/").body; got != "" {
		t.Errorf("the session is back: %q", got)
	}
	if site.log.Len() != 0 {
		t.Errorf("logged: %s", site.log)
	}
}

func TestLateChanges(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if strings.HasPrefix(r.URL.Path, "/late") {
			io.WriteString(w, "begun")
		}
		switch r.URL.Path {
		case "/late":
			s.Set("was", "late")
		case "/late/cycle":
			s.CycleKey()
		case "/late/expiry":
			s.SetExpiry(cloakroom.ExpireAfter(time.Hour))
		case "/late/flush":
			s.Flush()
			s.Set("was", "anew")
		case "/late/500":
			s.Set("was", "broken")
		default:
			remember(w, r, s)
		}
	})
	v := site.visitor(t)

	if v.get("/late"); !strings.Contains(site.log.String(), "level=ERROR") || engine.calls() != "" {
		t.Errorf("a late new session must be an error in the log: %q", site.log)
	}
	site.log.Reset()
	v.get("/set?early")
	v.get("/late")
	if got := v.get("/").body; got != "late" || site.log.Len() != 0 {
		t.Errorf("a late change of a session that is there: %q, log %q", got, site.log)
	}
	key := v.key()
	for _, path := range []string{"/late/cycle", "/late/expiry"} {
		site.log.Reset()
		v.get(path)
		if !strings.Contains(site.log.String(), "level=ERROR") || v.key() != key || v.get("/").body != "late" {
			t.Errorf("%s: log %q", path, site.log)
		}
	}
	site.log.Reset()
	v.get("/late/flush")
	if got := v.get("/").body; got != "" {
		t.Errorf("a late flush must be carried out: %q", got)
	}
	if !strings.Contains(site.log.String(), "level=ERROR") {
		t.Error("the session begun after the late flush is lost in silence")
	}
}

// The next request, sent when the first byte is there, sees what this one set,
// though its handler is still at work.
func TestSavedBeforeTheFirstByte(t *testing.T) {
	t.Parallel()
	proceed := make(chan struct{})
	for name, begin := range map[string]func(w http.ResponseWriter){
		"Write":       func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("x", 10_000)) },
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(201); w.(http.Flusher).Flush() },
		"Flush":       func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
		"ReadFrom": func(w http.ResponseWriter) {
			io.Copy(w, strings.NewReader(strings.Repeat("x", 10_000)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
				if r.URL.Path == "/begin" {
					s.Set("was", "set")
					begin(w)
					<-proceed
					return
				}
				remember(w, r, s)
			})
			v := site.visitor(t)
			response, err := v.Get(site.URL + "/begin")
			if err != nil {
				t.Fatal(err)
			}
			if got := v.get("/").body; got != "set" {
				t.Errorf("got %q", got)
			}
			proceed <- struct{}{}
			response.Body.Close()
		})
	}
}

func TestInformationalResponseDoesNotBegin(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		s.Set("was", "after the hints")
	})
	if a := site.visitor(t).get("/"); a.setCookie(t) == nil {
		t.Error("no cookie")
	}
}

func TestResponseController(t *testing.T) {
	t.Parallel()
	site := newSite(t, locmem.Open(), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		switch r.URL.Path {
		case "/deadline":
			rc := http.NewResponseController(w)
			if err := errors.Join(rc.SetReadDeadline(time.Now().Add(time.Minute)), rc.SetWriteDeadline(time.Now().Add(time.Minute)), rc.EnableFullDuplex()); err != nil {
				t.Error(err)
			}
		case "/hijack":
			s.Set("was", "hijacked")
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			defer conn.Close()
			line, _ := rw.ReadString('\n')
			s.Set("was", strings.TrimSpace(line))
			rw.WriteString("bye\n")
			rw.Flush()
		default:
			remember(w, r, s)
		}
	})
	v := site.visitor(t)
	v.get("/deadline")
	if a := v.get("/hijack"); a.StatusCode != http.StatusConflict {
		t.Errorf("a session that begins on a hijacked connection: %d", a.StatusCode)
	}
	v.get("/set?before")

	conn, err := net.Dial("tcp", site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /hijack HTTP/1.1\r\nHost: x\r\nCookie: sessionid=%s\r\n\r\nby hand\n", v.key())
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "bye\n" {
		t.Fatal(line, err)
	}
	for end := time.Now().Add(5 * time.Second); v.get("/").body != "by hand"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("what was set on the hijacked connection is not saved: %q", v.get("/").body)
		}
	}
}

func TestSeveralSessionsARequest(t *testing.T) {
	t.Parallel()
	people := cloakroom.New(locmem.Open())
	staff := cloakroom.New(locmem.Open(), cloakroom.WithCookie(cloakroom.Cookie{Name: "staff"}))
	handler := people.Handler(staff.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, sessions := range map[string]*cloakroom.Manager{"people": people, "staff": staff} {
			s, err := sessions.Open(r)
			if err != nil {
				t.Error(err)
				continue
			}
			if again, _ := sessions.Open(r); again != s {
				t.Error("opened twice, and it is another session")
			}
			s.Set("whose", name)
		}
	})))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	cookies := recorder.Result().Cookies()
	if len(cookies) != 2 {
		t.Fatalf("cookies %v, want two", cookies)
	}
	for _, c := range cookies {
		sessions, want := people, "people"
		if c.Name == "staff" {
			sessions, want = staff, "staff"
		}
		s, err := sessions.Load(t.Context(), c.Value)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := cloakroom.Get[string](s, "whose"); got != want {
			t.Errorf("%s: %q", c.Name, got)
		}
	}
}

func TestOpenWithoutHandler(t *testing.T) {
	t.Parallel()
	_, err := cloakroom.New(locmem.Open()).Open(httptest.NewRequest("GET", "/", nil))
	if !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("got %v, want ErrConfig", err)
	}
}

// A visitor who hangs up does not lose what the handler did.
func TestSavedThoughTheVisitorLeft(t *testing.T) {
	t.Parallel()
	saved := make(chan error, 1)
	engine := locmem.Open()
	site := newSite(t, engine, func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		if r.URL.Path == "/slow" {
			s.Set("was", "left")
			<-r.Context().Done()
			w.WriteHeader(http.StatusOK)
			saved <- nil
			return
		}
		remember(w, r, s)
	})
	v := site.visitor(t)
	v.get("/set?here")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", site.URL+"/slow", nil)
	if _, err := v.Do(request); err == nil {
		t.Fatal("the request was to be cut off")
	}
	<-saved
	if got := v.get("/").body; got != "left" {
		t.Errorf("got %q", got)
	}
}

// A back end that does not answer costs a visitor the timeout and no more.
func TestSlowBackEndIsUnavailable(t *testing.T) {
	t.Parallel()
	site := newSite(t, stuck{locmem.Open()}, remember, cloakroom.WithTimeout(50*time.Millisecond))
	v := site.visitor(t)
	for name, request := range map[string]func() answer{
		"create": func() answer { return v.get("/set?x") },
		"load":   func() answer { v.setKey(cloakroom.NewKey()); return v.get("/") },
	} {
		began := time.Now()
		if a := request(); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "in time") {
			t.Errorf("%s: %d %q", name, a.StatusCode, a.body)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// stuck answers nothing.
type stuck struct{ cloakroom.Engine }

func (stuck) Load(ctx context.Context, _ string) (*cloakroom.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) Create(ctx context.Context, _ *cloakroom.Record) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestUnreadableRecordIsLoggedOnce(t *testing.T) {
	t.Parallel()
	site := newSite(t, corrupt{locmem.Open()}, remember)
	v := site.visitor(t)
	v.setKey(cloakroom.NewKey())
	for range 3 {
		if a := v.get("/"); a.StatusCode != 200 || a.body != "" {
			t.Errorf("got %d %q, want a fresh session", a.StatusCode, a.body)
		}
	}
	if n := strings.Count(site.log.String(), "level=WARN"); n != 1 || strings.Contains(site.log.String(), v.key()) {
		t.Errorf("want one line without the key, got:\n%s", site.log)
	}
}

type corrupt struct{ cloakroom.Engine }

func (corrupt) Load(context.Context, string) (*cloakroom.Record, error) {
	return nil, &cloakroom.Error{Engine: "corrupt", Op: "load", Kind: cloakroom.ErrNotFound, Err: cloakroom.ErrCorrupt}
}
