package dashboard_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/dashboard"
)

func TestWhoMaySeeWhat(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	visitor, ada, root := s.visitor(), s.signedIn("ada"), s.signedIn("root")
	handle := root.get("/sessions?q=root").values("session")[0]
	for path, c := range map[string]struct {
		administrators bool
		shows          string
	}{
		"/":                   {false, "This device"},
		"/password":           {false, "Current password"},
		"/sessions":           {true, "Everybody who visits"},
		"/sessions/" + handle: {true, "What it holds"},
		"/storage":            {true, "How sessions are kept"},
		"/people":             {true, "Who may sign in here"},
	} {
		visitor.get(path).want(http.StatusOK, "Sign in", "Password").without("Sign out")
		root.get(path).want(http.StatusOK, c.shows, "Sign out", "root")
		if c.administrators {
			ada.get(path).want(http.StatusForbidden, "Administrators only", "Sign out")
		} else {
			ada.get(path).want(http.StatusOK, c.shows, "Sign out", "ada")
		}
	}
	for path, fields := range map[string][]string{
		"/sessions/revoke":         {"session", handle, "sure", "yes"},
		"/sessions/" + handle:      {"sure", "yes"},
		"/storage":                 {},
		"/people":                  {"name", "mallory", "administrator", "yes"},
		"/people/" + s.ids["root"]: {"do", "disable", "sure", "yes"},
	} {
		visitor.post(path, fields...).want(http.StatusOK, "Sign in")
		ada.post(path, fields...).want(http.StatusForbidden, "Administrators only")
	}
	root.get("/people").want(http.StatusOK).without("mallory")
	ada.get("/nothing").want(http.StatusNotFound, "Nothing here", "Sign out")
	root.get("/sessions/forged").want(http.StatusNotFound, "Nothing here")
	if a := ada.get("/revoke").want(http.StatusMethodNotAllowed, "Not that way"); a.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	if a := ada.do(http.MethodDelete, "/", url.Values{}).want(http.StatusMethodNotAllowed); a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
}

func TestAfterSigningInTheVisitorGoesOn(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for next, want := range map[string]string{
		"/sessions?q=ada":      "/sessions?q=ada",
		"":                     "/",
		"//evil.example/":      "/",
		`/\evil.example/`:      "/",
		"https://evil.example": "/",
		"javascript:alert(1)":  "/",
		"/\n/evil.example":     "/",
	} {
		v := s.visitor()
		v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		a := v.post("/signin", "name", "root", "password", password, "next", next)
		if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("next %q: %d to %q, want %q", next, a.StatusCode, got, want)
		}
	}
	v := s.visitor()
	page := v.get("/sessions?q=ada").want(http.StatusOK, "Sign in")
	if next := page.values("next")[0]; next != "/sessions?q=ada" {
		t.Errorf("the sign-in page goes on to %q", next)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root := s.signedIn("root")
	for _, path := range []string{"/", "/nothing", "/signin", "/storage"} {
		h := root.get(path).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
			"Content-Type":                 "text/html; charset=utf-8",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if h.Get("Permissions-Policy") == "" {
			t.Errorf("%s: no Permissions-Policy", path)
		}
	}
}

func TestAssetsAreKeptAndPagesAreNot(t *testing.T) {
	t.Parallel()
	v := open(t, nil).visitor()
	page := v.get("/signin")
	for _, a := range []*answer{page, v.get("/nothing"), v.post("/signin", "name", "ada", "password", password), v.get("/")} {
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", a.Request.URL, got)
		}
	}
	found := 0
	for _, n := range page.nodes() {
		for _, name := range []string{"href", "src"} {
			path := attr(n, name)
			if !strings.HasPrefix(path, "/assets/") {
				continue
			}
			found++
			a := v.get(path).want(http.StatusOK)
			if got := a.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", path, got)
			}
			if cookie, vary := a.Header.Get("Set-Cookie"), a.Header.Get("Vary"); cookie != "" || strings.Contains(vary, "Cookie") {
				t.Errorf("%s: opens a session: cookie %q, Vary %q", path, cookie, vary)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d assets, want style, script and icon", found)
	}
	if a := v.get("/assets/style.css"); a.StatusCode != http.StatusNotFound {
		t.Errorf("an asset without its hash: %d", a.StatusCode)
	}
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ada := s.signedIn("ada")
	for _, header := range [][2]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/signout", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header[0], header[1])
		ada.send(r).want(http.StatusForbidden, "Sent from another site")
		ada.get("/").want(http.StatusOK, "This device")
	}
}

func TestNobodyGetsASessionUnasked(t *testing.T) {
	t.Parallel()
	v := open(t, nil).visitor()
	for _, path := range []string{"/", "/signin", "/nothing", "/sessions"} {
		if a := v.get(path); a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", path)
		}
	}
}

func TestMountedUnderAPath(t *testing.T) {
	t.Parallel()
	s := open(t, nil, func(c *dashboard.Config) { c.BasePath = "/cloak/room" })
	root := s.signedIn("root")
	for _, path := range []string{"/", "/sessions", "/sessions?q=x", "/storage", "/people", "/password", "/nothing"} {
		page := root.get(path)
		for _, n := range page.nodes() {
			for _, name := range []string{"href", "src", "action"} {
				if link := attr(n, name); link != "" && !strings.HasPrefix(link, "/cloak/room/") && !strings.HasPrefix(link, "#") {
					t.Errorf("%s: %s %q leaves the Dashboard", path, name, link)
				}
			}
		}
	}
	root.post("/signout").want(http.StatusOK, "You are signed out.")
}

func TestEveryPageIsWellMarked(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root, ada, elsewhere, visitor := s.signedIn("root"), s.signedIn("ada"), s.signedIn("root"), s.visitor()
	keys := []string{root.key(), ada.key(), elsewhere.key()}
	handle := root.get("/sessions?q=ada").values("session")[0]
	for name, page := range map[string]*answer{
		"sign in":     visitor.get("/signin"),
		"wrong":       visitor.post("/signin", "name", "ada", "password", "x"),
		"own":         root.get("/"),
		"all":         root.get("/sessions"),
		"none":        root.get("/sessions?q=nobody"),
		"one":         root.get("/sessions/" + handle),
		"sure":        root.post("/sessions/revoke", "session", handle),
		"storage":     root.get("/storage"),
		"people":      root.get("/people"),
		"added":       root.post("/people", "name", "newcomer"),
		"not added":   root.post("/people", "name", "ada"),
		"password":    root.get("/password"),
		"not changed": root.post("/password", "current", "x"),
		"not found":   root.get("/nothing"),
	} {
		page.wellMarked(name)
		for _, key := range keys {
			if strings.Contains(page.html, key) {
				t.Errorf("%s: a session key in full", name)
			}
		}
	}
}

// wellMarked fails the test where the page does not name what it shows.
func (a *answer) wellMarked(name string) {
	t := a.v.t
	t.Helper()
	ids, labelled, headings := map[string]bool{}, map[string]bool{}, 0
	balanced(a, name)
	for _, n := range a.nodes() {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("%s: two elements are called %q", name, id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		if n.Data == "h1" {
			headings++
		}
		if attr(n, "style") != "" || attr(n, "onclick") != "" || n.Data == "style" {
			t.Errorf("%s: inline style or script, which the policy refuses", name)
		}
	}
	if headings != 1 {
		t.Errorf("%s: %d main headings", name, headings)
	}
	for _, n := range a.nodes() {
		switch n.Data {
		case "input", "select", "textarea":
			within := n.Parent.Data == "label"
			if attr(n, "type") != "hidden" && !within && !labelled[attr(n, "id")] && attr(n, "aria-label") == "" {
				t.Errorf("%s: the field %q has no label", name, attr(n, "name"))
			}
		}
		for _, refers := range []string{"aria-labelledby", "aria-describedby", "for"} {
			for _, id := range strings.Fields(attr(n, refers)) {
				if !ids[id] {
					t.Errorf("%s: %s names %q, which is not there", name, refers, id)
				}
			}
		}
	}
}

// balanced fails the test where a tag is not closed in turn.
func balanced(a *answer, name string) {
	a.v.t.Helper()
	void := []string{"br", "hr", "img", "input", "link", "meta"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(a.html))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				a.v.t.Errorf("%s: left open: %v", name, open)
			}
			return
		case html.StartTagToken:
			if tag, _ := z.TagName(); !slices.Contains(void, string(tag)) {
				open = append(open, string(tag))
			}
		case html.EndTagToken:
			tag, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(tag) {
				a.v.t.Errorf("%s: </%s> closes %v", name, tag, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	sessions := cloakroom.New(s.engine)
	for name, config := range map[string]dashboard.Config{
		"nothing":          {},
		"no secret key":    {Sessions: sessions, Accounts: s.accounts},
		"path with no end": {Sessions: sessions, Accounts: s.accounts, SecretKey: "x", BasePath: "/a/"},
		"a broken cookie": {
			Sessions: cloakroom.New(s.engine, cloakroom.WithCookie(cloakroom.Cookie{Path: "/\r\nSet-Cookie: a=b"})),
			Accounts: s.accounts, SecretKey: "x",
		},
		"relative path": {Sessions: sessions, Accounts: s.accounts, SecretKey: "x", BasePath: "a"},
	} {
		if _, err := dashboard.New(config); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
