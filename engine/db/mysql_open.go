package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// openMySQL sets d up on the database at address, MySQL's or MariaDB's.
func openMySQL(ctx context.Context, d *database, address *url.URL, connections int) error {
	config, err := mysqlDatabase(address)
	if err != nil {
		return err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return badAddress("the driver does not take it")
	}
	p := newServerPool(mysqlConnector{connector}, connections)
	p.rolledBack, p.broken, p.readOnly = isMySQLRolledBack, isMySQLBroken, isMySQLReadOnly
	d.dialect, d.read, d.write = mysqlDialect, p, p
	d.location = config.Addr + "/" + config.DBName
	d.migrate = func(ctx context.Context, now any) error { return migrateMySQL(ctx, p, now) }
	var version string
	if err := p.QueryRowContext(ctx, `SELECT VERSION()`).Scan(&version); err != nil {
		return errors.Join(d.failure("open", err), p.close())
	}
	if strings.Contains(version, "MariaDB") {
		d.name = "MariaDB"
	}
	return nil
}

// mysqlDatabase is the configuration for a database, and not only for its server.
func mysqlDatabase(address *url.URL) (*mysql.Config, error) {
	config, err := mysqlConfig(address)
	if err == nil && config.DBName == "" {
		err = badAddress("it names no database")
	}
	return config, err
}

func mysqlConfig(address *url.URL) (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.User = address.User.Username()
	c.Passwd, _ = address.User.Password()
	c.DBName = strings.TrimPrefix(address.Path, "/")
	c.Net, c.Addr = "tcp", net.JoinHostPort(address.Hostname(), "3306")
	if address.Port() != "" {
		c.Addr = address.Host
	}
	query := address.Query()
	if socket := query.Get("unix_socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	} else if address.Hostname() == "" {
		return nil, badAddress("it names no host")
	}
	for name := range query {
		switch name {
		case "charset", "unix_socket", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key":
		default:
			return nil, badAddress("it has a parameter that is not known")
		}
	}
	if c.Net == "tcp" {
		if err := mysqlTLS(c, address.Hostname(), query); err != nil {
			return nil, err
		}
	}
	c.ClientFoundRows = true      // a save of equal data is a save
	c.MaxAllowedPacket = 0        // whatever the server takes
	c.Timeout = connectTimeout    // for connections that no request waits for
	c.Logger = &mysql.NopLogger{} // what it would say is in the errors
	c.ConnectionAttributes = "program_name:cloakroom"
	c.Params = map[string]string{
		"autocommit": "1",                                          // as Django sets it, whatever my.cnf and init_connect say
		"sql_mode":   "CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')", // an error, where text would be cut short
		// In seconds. It is repeated while somebody waits for the answer (see
		// isMySQLRolledBack); when nobody does, it is not to take place much
		// later, after others.
		"innodb_lock_wait_timeout": "1",
	}
	return c, nil
}

// mysqlConnector makes connections that, as Django's, lock no gaps between rows.
type mysqlConnector struct{ driver.Connector }

func (c mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, `SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`, nil)
	if err != nil {
		_ = conn.Close() // the first error is the one to mend
		return nil, err
	}
	return conn, nil
}

const connectTimeout = 5 * time.Second
