package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/cloakroom-go/cloakroom/dashboard"
)

// oneTimeLife is how long a one-time password lets its owner in.
const oneTimeLife = 7 * 24 * time.Hour

// maxName is the width of Django's column.
const maxName = 150

const lastAdministrator = dashboard.Refusal("This is the last administrator who can sign in. Make somebody else an administrator first.")

// List implements [dashboard.Directory].
func (s *Store) List(ctx context.Context, search string, offset, limit int) ([]dashboard.Account, int, error) {
	const matching = `WHERE instr(lower(u.username), lower(?)) > 0 `
	var total int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM auth_user u `+matching, search).Scan(&total); err != nil {
		return nil, 0, unavailable("list", err)
	}
	rows, err := s.db.QueryContext(ctx, columns+matching+`ORDER BY lower(u.username), u.id LIMIT ? OFFSET ?`, search, limit, offset)
	if err != nil {
		return nil, 0, unavailable("list", err)
	}
	defer rows.Close()
	var page []dashboard.Account
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, 0, unavailable("list", err)
		}
		page = append(page, a.Account)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, unavailable("list", err)
	}
	return page, total, nil
}

// Add implements [dashboard.Directory].
func (s *Store) Add(ctx context.Context, name string, administrator bool) (dashboard.Account, string, error) {
	name = norm.NFKC.String(strings.TrimSpace(name))
	if err := judgeName(name); err != nil {
		return dashboard.Account{}, "", err
	}
	password := oneTimePassword()
	encoded, err := s.encode(ctx, password)
	if err != nil {
		return dashboard.Account{}, "", err
	}
	err = s.transact(ctx, "add", func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `
			INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, date_joined, first_name, last_name, email)
			VALUES (?, ?, ?, ?, 1, ?, '', '', '') ON CONFLICT (username) DO NOTHING RETURNING id`,
			name, encoded, administrator, administrator, djangoTime(time.Now())).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return dashboard.Refusal("This name is taken.")
		}
		if err != nil {
			return err
		}
		return rememberOneTime(ctx, tx, id, encoded)
	})
	if err != nil {
		return dashboard.Account{}, "", err
	}
	a, err := s.find(ctx, `u.username = ?`, name)
	return a.Account, password, err
}

// ResetPassword implements [dashboard.Directory].
func (s *Store) ResetPassword(ctx context.Context, id string) (string, error) {
	password := oneTimePassword()
	encoded, err := s.encode(ctx, password)
	if err != nil {
		return "", err
	}
	return password, s.transact(ctx, "reset password", func(tx *sql.Tx) error {
		var n int64
		err := tx.QueryRowContext(ctx, `UPDATE auth_user SET password = ? WHERE id = ? RETURNING id`, encoded, id).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return dashboard.ErrNoAccount
		}
		if err != nil {
			return err
		}
		return rememberOneTime(ctx, tx, n, encoded)
	})
}

// SetActive implements [dashboard.Directory].
func (s *Store) SetActive(ctx context.Context, id string, active bool) error {
	if active {
		return s.change(ctx, "enable", `UPDATE auth_user SET is_active = 1 WHERE id = ?`, id)
	}
	return s.unlessLast(ctx, "disable", id, `is_active = 0`)
}

// SetAdministrator implements [dashboard.Directory].
func (s *Store) SetAdministrator(ctx context.Context, id string, administrator bool) error {
	if administrator {
		return s.change(ctx, "make administrator", `UPDATE auth_user SET is_superuser = 1, is_staff = 1 WHERE id = ?`, id)
	}
	return s.unlessLast(ctx, "unmake administrator", id, `is_superuser = 0, is_staff = 0`)
}

// unlessLast changes an account in one statement that leaves an active
// administrator: two of them cannot disable each other at the same moment.
func (s *Store) unlessLast(ctx context.Context, op, id, set string) error {
	if _, err := s.Find(ctx, id); err != nil {
		return err
	}
	err := s.change(ctx, op, `UPDATE auth_user SET `+set+` WHERE id = ?
		AND EXISTS (SELECT 1 FROM auth_user other WHERE other.id <> auth_user.id AND other.is_superuser AND other.is_active
			UNION ALL SELECT 1 WHERE NOT (auth_user.is_superuser AND auth_user.is_active))`, id)
	if errors.Is(err, dashboard.ErrNoAccount) {
		return lastAdministrator
	}
	return err
}

func rememberOneTime(ctx context.Context, tx *sql.Tx, id int64, encoded string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO cloakroom_one_time_password (user_id, password, expires) VALUES (?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, expires = excluded.expires`,
		id, encoded, time.Now().Add(oneTimeLife).Unix())
	return err
}

// transact runs f in a transaction. Its own answers come back as they are.
func (s *Store) transact(ctx context.Context, op string, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return unavailable(op, err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		if _, refused := errors.AsType[dashboard.Refusal](err); refused || errors.Is(err, dashboard.ErrNoAccount) {
			return err
		}
		return unavailable(op, err)
	}
	if err := tx.Commit(); err != nil {
		return unavailable(op, err)
	}
	return nil
}

// oneTimePassword has 100 random bits, in letters and digits that are not taken
// for one another.
func oneTimePassword() string { return strings.ToLower(rand.Text()[:20]) }

// judgeName takes the names that Django takes.
func judgeName(name string) error {
	unfit := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.@+-", r)
	}
	switch {
	case name == "":
		return dashboard.Refusal("Enter a name.")
	case utf8.RuneCountInString(name) > maxName:
		return dashboard.Refusal("A name has at most 150 characters.")
	case strings.ContainsFunc(name, unfit):
		return dashboard.Refusal("A name has letters, digits and @ . + - _ only.")
	}
	return nil
}
