package file

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Add implements [cloakroom.Adder].
func (e *Engine) Add(ctx context.Context, r *cloakroom.Record) error {
	v, err := e.encode("add", r.Data, e.codec.Adopt())
	if err != nil {
		return err
	}
	if !cloakroom.ValidKey(r.Key) {
		return &cloakroom.Error{
			Engine: name, Op: "add", Kind: cloakroom.ErrUnencodable,
			Reason: "the session key is not 32 characters of a-z0-9",
		}
	}
	key, written := r.Key, v.span.written(r.Expires, e.lifetime)
	err = e.inside(ctx, func(p place) error {
		temp := e.newTempName(key) // for nobody to read it half written
		file, err := p.write(temp, v.raw, written)
		if err != nil {
			return err
		}
		defer file.Close()
		if err = p.lock(ctx); err == nil {
			err = e.put(p, key, temp)
		}
		if removed := p.Remove(temp); err == nil {
			err = errors.Join(removed, p.settle())
		}
		return err
	})
	if err != nil {
		return e.failure("add", err)
	}
	r.Version = v
	return nil
}

// put makes the file temp the session's, unless there is one that has not
// expired.
func (e *Engine) put(p place, key, temp string) error {
	now, err := p.read(e.nameOf(key))
	if err == nil {
		defer now.close()
		r, _ := e.record(key, now)
		if e.expiry(r, now).After(time.Now()) {
			return cloakroom.ErrConflict
		}
		err = p.replace(e.nameOf(key), temp, now.info)
	}
	if errors.Is(err, cloakroom.ErrNotFound) || errors.Is(err, cloakroom.ErrGone) {
		err = p.Link(temp, e.nameOf(key))
	}
	if errors.Is(err, fs.ErrExist) {
		return cloakroom.ErrConflict
	}
	return err
}

// Holds implements [cloakroom.Adder].
func (e *Engine) Holds(data map[string]any) error {
	if err := e.codec.Holds(data); err != nil {
		return unencodable("add", err)
	}
	return nil
}
