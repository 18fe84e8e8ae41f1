// Package moving moves a site from one engine to another while people use it:
// nobody is logged out, and nothing is lost.
//
// [New] returns an engine that reads the new, falls back to the old, and writes
// the new. [Copy] copies what nobody has asked for yet. Both put a session into
// the new in the same steps:
//
//  1. Add a marker under the session's key in the new, which has nothing of the
//     session and vanishes by itself. Where there is a session already, that one
//     counts.
//  2. Load the session from the old.
//  3. Save it in the new in the place of that very marker.
//
// Whoever ends a session ends it in the old first and then in the new. So where
// that happens at the same time, step 2 finds nothing, or step 3 finds the marker
// gone, or the session is in the new before it is ended there. None of it hangs
// on who is slow, or ends in the middle: a marker is no session, and who meets
// one asks the old.
//
// Nobody writes to the old any more but to delete. So all who use the sessions
// have to change to the moving engine at the same time. They can change from it
// to the new one as they like once nothing is left in the old: [Copy] empties it
// with [Options.Move].
package moving

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Engine is two engines on the way from one to the other. It is safe for
// concurrent use, also by several processes.
//
// A session that is in the new costs one load, one that is still in the old two,
// and none at all three. The first change moves it. From then on the old is
// asked only where a session is to end earlier than it was to before, and when
// it is ended.
//
// While the old cannot be asked, what is not in the new is
// [cloakroom.ErrUnavailable]. So is every Delete, which does not log out by
// halves.
type Engine struct {
	pair
	isApart atomic.Bool // once that is known
}

var (
	_ cloakroom.Signed    = (*Engine)(nil)
	_ cloakroom.Lister    = (*Engine)(nil)
	_ cloakroom.Pinger    = (*Engine)(nil)
	_ cloakroom.Measurer  = (*Engine)(nil)
	_ cloakroom.Describer = (*Engine)(nil)
)

// New returns an engine that moves sessions to one engine from another. The new
// one has to be a [cloakroom.Adder]. Both stay the caller's to close. Two that keep
// their sessions in the same place are [cloakroom.ErrConfig], which is found out
// before the first session is to end earlier.
func New(to, from cloakroom.Engine) (*Engine, error) {
	p, err := newPair(to, from)
	if err != nil {
		return nil, err
	}
	return &Engine{pair: p}, nil
}

// version is what is needed to save a record: which of the two it came from, and
// what that said.
type version struct {
	old     bool
	stored  any
	expires time.Time // in the new, as far as is known
}

// Load implements [cloakroom.Engine].
func (e *Engine) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if !cloakroom.ValidKey(key) {
		return nil, &cloakroom.Error{Engine: name, Op: "load", Kind: cloakroom.ErrNotFound}
	}
	r, missing := e.loadNew(ctx, key)
	if !mayBeOld(missing) {
		return r, missing
	}
	r, missing = e.from.Load(ctx, key)
	if missing == nil {
		r.Version = version{old: true, stored: r.Version}
		return r, nil
	}
	if !errors.Is(missing, cloakroom.ErrNotFound) {
		return nil, missing
	}
	// It may have moved in between, or somebody who found it there may be moving it yet.
	r, err := e.settled(ctx, key)
	if mayBeOld(err) {
		return nil, missing
	}
	return fromNew(r), err
}

// loadNew loads from the new, where a marker is nothing.
func (e *Engine) loadNew(ctx context.Context, key string) (*cloakroom.Record, error) {
	r, err := e.to.Load(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case isMarker(r):
		return nil, &cloakroom.Error{Engine: name, Op: "load", Kind: cloakroom.ErrNotFound}
	}
	return fromNew(r), nil
}

func fromNew(r *cloakroom.Record) *cloakroom.Record {
	if r != nil {
		r.Version = version{stored: r.Version, expires: r.Expires}
	}
	return r
}

// mayBeOld reports whether an error of the new leaves it to the old.
func mayBeOld(err error) bool {
	return errors.Is(err, cloakroom.ErrNotFound) && !errors.Is(err, cloakroom.ErrCorrupt)
}

// Create implements [cloakroom.Engine], in the new.
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) error {
	created := &cloakroom.Record{Key: r.Key, Data: r.Data, Expires: r.Expires}
	switch was, _ := r.Version.(version); {
	case !was.old:
		created.Version = was.stored
	default: // the session moves to another key, and to another engine
		if err := e.to.Holds(r.Data); err != nil {
			return err
		}
	}
	if err := e.to.Create(ctx, created); err != nil {
		return err
	}
	r.Key, r.Version = created.Key, version{stored: created.Version, expires: r.Expires}
	return nil
}

// Save implements [cloakroom.Engine], in the new. What the new cannot hold as the
// old does is refused, and stays in the old.
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) error {
	if !cloakroom.ValidKey(r.Key) {
		return failed("save", cloakroom.ErrGone)
	}
	was, ours := r.Version.(version)
	if !ours {
		if _, err := e.Load(ctx, r.Key); err != nil {
			return gone("save", err)
		}
		return failed("save", cloakroom.ErrConflict)
	}
	if was.old {
		moved, err := e.bring(ctx, r.Key, func(old *cloakroom.Record) *cloakroom.Record {
			if expires := noEarlier(r.Expires, old.Expires); !expires.Equal(r.Expires) {
				// It moves as it was. What is new comes with the shorter life, in
				// the save below, which may yet be a conflict.
				return &cloakroom.Record{Data: old.Data, Expires: expires}
			}
			return r
		})
		if err != nil {
			return gone("save", err)
		}
		was = version{stored: moved.Version, expires: moved.Expires}
		if !r.Expires.Before(moved.Expires) {
			e.forget(ctx, r.Key)
			r.Version = was
			return nil
		}
	}
	if err := e.shorten(ctx, r.Key, was.expires, r.Expires); err != nil {
		return err
	}
	saved := &cloakroom.Record{Key: r.Key, Data: r.Data, Expires: r.Expires, Version: was.stored}
	if err := e.to.Save(ctx, saved); err != nil {
		if errors.Is(err, cloakroom.ErrConflict) { // perhaps with a marker, which is no session
			if _, missing := e.Load(ctx, r.Key); missing != nil {
				return gone("save", missing)
			}
		}
		return err
	}
	r.Version = version{stored: saved.Version, expires: r.Expires}
	return nil
}

// Delete implements [cloakroom.Engine]: in the old first, so that nobody can move
// the session after it was deleted in the new.
func (e *Engine) Delete(ctx context.Context, key string) error {
	if err := e.from.Delete(ctx, key); err != nil {
		return err
	}
	return e.to.Delete(ctx, key)
}

// Touch implements [cloakroom.Engine], in the new.
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) error {
	for range attempts {
		r, err := e.Load(ctx, key)
		if err != nil {
			return gone("touch", err)
		}
		was := r.Version.(version)
		if was.old {
			moved, err := e.bring(ctx, key, func(old *cloakroom.Record) *cloakroom.Record {
				return &cloakroom.Record{Data: old.Data, Expires: noEarlier(expires, old.Expires)}
			})
			switch {
			case errors.Is(err, cloakroom.ErrConflict):
				continue // somebody else moved it
			case err != nil:
				return gone("touch", err)
			case !expires.Before(moved.Expires):
				e.forget(ctx, key)
				return nil
			}
			was.expires = moved.Expires
		}
		if err := e.shorten(ctx, key, was.expires, expires); err != nil {
			return err
		}
		return e.to.Touch(ctx, key, expires)
	}
	return failed("touch", cloakroom.ErrUnavailable)
}

// shorten deletes what the old still has of a session which is in the new, before
// that is to end earlier. Otherwise the old one would be back then. Where the two are
// the same place there would be nothing left to end.
func (e *Engine) shorten(ctx context.Context, key string, was, expires time.Time) error {
	if !was.IsZero() && !expires.Before(was) {
		return nil
	}
	if !e.isApart.Load() {
		if err := e.apart(ctx); err != nil {
			return err
		}
		e.isApart.Store(true)
	}
	return e.from.Delete(ctx, key)
}

// forget deletes what the old still has of a session that has moved. If that
// fails, it is there for no longer than the session is in the new.
func (e *Engine) forget(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = e.from.Delete(ctx, key)
}

// ClearExpired implements [cloakroom.Engine], in both.
func (e *Engine) ClearExpired(ctx context.Context, limit int) (int, error) {
	n, err := e.to.ClearExpired(ctx, limit)
	if err != nil {
		return n, err
	}
	more, err := e.from.ClearExpired(ctx, limit-n)
	return n + more, err
}

// noEarlier is when a session that moves expires: not before the old one does, as
// long as that is there. One that does not tell is taken to live yet.
func noEarlier(expires, old time.Time) time.Time {
	if old.IsZero() {
		old = time.Now().Add(markerLife)
	}
	if old.After(expires) {
		return old
	}
	return expires
}
