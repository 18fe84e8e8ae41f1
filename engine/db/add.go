package db

import (
	"context"
	"database/sql"
	"errors"

	"github.com/cloakroom-go/cloakroom"
)

var _ cloakroom.Adder = (*Engine)(nil)

// Add implements [cloakroom.Adder]. A record that has expired is replaced. Of
// several that add under one key at once, one wins.
//
// A record of another db engine keeps its form. One that was read elsewhere is
// written by the serializer of [WithSerializer]; without that, as JSON if JSON
// says all of it, and as pickle otherwise. See [Engine.Keeps].
func (e *Engine) Add(ctx context.Context, r *cloakroom.Record) error {
	switch {
	case !cloakroom.ValidKey(r.Key):
		return unaddable("the session key has the wrong shape")
	case r.Expires.IsZero():
		return unaddable("nobody said when the session expires")
	}
	was, ours := r.Version.(version)
	if !ours {
		was.form = e.codec.Adopt(r.Data)
	}
	raw, expires, err := e.row("add", r, was.form)
	if err != nil {
		return err
	}
	for range maxRepeats {
		stored, err := e.insert(ctx, r.Key, raw, expires)
		switch {
		case err != nil:
			return e.failure("add", err)
		case stored:
			r.Version = version{raw, was.form}
			return nil
		}
		live, err := e.isLive(ctx, r.Key)
		switch {
		case err != nil:
			return e.failure("add", err)
		case live:
			return &cloakroom.Error{Engine: "db", Op: "add", Kind: cloakroom.ErrConflict}
		}
		// Never a live one: that of somebody who was faster stays.
		if _, err := e.write.exec(ctx, e.statements.expire, r.Key, e.now()); err != nil {
			return e.failure("add", err)
		}
	}
	return &cloakroom.Error{Engine: "db", Op: "add", Kind: cloakroom.ErrConflict}
}

// Keeps reports whether a session that Add or Create stores comes back as it
// was. Where [WithSerializer] says JSON, that is so unless it holds what JSON
// cannot say: bytes, tuples, objects of Python's, such as Horizon's token. Those
// come back as the nearest that JSON has, as with Horizon's own serializer.
func (e *Engine) Keeps(data map[string]any) bool { return e.codec.Keeps(data) }

// insert reports whether the row is stored: not where the key is taken.
func (e *Engine) insert(ctx context.Context, key, raw string, expires any) (bool, error) {
	n, err := e.write.exec(ctx, e.statements.create, key, raw, expires)
	if err != nil && e.isDuplicate(err) {
		return false, nil
	}
	return n > 0, err
}

func (e *Engine) isLive(ctx context.Context, key string) (bool, error) {
	var raw, expires string
	err := e.read.queryRow(ctx, e.statements.load, []any{key, e.now()}, &raw, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func unaddable(why string) error {
	return &cloakroom.Error{Engine: "db", Op: "add", Kind: cloakroom.ErrUnencodable, Reason: why}
}
