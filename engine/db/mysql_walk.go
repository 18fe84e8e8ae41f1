package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// InnoDB keeps rows in the order of the key. Deleted in that order, all that a
// page holds goes at once; in the order of the expiry, each row is in another
// page.
//
// Deleting only marks a row. Removing what is marked, and joining the pages that
// are left nearly empty, is InnoDB's purge: it costs more than the deleting,
// keeps to no pace, and works on the very pages that a walk has just left. It
// removes nothing that an older snapshot may see. So a walk holds one, and what
// it marked is purged when it is done, as after a single large DELETE.

// What is marked and not yet purged stays in the undo log. A lap bounds that.
const (
	lapRows = 1_000_000
	lapTime = time.Minute
	lapRest = 30 * time.Second
)

// walk goes through a table, clearing it. It belongs to one goroutine.
type walk struct {
	*Engine
	limit func() int
	yield func(int, error) bool

	snapshot *sql.Tx
	began    time.Time // of the lap
	rows     int       // deleted in it
}

// isBacklog reports whether so much has expired that going through the whole
// table is worth it.
func (e *Engine) isBacklog(ctx context.Context) (bool, error) {
	const few, share = 10_000, 10
	if e.statements.walk == "" {
		return false, nil
	}
	var expired int64
	err := e.read.queryRow(ctx, e.statements.some, []any{e.now(), few}, &expired)
	if err != nil || expired < few {
		return false, err
	}
	stats, err := e.Stats(ctx)
	return stats.Expired > stats.Live/share, err
}

// walk clears in the order of the key. It does not look by the expiry for what
// may have expired meanwhile: that would meet every row that is only marked.
func (e *Engine) walk(ctx context.Context, limit func() int, yield func(int, error) bool) {
	w := &walk{Engine: e, limit: limit, yield: yield}
	defer w.endLap()
	start := cloakroom.NewKey() // two that walk at once are in different places
	if w.stretch(ctx, start, "") {
		w.stretch(ctx, "", start)
	}
}

// stretch clears the keys from one to before another, or to the last where end is
// empty. It reports whether to go on.
func (w *walk) stretch(ctx context.Context, from, end string) bool {
	for {
		n, next, err := w.step(ctx, from, end)
		if !w.yield(n, w.failure("clear expired", err)) || err != nil {
			return false
		}
		if next == end {
			return true
		}
		from = next
	}
}

// step looks at limit rows, deletes those that have expired, and says which key
// is next.
func (w *walk) step(ctx context.Context, from, end string) (deleted int, next string, err error) {
	if err := w.lap(ctx); err != nil {
		return 0, "", err
	}
	rows := max(1, w.limit())
	err = w.read.queryRow(ctx, w.statements.ahead, []any{from, rows}, &next)
	switch {
	case errors.Is(err, sql.ErrNoRows) || end != "" && next > end:
		next = end
	case err != nil:
		return 0, "", err
	}
	statement, args := w.statements.walk, []any{from, next, w.now(), rows}
	if next == "" {
		statement, args = w.statements.walkOn, []any{from, w.now(), rows}
	}
	n, err := w.write.exec(ctx, statement, args...)
	w.rows += int(n)
	return int(n), next, err
}

// lap begins one where none is under way. After one that is done it lets the
// purge catch up.
func (w *walk) lap(ctx context.Context) (err error) {
	if w.snapshot != nil {
		took := time.Since(w.began)
		if w.rows < lapRows && took < lapTime {
			return nil
		}
		w.endLap()
		select {
		case <-time.After(min(took, lapRest)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.began, w.rows = time.Now(), 0
	if w.read.Stats().MaxOpenConnections < 2 {
		return nil // there is no connection to spare
	}
	w.snapshot, err = w.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	var one int
	err = w.snapshot.QueryRowContext(ctx, w.statements.ping).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func (w *walk) endLap() {
	if w.snapshot != nil {
		_ = w.snapshot.Rollback() // it has changed nothing
		w.snapshot = nil
	}
}
