package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/observe"
)

// What people see tells whose a session is and keeps credentials back, and
// nobody's name does anything to their terminal.
func TestWhatPeopleSee(t *testing.T) {
	t.Setenv(secretVariable, secret)
	s := openSite(t, t.TempDir())
	key := s.create(t, horizonSession("77", "ada\x1b[31m"))
	s.create(t, map[string]any{auth.UserIDName: "7", auth.BackendName: auth.ModelBackend})
	s.create(t, map[string]any{"n": int64(1)})

	list := s.done(t, "list")
	for _, want := range []string{"KEY        USER", key[:8] + "…", `ada\u001b[31m (Default)`, "…  7  ", "…  –  ", "(in 1 hour)"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is missing in\n%s", want, list)
		}
	}
	if strings.Contains(list, key) || strings.Contains(list, "\x1b") || strings.Count(list, "\n") != 4 {
		t.Errorf("a whole key, or what a terminal obeys, is in\n%q", list)
	}
	if keys := s.done(t, "list", "--keys", "--user", "77"); !strings.Contains(keys, key) || strings.Count(keys, "\n") != 2 {
		t.Errorf("the sessions of one user:\n%s", keys)
	}
	if none := s.done(t, "list", "--user", "99"); none != "No live session of user 99.\n" {
		t.Errorf("the sessions of a user who has none:\n%s", none)
	}
	if one := s.done(t, "list", "--limit", "1"); strings.Count(one, "\n") != 2 {
		t.Errorf("one session:\n%s", one)
	}

	masked, revealed := s.done(t, "show", key[:8]), s.done(t, "show", key[:8], "--reveal")
	if strings.Contains(masked, "gAAAAA") || strings.Contains(masked, "f00d") || strings.Contains(masked, key) || !strings.Contains(masked, "ID 77") {
		t.Errorf("masked:\n%s", masked)
	}
	if !strings.Contains(revealed, "gAAAAA") || !strings.Contains(revealed, "f00d") || !strings.Contains(revealed, key) {
		t.Errorf("revealed:\n%s", revealed)
	}

	_, stdout, stderr := commandWith(t, key+"\n", append([]string{"set", "-", `n=2`}, s.flags...)...)
	if stdout != key+"\n" {
		t.Errorf("set of the key on standard input: %q, %q", stdout, stderr)
	}
	if said := s.done(t, "revoke", "--user", "7"); said != "1 session ended, 3 read.\n" {
		t.Errorf("revoke says %q", said)
	}
	if code, stdout, stderr := command(t, append([]string{"show", "zzzzzz"}, s.flags...)...); code != exitFailed || stdout != "" || !strings.Contains(stderr, "no session key begins so") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// Beside --engine nothing is said to be Django's that a flag or a variable gave.
func TestSettingsOfURLs(t *testing.T) {
	t.Setenv(secretVariable, secret)
	code, stdout, stderr := command(t, "settings", "--engine", "sqlite:////tmp/dash", "--cache", "redis://h/1")
	if code != exitDone {
		t.Fatal(stderr)
	}
	shown := map[string]string{}
	for line := range strings.Lines(stdout) {
		name, value, _ := strings.Cut(line, " ")
		shown[name] = strings.TrimSpace(value)
	}
	for name, want := range map[string]string{
		"engine":              "sqlite:////tmp/dash (--engine)",
		"cache":               "redis://h/1 (--cache)",
		"SESSION_SERIALIZER":  "None (--engine)",
		"SECRET_KEY":          "******** (CLOAKROOM_SECRET_KEY)",
		"SESSION_COOKIE_NAME": "sessionid (Django's default)",
		"SESSION_ENGINE":      "", "SESSION_CACHE_ALIAS": "", "SESSION_FILE_PATH": "", "CACHES": "", "DATABASES": "",
	} {
		if shown[name] != want {
			t.Errorf("%s: %q, want %q", name, shown[name], want)
		}
	}
	if _, stdout, _ = command(t, "settings", "--engine", "redis://h/1"); !strings.Contains(stdout, "None\n") {
		t.Errorf("no cache is said to be given by something:\n%s", stdout)
	}
}

// Signed cookies are with the browsers: what cannot be done to them says so.
func TestCookies(t *testing.T) {
	t.Setenv(secretVariable, secret)
	flags := []string{"--engine", "cookies:"}
	_, created, _ := command(t, append([]string{"create", "n=1"}, flags...)...)
	key := strings.TrimSpace(created)
	_, changed, _ := command(t, append([]string{"set", key, "n=2"}, flags...)...)
	if code, stdout, _ := command(t, append([]string{"show", strings.TrimSpace(changed), "--json"}, flags...)...); code != exitDone || !strings.Contains(stdout, `"n": 2`) {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	for _, args := range [][]string{{"list"}, {"revoke", key}, {"revoke", "--user", "ada"}} {
		if code, stdout, stderr := command(t, append(args, flags...)...); code != exitFailed || strings.Contains(stdout, "1 session") || !strings.Contains(stderr, "browser") {
			t.Errorf("%q: exit code %d, %q, %q", args[0], code, stdout, stderr)
		}
	}
}

// Beside a site the Dashboard shows the site's engine and has a cookie of its own.
func TestServeBesideASite(t *testing.T) {
	t.Setenv(secretVariable, secret)
	s := openSite(t, t.TempDir())
	data := t.TempDir()
	code, stdout, stderr := command(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data", data}, s.flags...)...)
	if code != exitDone || !strings.Contains(stdout, "site.sqlite3: shared between processes") || !strings.Contains(stdout, "Accounts   in "+data) || !strings.Contains(stdout, "Metrics    http://127.0.0.1:") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if histories, _ := filepath.Glob(filepath.Join(data, "history-*.sqlite3")); len(histories) != 1 {
		t.Errorf("the site's history is in %q", histories)
	}

	store, err := openEmbedded(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	for name, shown := range map[string]bool{besideCookie: true, "sessionid": false} {
		engine := s.engine
		if !shown {
			engine = store.engine
		}
		samples, err := store.history(t.Context(), engine)
		if err != nil {
			t.Fatal(err)
		}
		handler, err := store.dashboard(engine, observe.New(engine), samples, nil, quiet)
		if err != nil {
			t.Fatal(err)
		}
		_, password, _, err := store.accounts.Bootstrap(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cookie := cookieOf(t, handler, password)
		if cookie.Name != name {
			t.Errorf("the cookie is %q, want %q", cookie.Name, name)
		}
		// It ends an hour after its last use, and a day after it began.
		own := store.engine.WithSecretKeys(store.secretKey)
		for record, err := range own.(cloakroom.Lister).List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			began, dated := record.Data["_cloakroom_created"].(int64)
			if idle := time.Until(record.Expires); !dated || time.Since(time.Unix(began, 0)) > time.Minute || idle > time.Hour {
				t.Errorf("the session began %v, %v, and ends in %v", began, dated, idle)
			}
		}
		for _, age := range []time.Duration{23 * time.Hour, 25 * time.Hour} {
			record, err := own.Load(t.Context(), cookie.Value)
			if err != nil {
				t.Fatal(err)
			}
			record.Data["_cloakroom_created"] = time.Now().Add(-age).Unix()
			if err := own.Save(t.Context(), record); err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
			r.AddCookie(cookie)
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if _, err := own.Load(t.Context(), cookie.Value); errors.Is(err, cloakroom.ErrNotFound) != (age > 24*time.Hour) {
				t.Errorf("used %v after it began: %v", age, err)
			}
		}
	}
}

func TestPasswd(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	command(t, "serve", "--listen", "127.0.0.1:0", "--data", data)
	code, stdout, stderr := command(t, "passwd", "admin", "--data", data)
	said := regexp.MustCompile(`one-time password (\S+)`).FindStringSubmatch(stdout)
	if code != exitDone || said == nil {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	store, err := openEmbedded(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	if account, err := store.accounts.Authenticate(t.Context(), "admin", said[1]); err != nil || !account.OneTime {
		t.Errorf("%+v, %v", account, err)
	}
	if code, _, stderr := command(t, "passwd", "eve", "--data", data); code != exitFailed || !strings.Contains(stderr, `no account "eve"`) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	empty := t.TempDir()
	if code, _, stderr := command(t, "passwd", "admin", "--data", empty); code != exitFailed || !strings.Contains(stderr, "--data") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Error("passwd made accounts where there were none")
	}
}

var quiet = slog.New(slog.DiscardHandler)

// cookieOf signs the administrator in and names the cookie that this sets.
func cookieOf(t *testing.T, handler http.Handler, password string) *http.Cookie {
	t.Helper()
	form := url.Values{"name": {"admin"}, "password": {password}}
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/signin", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		return cookie
	}
	t.Fatalf("status %d, and no cookie", w.Code)
	return nil
}
