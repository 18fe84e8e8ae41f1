package server

import (
	"os/exec"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // for NewDatabase
)

// PostgreSQL starts a PostgreSQL with those arguments. A commit that it has
// confirmed survives a Kill. It would not survive the loss of power: nothing
// waits for the disk.
func PostgreSQL(t testing.TB, args ...string) *Server {
	t.Helper()
	s := prepare(t)
	s.databases = &databases{
		driver: "pgx", source: "host=" + s.Dir + " port=" + s.port() + " user=postgres database=postgres",
		scheme: "postgres", backend: "postgresql",
		create: []string{"CREATE DATABASE DATABASE_NAME OWNER " + databaseUser},
	}
	s.Socket = s.path(".s.PGSQL." + s.port())
	s.install(find(t, "initdb", "postgresql"), func(dir string) []string {
		return []string{
			"--pgdata=" + dir + "/data", "--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
			"--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1", "--no-sync",
		}
	})
	ready := find(t, "pg_isready", "postgresql")
	s.run(program{
		path: find(t, "postgres", "postgresql"),
		args: append([]string{
			"-D", s.path("data"), "-k", s.Dir, "-h", "127.0.0.1", "-p", s.port(), "-F",
		}, args...),
		stop: syscall.SIGINT,
		ready: func() error {
			return exec.Command(ready, "-h", s.Dir, "-p", s.port(), "-U", "postgres", "-t", "1").Run()
		},
	})
	s.execute(t, "CREATE ROLE "+databaseUser+" LOGIN PASSWORD '"+databasePassword+"'")
	return s
}
