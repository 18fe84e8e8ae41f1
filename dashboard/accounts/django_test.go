package accounts_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/dashboard/accounts"
)

// prelude is a Django site on the file that argv names.
const prelude = `
import django, sys
from django.conf import settings
settings.configure(
    SECRET_KEY="x", USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers." + name for name in
        ("Argon2PasswordHasher", "PBKDF2PasswordHasher")],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}})
django.setup()
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
`

func python(t *testing.T, path, script string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-W", "ignore", "-c", prelude+script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("Django (Debian's python3-django and python3-argon2) failed: %v\n%s", err, output)
	}
	return strings.TrimSpace(string(output))
}

func TestDjangoOnAFileBegunHere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "begun-in-go.sqlite3")
	store, err := accounts.Open(t.Context(), openFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	id := add(t, store, "ada", true)
	got := python(t, path, `
call_command("migrate", verbosity=1, no_color=True)
user = authenticate(username="ada", password="four words to remember")
print("login", user.is_superuser, user.is_staff, user.date_joined.tzinfo)
user.set_password("a password that Django chose")
user.save()
User.objects.create_user("grace", password="another that Django chose")
`)
	if !strings.Contains(got, "No migrations to apply.") || !strings.Contains(got, "login True True UTC") {
		t.Errorf("Django said:\n%s", got)
	}
	authenticate(t, store, "ada", "a password that Django chose")
	if a := authenticate(t, store, "grace", "another that Django chose"); a.Administrator || a.OneTime {
		t.Errorf("grace = %+v", a)
	}
	if _, err := store.Authenticate(t.Context(), "ada", good); !errors.Is(err, dashboard.ErrWrongPassword) {
		t.Errorf("the old password: %v", err)
	}

	// Logging in must not make Django store the password again: that would end
	// the user's sessions.
	if _, err := store.ChangePassword(t.Context(), id, good); err != nil {
		t.Fatal(err)
	}
	before, err := store.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	python(t, path, `
import argon2
argon2.DEFAULT_HASH_LENGTH = 32 # as it is since argon2-cffi 21.2
assert authenticate(username="ada", password="four words to remember")
`)
	if after, err := store.Find(t.Context(), id); err != nil || after.PasswordHash != before.PasswordHash {
		t.Errorf("Django stored the password again: %v", err)
	}
}

func TestAFileBegunInDjango(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "begun-in-django.sqlite3")
	python(t, path, `
call_command("migrate", verbosity=0)
User.objects.create_superuser("root", password="a password that Django chose")
from django.contrib.auth.hashers import make_password
User.objects.create(username="old", password=make_password("of an older Django", hasher="pbkdf2_sha256"))
`)
	schema := `import sqlite3; print(sorted(r[0] for r in sqlite3.connect(sys.argv[1]).execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'cloakroom%'")))`
	before := python(t, path, schema)
	store, err := accounts.Open(t.Context(), openFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if after := python(t, path, schema); after != before {
		t.Errorf("the schema changed from\n%s\nto\n%s", before, after)
	}
	if a := authenticate(t, store, "root", "a password that Django chose"); !a.Administrator || a.OneTime {
		t.Errorf("root = %+v", a)
	}
	authenticate(t, store, "old", "of an older Django")
	if _, _, created, err := store.Bootstrap(t.Context()); created || err != nil {
		t.Errorf("Bootstrap made an administrator beside Django's: %v, %v", created, err)
	}
	if got := python(t, path, `print(User.objects.get(username="old").last_login.tzinfo)`); got != "UTC" {
		t.Errorf("last_login's zone = %s", got)
	}
}
