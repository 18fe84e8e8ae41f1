package db_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// What Open refuses on a server, and what it says: one line, without the
// password.
func TestOpenRefusesOnServers(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		at := b.shared(t).NewDatabase(t).URL
		const table = `CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, `
		for name, c := range map[string]struct {
			change func(t *testing.T, u *url.URL)
			kind   error
			want   string
		}{
			"nobody there": {
				func(_ *testing.T, u *url.URL) { u.Host = "127.0.0.1:1" },
				cloakroom.ErrUnavailable, "the database cannot be reached (see that it runs",
			},
			"no such host": {
				func(_ *testing.T, u *url.URL) { u.Host = "nowhere.invalid:1" },
				cloakroom.ErrUnavailable, "the database cannot be reached (see that it runs",
			},
			"another password": {
				func(_ *testing.T, u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong secret") },
				cloakroom.ErrConfig, "the database server refuses this user (mend the user name",
			},
			"another user": {
				func(_ *testing.T, u *url.URL) { u.User = url.UserPassword("nobody", "wrong secret") },
				cloakroom.ErrConfig, "the database server refuses this user (mend the user name",
			},
			"another database": {
				func(_ *testing.T, u *url.URL) { u.Path = "/missing" },
				cloakroom.ErrConfig, "the database does not exist",
			},
			"another column": {
				func(t *testing.T, u *url.URL) { execute(t, u.String(), table+`expires integer)`) },
				cloakroom.ErrConfig, `column "expire_date" is missing, column "expires" is unknown`,
			},
			"no primary key": {
				func(t *testing.T, u *url.URL) {
					execute(t, u.String(), `DROP TABLE IF EXISTS django_session`, strings.Replace(table, "PRIMARY KEY", "", 1)+`expire_date timestamp)`)
				},
				cloakroom.ErrConfig, `column "session_key" is not the primary key`,
			},
		} {
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "column") || strings.Contains(name, "primary") {
				u.Path = "/" + b.shared(t).NewDatabase(t).Name
			}
			c.change(t, u)
			_, err = db.Open(t.Context(), u.String())
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v\nwant one with %q, and %q", name, err, c.want, c.kind)
				continue
			}
			if password, _ := u.User.Password(); strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), password) {
				t.Errorf("%s: several lines, or the password: %q", name, err)
			}
		}
	})
}

func TestMissingTableOnServers(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		e := openAt(t, b.shared(t).NewDatabase(t).URL)
		_, err := e.Load(t.Context(), cloakroom.NewKey())
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "the table django_session is missing (create it") {
			t.Errorf("Load: %v", err)
		}
		if err := e.Ping(t.Context()); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("Ping: %v", err)
		}
		migrate(t, e)
		create(t, e, nil)
	})
}

// Somebody else's transaction makes a save wait no longer than it is asked to,
// and a load not at all. What was given up does not take place later.
func TestLockedRow(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		at := b.shared(t).NewDatabase(t).URL
		e := openAt(t, at)
		migrate(t, e)
		r := create(t, e, map[string]any{"n": int64(1)})
		tx, err := handle(t, at).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM django_session WHERE session_key = '`+r.Key+`' FOR UPDATE`); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := e.Load(ctx, r.Key); err != nil {
			t.Errorf("Load: %v", err)
		}
		late := *r
		late.Data = map[string]any{"n": int64(2)}
		if err := e.Save(ctx, &late); !errors.Is(err, cloakroom.ErrUnavailable) || cloakroom.Reason(err) == "" {
			t.Errorf("Save: %v", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %v to give up after 2 s", took)
		}
		time.Sleep(1500 * time.Millisecond) // longer than the server lets it wait
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := e.Save(t.Context(), r); err != nil {
			t.Errorf("Save afterwards: %v", err)
		}
	})
}

// A visitor who does not wait for an answer that is on its way leaves the
// connection to those who stay.
func TestVisitorsWhoLeaveEndNoConnection(t *testing.T) {
	t.Parallel()
	b := brands[slices.IndexFunc(brands, func(b brand) bool { return b.name == "PostgreSQL" })]
	e := openAt(t, b.shared(t).NewDatabase(t).URL, db.WithConnections(1))
	for range 20 { // a machine that is busy may be late with one
		before := connection(t, b, e)
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, leave)
		rows, err := e.Query(ctx, "SELECT pg_sleep(0.03)")
		if err == nil {
			_ = rows.Close()
		}
		if connection(t, b, e) == before && ctx.Err() != nil {
			return
		}
	}
	t.Error("each has ended one")
}
