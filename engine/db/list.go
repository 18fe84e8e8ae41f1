package db

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// pageSize is how many rows List holds at a time.
const pageSize = 200

// List implements [cloakroom.Lister], in the order of expiry, so that it reads
// nothing of what has expired. No connection is held while a record is looked
// at. A session whose expiry moves meanwhile may come twice, or not at all if it
// moves to an earlier time.
func (e *Engine) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		if !e.codec.Ready() {
			yield(nil, errNoSecretKey("list"))
			return
		}
		after, last := e.now(), ""
		for {
			page, err := e.page(ctx, after, last)
			if err != nil {
				yield(nil, e.failure("list", err))
				return
			}
			for _, row := range page {
				r, err := e.record(row.key, row.raw, row.expires)
				if err != nil || !r.Expires.After(time.Now()) || !cloakroom.ValidKey(r.Key) {
					continue // unreadable, or nothing that Load would find
				}
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			end := page[len(page)-1]
			after, last = end.expires, end.key
		}
	}
}

type row struct{ key, raw, expires string }

func (e *Engine) page(ctx context.Context, after any, last string) ([]row, error) {
	rows, err := e.read.query(ctx, e.statements.list, after, after, last, pageSize)
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

// Stats implements [cloakroom.Measurer].
//
// On SQLite it reads the whole table, though not the sessions in it, and Bytes
// counts session data alone. On a server Bytes is what the table takes there,
// indexes included, by the server's own books. Live is counted; so is Expired
// up to 100,000, and beyond that it is the server's estimate.
func (e *Engine) Stats(ctx context.Context) (cloakroom.Stats, error) {
	s := cloakroom.Stats{Corrupt: e.corrupt.Load()}
	now := e.now()
	err := e.read.queryRow(ctx, e.statements.stats, []any{now, now}, &s.Live, &s.Expired, &s.Bytes)
	return s, e.failure("stats", err)
}

// PoolStats says how the connections fare that sessions are loaded over, and on a
// server saved over. On SQLite one writes, for all.
func (e *Engine) PoolStats() sql.DBStats { return e.read.DB.Stats() }

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	return cloakroom.Description{
		Engine: "db", BackEnd: e.name, Location: e.location, Persistent: true, Shared: true,
	}
}
