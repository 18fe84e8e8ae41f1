package dashboard_test

import (
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	_ "modernc.org/sqlite"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/dashboard/accounts"
	"github.com/cloakroom-go/cloakroom/dashboard/history"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

const (
	secretKey = "only for tests"
	password  = "four words to remember"
)

// site is a running Dashboard with an administrator, root, and two users, ada
// and grace.
type site struct {
	t        testing.TB
	url      string
	server   *httptest.Server
	engine   cloakroom.Engine
	accounts *accounts.Store
	history  *history.Store
	log      *strings.Builder
	ids      map[string]string // by name
}

// open starts a site on an engine; on local memory if that is nil.
func open(t testing.TB, engine cloakroom.Engine, change ...func(*dashboard.Config)) *site {
	t.Helper()
	if engine == nil {
		engine = locmem.Open()
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "accounts.sqlite3")+"?_pragma=synchronous(OFF)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &site{t: t, engine: engine, log: &strings.Builder{}, ids: map[string]string{}}
	if s.accounts, err = accounts.Open(t.Context(), db, accounts.WithCost(64, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if s.history, err = history.Open(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"root", "ada", "grace"} {
		s.add(name, name == "root")
	}
	config := dashboard.Config{
		Accounts: s.accounts, SecretKey: secretKey, History: s.history,
		Logger: slog.New(slog.NewTextHandler(&locked{w: s.log}, nil)),
	}
	for _, f := range change {
		f(&config)
	}
	config.Sessions = cloakroom.New(engine, cloakroom.WithSecretKey(secretKey), cloakroom.WithLogger(config.Logger),
		cloakroom.WithErrorHandler(dashboard.ErrorHandler(config.BasePath)))
	handler, err := dashboard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(handler)
	t.Cleanup(s.server.Close)
	s.url = s.server.URL + config.BasePath
	return s
}

// openDB returns the db engine on a new SQLite file.
func openDB(t testing.TB) cloakroom.Engine {
	t.Helper()
	engine, err := db.Open(t.Context(), "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	if err := engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return engine.WithSecretKeys(secretKey)
}

// add makes an account whose password is chosen.
func (s *site) add(name string, administrator bool) {
	s.t.Helper()
	account, _, err := s.accounts.Add(s.t.Context(), name, administrator)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.accounts.ChangePassword(s.t.Context(), account.ID, password); err != nil {
		s.t.Fatal(err)
	}
	s.ids[name] = account.ID
}

// visitor is a browser: it keeps cookies and follows redirects.
type visitor struct {
	*site
	client *http.Client
	agent  string
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

func (s *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{site: s, client: &http.Client{Jar: jar}, agent: firefox}
}

// signedIn is a visitor who has signed in.
func (s *site) signedIn(name string) *visitor {
	s.t.Helper()
	v := s.visitor()
	v.post("/signin", "name", name, "password", password).want(http.StatusOK, "Your sessions")
	return v
}

// key is the visitor's session key.
func (v *visitor) key() string {
	u, _ := url.Parse(v.url)
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == "sessionid" {
			return c.Value
		}
	}
	return ""
}

func (v *visitor) get(path string) *answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil)
}

// post sends a form of names and values.
func (v *visitor) post(path string, fields ...string) *answer {
	v.t.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(fields, 2) {
		form.Add(pair[0], pair[1])
	}
	return v.do(http.MethodPost, path, form)
}

func (v *visitor) do(method, path string, form url.Values) *answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", v.agent)
	return v.send(r)
}

func (v *visitor) send(r *http.Request) *answer {
	v.t.Helper()
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return &answer{v: v, Response: response, html: string(body), what: r.Method + " " + r.URL.Path}
}

// answer is a page that came back.
type answer struct {
	*http.Response
	v    *visitor
	html string
	what string
}

// want fails the test unless the page has the status and all the texts.
func (a *answer) want(status int, texts ...string) *answer {
	a.v.t.Helper()
	if a.StatusCode != status {
		a.v.t.Fatalf("%s: status %d, want %d:\n%s", a.what, a.StatusCode, status, a.text())
	}
	shown := a.text()
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			a.v.t.Fatalf("%s: %q is missing in:\n%s", a.what, text, shown)
		}
	}
	return a
}

// without fails the test if the page's source has one of the texts.
func (a *answer) without(texts ...string) *answer {
	a.v.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.html, text) {
			a.v.t.Fatalf("%s: %q is on the page:\n%s", a.what, text, a.html)
		}
	}
	return a
}

func (a *answer) nodes() []*html.Node {
	root, err := html.Parse(strings.NewReader(a.html))
	if err != nil {
		a.v.t.Fatalf("%s: %v", a.what, err)
	}
	return slices.Collect(root.Descendants())
}

// text is what the page reads, one space between words.
func (a *answer) text() string {
	var b strings.Builder
	for _, n := range a.nodes() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// values returns the values of all fields of that name, in order.
func (a *answer) values(name string) []string {
	var values []string
	for _, n := range a.nodes() {
		if attr(n, "name") == name {
			values = append(values, attr(n, "value"))
		}
	}
	return values
}

// link returns the address of the first link that reads text.
func (a *answer) link(text string) string {
	a.v.t.Helper()
	for _, n := range a.nodes() {
		if n.Data == "a" && n.FirstChild != nil && strings.TrimSpace(n.FirstChild.Data) == text {
			return strings.TrimPrefix(attr(n, "href"), strings.TrimPrefix(a.v.url, a.v.server.URL))
		}
	}
	a.v.t.Fatalf("%s: no link %q in:\n%s", a.what, text, a.text())
	return ""
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// setKey gives the visitor a session key that something else made.
func (v *visitor) setKey(key string) {
	u, _ := url.Parse(v.url)
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "sessionid", Value: key, Path: "/"}})
}

func inADay() time.Time { return time.Now().Add(24 * time.Hour) }
