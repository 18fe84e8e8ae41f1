package db

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"github.com/cloakroom-go/cloakroom"
)

// pageSize is how many rows List holds at a time.
const pageSize = 200

// List implements [cloakroom.Lister], in the order of the keys. No connection is
// held while a record is looked at.
func (e *Engine) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		if !e.codec.Ready() {
			yield(nil, errNoSecretKey("list"))
			return
		}
		for last := ""; ; {
			page, err := e.page(ctx, last)
			if err != nil {
				yield(nil, e.failure("list", err))
				return
			}
			for _, row := range page {
				r, err := e.record(row.key, row.raw, row.expires)
				if err != nil {
					continue // unreadable
				}
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last = page[len(page)-1].key
		}
	}
}

type row struct{ key, raw, expires string }

func (e *Engine) page(ctx context.Context, after string) ([]row, error) {
	stmt, err := e.read.statement(ctx, e.statements.list)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, after, e.now(), pageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	page := make([]row, 0, pageSize)
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.key, &r.raw, &r.expires); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

// Ping implements [cloakroom.Pinger]: it asks for the table.
func (e *Engine) Ping(ctx context.Context) error {
	var one int
	err := e.read.queryRow(ctx, e.statements.ping, nil, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return e.failure("ping", err)
}

// Stats implements [cloakroom.Measurer]. Bytes counts session data, without
// what the database needs around it. It reads the whole table, though not the
// sessions in it.
func (e *Engine) Stats(ctx context.Context) (cloakroom.Stats, error) {
	s := cloakroom.Stats{Corrupt: e.corrupt.Load()}
	now := e.now()
	err := e.read.queryRow(ctx, e.statements.stats, []any{now, now}, &s.Live, &s.Expired, &s.Bytes)
	return s, e.failure("stats", err)
}

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	return cloakroom.Description{
		Engine: "db", BackEnd: e.name, Location: e.location, Persistent: true, Shared: true,
	}
}
