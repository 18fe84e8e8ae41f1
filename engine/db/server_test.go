package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// brand is a kind of database server.
type brand struct {
	name   string
	start  func(t testing.TB, args ...string) *server.Server // one that may be stopped
	shared func(t testing.TB) *server.Server
}

var brands = []brand{
	{"MariaDB", server.MariaDB, server.Shared(func(t testing.TB) *server.Server { return server.MariaDB(t) })},
	{"PostgreSQL", server.PostgreSQL, server.Shared(func(t testing.TB) *server.Server { return server.PostgreSQL(t) })},
}

// onServers runs a test on each kind of server.
func onServers(t *testing.T, test func(t *testing.T, b brand)) {
	t.Helper()
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// TestServer is all that needs a server which may be stopped.
func TestServer(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.start(t)
		t.Run("Engine", func(t *testing.T) { keepsPromises(t, s) })
		t.Run("Trouble", func(t *testing.T) { troubled(t, b, s) })
		t.Run("Killed", func(t *testing.T) { killedServerLosesNothing(t, s) })
	})
}

func keepsPromises(t *testing.T, s *server.Server) {
	urls := map[string]string{} // by location
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine {
			address := s.NewDatabase(t).URL
			e := openAt(t, address)
			migrate(t, e)
			urls[location(e)] = address
			return e
		},
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return openAt(t, urls[location(e)]) },
		Break: func(testing.TB, cloakroom.Engine) func() {
			s.Stop()
			return s.Start
		},
		Corrupt: func(t testing.TB, e cloakroom.Engine, key string) {
			execute(t, urls[location(e)], `UPDATE django_session SET session_data = left(session_data, 20) WHERE session_key = '`+key+`'`)
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which Django signs here, has neither: they come back as text",
		},
	})
}

// What was acknowledged is committed, also where the server leaves that to its clients.
func TestServerWithoutAutocommit(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{"--autocommit=0", "--init-connect=SET autocommit = 0"} {
		address := server.MariaDB(t, argument).NewDatabase(t).URL
		e, other := openAt(t, address), openAt(t, address)
		migrate(t, e)
		r := create(t, e, map[string]any{"n": int64(1)})
		if _, err := other.Load(t.Context(), r.Key); err != nil {
			t.Fatalf("%s: after Create: %v", argument, err)
		}
		r.Data = map[string]any{"n": int64(2)}
		if err := e.Save(t.Context(), r); err != nil {
			t.Fatalf("%s: %v", argument, err)
		}
		if there, err := other.Load(t.Context(), r.Key); err != nil || there.Data["n"] != int64(2) {
			t.Errorf("%s: after Save: %+v, %v", argument, there, err)
		}
		if err := e.Delete(t.Context(), r.Key); err != nil {
			t.Fatalf("%s: %v", argument, err)
		}
		if _, err := other.Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: after Delete: %v", argument, err)
		}
	}
}

// openAt opens the database at an address with the test's secret key.
func openAt(t testing.TB, address string, options ...db.Option) *db.Engine {
	t.Helper()
	e, err := db.Open(t.Context(), address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e.WithSecretKeys(secret).(*db.Engine)
}

func migrate(t testing.TB, e *db.Engine) {
	t.Helper()
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// handle opens the database at an address as somebody else would.
func handle(t testing.TB, address string) *sql.DB {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	driver, source := "pgx", address
	switch u.Scheme {
	case "sqlite":
		driver, source = "sqlite", strings.TrimPrefix(u.Path, "/")
	case "mysql":
		driver, source = "mysql", fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path)
	}
	other, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return other
}

// execute runs SQL on the database at an address, as somebody else would.
func execute(t testing.TB, address string, statements ...string) {
	t.Helper()
	other := handle(t, address)
	for _, statement := range statements {
		if _, err := other.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Fatalf("%s: %v", strings.Fields(statement)[0], err)
		}
	}
}
