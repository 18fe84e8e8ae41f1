package cloakroom_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

// site is a real server whose handler is given the request's session.
type site struct {
	*httptest.Server
	sessions *cloakroom.Manager
	log      *strings.Builder
}

type view func(w http.ResponseWriter, r *http.Request, s *cloakroom.Session)

func newSite(t *testing.T, engine cloakroom.Engine, v view, options ...cloakroom.Option) *site {
	t.Helper()
	log := &strings.Builder{}
	options = append([]cloakroom.Option{cloakroom.WithLogger(slog.New(slog.NewTextHandler(log, nil)))}, options...)
	sessions := cloakroom.New(engine, options...)
	server := httptest.NewServer(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err != nil {
			http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
			return
		}
		v(w, r, s)
	})))
	t.Cleanup(server.Close)
	return &site{server, sessions, log}
}

// visitor is one browser.
type visitor struct {
	t    *testing.T
	site *site
	*http.Client
}

func (s *site) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := s.Client()
	return &visitor{t, s, &http.Client{Transport: client.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

type answer struct {
	*http.Response
	body string
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	response, err := v.Get(v.site.URL + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{response, string(body)}
}

func (v *visitor) key() string {
	u, _ := url.Parse(v.site.URL)
	for _, c := range v.Jar.Cookies(u) {
		if c.Name == "sessionid" {
			return c.Value
		}
	}
	return ""
}

func (v *visitor) setKey(key string) {
	u, _ := url.Parse(v.site.URL)
	v.Jar.SetCookies(u, []*http.Cookie{{Name: "sessionid", Value: key, Path: "/"}})
}

func (a answer) setCookie(t *testing.T) *http.Cookie {
	t.Helper()
	switch cookies := a.Cookies(); len(cookies) {
	case 0:
		return nil
	case 1:
		return cookies[0]
	default:
		t.Fatalf("%d cookies set, want one at most: %v", len(cookies), a.Header.Values("Set-Cookie"))
		return nil
	}
}
