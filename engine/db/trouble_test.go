package db_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// troubled is what a server can be in, one after the other.
func troubled(t *testing.T, b brand, s *server.Server) {
	at := s.NewDatabase(t).URL
	e := openAt(t, at)
	migrate(t, e)
	r := create(t, e, map[string]any{"n": int64(1)})
	t.Run("restarts", func(t *testing.T) { survivesRestarts(t, s, e, r.Key) })
	t.Run("hangs", func(t *testing.T) { givesUpInTime(t, s, e, r.Key) })
	t.Run("became a replica", func(t *testing.T) { leavesReplica(t, b, s, at, e, r) })
	for _, c := range troubles[b.name] {
		t.Run(c.name, func(t *testing.T) { c.check(t, b, s, at, e, r) })
	}
}

// trouble is what an administrator can bring about, and take back.
type trouble struct {
	name      string
	make, end string // DATABASE_NAME stands for the name
	verb      func(e *db.Engine, at string, r *cloakroom.Record) error
	kind      error
	reason    string
	mend      string // what of it
}

var troubles = map[string][]trouble{
	"MariaDB": {
		{
			"takes no changes", `SET GLOBAL read_only = 1`, `SET GLOBAL read_only = 0`,
			saveOnce, cloakroom.ErrUnavailable, "the database takes no changes", "the primary",
		},
		{
			"has no connection left", `ALTER USER cloakroom WITH MAX_USER_CONNECTIONS 1`, `ALTER USER cloakroom WITH MAX_USER_CONNECTIONS 0`,
			openTwice, cloakroom.ErrUnavailable, "the database has no connection left", "raise its limit",
		},
		{
			"takes no large packets", `SET GLOBAL max_allowed_packet = 1048576`, `SET GLOBAL max_allowed_packet = 16777216`,
			createLarge, cloakroom.ErrTooLarge, "the session is larger than the database takes", "max_allowed_packet",
		},
		{
			"lets the user read only", `REVOKE UPDATE ON DATABASE_NAME.* FROM cloakroom`, `GRANT ALL ON DATABASE_NAME.* TO cloakroom`,
			saveOnce, cloakroom.ErrConfig, "the database does not let this user at the table", "grant SELECT",
		},
		{
			"has too small a column", `ALTER TABLE django_session MODIFY session_data text NOT NULL`, `ALTER TABLE django_session MODIFY session_data longtext NOT NULL`,
			createLarge, cloakroom.ErrTooLarge, "the session is larger than the database takes", "longtext",
		},
	},
	"PostgreSQL": {
		{
			"takes no changes", `ALTER ROLE cloakroom SET default_transaction_read_only = on`, `ALTER ROLE cloakroom RESET default_transaction_read_only`,
			saveOnce, cloakroom.ErrUnavailable, "the database takes no changes", "the primary",
		},
		{
			"has no connection left", `ALTER ROLE cloakroom CONNECTION LIMIT 1`, `ALTER ROLE cloakroom CONNECTION LIMIT -1`,
			openTwice, cloakroom.ErrUnavailable, "the database has no connection left", "raise its limit",
		},
		{
			"lets the user do nothing", `ALTER TABLE django_session OWNER TO postgres`, `ALTER TABLE django_session OWNER TO cloakroom`,
			saveOnce, cloakroom.ErrConfig, "the database does not let this user at the table", "grant SELECT",
		},
	},
}

func (c trouble) check(t *testing.T, b brand, s *server.Server, at string, e *db.Engine, r *cloakroom.Record) {
	administrate(t, b, s, at, c.make)
	e.CloseIdle()
	err := c.verb(e, at, r)
	administrate(t, b, s, at, c.end)
	e.CloseIdle()
	if !errors.Is(err, c.kind) || cloakroom.Reason(err) != c.reason || !strings.Contains(err.Error(), c.mend) {
		t.Errorf("got %v\nwant one with %q, %q and %q", err, c.kind, c.reason, c.mend)
	}
	if err := saveOnce(e, at, r); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func saveOnce(e *db.Engine, _ string, r *cloakroom.Record) error {
	return e.Save(context.Background(), r)
}

func createLarge(e *db.Engine, _ string, _ *cloakroom.Record) error {
	large := map[string]any{"large": incompressible(2 << 20)}
	return e.Create(context.Background(), &cloakroom.Record{Data: large, Expires: time.Now().Add(time.Hour)})
}

// openTwice opens the database once more while it is in use.
func openTwice(e *db.Engine, at string, _ *cloakroom.Record) error {
	if err := e.Ping(context.Background()); err != nil {
		return err
	}
	other, err := db.Open(context.Background(), at)
	if err == nil {
		err = errors.Join(errors.New("opened"), other.Close())
	}
	return err
}

// administrate runs a statement as the server's administrator.
func administrate(t *testing.T, b brand, s *server.Server, at, statement string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	driver, source := "mysql", "root@unix("+s.Socket+")"+u.Path
	if b.name == "PostgreSQL" {
		driver, source = "pgx", "user=postgres host="+s.Dir+" port="+u.Port()+" database="+strings.TrimPrefix(u.Path, "/")
	}
	admin, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	statement = strings.ReplaceAll(statement, "DATABASE_NAME", strings.TrimPrefix(u.Path, "/"))
	if _, err := admin.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// survivesRestarts: connections that the server ended while they were idle cost
// nobody an error.
func survivesRestarts(t *testing.T, s *server.Server, e *db.Engine, key string) {
	all := func() {
		t.Helper()
		var requests sync.WaitGroup
		for range 32 {
			requests.Go(func() {
				_, loading := e.Load(t.Context(), key)
				touching := e.Touch(t.Context(), key, time.Now().Add(time.Hour))
				if err := errors.Join(loading, touching, e.Ping(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		requests.Wait()
	}
	all()
	s.Stop()
	s.Start()
	all()
	crash(s)
	s.Start()
	all()
}

// leavesReplica: a server that takes no changes any more is not held on to, for its
// address may lead to the new primary.
func leavesReplica(t *testing.T, b brand, s *server.Server, at string, e *db.Engine, r *cloakroom.Record) {
	change := troubles[b.name][0]
	administrate(t, b, s, at, change.make)
	e.CloseIdle() // PostgreSQL asks a role's settings of new connections only
	before := connection(t, b, e)
	err := saveOnce(e, at, r)
	after := connection(t, b, e)
	administrate(t, b, s, at, change.end)
	if !errors.Is(err, cloakroom.ErrUnavailable) || before == after {
		t.Errorf("got %v on connection %d, which goes on as %d", err, before, after)
	}
	e.CloseIdle()
	if err := saveOnce(e, at, r); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// connection is the server's number for one of e's.
func connection(t *testing.T, b brand, e *db.Engine) (id int64) {
	t.Helper()
	number := map[string]string{"MariaDB": "SELECT CONNECTION_ID()", "PostgreSQL": "SELECT pg_backend_pid()"}[b.name]
	rows, err := e.Query(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next(); rows.Scan(&id) != nil || rows.Err() != nil {
		t.Fatal("it has no number", rows.Err())
	}
	return id
}

// crash kills a server. The processes that PostgreSQL has for its connections
// end a moment after it.
func crash(s *server.Server) {
	s.Kill()
	time.Sleep(time.Second)
}

func givesUpInTime(t *testing.T, s *server.Server, e *db.Engine, key string) {
	s.Pause()
	resume := sync.OnceFunc(s.Resume)
	defer resume()
	for range 3 {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := e.Load(ctx, key)
		cancel()
		if !errors.Is(err, cloakroom.ErrUnavailable) || time.Since(began) > time.Second {
			t.Errorf("Load from a server that hangs: %v after %v", err, time.Since(began))
		}
	}
	resume()
	if _, err := e.Load(t.Context(), key); err != nil {
		t.Errorf("Load afterwards: %v", err)
	}
}
