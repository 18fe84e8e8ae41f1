package db

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// groupWriter commits the writes of concurrent requests together. A transaction
// costs one wait for the disk, however many writes are in it.
//
// A write that arrives while nothing is under way starts a goroutine, which ends
// as soon as nothing is left to write.
//
// SQLite needs it. A server commits the writes of many connections together by
// itself.
type groupWriter struct {
	*pool
	isBusy  func(error) bool
	mu      sync.Mutex
	queue   []*write
	running bool
	runs    sync.WaitGroup
}

// write is one statement to run.
type write struct {
	ctx  context.Context
	text string
	args []any

	rows int64
	err  error
	done chan struct{} // closed once rows and err are final
}

// maxTogether bounds how long one transaction keeps other processes waiting.
const maxTogether = 64

// exec is pool.exec, sharing its transaction with others. When ctx ends during
// the statement's turn, the statement may take place all the same: waiting to
// know would be waiting for a disk that hangs.
func (w *groupWriter) exec(ctx context.Context, text string, args ...any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	one := &write{ctx: ctx, text: text, args: args, done: make(chan struct{})}
	w.mu.Lock()
	w.queue = append(w.queue, one)
	if !w.running {
		w.running = true
		w.runs.Go(w.run)
	}
	w.mu.Unlock()
	select {
	case <-one.done:
		return one.rows, one.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (w *groupWriter) run() {
	for {
		w.mu.Lock()
		n := min(len(w.queue), maxTogether)
		batch := w.queue[:n:n]
		w.queue = w.queue[n:]
		if n == 0 {
			w.running, w.queue = false, nil
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.commit(batch)
		for _, one := range batch {
			close(one.done)
		}
	}
}

// commit runs a batch as one transaction. When one of them fails, each is tried
// alone, so that it gets its own answer.
func (w *groupWriter) commit(batch []*write) {
	if len(batch) > 1 && w.together(batch) {
		return
	}
	for _, one := range batch {
		if one.err = one.ctx.Err(); one.err == nil {
			one.err = w.patiently(func() (err error) {
				one.rows, err = w.pool.exec(one.ctx, one.text, one.args...)
				return err
			})
		}
	}
}

// together reports whether all of batch is committed, or none can be.
func (w *groupWriter) together(batch []*write) bool {
	// No single request's context may end what others wait for.
	ctx := context.Background()
	statements := make([]*sql.Stmt, len(batch))
	for i, one := range batch {
		var err error
		if statements[i], err = w.statement(ctx, one.text); err != nil {
			return false
		}
	}
	tx, err := w.begin(ctx)
	if err != nil {
		for _, one := range batch {
			one.err = err
		}
		return true
	}
	for i, one := range batch {
		if one.err = one.ctx.Err(); one.err != nil {
			continue // nobody waits for it any more
		}
		result, err := tx.StmtContext(ctx, statements[i]).ExecContext(ctx, one.args...)
		if err == nil {
			one.rows, err = result.RowsAffected()
		}
		if err != nil {
			_ = tx.Rollback() // the failure shows again, alone
			return false
		}
	}
	return tx.Commit() == nil
}

// begin begins a transaction that may write.
func (w *groupWriter) begin(ctx context.Context) (tx *sql.Tx, err error) {
	err = w.patiently(func() error {
		tx, err = w.BeginTx(ctx, nil)
		return err
	})
	return tx, err
}

// patience is how long a write waits for other processes' transactions when its
// context sets no earlier end. It is what Python's sqlite3, and so Django, waits.
const patience = 5 * time.Second

// patiently repeats what another process's transaction was in the way of.
func (w *groupWriter) patiently(do func() error) error {
	for end := time.Now().Add(patience); ; {
		if err := do(); !w.isBusy(err) || time.Now().After(end) {
			return err
		}
	}
}

func (w *groupWriter) close() error {
	w.runs.Wait()
	return w.pool.close()
}
