// Package accounts keeps the Dashboard's accounts in Django's own auth_user
// table, in SQLite. A Django on the same file and SECRET_KEY knows the same
// people by the same passwords, and shares their logins.
//
// Passwords are stored in Django's encodings: argon2id with Django's own
// parameters when written here, also PBKDF2 when read. For Django to check
// argon2 it needs argon2-cffi, and Argon2PasswordHasher first in
// PASSWORD_HASHERS. Otherwise, or where argon2-cffi is older than 21.2, it stores
// the password again in its own way when the user first logs in there, which
// ends the user's other sessions, once.
package accounts

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/django/auth"
)

// Store is the accounts of one database. Make it with [Open]. It is safe for
// concurrent use.
type Store struct {
	db      *sql.DB
	cost    cost
	hashing chan struct{} // a place in it allows one hash: each takes much memory
}

var _ dashboard.Directory = (*Store)(nil)

// concurrentHashes bounds the memory that signing in takes.
const concurrentHashes = 2

// schema is what Django 3.2 to 5.2 create, and a table of our own. On a database
// that Django made it changes nothing else.
//
//go:embed schema.sql
var schema string

// Option sets up a [Store].
type Option func(*Store)

// WithCost sets argon2id's parameters for passwords to come: memory in KiB,
// passes, and threads. The default is Django's (102400, 2, 8); with another one
// Django stores the password again when the user logs in there.
func WithCost(memory, passes uint32, threads uint8) Option {
	return func(s *Store) { s.cost = cost{memory, passes, threads} }
}

// Open returns the accounts in db, an SQLite database, and creates the tables
// that are missing. The caller closes db.
func Open(ctx context.Context, db *sql.DB, options ...Option) (*Store, error) {
	s := &Store{db: db, cost: djangoCost, hashing: make(chan struct{}, concurrentHashes)}
	for _, option := range options {
		option(s)
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, unavailable("create tables", err)
	}
	return s, nil
}

// Bootstrap makes the first administrator, and returns the one-time password to
// tell the operator. Until its owner has chosen a password every call makes a
// new one; from then on created is false.
func (s *Store) Bootstrap(ctx context.Context) (name, password string, created bool, err error) {
	var id string
	var settled int
	err = s.db.QueryRowContext(ctx, `
		SELECT u.id, u.username, o.user_id IS NULL
		FROM auth_user u LEFT JOIN cloakroom_one_time_password o ON o.user_id = u.id AND o.password = u.password
		WHERE u.is_superuser AND u.is_active
		ORDER BY o.user_id IS NULL DESC, u.id LIMIT 1`).Scan(&id, &name, &settled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s.addFirst(ctx)
	case err != nil:
		return "", "", false, unavailable("bootstrap", err)
	case settled != 0:
		return "", "", false, nil
	}
	password, err = s.ResetPassword(ctx, id)
	return name, password, err == nil, err
}

func (s *Store) addFirst(ctx context.Context) (name, password string, created bool, err error) {
	for _, name := range []string{"admin", "administrator", "cloakroom"} {
		_, password, err = s.Add(ctx, name, true)
		if _, taken := errors.AsType[dashboard.Refusal](err); !taken {
			return name, password, err == nil, err
		}
		// By another process that starts just now, or by somebody with fewer rights.
		var has bool
		if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM auth_user WHERE is_superuser AND is_active)`).Scan(&has); err != nil {
			return "", "", false, unavailable("bootstrap", err)
		}
		if has {
			return "", "", false, nil
		}
	}
	return "", "", false, err
}

// Authenticate implements [dashboard.Accounts]. The times of a wrong password
// and an unknown name are the same for passwords written here; one that Django
// wrote as PBKDF2 takes its own.
func (s *Store) Authenticate(ctx context.Context, name, password string) (dashboard.Account, error) {
	a, err := s.find(ctx, `u.username = ?`, norm.NFKC.String(name))
	if errors.Is(err, dashboard.ErrNoAccount) {
		if _, err := s.encode(ctx, password); err != nil {
			return dashboard.Account{}, err
		}
		return dashboard.Account{}, dashboard.ErrWrongPassword
	}
	if err != nil {
		return dashboard.Account{}, err
	}
	right, err := s.verify(ctx, password, a.PasswordHash)
	if err != nil {
		return dashboard.Account{}, err
	}
	if !right || !a.Active || a.OneTime && a.expired {
		return dashboard.Account{}, dashboard.ErrWrongPassword
	}
	return a.Account, s.change(ctx, "sign in", `UPDATE auth_user SET last_login = ? WHERE id = ?`, djangoTime(time.Now()), a.ID)
}

// Find implements [dashboard.Accounts].
func (s *Store) Find(ctx context.Context, id string) (dashboard.Account, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return dashboard.Account{}, dashboard.ErrNoAccount
	}
	a, err := s.find(ctx, `u.id = ?`, n)
	return a.Account, err
}

// FindByName returns the account of that name, or [dashboard.ErrNoAccount].
func (s *Store) FindByName(ctx context.Context, name string) (dashboard.Account, error) {
	a, err := s.find(ctx, `u.username = ?`, norm.NFKC.String(name))
	return a.Account, err
}

// ChangePassword implements [dashboard.Accounts].
func (s *Store) ChangePassword(ctx context.Context, id, password string) (dashboard.Account, error) {
	a, err := s.Find(ctx, id)
	if err != nil {
		return dashboard.Account{}, err
	}
	if err := judge(a.Name, password); err != nil {
		return dashboard.Account{}, err
	}
	same, err := s.verify(ctx, password, a.PasswordHash)
	if err != nil {
		return dashboard.Account{}, err
	}
	if same {
		return dashboard.Account{}, dashboard.Refusal("This is the password you have now. Choose another one.")
	}
	encoded, err := s.encode(ctx, password)
	if err != nil {
		return dashboard.Account{}, err
	}
	// On condition that nobody reset it meanwhile.
	err = s.change(ctx, "change password", `UPDATE auth_user SET password = ? WHERE id = ? AND password = ?`, encoded, id, a.PasswordHash)
	if err != nil {
		return dashboard.Account{}, err
	}
	a.PasswordHash, a.OneTime = encoded, false
	return a, nil
}

// account is a row: an Account, and whether its one-time password has expired.
type account struct {
	dashboard.Account
	expired bool
}

// columns are what scan reads. A one-time password counts only while the
// password is still that one: Django may have changed it.
const columns = `
	SELECT u.id, u.username, u.is_superuser, u.is_active, u.password, coalesce(u.last_login, '') || '', coalesce(o.expires, 0)
	FROM auth_user u LEFT JOIN cloakroom_one_time_password o ON o.user_id = u.id AND o.password = u.password `

func (s *Store) find(ctx context.Context, where string, arg any) (account, error) {
	a, err := scan(s.db.QueryRowContext(ctx, columns+`WHERE `+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return account{}, dashboard.ErrNoAccount
	}
	if err != nil {
		return account{}, unavailable("find", err)
	}
	return a, nil
}

func scan(row interface{ Scan(...any) error }) (account, error) {
	a := account{Account: dashboard.Account{Backend: auth.ModelBackend}}
	var lastLogin string
	var expires int64
	err := row.Scan(&a.ID, &a.Name, &a.Administrator, &a.Active, &a.PasswordHash, &lastLogin, &expires)
	a.LastSignIn, _ = time.Parse(djangoTimeLayout, lastLogin) // zero if never
	a.OneTime = expires != 0
	a.expired = expires <= time.Now().Unix()
	return a, err
}

// change runs a statement that is to change one row; none is [dashboard.ErrNoAccount].
func (s *Store) change(ctx context.Context, op, statement string, args ...any) error {
	result, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return unavailable(op, err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return dashboard.ErrNoAccount
	}
	return nil
}

// djangoTimeLayout is how Django keeps a datetime in SQLite, in UTC.
const djangoTimeLayout = "2006-01-02 15:04:05.999999"

func djangoTime(t time.Time) string { return t.UTC().Format(djangoTimeLayout) }

func unavailable(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("accounts: %s: %w", op, err)
	}
	return &cloakroom.Error{
		Engine: "accounts", Op: op, Kind: cloakroom.ErrUnavailable, Err: err,
		Reason: "the accounts cannot be reached", Mend: "look at the database file and its folder",
	}
}
