package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/cloakroom-go/cloakroom/internal/browser"
)

// What the script makes smooth does what the pages do without it.
func TestScript(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ada := s.signedIn("ada")
	b := browser.New(t)
	b.Visit(s.url + "/signin?next=/sessions")
	b.Type("Name", "root")
	b.Type("Password", password)
	b.Press("Sign in")
	b.See("1–2 of 2")

	// Search as you type, on the same page.
	evaluate[bool](t, b, `window.same = true`)
	b.Type("Search by user, address or device", "ada")
	b.See("1–1 of 1")
	if !evaluate[bool](t, b, `window.same === true && location.search.includes("q=ada")`) {
		t.Error("searching loaded another page, or left the address as it was")
	}

	// Select all, and be asked in a dialog.
	b.Press("Select all on this page")
	b.Press("End selected (1)")
	b.See("End the selected sessions?")
	b.Press("Cancel")
	ada.get("/").want(http.StatusOK, "This device")
	b.Press("End selected (1)")
	b.Press("End sessions")
	b.See("1 session ended.")
	ada.get("/").want(http.StatusOK, "Sign in")

	// A button's own question, out of a menu.
	b.Visit(s.url + "/people")
	b.Press("Change grace")
	b.Press("Disable")
	b.See("They are signed out everywhere and cannot sign in")
	b.Press("Disable")
	b.See("grace is disabled.")
}
