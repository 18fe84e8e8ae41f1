package db

import (
	"context"
	"database/sql/driver"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres sets d up on the database at address. It connects to nobody yet.
func openPostgres(d *database, address string, connections int) error {
	config, err := postgresConfig(address)
	if err != nil {
		return err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "cloakroom"
	}
	config.BuildContextWatcherHandler = newWhenOver
	p := newServerPool(stdlib.GetConnector(*config, stdlib.OptionResetSession(checkAlive), stdlib.OptionShouldPing(noPing)), connections)
	p.driverPrepares = true
	p.rolledBack, p.broken, p.readOnly = isPostgresRolledBack, isPostgresBroken, isPostgresReadOnly
	d.dialect, d.read, d.write = postgresDialect, p, p
	d.location = net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database
	if strings.HasPrefix(config.Host, "/") {
		d.location = config.Host + "/" + config.Database
	}
	d.migrate = func(ctx context.Context, now any) error { return migratePostgres(ctx, p, now) }
	return nil
}

func postgresConfig(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, badAddress("the driver does not take it") // the error may hold the password
	}
	return config, nil
}

// checkAlive has a connection replaced that is of no use any more.
func checkAlive(_ context.Context, conn *pgx.Conn) error {
	if !isAlive(conn.PgConn().Conn()) {
		return driver.ErrBadConn
	}
	return nil
}

// noPing: that would be one more round trip after every pause, and checkAlive
// finds out without any.
func noPing(context.Context, stdlib.ShouldPingParams) bool { return false }
