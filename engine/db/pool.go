package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// pool is a database's connections, and the statements prepared on them.
type pool struct {
	*sql.DB
	driverPrepares bool // the driver keeps statements prepared by itself

	// rolledBack reports that the database undid a statement for no fault of
	// the statement's: it may be sent once more.
	rolledBack func(error) bool

	// broken reports that the connection broke and nobody knows what became of
	// the statement: one that only reads may be sent once more.
	broken func(error) bool

	// readOnly reports that the server takes no changes.
	readOnly func(error) bool

	// silence is how long a statement goes without an answer before the idle
	// connections are thought to be cut off as well; 0 where there is no network.
	silence time.Duration
	idle    int // how many are kept

	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
	left     time.Time // when connections to a server that takes no changes were closed last
}

func newPool(db *sql.DB, connections int) *pool {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &pool{DB: db, rolledBack: never, broken: never, readOnly: never, idle: connections, prepared: make(map[string]*sql.Stmt)}
}

func never(error) bool { return false }

// newServerPool is for a server that connector connects to.
func newServerPool(connector driver.Connector, connections int) *pool {
	db := sql.OpenDB(aging{connector, shortestLife, longestLife})
	db.SetConnMaxLifetime(longestLife) // for those that nobody uses
	p := newPool(db, connections)
	p.silence = 100 * time.Millisecond
	return p
}

// heed closes all idle connections when a statement got no answer: a firewall or
// a failover may have cut all of them off, and each would keep somebody waiting
// before it was found out. It also does when the server takes no changes: that may
// have been the primary, and the address lead to another by now.
func (p *pool) heed(err error, began time.Time) {
	silent := p.silence > 0 && errors.Is(err, context.DeadlineExceeded) && time.Since(began) > p.silence
	if silent || err != nil && p.readOnly(err) && p.mayLeave() {
		p.SetMaxIdleConns(0)
		p.SetMaxIdleConns(p.idle)
	}
}

// leaveEvery spares those who only load from a server that stays read-only.
const leaveEvery = time.Second

func (p *pool) mayLeave() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.left) < leaveEvery {
		return false
	}
	p.left = time.Now()
	return true
}

// statement prepares text on its first use, and not before: the table may be
// created after the database was opened.
func (p *pool) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	p.mu.RLock()
	stmt := p.prepared[text]
	p.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.prepared[text]; first != nil {
		return first, stmt.Close()
	}
	p.prepared[text] = stmt
	return stmt, nil
}

// queryRow reads one row into dest, or returns sql.ErrNoRows.
func (p *pool) queryRow(ctx context.Context, text string, args []any, dest ...any) error {
	err := p.queryRowOnce(ctx, text, args, dest)
	if err != nil && ctx.Err() == nil && (p.rolledBack(err) || p.broken(err)) {
		err = p.queryRowOnce(ctx, text, args, dest)
	}
	return err
}

func (p *pool) queryRowOnce(ctx context.Context, text string, args, dest []any) (err error) {
	began := time.Now()
	defer func() { p.heed(err, began) }()
	if p.driverPrepares {
		return p.QueryRowContext(ctx, text, args...).Scan(dest...)
	}
	stmt, err := p.statement(ctx, text)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dest...)
}

func (p *pool) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if p.driverPrepares {
		return p.QueryContext(ctx, text, args...)
	}
	stmt, err := p.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// maxRepeats bounds how often a statement that the database rolls back is sent,
// for a request without a deadline.
const maxRepeats = 20

// exec runs a statement that is a transaction of its own, and says how many
// rows it matched.
func (p *pool) exec(ctx context.Context, text string, args ...any) (n int64, err error) {
	for range maxRepeats {
		n, err = p.execOnce(ctx, text, args)
		if err == nil || !p.rolledBack(err) || ctx.Err() != nil {
			break
		}
	}
	return n, err
}

func (p *pool) execOnce(ctx context.Context, text string, args []any) (int64, error) {
	began := time.Now()
	result, err := p.result(ctx, text, args)
	p.heed(err, began)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (p *pool) result(ctx context.Context, text string, args []any) (sql.Result, error) {
	if p.driverPrepares {
		return p.ExecContext(ctx, text, args...)
	}
	stmt, err := p.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, stmt := range p.prepared {
		errs = append(errs, stmt.Close())
	}
	clear(p.prepared)
	return errors.Join(append(errs, p.DB.Close())...)
}
