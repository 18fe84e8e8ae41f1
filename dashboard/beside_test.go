package dashboard_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/django/auth"
)

// Beside a site the Dashboard shows the site's sessions, and keeps its own apart:
// a user of the site is nobody that the Dashboard knows, even by the same ID.
func TestBesideASite(t *testing.T) {
	t.Parallel()
	users := locmem.Open()
	s := open(t, nil, func(config *dashboard.Config) { config.Site = users })
	create := func(data map[string]any) *cloakroom.Record {
		r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
		if err := users.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	create(map[string]any{auth.UserIDName: s.ids["root"], auth.BackendName: auth.ModelBackend})
	create(map[string]any{
		auth.UserIDName: "77", auth.BackendName: "openstack_auth.backend.KeystoneBackend",
		"token": map[string]any{"user": map[string]any{"id": "77", "name": "horace"}},
	})
	root, other := s.signedIn("root"), s.signedIn("root")

	page := root.get("/sessions").want(http.StatusOK, "horace").without("root everywhere")
	if handles := page.values("session"); len(handles) != 2 {
		t.Errorf("%d sessions are shown, want the site's 2", len(handles))
	}
	root.get("/sessions?q=horace").want(http.StatusOK, "horace")
	page.want(http.StatusOK, "Ends every session of the site, yours there too. Asks for your password, unless").without("but yours")
	root.post("/sessions/revoke", "which", "all").want(http.StatusOK, "Every session of the site ends, also yours there and those of visitors").without("but yours")
	root.post("/sessions/revoke", "which", "all", "sure", "yes").want(http.StatusOK, "2 sessions ended.")
	other.get("/").want(http.StatusOK, "This device")
	root.post("/revoke", "which", "others", "sure", "yes").want(http.StatusOK, "1 session ended.")
	other.get("/").want(http.StatusOK, "Sign in")
}
