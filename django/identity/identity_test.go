package identity_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/horizon"
	"github.com/cloakroom-go/cloakroom/django/identity"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Horizon's sessions, pickled and in JSON, tell who their user is.
func TestHorizon(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/horizon-23/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var capture struct {
			Settings struct {
				SecretKey string `json:"SECRET_KEY"`
			}
			Store []struct {
				SessionData string `json:"session_data"`
			}
			Decoded struct {
				UserID string `json:"user_id"`
				Token  struct {
					Attrs struct{ User struct{ Name string } }
				}
			}
		}
		if err := json.Unmarshal(text, &capture); err != nil {
			t.Fatal(err)
		}
		if len(capture.Store) == 0 || capture.Store[0].SessionData == "" || capture.Decoded.UserID == "" {
			continue // in a cache, or no Horizon's
		}
		seen++
		decoded, err := session.New(signing.SessionSalt).WithSecretKeys(capture.Settings.SecretKey).Decode(capture.Store[0].SessionData, 0)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		user, ok := identity.Of(decoded.Data)
		if !ok || user != (identity.User{ID: capture.Decoded.UserID, Backend: horizon.Backend}) {
			t.Errorf("%s: %+v", file, user)
		}
		want := identity.Name{Name: capture.Decoded.Token.Attrs.User.Name, Domain: "Default"}
		if name := identity.NameOf(decoded.Data); name != want {
			t.Errorf("%s: %+v, want %+v", file, name, want)
		}
	}
	if seen < 2 {
		t.Errorf("%d captures were read", seen)
	}
}

// Whoever can write a session can write anything.
func TestOdd(t *testing.T) {
	t.Parallel()
	for name, tagged := range map[string]map[string]any{
		"nobody":        {},
		"no text":       {"_auth_user_id": int64(7)},
		"empty":         {"_auth_user_id": ""},
		"anonymous":     {"token": map[string]any{"user": map[string]any{"id": "7", "name": "ada"}}},
		"token no dict": {"token": "x", "_auth_user_id": map[string]any{"$tuple": []any{}}},
	} {
		data, err := pickle.Untag(tagged)
		if err != nil {
			t.Fatal(err)
		}
		if user, ok := identity.Of(data); ok {
			t.Errorf("%s: %+v", name, user)
		}
		if got := identity.NameOf(data); got != (identity.Name{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	other := map[string]any{"_auth_user_id": "1", "token": map[string]any{"user": map[string]any{"id": "2", "name": "eve"}}}
	if got := identity.NameOf(other); got != (identity.Name{}) {
		t.Errorf("another user's token names the user %+v", got)
	}
}
