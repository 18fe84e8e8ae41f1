package db

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"github.com/cloakroom-go/cloakroom"
)

// ClearExpired implements [cloakroom.Engine] as one transaction, those that
// expired first going first. On SQLite nobody else can write meanwhile: choose a
// limit of some hundreds.
func (e *Engine) ClearExpired(ctx context.Context, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	n, err := e.write.exec(ctx, e.statements.clear, e.now(), limit)
	return int(n), e.failure("clear expired", err)
}

// Sweep implements [cloakroom.Sweeper]. A backlog on MySQL it clears in the order
// of the key, and everything else in that of the expiry.
//
// InnoDB keeps rows in the order of the key. In the order of the expiry each row
// deleted is in another page, and a backlog takes many times as long.
func (e *Engine) Sweep(ctx context.Context, limit func() int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		goOn := func(n int, err error) bool {
			return yield(n, e.failure("clear expired", err)) && err == nil
		}
		walk, err := e.isBacklog(ctx)
		if err != nil {
			goOn(0, err)
			return
		}
		if walk {
			// Two that sweep at once begin in different places.
			middle := cloakroom.NewKey()
			if !e.walk(ctx, middle, "", limit, goOn) || !e.walk(ctx, "", middle, limit, goOn) {
				return
			}
		}
		for {
			n, err := e.write.exec(ctx, e.statements.clear, e.now(), max(1, limit()))
			if n == 0 && err == nil || !goOn(int(n), err) {
				return
			}
		}
	}
}

// isBacklog reports whether so much has expired that reading the whole table is
// worth it.
func (e *Engine) isBacklog(ctx context.Context) (bool, error) {
	const few, share = 10_000, 10
	if e.statements.walk == "" {
		return false, nil
	}
	var expired int64
	if err := e.read.queryRow(ctx, e.statements.some, []any{e.now(), few}, &expired); err != nil || expired < few {
		return false, err
	}
	stats, err := e.Stats(ctx)
	return stats.Expired > stats.Live/share, err
}

// walk clears the keys from one to before another, or to the last where end is
// empty, in stretches of at most limit() rows. It reports whether to go on.
func (e *Engine) walk(ctx context.Context, from, end string, limit func() int, goOn func(int, error) bool) bool {
	for {
		rows, to := max(1, limit()), ""
		err := e.read.queryRow(ctx, e.statements.ahead, []any{from, rows}, &to)
		last := errors.Is(err, sql.ErrNoRows) || end != "" && to >= end
		switch {
		case last:
			to = end
		case err != nil:
			return goOn(0, err)
		}
		statement, args := e.statements.walk, []any{from, to, e.now(), rows}
		if to == "" {
			statement, args = e.statements.walkOn, []any{from, e.now(), rows}
		}
		n, err := e.write.exec(ctx, statement, args...)
		if !goOn(int(n), err) {
			return false
		}
		if last {
			return true
		}
		from = to
	}
}
