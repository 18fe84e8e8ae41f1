package db

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
)

// CloseIdle closes every connection that is not in use, so that the next use
// has to open the file again.
func (e *Engine) CloseIdle() {
	pools := []*pool{e.read}
	if w, ok := e.write.(*groupWriter); ok {
		pools = append(pools, w.pool)
	}
	for _, p := range pools {
		connections := p.Stats().MaxOpenConnections
		p.SetMaxIdleConns(-1)
		p.SetMaxIdleConns(connections)
	}
}

// Aging are connections to a server that live between shortest and longest.
func Aging(address string, shortest, longest time.Duration) (*sql.DB, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "mysql" {
		config, err := mysqlDatabase(u)
		if err != nil {
			return nil, err
		}
		connector, err := mysql.NewConnector(config)
		return sql.OpenDB(aging{connector, shortest, longest}), err
	}
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(aging{stdlib.GetConnector(*config), shortest, longest}), nil
}

// LimitPages makes SQLite find the disk full beyond so many pages.
func (e *Engine) LimitPages(t testing.TB, pages int) {
	t.Helper()
	if _, err := e.write.(*groupWriter).ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
}

// Statement is one of the engine's, with arguments.
type Statement struct {
	Text string
	Args []any
}

// Explainable are the statements of the engine's verbs, by name.
func (e *Engine) Explainable(key string, now time.Time) map[string]Statement {
	at, later, s := e.formatTime(now, e.zone), e.formatTime(now.Add(time.Hour), e.zone), e.statements
	return map[string]Statement{
		"load":   {s.load, []any{key, at}},
		"save":   {s.save, []any{"data", later, key, "as read", at}},
		"end":    {s.end, []any{key, "as read", at}},
		"delete": {s.delete, []any{key}},
		"expire": {s.expire, []any{key, at}},
		"touch":  {s.touch, []any{later, key, at}},
		"clear":  {s.clear, []any{at, 500}},
		"list":   {s.list, []any{at, at, key, pageSize}},
		"stats":  {s.stats, []any{at, at}},
		"ping":   {s.ping, nil},
		"sample": {s.sample, []any{at, 100}},
	}
}

// Query asks the database something on the engine's connections.
func (e *Engine) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return e.read.QueryContext(ctx, text, args...)
}

// How texts are quoted in SQL.
var (
	MySQLText    = mysqlText
	PostgresText = postgresText
)
