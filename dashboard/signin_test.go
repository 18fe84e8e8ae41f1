package dashboard_test

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// Who comes over plain HTTP from afar is told why no sign-in lasts, and nobody else.
func TestSignInOverPlainHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for name, c := range map[string]struct {
		method, host, header, value string
		warned                      bool
	}{
		"on the machine itself":           {http.MethodGet, "127.0.0.1:8000", "", "", false},
		"by its name":                     {http.MethodGet, "localhost:8000", "", "", false},
		"and through a tunnel":            {http.MethodGet, "localhost:8000", "Via", "1.1 tunnel", true},
		"where the browser keeps it":      {http.MethodGet, "localhost:8000", "Sec-Fetch-Site", "none", false},
		"from afar":                       {http.MethodGet, "dashboard.example:8000", "", "", true},
		"after a wrong password":          {http.MethodPost, "dashboard.example:8000", "", "", true},
		"a proxy with HTTPS that says so": {http.MethodGet, "dashboard.example", "X-Forwarded-Proto", "https", false},
		"one that does not":               {http.MethodGet, "dashboard.example", "Sec-Fetch-Site", "same-origin", false},
		"a proxy without":                 {http.MethodGet, "dashboard.example", "X-Forwarded-Proto", "http", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), c.method, "/signin", nil)
			r.Host = c.host
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			w := httptest.NewRecorder()
			s.server.Config.Handler.ServeHTTP(w, r)
			if warned := strings.Contains(w.Body.String(), "This page came over plain HTTP"); warned != c.warned {
				t.Errorf("warned: %v", warned)
			}
		})
	}
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	v := s.visitor()
	for _, fields := range [][]string{
		{"name", "ada", "password", "wrong"},
		{"name", "nobody", "password", password},
		{"name", "", "password", ""},
	} {
		v.post("/signin", fields...).want(http.StatusUnprocessableEntity, "This name and password do not belong together.").without("wrong", password)
		if v.key() != "" {
			t.Fatal("a failed sign-in left a session behind")
		}
	}
	v.post("/signin", "name", "ada", "password", password).want(http.StatusOK, "This device", "Firefox on Linux", "127.0.0.1")

	record, err := s.engine.Load(t.Context(), v.key())
	if err != nil {
		t.Fatal(err)
	}
	account, err := s.accounts.Find(t.Context(), s.ids["ada"])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		auth.UserIDName: account.ID, auth.BackendName: auth.ModelBackend, auth.HashName: auth.SessionHash(secretKey, account.PasswordHash),
	} {
		if got := record.Data[name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}

	first := v.key()
	v.post("/signin", "name", "ada", "password", password).want(http.StatusOK)
	if v.key() == first {
		t.Error("signing in again kept the session key")
	}
	if _, err := s.engine.Load(t.Context(), first); err == nil {
		t.Error("the key before signing in is still good")
	}
	last := v.key()
	v.post("/signout").want(http.StatusOK, "You are signed out.")
	if _, err := s.engine.Load(t.Context(), last); err == nil {
		t.Error("the session outlives signing out")
	}
	v.get("/").want(http.StatusOK, "Sign in")

	for _, secret := range []string{password, "wrong", first, last, "nobody"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, s.log)
		}
	}
}

// A key that somebody planted in another's browser is worth nothing once they
// have signed in, be it the key of a session of one's own.
func TestPlantedKeys(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for name, planted := range map[string]string{
		"Mallory's own": s.signedIn("grace").key(),
		"an anonymous":  s.store(map[string]any{"basket": "full"}).Key,
		"an invented":   cloakroom.NewKey(),
	} {
		ada, mallory := s.visitor(), s.visitor()
		ada.setKey(planted)
		ada.post("/signin", "name", "ada", "password", password).want(http.StatusOK, "This device", "ada")
		if ada.key() == planted {
			t.Errorf("%s key: signing in kept it", name)
		}
		mallory.setKey(planted)
		mallory.get("/").want(http.StatusOK, "Sign in")
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, name := range []string{"ada", "nobody"} {
		v := s.visitor()
		for range 5 {
			v.post("/signin", "name", name, "password", "guess").want(http.StatusUnprocessableEntity)
		}
		a := v.post("/signin", "name", name, "password", password).want(http.StatusTooManyRequests, "Too many attempts")
		if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds != 1 {
			t.Errorf("%s: Retry-After %q", name, a.Header.Get("Retry-After"))
		}
	}
	s.visitor().post("/signin", "name", "ＡＤＡ", "password", password).want(http.StatusTooManyRequests)
	s.signedIn("grace") // somebody else, at the same address
}

func TestOneTimePasswordIsReplacedFirst(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	name, oneTime, err := addOneTime(s, "newcomer")
	if err != nil {
		t.Fatal(err)
	}
	v := s.visitor()
	v.post("/signin", "name", name, "password", oneTime).want(http.StatusOK, "Choose a password", "Sign out").without("Current password", "All sessions")
	v.get("/").want(http.StatusOK, "Choose a password")
	v.get("/people").want(http.StatusOK, "Choose a password")
	before := v.key()
	for problem, fields := range map[string][]string{
		"The two are not the same.":         {"new", password, "repeat", password + "!"},
		"Use at least 15 characters":        {"new", "too short", "repeat", "too short"},
		"This is the password you have now": {"new", oneTime, "repeat", oneTime},
		"Many people use this one":          {"new", "qwertyuiopasdfghjkl", "repeat", "qwertyuiopasdfghjkl"},
	} {
		v.post("/password", fields...).want(http.StatusUnprocessableEntity, problem)
	}
	v.post("/password", "new", password, "repeat", password).want(http.StatusOK, "Your password is changed.", "This device")
	if v.key() == before {
		t.Error("choosing a password kept the session key")
	}
	s.visitor().post("/signin", "name", name, "password", oneTime).want(http.StatusUnprocessableEntity)
}

func TestChangingThePasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	here, there, grace := s.signedIn("ada"), s.signedIn("ada"), s.signedIn("grace")
	const next = "another four words"
	here.post("/password", "current", "wrong", "new", next, "repeat", next).want(http.StatusUnprocessableEntity, "This is not your password.")
	there.get("/").want(http.StatusOK, "This device")
	here.post("/password", "current", password, "new", next, "repeat", next).want(http.StatusOK, "Your password is changed.")
	if _, err := s.engine.Load(t.Context(), there.key()); err == nil {
		t.Error("the other session is still stored")
	}
	there.get("/").want(http.StatusOK, "Sign in")
	here.get("/").want(http.StatusOK, "This device")
	grace.get("/").want(http.StatusOK, "This device")
}

// listed is an engine that does something before it lists its sessions.
type listed struct {
	*cache.Engine
	before func()
}

func (e *listed) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	e.before()
	return e.Engine.List(ctx)
}

// To find the other sessions takes long where there are many.
func TestAnotherTabWhileThePasswordChanges(t *testing.T) {
	t.Parallel()
	engine := &listed{Engine: locmem.Open(), before: func() {}}
	s := open(t, engine)
	here, tab := s.signedIn("ada"), s.visitor()
	tab.setKey(here.key())
	engine.before = func() {
		engine.before = func() {}
		tab.get("/password")
	}
	const next = "another four words"
	here.post("/password", "current", password, "new", next, "repeat", next).want(http.StatusOK, "Your password is changed.", "This device")
}

// The new password holds, and the answer says so.
func TestChangingThePasswordWhileTheStorageGoesAway(t *testing.T) {
	t.Parallel()
	engine := &troubled{Engine: locmem.Open()}
	s := open(t, engine, func(c *dashboard.Config) { c.Accounts = leaving{c.Accounts, engine} })
	ada := s.signedInAt("ada", "/password")
	const next = "another four words"
	ada.post("/password", "current", password, "new", next, "repeat", next).
		want(http.StatusServiceUnavailable, "Your password is changed", "Sign in with the new password.").without("Nothing was changed")
	engine.away.Store(false)
	ada.post("/signin", "name", "ada", "password", next, "next", "/password").want(http.StatusOK, "Current password")
}

// leaving are accounts after whose change the storage is away.
type leaving struct {
	dashboard.Accounts
	engine *troubled
}

func (a leaving) ChangePassword(ctx context.Context, id, password string) (dashboard.Account, error) {
	defer a.engine.away.Store(true)
	return a.Accounts.ChangePassword(ctx, id, password)
}

// A password that was changed elsewhere, in Django, ends sessions as well.
func TestASessionIsBoundToThePassword(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ada := s.signedIn("ada")
	if _, err := s.accounts.ChangePassword(t.Context(), s.ids["ada"], "changed behind its back"); err != nil {
		t.Fatal(err)
	}
	ada.get("/").want(http.StatusOK, "Sign in")
	if ada.key() != "" {
		t.Error("the cookie stayed")
	}

	grace := s.signedIn("grace")
	if err := s.accounts.SetActive(t.Context(), s.ids["grace"], false); err != nil {
		t.Fatal(err)
	}
	grace.get("/").want(http.StatusOK, "Sign in")
}

// Another application on the same engine has users of its own.
func TestAnotherApplicationsLoginIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for name, data := range map[string]map[string]any{
		"another backend": {auth.UserIDName: s.ids["root"], auth.BackendName: "openstack_auth.backend.KeystoneBackend", auth.HashName: ""},
		"another user":    {auth.UserIDName: "5f2a", auth.BackendName: auth.ModelBackend},
	} {
		record := s.store(data)
		v := s.visitor()
		v.setKey(record.Key)
		v.get("/sessions").want(http.StatusOK, "Sign in")
		if _, err := s.engine.Load(t.Context(), record.Key); err != nil {
			t.Errorf("%s: the session ended: %v", name, err)
		}
	}
}

// Who logged in to Django on the same accounts is logged in here.
func TestDjangosLoginIsShared(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	account, err := s.accounts.Find(t.Context(), s.ids["ada"])
	if err != nil {
		t.Fatal(err)
	}
	record := s.store(map[string]any{
		auth.UserIDName: account.ID, auth.BackendName: auth.ModelBackend,
		auth.HashName: auth.SessionHash(secretKey, account.PasswordHash), "basket": int64(3),
	})
	v := s.visitor()
	v.setKey(record.Key)
	v.get("/").want(http.StatusOK, "This device", "Firefox on Linux", "ada")
	after, err := s.engine.Load(t.Context(), record.Key)
	if err != nil || after.Data["basket"] != int64(3) {
		t.Errorf("the session now: %v, %v", after, err)
	}
}

func addOneTime(s *site, name string) (string, string, error) {
	account, password, err := s.accounts.Add(s.t.Context(), name, false)
	return account.Name, password, err
}

// store keeps a session that something else began.
func (s *site) store(data map[string]any) *cloakroom.Record {
	s.t.Helper()
	record := &cloakroom.Record{Data: data, Expires: inADay()}
	if err := s.engine.Create(s.t.Context(), record); err != nil {
		s.t.Fatal(err)
	}
	return record
}
