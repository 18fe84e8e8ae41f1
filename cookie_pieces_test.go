package cloakroom_test

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	signed "github.com/cloakroom-go/cloakroom/engine/cookie"
)

const pieceSecret = "a secret key of this test"

// grow answers how long the session's text is, and makes it as long as asked.
func grow(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
	text, _ := cloakroom.Get[string](s, "text")
	switch size, err := strconv.Atoi(r.URL.RawQuery); {
	case r.URL.Path == "/out":
		s.Flush()
	case r.URL.Path == "/late":
		w.WriteHeader(http.StatusOK)
		s.Set("text", strings.Repeat("x", 5))
	case err == nil:
		s.Set("text", strings.Repeat("x", size))
	}
	io.WriteString(w, strconv.Itoa(len(text)))
}

// jar names the cookies that the browser keeps for the site, sorted.
func (v *visitor) jar() []string {
	u, _ := url.Parse(v.site.URL)
	var names []string
	for _, c := range v.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// carrying is a site whose cookies carry the sessions. Encrypted ones are not
// compressed, so it is known how long they are.
func carrying(t *testing.T) *site {
	engine := signed.Open(signed.WithPieces(3), signed.WithEncryption(), signed.WithRevocation(locmem.New()))
	return newSite(t, engine, grow, cloakroom.WithSecretKey(pieceSecret))
}

func TestSessionOverSeveralCookies(t *testing.T) {
	t.Parallel()
	site := carrying(t)
	v := site.visitor(t)
	three := []string{"sessionid", "sessionid.2", "sessionid.3"}
	for _, step := range []struct {
		path, body string
		jar        []string
	}{
		{"/?100", "0", three[:1]},
		{"/?8000", "100", three},
		{"/", "8000", three},
		{"/?8100", "8000", three},
		{"/?4000", "8100", three[:2]},
		{"/?50", "4000", three[:1]},
		{"/?8000", "50", three},
		{"/out", "8000", nil},
		{"/", "0", nil},
	} {
		a := v.get(step.path)
		if a.body != step.body || a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %q, want %q", step.path, a.StatusCode, a.body, step.body)
		}
		if diff := cmp.Diff(step.jar, v.jar()); diff != "" {
			t.Errorf("%s: cookies kept (-want +got):\n%s", step.path, diff)
		}
		for _, set := range a.Header.Values("Set-Cookie") {
			if len(set) > 4093 {
				t.Errorf("%s: a cookie of %d bytes", step.path, len(set))
			}
		}
	}
	if site.log.Len() != 0 {
		t.Errorf("logged: %s", site.log)
	}
}

// What does not fit is refused, and what was saved before stays as it was.
func TestSessionTooLargeForItsCookies(t *testing.T) {
	t.Parallel()
	v := carrying(t).visitor(t)
	v.get("/?4000")
	a := v.get("/?20000")
	if a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, "cookies hold") || len(a.Cookies()) != 0 {
		t.Errorf("%d %q, cookies %v; want an error that says why, and no cookie", a.StatusCode, a.body, a.Cookies())
	}
	if got := v.get("/").body; got != "4000" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestPiecesThatDoNotBelongTogether(t *testing.T) {
	t.Parallel()
	site := carrying(t)
	bring := func(cookies ...string) answer {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Cookie", strings.Join(cookies, "; "))
		recorder := httptest.NewRecorder()
		site.Config.Handler.ServeHTTP(recorder, request)
		return answer{recorder.Result(), recorder.Body.String()}
	}
	pieces := func(path string) (of [4]string) {
		for i, c := range site.visitor(t).get(path).Cookies() {
			of[i+1] = c.Value
		}
		return of
	}
	mine, other, small := pieces("/?8000"), pieces("/?8001"), pieces("/?10")[1]
	long := func(one, two, three string) []string {
		return []string{"sessionid=" + one, "sessionid.2=" + two, "sessionid.3=" + three}
	}
	whole := long(mine[1], mine[2], mine[3])
	shuffled := []string{whole[2], "csrftoken=a", whole[0], whole[1], "sessionid.4=stale"}
	for name, c := range map[string]struct {
		cookies []string
		want    string
	}{
		"whole":                    {whole, "8000"},
		"in another order":         {shuffled, "8000"},
		"twice, the last counts":   {append(long(other[1], other[2], other[3]), whole...), "8000"},
		"small beside stale ones":  {append([]string{"sessionid=" + small}, whole[1:]...), "10"},
		"first only":               {whole[:1], "0"},
		"last missing":             {whole[:2], "0"},
		"first missing":            {whole[1:], "0"},
		"truncated":                {long(mine[1], mine[2][:len(mine[2])-1], mine[3]), "0"},
		"exchanged":                {long(mine[1], mine[3], mine[2]), "0"},
		"of two sessions":          {long(mine[1], other[2], mine[3]), "0"},
		"fewer than there are":     {long("2"+mine[1][1:], mine[2], mine[3]), "0"},
		"more than there are":      {long("9"+mine[1][1:], mine[2], mine[3]), "0"},
		"no number":                {long("x"+mine[1][1:], mine[2], mine[3]), "0"},
		"a number below one":       {long("-1"+mine[1][1:], mine[2], mine[3]), "0"},
		"a number beyond all":      {long("99999999999"+mine[1][1:], mine[2], mine[3]), "0"},
		"of one":                   {[]string{"sessionid=1|" + small}, "10"},
		"names that look the same": {[]string{whole[0], "sessionid.02=" + mine[2], "sessionid.+3=" + mine[3]}, "0"},
	} {
		a := bring(c.cookies...)
		if a.body != c.want || a.StatusCode != http.StatusOK || len(a.Cookies()) != 0 {
			t.Errorf("%s: %d %q, cookies %v; want %q and none", name, a.StatusCode, a.body, a.Cookies(), c.want)
		}
	}
	if site.log.Len() != 0 {
		t.Errorf("strangers' cookies fill the log:\n%s", site.log)
	}
}

// Every change needs a cookie, so after the first byte it is too late for any.
func TestLateChangeOfACarriedSessionIsAnError(t *testing.T) {
	t.Parallel()
	site := carrying(t)
	v := site.visitor(t)
	v.get("/?100")
	v.get("/late")
	if got := v.get("/").body; got != "100" {
		t.Errorf("%q", got)
	}
	if !strings.Contains(site.log.String(), "before the first byte") {
		t.Errorf("logged: %q", site.log)
	}
}

func TestIdleTimeoutOfACarriedSessionMovesWithUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := cloakroom.New(signed.Open(), cloakroom.WithSecretKey(pieceSecret), cloakroom.WithIdleTimeout(time.Hour))
		var cookies []*http.Cookie
		get := func(path string) string {
			request := httptest.NewRequest("GET", path, nil)
			for _, c := range cookies {
				request.AddCookie(c)
			}
			recorder := httptest.NewRecorder()
			sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := sessions.Open(r)
				if err != nil {
					t.Fatal(err)
				}
				grow(w, r, s)
			})).ServeHTTP(recorder, request)
			if set := recorder.Result().Cookies(); len(set) > 0 {
				cookies = set
			}
			return recorder.Body.String()
		}
		get("/?100")
		for range 4 {
			time.Sleep(45 * time.Minute)
			if got := get("/"); got != "100" {
				t.Fatalf("in use: %q", got)
			}
		}
		time.Sleep(65 * time.Minute)
		if got := get("/"); got != "0" {
			t.Errorf("unused: %q", got)
		}
	})
}

// An old copy of the cookies is worth nothing after a logout, nor one from
// before the login after it.
func TestReplayedCookies(t *testing.T) {
	t.Parallel()
	site := newSite(t, signed.Open(signed.WithRevocation(locmem.New())), func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
		switch r.URL.Path {
		case "/login":
			s.CycleKey()
			s.Set("user", "zoe")
		case "/out":
			s.Flush()
		case "/set":
			s.Set("n", r.URL.RawQuery)
		}
		user, _ := cloakroom.Get[string](s, "user")
		io.WriteString(w, user+strings.Join(s.Keys(), ","))
	}, cloakroom.WithSecretKey(pieceSecret))
	v := site.visitor(t)
	copies := map[string]string{}
	v.get("/set?1")
	copies["before the login"] = v.key()
	v.get("/login")
	copies["logged in"] = v.key()
	v.get("/set?2")
	copies["used"] = v.key()
	for when, want := range map[string]string{"before the login": "", "logged in": "zoen,user", "used": "zoen,user"} {
		thief := site.visitor(t)
		thief.setKey(copies[when])
		if got := thief.get("/").body; got != want {
			t.Errorf("%s, replayed before the logout: %q, want %q", when, got, want)
		}
	}
	v.get("/out")
	for when, key := range copies {
		thief := site.visitor(t)
		thief.setKey(key)
		if got := thief.get("/").body; got != "" {
			t.Errorf("%s, replayed after the logout: %q", when, got)
		}
		if a := thief.get("/set?3"); a.StatusCode != http.StatusOK || a.body != "n" {
			t.Errorf("%s: a new session begins with %d %q", when, a.StatusCode, a.body)
		}
	}
}

// Whatever cookies are brought, the answer is a session of one's own, or one
// that this site sent; and cookies that were sent come back as they were.
func FuzzPieces(f *testing.F) {
	engine := signed.Open(signed.WithPieces(50), signed.WithEncryption())
	sessions := cloakroom.New(engine, cloakroom.WithSecretKey(pieceSecret))
	var text string
	handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		was, _ := cloakroom.Get[string](s, "text")
		io.WriteString(w, was)
		text = was
	}))
	sender := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err == nil {
			s.Set("text", r.Header.Get("Text"))
		}
	}))
	f.Add("sessionid=2|a; sessionid.2=b", uint16(5000))
	f.Add("sessionid=50|; sessionid.50=", uint16(0))
	f.Add("sessionid=-1|a; sessionid.=; sessionid.99999999999=;", uint16(20_000))
	f.Add("sessionid=~AAAA; sessionid=.eJw:1:x", uint16(3900))
	f.Fuzz(func(t *testing.T, header string, size uint16) {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header["Cookie"] = []string{header}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK || text != "" {
			t.Fatalf("%q: %d, somebody's session", header, recorder.Code)
		}

		// The same browser is sent a session, and brings it.
		request.Header["Text"] = []string{strings.Repeat("x", int(size))}
		recorder = httptest.NewRecorder()
		sender.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK {
			t.Fatalf("%d: %s", recorder.Code, recorder.Body)
		}
		kept := map[string]*http.Cookie{}
		for _, c := range recorder.Result().Cookies() {
			if kept[c.Name] = c; c.MaxAge < 0 {
				delete(kept, c.Name)
			}
		}
		again := httptest.NewRequest("GET", "/", nil)
		for _, name := range slices.Sorted(maps.Keys(kept)) {
			again.AddCookie(kept[name])
		}
		handler.ServeHTTP(httptest.NewRecorder(), again)
		if text != request.Header.Get("Text") {
			t.Fatalf("%d bytes came back as %d", size, len(text))
		}
		text = ""
	})
}

func TestCarrierKnowsItsRoom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]cloakroom.Cookie{
		"short": {}, "long": {Name: strings.Repeat("n", 200), Path: "/" + strings.Repeat("p", 500), Domain: "example.org", SameSite: http.SameSiteNoneMode, Partitioned: true},
	} {
		sessions := cloakroom.New(signed.Open(signed.WithEncryption()), cloakroom.WithSecretKey(pieceSecret), cloakroom.WithCookie(c),
			cloakroom.WithLogger(slog.New(slog.DiscardHandler)))
		// The longest text that can be saved fills the cookie, and no more.
		fits := func(size int) int {
			recorder := httptest.NewRecorder()
			sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := sessions.Open(r)
				if err != nil {
					t.Fatal(err)
				}
				s.Set("text", strings.Repeat("x", size))
			})).ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
			if set := recorder.Header().Values("Set-Cookie"); len(set) == 1 {
				return len(set[0])
			}
			return 0
		}
		longest := 0
		for size := 500; fits(size) > 0; size += 20 {
			longest = max(longest, fits(size))
		}
		if longest > 4093 || longest < 4000 {
			t.Errorf("%s: the longest cookie has %d bytes", name, longest)
		}
		s := &cloakroom.Session{}
		s.Set("text", strings.Repeat("x", 5000))
		if err := sessions.Save(t.Context(), s); !errors.Is(err, cloakroom.ErrTooLarge) {
			t.Errorf("%s: outside of a request: %v", name, err)
		}
	}
}
