package horizon_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/django/horizon"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// capture is a session that a real Horizon 23 left behind.
type capture struct {
	Settings struct {
		SecretKey string `json:"SECRET_KEY"`
	}
	Store []struct {
		Value       string
		Base64      []byte `json:"value_b64"`
		SessionData string `json:"session_data"`
	}
	Decoded struct {
		UserID string `json:"user_id"`
		Token  struct {
			Attrs struct {
				User    horizon.Named
				Project horizon.Named
				Expires struct{ Isoformat time.Time }
			}
		}
	}
}

// data is the session in the form that Go loads it in.
func (c capture) data(t *testing.T) map[string]any {
	t.Helper()
	stored := c.Store[0]
	raw := []byte(stored.Value + string(stored.Base64) + stored.SessionData)
	if inflated, err := zlib.NewReader(bytes.NewReader(raw)); err == nil {
		if raw, err = io.ReadAll(inflated); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := pickle.Unmarshal(raw); err == nil {
		return data
	}
	for _, salt := range []string{signing.SessionSalt, signing.CookieSalt} {
		decoded, err := session.New(salt).WithSecretKeys(c.Settings.SecretKey).Decode(string(raw), 0)
		if err == nil {
			return decoded.Data
		}
	}
	t.Fatal("the capture is in no known form")
	return nil
}

func sessionOf(data map[string]any) *cloakroom.Session {
	s := &cloakroom.Session{}
	for name, v := range data {
		s.Set(name, v)
	}
	return s
}

func captures(t *testing.T) map[string]capture {
	t.Helper()
	files, err := filepath.Glob("../testdata/horizon-23/*.json")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]capture{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c capture
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(c.Store) > 0 { // not of a plain Django
			found[filepath.Base(file)] = c
		}
	}
	if len(found) < 12 {
		t.Fatalf("%d captures, want 12", len(found))
	}
	return found
}

func TestUserOfHorizon23(t *testing.T) {
	t.Parallel()
	for name, c := range captures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sessionOf(c.data(t))
			got, ok := horizon.UserOf(s)
			if !ok {
				t.Fatal("nobody is signed in")
			}
			token := c.Decoded.Token.Attrs
			want := horizon.User{
				ID: c.Decoded.UserID, Name: token.User.Name,
				Domain:  horizon.Named{ID: "default", Name: "Default"},
				Scope:   horizon.Scope{Project: token.Project, Domain: horizon.Named{ID: "default"}},
				Roles:   []string{"admin", "reader", "member"},
				Expires: token.Expires.Isoformat,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !auth.Verify(s, "None", "new", c.Settings.SecretKey) {
				t.Error("Horizon's own hash is not verified")
			}
		})
	}
}

// Since it gave up pickles, Horizon keeps the token's attributes as JSON.
func TestUserOfJSON(t *testing.T) {
	t.Parallel()
	data := func(token string) map[string]any {
		var attributes any
		if err := json.Unmarshal([]byte(token), &attributes); err != nil {
			t.Fatal(err)
		}
		return map[string]any{auth.UserIDName: "u1", "user_id": "u1", "token": attributes}
	}
	const user = `"user": {"id": "u1", "name": "ada", "password_expires_at": null}, "user_domain_id": "d1", "user_domain_name": "Staff",
		"expires": "2026-11-24T08:07:14", "roles": [{"name": "reader"}], "serviceCatalog": []`
	ada := horizon.User{
		ID: "u1", Name: "ada", Domain: horizon.Named{ID: "d1", Name: "Staff"}, Roles: []string{"reader"},
		Expires: time.Date(2026, 11, 24, 8, 7, 14, 0, time.UTC),
	}
	project, domain := ada, ada
	project.Scope = horizon.Scope{Project: horizon.Named{ID: "p1", Name: "web"}, Domain: horizon.Named{ID: "d2"}}
	domain.Scope = horizon.Scope{Domain: horizon.Named{ID: "d1", Name: "Staff"}}
	for name, c := range map[string]struct {
		token string
		want  horizon.User
	}{
		"a project":          {`{"project": {"id": "p1", "name": "web", "domain_id": "d2"}, "domain": {"id": null, "name": null}, ` + user + `}`, project},
		"a domain":           {`{"project": {"id": null, "name": null}, "domain": {"id": "d1", "name": "Staff"}, ` + user + `}`, domain},
		"neither":            {`{"project": null, "domain": null, ` + user + `}`, ada},
		"another user's":     {`{"user": {"id": "u2", "name": "eve"}}`, horizon.User{}},
		"no user":            {`{"project": {"id": "p1"}}`, horizon.User{}},
		"text":               {`"gAAAA"`, horizon.User{}},
		"of the wrong types": {`{"user": {"id": 1}}`, horizon.User{}},
		"nothing":            {`null`, horizon.User{}},
	} {
		got, ok := horizon.UserOf(sessionOf(data(c.token)))
		if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want.ID != "") {
			t.Errorf("%s: %v (-want +got):\n%s", name, ok, diff)
		}
	}
	if _, ok := horizon.UserOf(&cloakroom.Session{}); ok {
		t.Error("a visitor has a user")
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := captures(t)["db_mariadb.json"]
	good, secret := c.data(t), c.Settings.SecretKey
	synctest.Test(t, func(t *testing.T) { // where it is the year 2000
		for name, change := range map[string]map[string]any{
			"good":                nil,
			"without a login":     {auth.UserIDName: nil},
			"another's login":     {auth.UserIDName: "another"},
			"another back end's":  {auth.BackendName: auth.ModelBackend},
			"without a hash":      {auth.HashName: nil},
			"another hash":        {auth.HashName: auth.SessionHash("guessed", "None")},
			"of another password": {auth.HashName: auth.SessionHash(secret, "")},
			"without a token":     {"token": nil},
		} {
			data := maps.Clone(good)
			maps.Copy(data, change)
			if got := horizon.Verify(sessionOf(data), "new", secret); got != (change == nil) {
				t.Errorf("%s: %v", name, got)
			}
		}
		user, _ := horizon.UserOf(sessionOf(good))
		time.Sleep(time.Until(user.Expires))
		if horizon.Verify(sessionOf(good), secret) {
			t.Error("verified with an expired token")
		}
	})
}
