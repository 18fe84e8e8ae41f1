package db

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/cloakroom-go/cloakroom"
)

// mysqlWanted is a database and its user on MySQL or MariaDB.
type mysqlWanted struct {
	database, user, password string
	hosts                    []string // from which the user connects, as the server sees them
}

// mysqlRights are what Django needs to migrate and to run. ALL would add
// routines, triggers and events.
const mysqlRights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES"

func parseMySQLWanted(address *url.URL) (*mysqlWanted, error) {
	config, err := mysqlConfig(address)
	switch {
	case err != nil:
		return nil, err
	case config.DBName == "":
		return nil, badAddress("it names no database")
	case config.User == "":
		return nil, badAddress("it names no user")
	case config.Passwd == "":
		return nil, badAddress("it has no password, and MySQL lets anybody in then who knows the user's name")
	case strings.ContainsRune(config.User+config.Passwd+config.DBName, 0):
		return nil, badAddress("it has a zero byte")
	}
	return &mysqlWanted{config.DBName, config.User, config.Passwd, mysqlHosts(config)}, nil
}

// mysqlHosts is where the server sees the user come from. A loopback address has
// the name localhost unless the server resolves no names (skip_name_resolve).
// From other machines any host may come: a site has several, and under what
// names the server knows them, nobody here can tell.
func mysqlHosts(c *mysql.Config) []string {
	if c.Net == "unix" {
		return []string{"localhost"}
	}
	host, _, _ := net.SplitHostPort(c.Addr)
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return []string{"localhost", "127.0.0.1", "::1"}
	}
	return []string{"%"}
}

// The statements are those of MySQL 8 and later, whose GRANT creates no users,
// and of MariaDB.

func (w *mysqlWanted) createDatabase() string {
	return "CREATE DATABASE IF NOT EXISTS " + mysqlName(w.database) + " CHARACTER SET utf8mb4"
}

func (w *mysqlWanted) account(host string) string { return mysqlText(w.user) + "@" + mysqlText(host) }

func (w *mysqlWanted) createUser(host string) string {
	return "CREATE USER IF NOT EXISTS " + w.account(host) + " IDENTIFIED BY " + mysqlText(w.password)
}

// grant escapes what stands for any characters in a GRANT, though not elsewhere.
func (w *mysqlWanted) grant(host string) string {
	database := strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`).Replace(w.database)
	return "GRANT " + mysqlRights + " ON " + mysqlName(database) + ".* TO " + w.account(host)
}

func (w *mysqlWanted) statements() []string {
	all := []string{w.createDatabase()}
	for _, host := range w.hosts {
		all = append(all, w.createUser(host), w.grant(host))
	}
	return all
}

func mysqlName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// mysqlText doubles quotes, so that no sql_mode lets the text end early.
// Backslashes are doubled for every mode but NO_BACKSLASH_ESCAPES.
func mysqlText(text string) string {
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(text) + "'"
}

func (w *mysqlWanted) create(ctx context.Context, admin string) (created Created, err error) {
	conn, end, err := connectMySQL(ctx, admin)
	if err != nil {
		return created, err
	}
	defer end()
	steps := [][2]string{{"database " + w.database, w.createDatabase()}}
	for _, host := range w.hosts {
		steps = append(steps, [2]string{"user " + w.account(host), w.createUser(host)}, [2]string{"", w.grant(host)})
	}
	for _, step := range steps {
		existed, err := createMySQL(ctx, conn, step[1])
		if err != nil {
			return created, adminFailure(withoutStatement(err), diagnoseMySQLAdmin)
		}
		created.add(step[0], existed)
	}
	return created, nil
}

// createMySQL reports whether what the statement creates was there already, which
// the server tells to everybody only where that is an error.
func createMySQL(ctx context.Context, conn *sql.Conn, statement string) (existed bool, err error) {
	if create, rest, ok := strings.Cut(statement, "IF NOT EXISTS "); ok && strings.HasPrefix(create, "CREATE ") {
		const database, user = 1007, 1396
		_, err := conn.ExecContext(ctx, create+rest)
		if code := mysqlCode(err); code != database && code != user {
			return false, err
		}
		existed = true
	}
	_, err = conn.ExecContext(ctx, statement)
	return existed, err
}

func connectMySQL(ctx context.Context, address string) (conn *sql.Conn, end func(), err error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, nil, err
	}
	config, err := mysqlConfig(u)
	if err != nil {
		return nil, nil, err
	}
	config.Params = map[string]string{"sql_mode": "''"} // see mysqlText
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, badAddress("the driver does not take it")
	}
	pool := sql.OpenDB(connector)
	if conn, err = pool.Conn(ctx); err != nil {
		_ = pool.Close() // the first error is the one to mend
		return nil, nil, adminFailure(err, diagnoseMySQL)
	}
	return conn, func() { _, _ = conn.Close(), pool.Close() }, nil
}

func diagnoseMySQLAdmin(err error) diagnosis {
	switch mysqlCode(err) {
	case 1044, 1142, 1227, 1410:
		return missingGrant
	case 1819:
		return diagnosis{cloakroom.ErrConfig, "the database server finds the user's password too weak", "choose a longer one, for the settings too"}
	case 1470, 1102, 1059:
		return diagnosis{cloakroom.ErrConfig, "the name of the user or of the database is none that the server takes", "choose a shorter one, of letters, digits and _"}
	}
	return diagnoseMySQL(err)
}

// withoutStatement keeps an error to itself that cites the statement, and so the
// password.
func withoutStatement(err error) error {
	const syntax = 1064
	if mysqlCode(err) == syntax {
		return errors.New("the server does not take the statement")
	}
	return err
}
