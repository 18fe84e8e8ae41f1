package auth_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
)

// hashes asks Django for the session hash of each pair of secret key and
// encoded password, and for the one of Django before 3.1.
const hashes = `
import django, json, sys
from django.conf import settings
settings.configure()
django.setup()
from django.contrib.auth.base_user import AbstractBaseUser

class User:
    get_session_auth_hash = AbstractBaseUser.get_session_auth_hash
    legacy = AbstractBaseUser._legacy_get_session_auth_hash

answers = []
for key, password in json.load(sys.stdin):
    user = User()
    user.password = password
    settings.SECRET_KEY = key
    answers += [user.get_session_auth_hash(), user.legacy()]
json.dump(answers, sys.stdout)
`

func TestSessionHashIsDjangos(t *testing.T) {
	t.Parallel()
	cases := [][2]string{
		{"secret", "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA"},
		{"secret", ""},
		{"clé ünïcode 🎟", "pbkdf2_sha256$260000$salt$hash="},
		{strings.Repeat("long", 100), "!unusable"},
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	python := exec.CommandContext(t.Context(), "/usr/bin/python3", "-W", "ignore", "-c", hashes)
	python.Stdin = strings.NewReader(string(input))
	output, err := python.Output()
	if err != nil {
		t.Fatalf("Django (Debian's python3-django) did not run: %v", err)
	}
	var want []string
	if err := json.Unmarshal(output, &want); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cases {
		got = append(got, auth.SessionHash(c[0], c[1]), auth.LegacySessionHash(c[0], c[1]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoginAndVerify(t *testing.T) {
	t.Parallel()
	var s cloakroom.Session
	s.Set("basket", 3)
	if _, ok := auth.UserID(&s); ok {
		t.Fatal("a visitor has a user")
	}
	auth.Login(&s, auth.User{ID: "7", Backend: auth.ModelBackend, PasswordHash: "argon2$x"}, "new key")
	if id, ok := auth.UserID(&s); id != "7" || !ok {
		t.Errorf("UserID = %q, %v", id, ok)
	}
	if backend, ok := auth.Backend(&s); backend != auth.ModelBackend || !ok {
		t.Errorf("Backend = %q, %v", backend, ok)
	}
	if !s.Has("basket") {
		t.Error("login lost what the visitor had")
	}

	for name, c := range map[string]struct {
		password string
		keys     []string
		want     bool
	}{
		"same":               {"argon2$x", []string{"new key"}, true},
		"another password":   {"argon2$y", []string{"new key"}, false},
		"another secret key": {"argon2$x", []string{"newer key"}, false},
		"a fallback":         {"argon2$x", []string{"newer key", "old key", "new key"}, true},
	} {
		for how, hash := range map[string]string{
			"":               auth.SessionHash("new key", "argon2$x"),
			" in Django 3.0": auth.LegacySessionHash("new key", "argon2$x"),
		} {
			s.Set(auth.HashName, hash)
			if got := auth.Verify(&s, c.password, c.keys[0], c.keys[1:]...); got != c.want {
				t.Errorf("%s%s: Verify = %v", name, how, got)
			}
		}
	}

	auth.Login(&s, auth.User{ID: "8", Backend: auth.ModelBackend}, "new key")
	if s.Has("basket") {
		t.Error("another user's login kept the first one's data")
	}
	s.Set("basket", 8)
	auth.Login(&s, auth.User{ID: "8", Backend: "openstack_auth.backend.KeystoneBackend"}, "new key")
	if s.Has("basket") {
		t.Error("the login of another backend's user of the same ID kept the first one's data")
	}
	s.Delete(auth.HashName)
	if auth.Verify(&s, "", "new key") {
		t.Error("a session without a hash was verified")
	}
	s.Set(auth.HashName, auth.SessionHash("", "argon2$x"))
	if auth.Verify(&s, "argon2$x", "", "") {
		t.Error("a session was verified with no secret key")
	}
}
