package db

import (
	"context"
	"iter"
)

// ClearExpired implements [cloakroom.Engine] as one transaction, in the order of
// the expiry. On SQLite nobody else can write meanwhile: choose a limit of some
// hundreds.
func (e *Engine) ClearExpired(ctx context.Context, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	n, err := e.write.exec(ctx, e.statements.clear, e.now(), limit)
	return int(n), e.failure("clear expired", err)
}

// Sweep implements [cloakroom.Sweeper]. A backlog on MySQL or MariaDB is cleared
// in the order of the key, everything else in that of the expiry.
func (e *Engine) Sweep(ctx context.Context, limit func() int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		backlog, err := e.isBacklog(ctx)
		if err != nil {
			yield(0, e.failure("clear expired", err))
			return
		}
		if backlog {
			e.walk(ctx, limit, yield)
			return
		}
		for {
			n, err := e.ClearExpired(ctx, min(max(1, limit()), e.atOnce))
			if n == 0 && err == nil || !yield(n, err) || err != nil {
				return
			}
		}
	}
}
