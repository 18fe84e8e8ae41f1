package dashboard_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
)

func TestAddingSomebody(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root := s.signedIn("root")
	for problem, name := range map[string]string{"Enter a name.": " ", "This name is taken.": "ada", "letters, digits and": "a b"} {
		root.post("/people", "name", name).want(http.StatusUnprocessableEntity, problem)
	}
	page := root.post("/people", "name", "newcomer", "administrator", "yes").want(http.StatusOK, "One-time password for newcomer")
	oneTime := page.byID("one-time-password")
	root.get("/people").want(http.StatusOK, "newcomer").without(oneTime)
	s.visitor().post("/signin", "name", "newcomer", "password", oneTime).want(http.StatusOK, "Choose a password")
	if strings.Contains(s.log.String(), oneTime) {
		t.Error("the one-time password is in the log")
	}

	s.age(root, 11*time.Minute)
	root.post("/people", "name", "reader").want(http.StatusOK, "One-time password for reader")
	asked := root.post("/people", "name", "keeper", "administrator", "yes").want(http.StatusOK, "add keeper as an administrator", "Your password")
	if name, administrator := asked.values("name"), asked.values("administrator"); !slices.Equal(name, []string{"keeper"}) || !slices.Equal(administrator, []string{"yes"}) {
		t.Errorf("the page sends %q, %q again", name, administrator)
	}
	root.post("/people", "name", "keeper", "administrator", "yes", "sure", "yes").want(http.StatusOK, "Your password")
	root.post("/people", "name", "keeper", "administrator", "yes", "confirm_password", "wrong").want(http.StatusUnprocessableEntity, "This is not your password.")
	root.get("/people").want(http.StatusOK, "reader").without("keeper")
	root.post("/people", "name", "keeper", "administrator", "yes", "sure", "yes", "confirm_password", password).
		want(http.StatusOK, "One-time password for keeper")
}

func TestChangingPeople(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root, ada := s.signedIn("root"), s.signedIn("ada")
	path := "/people/" + s.ids["ada"]
	do := func(what string) *answer { t.Helper(); return root.post(path, "do", what, "sure", "yes") }

	root.post(path, "do", "disable").want(http.StatusOK, "Disable ada?", "Cancel")
	ada.get("/").want(http.StatusOK, "This device")
	do("disable").want(http.StatusOK, "ada is disabled. 1 session ended.", "Disabled")
	ada.get("/").want(http.StatusOK, "Sign in")
	ada.post("/signin", "name", "ada", "password", password).want(http.StatusUnprocessableEntity)
	do("enable").want(http.StatusOK, "ada can sign in again.")
	ada = s.signedIn("ada")

	do("promote").want(http.StatusOK, "ada is an administrator.")
	ada.get("/people").want(http.StatusOK, "Who may sign in here")
	do("demote").want(http.StatusOK, "ada is an ordinary user.")
	ada.get("/people").want(http.StatusForbidden)

	do("sign-out").want(http.StatusOK, "ada is signed out. 1 session ended.")
	ada.get("/").want(http.StatusOK, "Sign in")
	ada = s.signedIn("ada")

	s.age(root, 11*time.Minute)
	do("reset").want(http.StatusOK, "Your password")
	do("promote").want(http.StatusOK, "Your password")
	oneTime := root.post(path, "do", "reset", "sure", "yes", "confirm_password", password).
		want(http.StatusOK, "One-time password for ada").byID("one-time-password")
	ada.get("/").want(http.StatusOK, "Sign in")
	ada.post("/signin", "name", "ada", "password", oneTime).want(http.StatusOK, "Choose a password")

	do("nothing").want(http.StatusBadRequest, "This form could not be read")
	root.post("/people/999", "do", "enable").want(http.StatusNotFound)
	root.get("/people?q=AD").want(http.StatusOK, "ada").without(">grace<")
	root.get("/people?q=nobody").want(http.StatusOK, "Nobody of that name")
	root.get("/people?offset=-1").want(http.StatusOK, "grace")
}

// A one-time password that could not be shown is not made.
func TestOneTimePasswordsWhileTheSessionCannotBeSaved(t *testing.T) {
	t.Parallel()
	engine := &troubled{Engine: locmem.Open()}
	s := open(t, engine)
	root := s.signedInAt("root", "/people")
	for path, fields := range map[string][]string{
		"/people":                 {"name", "newcomer", "administrator", "yes"},
		"/people/" + s.ids["ada"]: {"do", "reset", "sure", "yes"},
	} {
		s.age(root, 11*time.Minute)
		engine.full.Store(true)
		root.post(path, append(fields, "confirm_password", password)...).want(http.StatusServiceUnavailable)
		engine.full.Store(false)
	}
	root.get("/people").want(http.StatusOK).without("newcomer")
	s.signedInAt("ada", "/password")
}

func TestNobodyLocksThemselvesOut(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	root := s.signedIn("root")
	path := "/people/" + s.ids["root"]
	for _, what := range []string{"disable", "demote"} {
		root.post(path, "do", what, "sure", "yes").want(http.StatusUnprocessableEntity, "This is the last administrator who can sign in.")
	}
	root.post(path, "do", "reset", "sure", "yes").want(http.StatusUnprocessableEntity, "Change your own password instead.")
	root.get("/people").want(http.StatusOK, "root")
}

// keystone is accounts that nobody can change.
type keystone struct{ dashboard.Accounts }

func TestAccountsThatCannotBeChanged(t *testing.T) {
	t.Parallel()
	s := open(t, nil, func(c *dashboard.Config) { c.Accounts = keystone{c.Accounts} })
	root := s.signedIn("root")
	root.get("/sessions").want(http.StatusOK).without("/people")
	root.get("/people").want(http.StatusNotFound)
	root.post("/people", "name", "x").want(http.StatusNotFound)
	root.post("/people/1", "do", "disable").want(http.StatusNotFound)
}

func TestManyPeopleInPages(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for i := range 60 {
		if _, _, err := s.accounts.Add(context.Background(), "person-"+string(rune('a'+i%26))+strings.Repeat("x", i/26), false); err != nil {
			t.Fatal(err)
		}
	}
	root := s.signedIn("root")
	first := root.get("/people").want(http.StatusOK, "1–50 of 63")
	second := root.get(first.link("Next")).want(http.StatusOK, "51–63 of 63")
	root.get(second.link("Previous")).want(http.StatusOK, "1–50 of 63")
}

// byID is the text of the element of that ID.
func (a *answer) byID(id string) string {
	a.v.t.Helper()
	for _, n := range a.nodes() {
		if attr(n, "id") == id && n.FirstChild != nil {
			return n.FirstChild.Data
		}
	}
	a.v.t.Fatalf("%s: no %q", a.what, id)
	return ""
}
