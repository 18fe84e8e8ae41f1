package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

// site is a Django whose users log in and out.
const site = `
from django.contrib import auth
from django.contrib.auth.models import User
from django.test import RequestFactory

def visit(key):
    request = RequestFactory().get("/")
    request.session = backend.SessionStore(key)
    request.user = auth.get_user(request)
    return request

def log_in():
    request = visit(None)
    auth.login(request, User.objects.get(username="ada"))
    request.session.save()
    return request.session.session_key

def change(password):
    user = User.objects.get(username="ada")
    user.set_password(password)
    user.save()
    return user.password

User.objects.create_user("ada", password="two coats")
`

// What would be wrong for every visitor is said at the start.
func TestStart(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "db.sqlite3")
	if _, err := open(t.Context(), missing, djangotest.SecretKey); !errors.Is(err, db.ErrNoFile) {
		t.Errorf("without a file: %v", err)
	}
	there := filepath.Join(t.TempDir(), "db.sqlite3")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), there, ""); !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("without a secret key: %v", err)
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	django := djangotest.Start(t, fmt.Sprintf(`
SESSION_ENGINE = "django.contrib.sessions.backends.db"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %q}}
`, path))
	django.Migrate()
	django.Exec(site)
	service, err := open(t.Context(), path, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	greeting := func(key string) string {
		request := httptest.NewRequest("GET", "/", nil)
		request.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
		recorder := httptest.NewRecorder()
		service.sessions.Handler(http.HandlerFunc(service.greet)).ServeHTTP(recorder, request)
		if recorder.Code == http.StatusSeeOther {
			return recorder.Header().Get("Location")
		}
		return recorder.Body.String()
	}
	const hello, login = "Hello ada.\n", "/accounts/login/?next=/"
	expect := func(what, key, want string) {
		t.Helper()
		if got := greeting(key); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}

	key := django.Eval("log_in()").(string)
	expect("a stranger", cloakroom.NewKey(), login)
	expect("logged in by Django", key, hello)
	django.Flush(key)
	expect("logged out by Django", key, login)

	key = django.Eval("log_in()").(string)
	password := django.Eval("change('three coats')").(string)
	expect("the password changed", key, login)

	// And the other way: who logs in here is logged in there.
	session := &cloakroom.Session{}
	auth.Login(session, auth.User{ID: "1", Backend: auth.ModelBackend, PasswordHash: password}, djangotest.SecretKey)
	if err := service.sessions.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	expect("logged in by Go", session.Key(), hello)
	whoami := djangotest.Python(fmt.Sprintf("visit(%q).user.username", session.Key()))
	if got := django.Eval(whoami); got != "ada" {
		t.Errorf("Django takes the user that Go logged in for %q", got)
	}
	django.Exec("User.objects.update(is_active=False)")
	expect("disabled", session.Key(), login)
}
