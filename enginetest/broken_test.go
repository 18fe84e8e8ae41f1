package enginetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Each of these engines breaks one promise on purpose.

// upserts brings a flushed session back, as a plain SET does.
type upserts struct{ reference }

func (e upserts) Save(ctx context.Context, r *cloakroom.Record) error {
	err := e.reference.Save(ctx, r)
	if errors.Is(err, cloakroom.ErrGone) && cloakroom.ValidKey(r.Key) && r.Expires.After(time.Now()) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.records[r.Key] == nil {
			e.put(r)
			return nil
		}
	}
	return err
}

// outageNotFound logs everybody out when the back end is away, as Django does.
type outageNotFound struct{ reference }

func (e outageNotFound) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	r, err := e.reference.Load(ctx, key)
	if errors.Is(err, cloakroom.ErrUnavailable) {
		err = fail("load", cloakroom.ErrNotFound)
	}
	return r, err
}

// losesExpiry keeps for ever what is saved to live on.
type losesExpiry struct{ reference }

func (e losesExpiry) Save(ctx context.Context, r *cloakroom.Record) error {
	if r.Expires.After(time.Now()) {
		r.Expires = r.Expires.AddDate(100, 0, 0)
	}
	return e.reference.Save(ctx, r)
}

// adopts lets a client choose its session key.
type adopts struct{ reference }

func (e adopts) Create(ctx context.Context, r *cloakroom.Record) error {
	given := r.Key
	if err := e.reference.Create(ctx, r); err != nil || !cloakroom.ValidKey(given) {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.records, r.Key)
	r.Key = given
	e.put(r)
	return nil
}

// touchRevives writes back what it read before the flush.
type touchRevives struct {
	reference
	seen sync.Map
}

func (e *touchRevives) Create(ctx context.Context, r *cloakroom.Record) error {
	err := e.reference.Create(ctx, r)
	if err == nil {
		e.seen.Store(r.Key, *r)
	}
	return err
}

func (e *touchRevives) Touch(ctx context.Context, key string, expires time.Time) error {
	err := e.reference.Touch(ctx, key, expires)
	if !errors.Is(err, cloakroom.ErrGone) {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	seen, ok := e.seen.Load(key)
	if !ok || e.records[key] != nil {
		return err
	}
	r := seen.(cloakroom.Record)
	r.Expires = expires
	e.put(&r)
	return nil
}

// conflictWrites reports the conflict that it then ignores.
type conflictWrites struct{ reference }

func (e conflictWrites) Save(ctx context.Context, r *cloakroom.Record) error {
	err := e.reference.Save(ctx, r)
	if errors.Is(err, cloakroom.ErrConflict) && r.Expires.After(time.Now()) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.records[r.Key].Data = r.Data
	}
	return err
}

// gap compares in one step and swaps in another.
type gap struct{ reference }

func (e gap) Save(ctx context.Context, r *cloakroom.Record) error {
	e.mu.Lock()
	old := e.live(r.Key)
	same := old != nil && old.Version == r.Version
	e.mu.Unlock()
	time.Sleep(time.Millisecond)
	if same {
		e.mu.Lock()
		if now := e.live(r.Key); now != nil {
			r.Version = now.Version
		}
		e.mu.Unlock()
	}
	return e.reference.Save(ctx, r)
}

// clearsAll holds its locks for as long as it takes.
type clearsAll struct{ reference }

func (e clearsAll) ClearExpired(ctx context.Context, _ int) (int, error) {
	return e.reference.ClearExpired(ctx, 1<<30)
}

// listRepeats yields the first record of a large store again at the end, as
// paging by offset does.
type listRepeats struct{ reference }

func (e listRepeats) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		var first *cloakroom.Record
		n := 0
		for r, err := range e.reference.List(ctx) {
			if first == nil {
				first = r
			}
			if n++; !yield(r, err) {
				return
			}
		}
		if n > 200 {
			yield(first, nil)
		}
	}
}

// tellsKey puts a credential into the log.
type tellsKey struct{ reference }

func (e tellsKey) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	r, err := e.reference.Load(ctx, key)
	if err != nil && cloakroom.ValidKey(key) {
		err = fmt.Errorf("session %q: %w", key, err)
	}
	return r, err
}

// flushes remembers when it flushed what, and lags is a handle that learns of
// it a second late, as one with a cache of its own does.
type flushes struct {
	reference
	flushed sync.Map
}

type flush struct {
	cloakroom.Record
	at time.Time
}

func (e *flushes) Delete(ctx context.Context, key string) error {
	if r, err := e.Load(ctx, key); err == nil {
		e.flushed.Store(key, flush{*r, time.Now()})
	}
	return e.reference.Delete(ctx, key)
}

type lags struct{ *flushes }

func (e lags) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if f, ok := e.flushed.Load(key); ok && time.Since(f.(flush).at) < time.Second {
		r := f.(flush).Record
		return &r, nil
	}
	return e.flushes.Load(ctx, key)
}
