package server

import (
	"database/sql"
	"strings"
	"testing"
)

// A database is its own, and keeps what it confirmed whatever befalls the server.
func TestDatabases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start  func(testing.TB, ...string) *Server
		source func(Database) string
	}{
		"MariaDB": {MariaDB, func(d Database) string {
			user, rest, _ := strings.Cut(strings.TrimPrefix(d.URL, "mysql://"), "@")
			addr, name, _ := strings.Cut(rest, "/")
			return user + "@tcp(" + addr + ")/" + name
		}},
		"PostgreSQL": {PostgreSQL, func(d Database) string { return d.URL }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.start(t)
			open := func(d Database) *sql.DB {
				db, err := sql.Open(s.databases.driver, c.source(d))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				return db
			}
			one, other := open(s.NewDatabase(t)), open(s.NewDatabase(t))
			for _, db := range []*sql.DB{one, other} {
				if _, err := db.ExecContext(t.Context(), "CREATE TABLE sessions (n int)"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := one.ExecContext(t.Context(), "INSERT INTO sessions VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			faults(t, s)
			for db, want := range map[*sql.DB]int{one: 1, other: 0} {
				var got int
				if err := retry(func() error {
					return db.QueryRowContext(t.Context(), "SELECT count(*) FROM sessions").Scan(&got)
				}); err != nil || got != want {
					t.Errorf("%d rows after the faults, want %d (%v)", got, want, err)
				}
			}
		})
	}
}

// retry tries twice: the first finds that the pool's connection is no more.
func retry(do func() error) error {
	if do() == nil {
		return nil
	}
	return do()
}
