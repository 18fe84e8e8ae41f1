// Package db keeps sessions in the table django_session of a database, as
// Django's django.contrib.sessions.backends.db does. Both may use one table at
// the same time, and see each other's sessions.
//
// The databases are SQLite, MySQL and MariaDB, and PostgreSQL; see [Open].
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
)

// Engine is Django's db engine. It is safe for concurrent use, also by several
// processes on one database.
//
// It needs a secret key: [cloakroom.WithSecretKey] on the Manager, or
// [Engine.WithSecretKeys]. Without one it reads and writes no session.
type Engine struct {
	*database
	codec session.Codec
}

var (
	_ cloakroom.Signed    = (*Engine)(nil)
	_ cloakroom.Lister    = (*Engine)(nil)
	_ cloakroom.Pinger    = (*Engine)(nil)
	_ cloakroom.Measurer  = (*Engine)(nil)
	_ cloakroom.Describer = (*Engine)(nil)
)

// database is what engines with different secret keys share.
type database struct {
	dialect
	location string
	zone     *time.Location
	read     *pool
	write    writer
	corrupt  atomic.Int64

	// migrate creates what is missing of the tables, and may be repeated.
	migrate func(ctx context.Context, now any) error
}

// writer runs statements of which each is a transaction of its own, and says
// how many rows they matched.
type writer interface {
	exec(ctx context.Context, text string, args ...any) (int64, error)
	close() error
}

// WithSecretKeys returns an engine on the same database, so closing either
// closes both. Its keys are Django's SECRET_KEY and SECRET_KEY_FALLBACKS.
func (e *Engine) WithSecretKeys(current string, fallbacks ...string) cloakroom.Engine {
	return &Engine{database: e.database, codec: e.codec.WithSecretKeys(current, fallbacks...)}
}

// Close waits for what is under way and closes the database.
func (e *Engine) Close() error {
	return errors.Join(e.read.close(), e.write.close())
}

// Load implements [cloakroom.Engine].
func (e *Engine) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if !e.codec.Ready() {
		return nil, errNoSecretKey("load")
	}
	if !cloakroom.ValidKey(key) {
		return nil, notFound(nil)
	}
	var raw, expires string
	err := e.read.queryRow(ctx, e.statements.load, []any{key, e.now()}, &raw, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, notFound(nil)
	case err != nil:
		return nil, e.failure("load", err)
	}
	record, err := e.record(key, raw, expires)
	if err != nil {
		return nil, notFound(err)
	}
	return record, nil
}

// record makes sense of a row. It returns an error when there is none in it.
func (e *Engine) record(key, raw, expires string) (*cloakroom.Record, error) {
	decoded, err := e.codec.Decode(raw, 0)
	if err == nil {
		var at time.Time
		if at, err = e.parseTime(expires, e.zone); err == nil {
			return &cloakroom.Record{
				Key: key, Data: decoded.Data, Expires: at, Version: version{raw, decoded.Form}, Size: len(raw),
			}, nil
		}
	}
	e.corrupt.Add(1)
	return nil, fmt.Errorf("%w: %w", cloakroom.ErrCorrupt, err)
}

// Create implements [cloakroom.Engine]. A session that moves to a new key keeps
// its form.
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) error {
	was, _ := r.Version.(version)
	raw, expires, err := e.row("create", r, was.form)
	if err != nil {
		return err
	}
	for {
		key := cloakroom.NewKey()
		stored, err := e.insert(ctx, key, raw, expires)
		switch {
		case err != nil:
			return e.failure("create", err)
		case stored:
			r.Key, r.Version = key, version{raw, was.form}
			return nil
		}
	}
}

// version is the text that was read, and how it said it.
type version struct {
	raw  string
	form session.Form
}

// Save implements [cloakroom.Engine]. It takes place only where the row still
// holds the text that was read.
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) error {
	was, _ := r.Version.(version)
	raw, expires, err := e.row("save", r, was.form)
	if err != nil {
		return err
	}
	if !cloakroom.ValidKey(r.Key) {
		return gone("save")
	}
	statement, args := e.statements.save, []any{raw, expires, r.Key, was.raw, e.now()}
	if !r.Expires.After(time.Now()) {
		statement, args = e.statements.end, args[2:]
	}
	for range maxRepeats {
		n, err := e.write.exec(ctx, statement, args...)
		switch {
		case err != nil:
			return e.failure("save", err)
		case n > 0:
			r.Version = version{raw, was.form}
			return nil
		}
		if err := e.unsaved(ctx, r.Key, was.raw); err != nil {
			return err
		}
	}
	return &cloakroom.Error{Engine: "db", Op: "save", Kind: cloakroom.ErrConflict}
}

// unsaved tells why a save changed no row. It answers nil when the row is as it
// was read all the same: then the save can be tried again. MariaDB was seen to
// do that once in tens of thousands of saves that met a delete and a touch.
func (e *Engine) unsaved(ctx context.Context, key, was string) error {
	var raw, expires string
	err := e.read.queryRow(ctx, e.statements.load, []any{key, e.now()}, &raw, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return gone("save")
	case err != nil:
		return e.failure("save", err)
	case raw != was:
		return &cloakroom.Error{Engine: "db", Op: "save", Kind: cloakroom.ErrConflict}
	}
	return nil
}

// Delete implements [cloakroom.Engine].
func (e *Engine) Delete(ctx context.Context, key string) error {
	if !cloakroom.ValidKey(key) {
		return nil
	}
	_, err := e.write.exec(ctx, e.statements.delete, key)
	return e.failure("delete", err)
}

// Touch implements [cloakroom.Engine]. It leaves the version as it is.
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) error {
	if !cloakroom.ValidKey(key) {
		return gone("touch")
	}
	at, err := e.expiry("touch", expires)
	if err != nil {
		return err
	}
	n, err := e.write.exec(ctx, e.statements.touch, at, key, e.now())
	switch {
	case err != nil:
		return e.failure("touch", err)
	case n == 0:
		return gone("touch")
	}
	return nil
}

// ClearExpired implements [cloakroom.Engine] as one short transaction, in which
// nobody else can write: choose a limit of some hundreds.
func (e *Engine) ClearExpired(ctx context.Context, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	n, err := e.write.exec(ctx, e.statements.clear, e.now(), limit)
	return int(n), e.failure("clear expired", err)
}

// row is what the table keeps of a record besides its key.
func (e *Engine) row(op string, r *cloakroom.Record, form session.Form) (raw string, expires any, err error) {
	if !e.codec.Ready() {
		return "", nil, errNoSecretKey(op)
	}
	if expires, err = e.expiry(op, r.Expires); err != nil {
		return "", nil, err
	}
	if raw, err = e.codec.Encode(r.Data, form); err != nil {
		return "", nil, e.unencodable(op, err)
	}
	return raw, expires, nil
}

func (e *Engine) expiry(op string, at time.Time) (any, error) {
	// A day is left for the time zone.
	if year := at.Add(24 * time.Hour).UTC().Year(); year < 1 || year > 9999 {
		return nil, &cloakroom.Error{
			Engine: "db", Op: op, Kind: cloakroom.ErrUnencodable,
			Reason: "the session would expire outside the years 1 to 9999",
		}
	}
	return e.formatTime(at, e.zone), nil
}

func (e *Engine) now() any { return e.formatTime(time.Now(), e.zone) }
