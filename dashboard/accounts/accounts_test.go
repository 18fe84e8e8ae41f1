package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/dashboard/accounts"
)

const good = "four words to remember"

// open returns the accounts in a new file, hashing cheaply.
func open(t *testing.T) (*accounts.Store, *sql.DB) {
	t.Helper()
	db := openFile(t, filepath.Join(t.TempDir(), "cloakroom.sqlite3"))
	store, err := accounts.Open(t.Context(), db, accounts.WithCost(64, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	return store, db
}

func openFile(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(2000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestBootstrapUntilAPasswordIsChosen(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	name, first, created, err := store.Bootstrap(t.Context())
	if err != nil || !created || name != "admin" {
		t.Fatalf("Bootstrap = %q, created %v, %v", name, created, err)
	}
	name, second, created, err := store.Bootstrap(t.Context())
	if err != nil || !created || name != "admin" || second == first {
		t.Fatalf("Bootstrap again = %q, created %v, same password %v, %v", name, created, second == first, err)
	}
	if _, err := store.Authenticate(t.Context(), "admin", first); !errors.Is(err, dashboard.ErrWrongPassword) {
		t.Errorf("the password that was replaced: %v", err)
	}
	account := authenticate(t, store, "admin", second)
	if !account.OneTime || !account.Administrator || !account.Active {
		t.Errorf("account = %+v", account)
	}
	if _, err := store.ChangePassword(t.Context(), account.ID, good); err != nil {
		t.Fatal(err)
	}
	if account := authenticate(t, store, "admin", good); account.OneTime || account.LastSignIn.IsZero() {
		t.Errorf("after a choice: %+v", account)
	}
	if _, _, created, err := store.Bootstrap(t.Context()); created || err != nil {
		t.Errorf("Bootstrap of what is set up: created %v, %v", created, err)
	}
}

// Several that start at once on one file make one administrator.
func TestBootstrapAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloakroom.sqlite3")
	stores := make([]*accounts.Store, 4)
	for i := range stores {
		var err error
		if stores[i], err = accounts.Open(t.Context(), openFile(t, path), accounts.WithCost(64, 1, 1)); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for _, store := range stores {
		all.Go(func() {
			if _, _, _, err := store.Bootstrap(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, n, err := stores[0].List(t.Context(), "", 0, 10); err != nil || n != 1 {
		t.Errorf("%d accounts: %+v, %v", n, list, err)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	store, db := open(t)
	ada := add(t, store, "ada", false)
	for name, c := range map[string][2]string{
		"unknown name":   {"nobody", good},
		"wrong password": {"ada", "not it"},
		"empty password": {"ada", ""},
		"very long":      {"ada", strings.Repeat("x", 1<<20)},
	} {
		if _, err := store.Authenticate(t.Context(), c[0], c[1]); !errors.Is(err, dashboard.ErrWrongPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
	authenticate(t, store, "ａｄａ", good) // NFKC, as Django does

	if err := store.SetActive(t.Context(), ada, false); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Authenticate(t.Context(), "ada", good); !errors.Is(err, dashboard.ErrWrongPassword) {
		t.Errorf("disabled: %v", err)
	}
	if err := store.SetActive(t.Context(), ada, true); err != nil {
		t.Fatal(err)
	}
	authenticate(t, store, "ada", good)

	password, err := store.ResetPassword(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE cloakroom_one_time_password SET expires = ?`, time.Now().Unix()-1); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Authenticate(t.Context(), "ada", password); !errors.Is(err, dashboard.ErrWrongPassword) {
		t.Errorf("expired one-time password: %v", err)
	}
	for _, unusable := range []string{"!", "", "argon2$argon2id$v=19$m=0,t=0,p=0$$", "argon2$argon2id$v=19$m=64,t=0,p=1$c2FsdA$aGFzaA", "md5$x$y", "pbkdf2_sha256$0$s$h"} {
		if _, err := db.ExecContext(t.Context(), `UPDATE auth_user SET password = ?`, unusable); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Authenticate(t.Context(), "ada", good); !errors.Is(err, dashboard.ErrWrongPassword) {
			t.Errorf("stored password %q: %v", unusable, err)
		}
	}
}

func TestChangePasswordJudges(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	ada := add(t, store, "ada.lovelace", false)
	for _, weak := range []string{"", "fourteen chars", "aaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "qwertyuiopasdfghjkl", "I am Ada.Lovelace of London", good, strings.Repeat("long words ", 200)} {
		_, err := store.ChangePassword(t.Context(), ada, weak)
		if _, refused := errors.AsType[dashboard.Refusal](err); !refused {
			t.Errorf("%q: %v", weak, err)
		}
	}
	for _, fine := range []string{"ein langer Satz tut es", "ünïcödé pässwörd", "                x"} {
		if _, err := store.ChangePassword(t.Context(), ada, fine); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
		authenticate(t, store, "ada.lovelace", fine)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	ctx := t.Context()
	for _, bad := range []string{"", " ", "has space", "semi;colon", strings.Repeat("x", 151)} {
		if _, _, err := store.Add(ctx, bad, false); !isRefusal(err) {
			t.Errorf("Add(%q): %v", bad, err)
		}
	}
	first, second := add(t, store, "first", true), add(t, store, "second", true)
	if _, _, err := store.Add(ctx, "first", false); !isRefusal(err) {
		t.Errorf("a taken name: %v", err)
	}
	if err := store.SetAdministrator(ctx, second, false); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"disable the last":         store.SetActive(ctx, first, false),
		"unmake the last":          store.SetAdministrator(ctx, first, false),
		"disable an ordinary user": errors.Join(store.SetActive(ctx, second, false), store.SetActive(ctx, second, true)),
	} {
		if strings.HasSuffix(name, "last") != isRefusal(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store.SetAdministrator(ctx, second, true); err != nil {
		t.Fatal(err)
	}
	if err := store.SetActive(ctx, first, false); err != nil {
		t.Errorf("disable one of two: %v", err)
	}
	for _, id := range []string{"99", "x", "", "1; DROP TABLE auth_user"} {
		if _, err := store.Find(ctx, id); !errors.Is(err, dashboard.ErrNoAccount) {
			t.Errorf("Find(%q): %v", id, err)
		}
		if err := store.SetActive(ctx, id, false); !errors.Is(err, dashboard.ErrNoAccount) {
			t.Errorf("SetActive(%q): %v", id, err)
		}
	}
	page, total, err := store.List(ctx, "SEC", 0, 10)
	if err != nil || total != 1 || len(page) != 1 || page[0].Name != "second" {
		t.Errorf("List = %+v, %d, %v", page, total, err)
	}
	page, total, err = store.List(ctx, "", 1, 1)
	if err != nil || total != 2 || len(page) != 1 || page[0].Name != "second" {
		t.Errorf("second page = %+v, %d, %v", page, total, err)
	}
}

func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	store, db := open(t)
	db.Close()
	if _, err := store.Authenticate(t.Context(), "ada", good); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Authenticate: %v", err)
	}
	if _, err := store.Find(t.Context(), "1"); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Find: %v", err)
	}
}

func TestHashingWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	add(t, store, "ada", false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Authenticate(ctx, "ada", good); err == nil || errors.Is(err, dashboard.ErrWrongPassword) {
		t.Errorf("Authenticate after its context ended: %v", err)
	}
}

func add(t *testing.T, store *accounts.Store, name string, administrator bool) (id string) {
	t.Helper()
	account, _, err := store.Add(t.Context(), name, administrator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.ChangePassword(t.Context(), account.ID, good); err != nil {
		t.Fatal(err)
	}
	return account.ID
}

func authenticate(t *testing.T, store *accounts.Store, name, password string) dashboard.Account {
	t.Helper()
	account, err := store.Authenticate(t.Context(), name, password)
	if err != nil {
		t.Fatalf("%s cannot sign in: %v", name, err)
	}
	return account
}

func isRefusal(err error) bool {
	_, refused := errors.AsType[dashboard.Refusal](err)
	return refused
}
