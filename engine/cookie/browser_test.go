package cookie_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/internal/browser"
)

// notes is a site on which a visitor keeps as many kilobytes as they like, and
// which says what cookies the browser sent.
func notes(w http.ResponseWriter, r *http.Request, s *cloakroom.Session) {
	switch kilobytes := 0; r.URL.Path {
	case "/out":
		s.Flush()
	case "/in":
		s.CycleKey()
		s.Set("user", "Ada")
	case "/keep":
		fmt.Sscan(r.FormValue("kilobytes"), &kilobytes)
		s.Set("notes", strings.Repeat("x", kilobytes*1000))
	default:
		user, _ := cloakroom.Get[string](s, "user")
		text, _ := cloakroom.Get[string](s, "notes")
		var sent []string
		for _, c := range r.Cookies() {
			sent = append(sent, c.Name)
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<p>user: %s.</p><p>notes: %d.</p><p>cookies: %s.</p>
			<a href="/in">Sign in</a> <a href="/out">Sign out</a> <a href="/keep?kilobytes=8">Keep much</a>
			<a href="/keep?kilobytes=90">Keep too much</a> <a href="/keep?kilobytes=1">Keep little</a>`,
			user, len(text), strings.Join(sent, " "))
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// A real browser keeps every cookie of a session, forgets those it no longer
// needs, and all of them at a logout.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	engine := cookie.Open(cookie.WithPieces(3), cookie.WithEncryption(), cookie.WithRevocation(locmem.New()))
	sessions := cloakroom.New(engine, cloakroom.WithSecretKey(secret))
	server := httptest.NewServer(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err != nil {
			http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
			return
		}
		notes(w, r, s)
	})))
	t.Cleanup(server.Close)

	b := browser.New(t)
	shows := func(user string, notes int, cookies string) {
		t.Helper()
		b.See(fmt.Sprintf("user: %s.", user))
		b.See(fmt.Sprintf("notes: %d.", notes))
		b.See(fmt.Sprintf("cookies: %s.", cookies))
	}
	b.Visit(server.URL)
	shows("", 0, "")
	b.Follow("Sign in")
	shows("Ada", 0, "sessionid")
	b.Follow("Keep much")
	shows("Ada", 8000, "sessionid sessionid.2 sessionid.3")
	b.Visit(server.URL)
	shows("Ada", 8000, "sessionid sessionid.2 sessionid.3")
	b.Follow("Keep too much")
	b.See("its cookies hold")
	b.Visit(server.URL)
	shows("Ada", 8000, "sessionid sessionid.2 sessionid.3")
	b.Follow("Keep little")
	shows("Ada", 1000, "sessionid")
	b.Follow("Keep much")
	shows("Ada", 8000, "sessionid sessionid.2 sessionid.3")
	b.Follow("Sign out")
	shows("", 0, "")
}
