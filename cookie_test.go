package cloakroom_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
)

// begin is the cookie that begins a session at a site set up with options.
func begin(t *testing.T, target string, change func(*http.Request, http.Header, *cloakroom.Session), options ...cloakroom.Option) (*http.Cookie, *httptest.ResponseRecorder) {
	t.Helper()
	sessions := cloakroom.New(locmem.Open(), options...)
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest("GET", target, nil)
	if strings.HasPrefix(target, "https") {
		request.TLS = &tls.ConnectionState{}
	}
	sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err != nil {
			t.Fatal(err)
		}
		s.Set("a", 1)
		if change != nil {
			change(r, w.Header(), s)
		}
	})).ServeHTTP(recorder, request)
	return answer{Response: recorder.Result()}.setCookie(t), recorder
}

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	const (
		fortnight = "; Max-Age=1209600"
		site      = "https://example.org/"
	)
	for name, test := range map[string]struct {
		target  string
		options []cloakroom.Option
		expiry  func() cloakroom.Expiry
		want    string
	}{
		"safe by default":      {site, nil, nil, "sessionid=KEY; Path=/" + fortnight + "; HttpOnly; Secure; SameSite=Lax"},
		"a plain public site":  {"http://example.org/", nil, nil, "sessionid=KEY; Path=/" + fortnight + "; HttpOnly; Secure; SameSite=Lax"},
		"plain localhost":      {"http://localhost:8000/", nil, nil, "sessionid=KEY; Path=/" + fortnight + "; HttpOnly; SameSite=Lax"},
		"plain loopback":       {"http://127.0.0.1:8000/", nil, nil, "sessionid=KEY; Path=/" + fortnight + "; HttpOnly; SameSite=Lax"},
		"plain app.localhost":  {"http://app.localhost/", nil, nil, "sessionid=KEY; Path=/" + fortnight + "; HttpOnly; SameSite=Lax"},
		"part of a second":     {site, nil, func() cloakroom.Expiry { return cloakroom.ExpireAt(time.Now().Add(900 * time.Millisecond)) }, "sessionid=KEY; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax"},
		"secure prefix":        {"http://localhost/", cookie(cloakroom.Cookie{Name: "__Secure-s"}), nil, "__Secure-s=KEY; Path=/" + fortnight + "; HttpOnly; Secure; SameSite=Lax"},
		"plain loopback, IPv6": {"http://[::1]:8000/", nil, nil, "sessionid=KEY; Path=/" + fortnight + "; HttpOnly; SameSite=Lax"},
		"always secure": {
			"http://localhost/", cookie(cloakroom.Cookie{Secure: cloakroom.SecureAlways}), nil,
			"sessionid=KEY; Path=/" + fortnight + "; HttpOnly; Secure; SameSite=Lax",
		},
		"never secure": {
			site, cookie(cloakroom.Cookie{Secure: cloakroom.SecureNever, Scriptable: true, SameSite: http.SameSiteStrictMode}), nil,
			"sessionid=KEY; Path=/" + fortnight + "; SameSite=Strict",
		},
		"all of it": {
			site, cookie(cloakroom.Cookie{Name: "s", Path: "/app", Domain: "example.org", SameSite: http.SameSiteNoneMode, Partitioned: true}), nil,
			"s=KEY; Path=/app; Domain=example.org" + fortnight + "; HttpOnly; Secure; SameSite=None; Partitioned",
		},
		"host prefix": {
			"http://localhost/", cookie(cloakroom.Cookie{Name: "__Host-s"}), nil,
			"__Host-s=KEY; Path=/" + fortnight + "; HttpOnly; Secure; SameSite=Lax",
		},
		"lifetime":         {site, []cloakroom.Option{cloakroom.WithLifetime(time.Hour)}, nil, "sessionid=KEY; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		"browser close":    {site, []cloakroom.Option{cloakroom.WithBrowserClose()}, nil, "sessionid=KEY; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"own expiry":       {site, []cloakroom.Option{cloakroom.WithBrowserClose()}, func() cloakroom.Expiry { return cloakroom.ExpireAfter(90 * time.Second) }, "sessionid=KEY; Path=/; Max-Age=90; HttpOnly; Secure; SameSite=Lax"},
		"own browserclose": {site, nil, cloakroom.ExpireAtBrowserClose, "sessionid=KEY; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"absolute timeout": {site, []cloakroom.Option{cloakroom.WithAbsoluteTimeout(time.Hour), cloakroom.WithIdleTimeout(time.Minute)}, nil, "sessionid=KEY; Path=/; Max-Age=3599; HttpOnly; Secure; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, recorder := begin(t, test.target, func(_ *http.Request, _ http.Header, s *cloakroom.Session) {
				if test.expiry != nil {
					s.SetExpiry(test.expiry())
				}
			}, test.options...)
			if c == nil {
				t.Fatal("no cookie")
			}
			got := strings.Replace(recorder.Header().Get("Set-Cookie"), c.Value, "KEY", 1)
			if name == "absolute timeout" {
				got = regexp.MustCompile(`Max-Age=3(600|59\d)`).ReplaceAllString(got, "Max-Age=3599") // the beginning is kept in whole seconds
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func cookie(c cloakroom.Cookie) []cloakroom.Option {
	return []cloakroom.Option{cloakroom.WithCookie(c)}
}

func TestWrongCookieIsReportedByOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]cloakroom.Cookie{
		"header injection in the name":   {Name: "a\r\nSet-Cookie: b"},
		"header injection in the path":   {Path: "/\r\nX: y"},
		"header injection in the domain": {Domain: "a\r\nb"},
		"attribute injection":            {Path: "/; Domain=evil"},
		"attribute in the name":          {Name: "a; Domain"},
		"attribute in the domain":        {Domain: "example.org; Path=/"},
		"another cookie in the name":     {Name: "a=b; c"},
		"space in the name":              {Name: "a b"},
		"line feed in the name":          {Name: "a\n"},
		"NUL in the path":                {Path: "/\x00"},
		"tab in the path":                {Path: "/\t"},
		"DEL in the domain":              {Domain: "example.org\x7f"},
		"not ASCII":                      {Name: "s\u00e9ance"},
		"host prefix with a domain":      {Name: "__Host-a", Domain: "example.org"},
		"host prefix with a path":        {Name: "__Host-a", Path: "/x"},
		"host prefix, never secure":      {Name: "__Host-a", Secure: cloakroom.SecureNever},
		"none, never secure":             {SameSite: http.SameSiteNoneMode, Secure: cloakroom.SecureNever},
		"partitioned, never secure":      {Partitioned: true, Secure: cloakroom.SecureNever},
	} {
		refused(t, name, cloakroom.New(locmem.Open(), cloakroom.WithCookie(c)))
	}
}

// refused fails the test unless the Manager says what is wrong with its options,
// when it was made and when it is used, and sends no cookie.
func refused(t *testing.T, name string, sessions *cloakroom.Manager) {
	t.Helper()
	wrong, ok := errors.AsType[*cloakroom.Error](sessions.Err())
	if !ok || !errors.Is(wrong, cloakroom.ErrConfig) || wrong.Reason == "" || wrong.Mend == "" || strings.ContainsAny(wrong.Error(), "\x00\r\n") {
		t.Errorf("%s: Err: %q, want ErrConfig with its mend, in one line", name, sessions.Err())
	}
	recorder := httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := sessions.Open(r); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: Open: %v, want ErrConfig", name, err)
		}
		var s cloakroom.Session
		s.Set("a", 1)
		if err := sessions.Save(r.Context(), &s); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: Save: %v, want ErrConfig", name, err)
		}
	})).ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	if set := recorder.Header().Get("Set-Cookie"); set != "" {
		t.Errorf("%s: sends %q", name, set)
	}
}

func TestWrongOptionIsReportedByOpen(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]cloakroom.Option{
		"no time for the back end": cloakroom.WithTimeout(0),
		"no lifetime":              cloakroom.WithLifetime(0),
		"negative idle timeout":    cloakroom.WithIdleTimeout(-time.Hour),
		"negative absolute":        cloakroom.WithAbsoluteTimeout(-time.Hour),
		"no logger":                cloakroom.WithLogger(nil),
		"no error handler":         cloakroom.WithErrorHandler(nil),
	} {
		refused(t, name, cloakroom.New(locmem.Open(), option))
	}
	refused(t, "no engine", cloakroom.New(nil))
}

// A proxy may send the machine's own name as Host. Most say in another header
// that they are there.
func TestSecureBehindAProxy(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP"} {
		sessions := cloakroom.New(locmem.Open())
		request := httptest.NewRequest("GET", "http://127.0.0.1:8080/", nil)
		request.Header.Set(header, "x")
		recorder := httptest.NewRecorder()
		sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, _ := sessions.Open(r)
			s.Set("a", 1)
		})).ServeHTTP(recorder, request)
		if c := (answer{Response: recorder.Result()}).setCookie(t); c == nil || !c.Secure {
			t.Errorf("%s: %v, want it Secure", header, c)
		}
	}
}

func TestCookieStaysOutOfSharedCaches(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                             "private",
		"public, max-age=60":           "private, max-age=60",
		"s-maxage=10, must-revalidate": "private, must-revalidate",
		"no-store":                     "no-store",
		"must-understand, no-store, max-age=60, public": "no-store",
		"private, no-cache":                             "private, no-cache",
		"Public, S-MaxAge=1, immutable":                 "private, immutable",
	} {
		_, recorder := begin(t, "https://example.org/", func(_ *http.Request, h http.Header, _ *cloakroom.Session) {
			if given != "" {
				h.Set("Cache-Control", given)
			}
		})
		if got := recorder.Header().Get("Cache-Control"); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func FuzzCookieHeader(f *testing.F) {
	engine := locmem.Open()
	sessions := cloakroom.New(engine)
	handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.Set("a", 1)
	}))
	f.Add("sessionid=" + cloakroom.NewKey())
	f.Add(`sessionid="; sessionid=a; =; ;;sessionid`)
	f.Add("sessionid=\x00\xff" + strings.Repeat("a", 5000))
	f.Fuzz(func(t *testing.T, header string) {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header["Cookie"] = []string{header}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		c := answer{Response: recorder.Result()}.setCookie(t)
		if recorder.Code != http.StatusOK || c == nil || !cloakroom.ValidKey(c.Value) || strings.Contains(header, c.Value) {
			t.Fatalf("%q: %d, %v; want a fresh key", header, recorder.Code, c)
		}
	})
}
