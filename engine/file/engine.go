// Package file keeps sessions in files of one folder, as Django's
// django.contrib.sessions.backends.file does. Both may use one folder at the
// same time, and see each other's sessions.
//
// A session is one file, named for the session cookie and the session key. Its
// expiry follows from the time that the file bears. Django never lets a session
// expire whose _session_expiry is a number; here it ends after so many seconds
// without a save, as it does in Django's other engines.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
)

// Engine is Django's file engine. It is safe for concurrent use, also by several
// processes on one folder. It holds nothing open and needs no closing.
//
// It needs a secret key: [cloakroom.WithSecretKey] on the Manager, or
// [Engine.WithSecretKeys]. Without one it reads and writes no session.
//
// What was acknowledged survives the end of the process and, as far as the disk
// keeps what it has confirmed, the loss of power; but for the expiry that Touch
// moved, which the loss of power may move back.
//
// Django takes no lock. On Linux a save here loses nothing that Django saved,
// and brings back nothing that Django deleted, in between. Django's own saves
// replace whatever is there.
type Engine struct {
	*folder
	codec session.Codec
}

var (
	_ cloakroom.Signed    = (*Engine)(nil)
	_ cloakroom.Adder     = (*Engine)(nil)
	_ cloakroom.Lister    = (*Engine)(nil)
	_ cloakroom.Sweeper   = (*Engine)(nil)
	_ cloakroom.Pinger    = (*Engine)(nil)
	_ cloakroom.Measurer  = (*Engine)(nil)
	_ cloakroom.Describer = (*Engine)(nil)
)

// WithSecretKeys returns an engine on the same folder. Its keys are Django's
// SECRET_KEY and SECRET_KEY_FALLBACKS.
func (e *Engine) WithSecretKeys(current string, fallbacks ...string) cloakroom.Engine {
	return &Engine{folder: e.folder, codec: e.codec.WithSecretKeys(current, fallbacks...)}
}

// version is the text that was read, and what it said.
type version struct {
	raw  string
	form session.Form
	span lifespan
}

// Load implements [cloakroom.Engine]. What it finds expired it removes, as Django
// does; Django itself might take it for live.
func (e *Engine) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if !e.codec.Ready() {
		return nil, errNoSecretKey("load")
	}
	if !cloakroom.ValidKey(key) {
		return nil, failed("load", cloakroom.ErrNotFound)
	}
	var s stored
	err := e.inside(ctx, func(p place) (err error) {
		if s, err = p.read(e.nameOf(key)); err == nil {
			s.close()
		}
		return err
	})
	if err != nil {
		return nil, e.failure("load", err)
	}
	r, err := e.record(key, s)
	switch {
	case err != nil:
		e.corrupt.Add(1)
		return nil, &cloakroom.Error{Engine: name, Op: "load", Kind: cloakroom.ErrNotFound, Err: err}
	case expired(r):
		_ = e.inside(ctx, func(p place) error { // or ClearExpired will
			_, err := p.removeIf(ctx, e.nameOf(key), e.isOver)
			return err
		})
		return nil, failed("load", cloakroom.ErrNotFound)
	}
	return r, nil
}

// record makes sense of a file. It returns an error when there is none in it.
func (e *Engine) record(key string, s stored) (*cloakroom.Record, error) {
	decoded, err := e.codec.Decode(s.raw, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", cloakroom.ErrCorrupt, err)
	}
	span := lifespanOf(decoded.Data)
	return &cloakroom.Record{
		Key: key, Data: decoded.Data, Expires: span.expires(s.info.ModTime(), e.lifetime),
		Version: version{s.raw, decoded.Form, span}, Size: len(s.raw),
	}, nil
}

// Create implements [cloakroom.Engine].
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) error {
	was, _ := r.Version.(version) // a session that moves to a new key keeps its form
	v, err := e.encode("create", r.Data, was.form)
	if err != nil {
		return err
	}
	var key string
	written := v.span.written(r.Expires, e.lifetime)
	err = e.inside(ctx, func(p place) error {
		for {
			key = cloakroom.NewKey()
			file, err := p.write(e.nameOf(key), v.raw, written)
			switch {
			case err == nil:
				return errors.Join(p.dir.Sync(), file.Close())
			case !errors.Is(err, fs.ErrExist):
				return err
			}
		}
	})
	if err != nil {
		return e.failure("create", err)
	}
	r.Key, r.Version = key, v
	return nil
}

// Save implements [cloakroom.Engine]. It takes place only where the file still
// holds the text that was read.
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) error {
	was, _ := r.Version.(version)
	v, err := e.encode("save", r.Data, was.form)
	if err != nil {
		return err
	}
	if !cloakroom.ValidKey(r.Key) {
		return failed("save", cloakroom.ErrGone)
	}
	key, expires := r.Key, r.Expires
	err = e.inside(ctx, func(p place) error {
		if !expires.After(time.Now()) {
			return e.end(ctx, p, key, was)
		}
		// All that takes long comes before the lock.
		temp := e.newTempName(key)
		file, err := p.write(temp, v.raw, v.span.written(expires, e.lifetime))
		if err != nil {
			return err
		}
		defer file.Close()
		if err := p.lock(ctx); err != nil {
			return errors.Join(err, p.Remove(temp))
		}
		now, err := e.current(p, key, was)
		if err == nil {
			err = p.replace(e.nameOf(key), temp, now.info)
			now.close()
		}
		if removed := p.Remove(temp); err == nil { // what was replaced, by now
			err = errors.Join(removed, p.settle())
		}
		return err
	})
	if err != nil {
		return e.failure("save", err)
	}
	r.Version = v
	return nil
}

// end deletes the file if it is what was read.
func (e *Engine) end(ctx context.Context, p place, key string, was version) error {
	if err := p.lock(ctx); err != nil {
		return err
	}
	now, err := e.current(p, key, was)
	if err != nil {
		return err
	}
	now.close()
	if err := p.Remove(e.nameOf(key)); err != nil {
		return missing(err, cloakroom.ErrGone)
	}
	return p.settle()
}

// current returns the file as it is now, if that is what was read.
func (e *Engine) current(p place, key string, was version) (stored, error) {
	now, err := p.read(e.nameOf(key))
	if err != nil {
		return stored{}, ended(err)
	}
	span := was.span
	if now.raw != was.raw || was.raw == "" { // an empty file is no session
		var r *cloakroom.Record
		if r, err = e.record(key, now); err == nil {
			span, err = r.Version.(version).span, cloakroom.ErrConflict
		}
	}
	if errors.Is(err, cloakroom.ErrCorrupt) || !span.expires(now.info.ModTime(), e.lifetime).After(time.Now()) {
		err = cloakroom.ErrGone
	}
	if err != nil {
		now.close()
		return stored{}, err
	}
	return now, nil
}

// ended is err as it is to a change: what is not found has ended.
func ended(err error) error {
	if errors.Is(err, cloakroom.ErrNotFound) {
		return cloakroom.ErrGone
	}
	return err
}

func expired(r *cloakroom.Record) bool { return !r.Expires.After(time.Now()) }

// Delete implements [cloakroom.Engine].
func (e *Engine) Delete(ctx context.Context, key string) error {
	if !cloakroom.ValidKey(key) {
		return nil
	}
	err := e.inside(ctx, func(p place) error {
		if err := p.lock(ctx); err != nil {
			return err
		}
		if err := p.Remove(e.nameOf(key)); err != nil {
			return missing(err, nil)
		}
		return p.settle()
	})
	return e.failure("delete", err)
}

// Touch implements [cloakroom.Engine]. It leaves the version as it is.
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) error {
	if !e.codec.Ready() {
		return errNoSecretKey("touch")
	}
	if !cloakroom.ValidKey(key) {
		return failed("touch", cloakroom.ErrGone)
	}
	err := e.inside(ctx, func(p place) error {
		if err := p.lock(ctx); err != nil {
			return err
		}
		s, err := p.read(e.nameOf(key))
		if err != nil {
			return ended(err)
		}
		defer s.close()
		r, err := e.record(key, s)
		if err != nil || expired(r) {
			return cloakroom.ErrGone
		}
		return p.Chtimes(e.nameOf(key), time.Time{}, r.Version.(version).span.written(expires, e.lifetime))
	})
	return e.failure("touch", err)
}

// encode is what the file keeps of a record.
func (e *Engine) encode(op string, data map[string]any, form session.Form) (version, error) {
	if !e.codec.Ready() {
		return version{}, errNoSecretKey(op)
	}
	raw, err := e.codec.Encode(data, form)
	if err != nil {
		return version{}, unencodable(op, err)
	}
	return version{raw, form, lifespanOf(data)}, nil
}
