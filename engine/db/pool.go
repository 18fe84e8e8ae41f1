package db

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// pool is a database's connections, and the statements prepared on them.
type pool struct {
	*sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

func newPool(db *sql.DB, connections int) *pool {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &pool{DB: db, prepared: make(map[string]*sql.Stmt)}
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
	stmt, err := p.statement(ctx, text)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dest...)
}

// exec runs a statement that is a transaction of its own, and says how many
// rows it changed.
func (p *pool) exec(ctx context.Context, text string, args ...any) (int64, error) {
	stmt, err := p.statement(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
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
