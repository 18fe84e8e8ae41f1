package accounts_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/dashboard/accounts"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

// site is a Django on the file at path.
func site(t *testing.T, path string) *djangotest.Django {
	t.Helper()
	d := djangotest.Start(t, fmt.Sprintf(`
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers." + name for name in
    ("Argon2PasswordHasher", "PBKDF2PasswordHasher")]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %q}}
`, path))
	d.Exec(`
import argon2, io, sqlite3
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management import call_command
`)
	return d
}

func TestDjangoOnAFileBegunHere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "begun-in-go.sqlite3")
	store, err := accounts.Open(t.Context(), openFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	id := add(t, store, "ada", true)
	django := site(t, path)
	django.Exec(`
said = io.StringIO()
call_command("migrate", verbosity=1, no_color=True, stdout=said)
print("login", authenticate(username="ada", password="four words to remember"), file=said)
user = User.objects.get(username="ada")
print(user.is_superuser, user.is_staff, user.date_joined.tzinfo, file=said)
user.set_password("a password that Django chose")
user.save()
User.objects.create_user("grace", password="another that Django chose")
`)
	got := django.Eval("said.getvalue()").(string)
	if !strings.Contains(got, "No migrations to apply.") || !strings.Contains(got, "login ada\nTrue True UTC") {
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
	django.Exec(`
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
	django := site(t, path)
	django.Migrate()
	django.Exec(`
User.objects.create_superuser("root", password="a password that Django chose")
User.objects.create(username="old", password=make_password("of an older Django", hasher="pbkdf2_sha256"))
`)
	schema := func() any {
		return django.Eval(djangotest.Python(fmt.Sprintf(`sorted(r[0] for r in sqlite3.connect(%q).execute(
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'cloakroom%%'"))`, path)))
	}
	before := schema()
	store, err := accounts.Open(t.Context(), openFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if after := schema(); !reflect.DeepEqual(after, before) {
		t.Errorf("the schema changed from\n%s\nto\n%s", before, after)
	}
	if a := authenticate(t, store, "root", "a password that Django chose"); !a.Administrator || a.OneTime {
		t.Errorf("root = %+v", a)
	}
	authenticate(t, store, "old", "of an older Django")
	if _, _, created, err := store.Bootstrap(t.Context()); created || err != nil {
		t.Errorf("Bootstrap made an administrator beside Django's: %v, %v", created, err)
	}
	if got := django.Eval(`str(User.objects.get(username="old").last_login.tzinfo)`); got != "UTC" {
		t.Errorf("last_login's zone = %v", got)
	}
}
