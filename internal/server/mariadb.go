package server

import (
	"fmt"
	"io"
	"syscall"
	"testing"

	_ "github.com/go-sql-driver/mysql" // for NewDatabase
)

// MariaDB starts a MariaDB with those arguments. A commit that it has confirmed
// survives a Kill. It would not survive the loss of power: nothing waits for the
// disk.
func MariaDB(t testing.TB, args ...string) *Server {
	t.Helper()
	s := prepare(t)
	s.Socket = s.path("mariadb.sock")
	s.databases = &databases{
		driver: "mysql", source: "root@unix(" + s.Socket + ")/",
		scheme: "mysql", backend: "mysql",
		create: []string{"CREATE DATABASE DATABASE_NAME", "GRANT ALL ON DATABASE_NAME.* TO " + databaseUser},
	}
	const smallLog = "--innodb-log-file-size=8M"
	// A MariaDB that starts deletes what others have in the folder for all.
	ownTemporary := func(dir string) string { return "--tmpdir=" + dir }
	path := find(t, "mariadbd", "mariadb-server-core")
	s.install(find(t, "mariadb-install-db", "mariadb-server-core mariadb-client-core"), func(dir string) []string {
		return []string{
			"--no-defaults", "--datadir=" + dir + "/data", "--skip-test-db",
			"--auth-root-authentication-method=normal", smallLog, ownTemporary(dir),
		}
	})
	s.run(program{
		path: path,
		args: append([]string{
			"--no-defaults", "--datadir=" + s.path("data"), "--socket=" + s.Socket,
			"--bind-address=127.0.0.1", "--port=" + s.port(), "--skip-name-resolve",
			"--character-set-server=utf8mb4",
			"--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M", smallLog, ownTemporary(s.Dir),
		}, args...),
		stop:  syscall.SIGTERM,
		ready: s.greets,
	})
	s.execute(t, "CREATE USER "+databaseUser+" IDENTIFIED BY '"+databasePassword+"'")
	return s
}

// greets waits for the first packet of MySQL's protocol. An error has 255 where
// the protocol's version stands otherwise.
func (s *Server) greets() error {
	conn, err := dial("tcp", s.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	var packet [5]byte
	if _, err := io.ReadFull(conn, packet[:]); err != nil {
		return err
	}
	if version := packet[4]; version != 10 {
		return fmt.Errorf("it speaks version %d of the protocol", version)
	}
	return nil
}
