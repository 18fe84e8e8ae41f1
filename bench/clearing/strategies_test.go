package clearing

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// strategies are ways to clear in small transactions that are not what became of
// it, each as fast as it goes.
func strategies(b *table) []*way {
	return []*way{
		{name: "by expiry, 1,000", clear: b.each(func(ctx context.Context, c *sql.Conn) (int, bool, error) {
			n, err := affected(c.ExecContext(ctx, `DELETE FROM django_session WHERE expire_date <= utc_timestamp(6) ORDER BY expire_date LIMIT 1000`))
			return n, n == 1000, err
		})},
		{name: "keys first, 1,000", clear: b.each(keysFirst)},
		{name: "by key, 1,000", clear: b.byKey(1000)},
		{name: "by key, 10,000", clear: b.byKey(10_000)},
	}
}

// each repeats a step on one connection, with Django's isolation level, until
// there is no more.
func (b *table) each(step func(ctx context.Context, c *sql.Conn) (n int, more bool, err error)) func(t *testing.T) int {
	return func(t *testing.T) (largest int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		c, err := b.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ExecContext(ctx, `SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`); err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			var n int
			if n, more, err = step(ctx, c); err != nil {
				t.Fatal(err)
			}
			largest = max(largest, n)
		}
		return largest
	}
}

// keysFirst reads the keys that expired first and deletes them in their order.
func keysFirst(ctx context.Context, c *sql.Conn) (n int, more bool, err error) {
	rows, err := c.QueryContext(ctx, `SELECT session_key FROM django_session WHERE expire_date <= utc_timestamp(6) ORDER BY expire_date LIMIT 1000`)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return 0, false, err
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil || len(keys) == 0 {
		return 0, false, err
	}
	slices.Sort(keys)
	n, err = affected(c.ExecContext(ctx, `DELETE FROM django_session WHERE session_key IN ('`+strings.Join(keys, "', '")+`') AND expire_date <= utc_timestamp(6)`))
	return n, true, err
}

// byKey walks the primary key in stretches of so many rows, and leaves purge to
// do as it likes.
func (b *table) byKey(rows int) func(t *testing.T) int {
	return func(t *testing.T) int {
		from := ""
		return b.each(func(ctx context.Context, c *sql.Conn) (int, bool, error) {
			to := "{" // after every key
			err := c.QueryRowContext(ctx, `SELECT session_key FROM django_session WHERE session_key >= ? ORDER BY session_key LIMIT 1 OFFSET ?`, from, rows).Scan(&to)
			last := errors.Is(err, sql.ErrNoRows)
			if err != nil && !last {
				return 0, false, err
			}
			n, err := affected(c.ExecContext(ctx, `DELETE FROM django_session WHERE session_key >= ? AND session_key < ? AND expire_date <= utc_timestamp(6)`, from, to))
			from = to
			return n, !last, err
		})(t)
	}
}

func affected(result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
