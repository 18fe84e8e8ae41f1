package dashboard

import (
	"context"
	"errors"
	"time"
)

// Accounts knows the people who may sign in. It is safe for concurrent use.
// Package dashboard/accounts keeps them in Django's auth_user table.
type Accounts interface {
	// Authenticate returns the account that name and password belong to. An
	// unknown name, a wrong password and a disabled account are all
	// [ErrWrongPassword], and take the same time.
	Authenticate(ctx context.Context, name, password string) (Account, error)

	// Find returns the account with this ID, or [ErrNoAccount].
	Find(ctx context.Context, id string) (Account, error)

	// ChangePassword gives the account a password of its owner's choice. A
	// password that will not do is a [Refusal] that says why.
	ChangePassword(ctx context.Context, id, password string) (Account, error)
}

// Directory is Accounts that administrators can change. Without it there is no
// People page.
type Directory interface {
	Accounts

	// List returns a page of the accounts whose name contains search, by name,
	// and how many there are in all.
	List(ctx context.Context, search string, offset, limit int) (page []Account, total int, err error)

	// Add makes an account and returns its one-time password. A name that is
	// taken or malformed is a [Refusal].
	Add(ctx context.Context, name string, administrator bool) (account Account, password string, err error)

	// ResetPassword replaces the password by a one-time password.
	ResetPassword(ctx context.Context, id string) (password string, err error)

	// SetActive enables or disables the account. Disabling the last active
	// administrator is a [Refusal].
	SetActive(ctx context.Context, id string, active bool) error

	// SetAdministrator makes the account an administrator, or an ordinary one.
	// Where none would be left it is a [Refusal].
	SetAdministrator(ctx context.Context, id string, administrator bool) error
}

// Account is somebody who may sign in.
type Account struct {
	ID            string // what sessions know the account by: Django's primary key
	Name          string
	Administrator bool
	Active        bool      // a disabled account cannot sign in, and its sessions end
	OneTime       bool      // the password must be replaced before anything else
	PasswordHash  string    // as stored; sessions are bound to it and end when it changes
	Backend       string    // the dotted path of what authenticates it in Django
	LastSignIn    time.Time // zero if never
}

var (
	// ErrWrongPassword: name and password do not belong together.
	ErrWrongPassword = errors.New("wrong name or password")
	// ErrNoAccount: there is no such account.
	ErrNoAccount = errors.New("no such account")
)

// Refusal is why something was not done, in words for the person who asked.
type Refusal string

func (r Refusal) Error() string { return string(r) }
