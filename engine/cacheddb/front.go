package cacheddb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

const (
	// attempts bounds how often a load asks again because the session changes
	// under it.
	attempts = 5

	// othersTurn is how long a load waits for what somebody else is filling the
	// cache with.
	othersTurn = 50 * time.Millisecond
)

// Option changes how [New] sets an engine up.
type Option func(*front)

// WithKeyPrefix is the KEY_PREFIX of Django's CACHES. The default is empty.
func WithKeyPrefix(prefix string) Option { return func(f *front) { f.keyPrefix = prefix } }

// WithVersion is the VERSION of Django's CACHES. The default is 1.
func WithVersion(version int) Option { return func(f *front) { f.version = version } }

// WithLogger says where it is told that the cache fell silent, and that it is
// back. The default is [slog.Default].
func WithLogger(log *slog.Logger) Option { return func(f *front) { f.log = log } }

// front is the cache, and how far each of its servers is to be trusted.
type front struct {
	cache     cache.Cache
	keyPrefix string
	version   int
	log       *slog.Logger
	shards    cloakroom.Sharded // nil if it is not
	servers   []*health
	leases    atomic.Int32 // whether the cache keeps leases: unknown, yes or no
}

const (
	unknown = iota
	yes
	no
)

func newFront(c cache.Cache, options []Option) *front {
	f := &front{cache: c, version: 1, log: slog.Default()}
	for _, o := range options {
		o(f)
	}
	servers := 1
	if shards, ok := c.(cloakroom.Sharded); ok {
		f.shards, servers = shards, shards.Shards()
	}
	for range servers {
		f.servers = append(f.servers, newHealth(f))
	}
	return f
}

// healthOf is that of the server which has the session under key.
func (f *front) healthOf(key string) *health {
	if f.shards == nil {
		return f.servers[0]
	}
	return f.servers[f.shards.Shard(f.nameOf(key))]
}

func (f *front) nameOf(key string) string {
	return fmt.Sprintf("%s:%d:django.contrib.sessions.cached_db%s", f.keyPrefix, f.version, key)
}

// answered reports whether err is what a cache that is there may say.
func answered(err error) bool {
	for _, kind := range []error{
		cloakroom.ErrNotFound, cloakroom.ErrCorrupt, cloakroom.ErrConflict, cloakroom.ErrGone,
		cloakroom.ErrTooLarge, cloakroom.ErrUnencodable,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return err == nil
}

// overtaken reports whether somebody else changed what is in the cache.
func overtaken(err error) bool {
	return errors.Is(err, cloakroom.ErrConflict) || errors.Is(err, cloakroom.ErrGone)
}

func (f *front) get(ctx context.Context, key string) (r *cloakroom.Record, err error) {
	err = f.healthOf(key).ask(ctx, func(ctx context.Context) error {
		r, err = f.cache.Get(ctx, f.nameOf(key))
		return err
	})
	return r, err
}

// lookUp returns what the cache has of a session. With it, or without, comes a
// lease where the store has to be asked as well. Neither means that there is
// nothing to be had of the cache.
func (f *front) lookUp(ctx context.Context, key string) (cached, lease *cloakroom.Record) {
	const step = 2 * time.Millisecond
	waited := time.Duration(0)
	for range attempts + int(othersTurn/step) {
		found, err := f.get(ctx, key)
		switch {
		case errors.Is(err, cloakroom.ErrCorrupt):
			_ = f.drop(ctx, key)
			continue
		case err == nil && isLease(found) && waited < othersTurn:
			waited += step
			select {
			case <-time.After(step):
			case <-ctx.Done():
				return nil, nil
			}
			continue
		case err == nil && f.believes(key, found):
			return found, nil
		}
		if lease, err = f.leave(ctx, key, found, err); err == nil {
			if found != nil && !isLease(found) {
				cached = found
			}
			return cached, lease
		}
		if !overtaken(err) {
			return nil, nil
		}
	}
	return nil, nil
}

// believes reports whether what is in the cache under key is a session, and to be
// served.
func (f *front) believes(key string, found *cloakroom.Record) bool {
	return !isLease(found) && f.healthOf(key).isTrusted() && !expired(found)
}

func expired(r *cloakroom.Record) bool {
	return !r.Expires.IsZero() && !r.Expires.After(time.Now())
}

// lease leaves a lease in place of what is in the cache: of what is known to be
// there, or else of whatever there is.
func (f *front) lease(ctx context.Context, key string, cached any) (*cloakroom.Record, error) {
	found, err := &cloakroom.Record{Version: cached}, error(nil)
	if cached == nil {
		found, err = f.get(ctx, key)
	}
	return f.leave(ctx, key, found, err)
}

// leave leaves a lease in place of what was found.
func (f *front) leave(ctx context.Context, key string, found *cloakroom.Record, err error) (*cloakroom.Record, error) {
	if err != nil && !errors.Is(err, cloakroom.ErrNotFound) {
		return nil, err
	}
	if !f.canLease(ctx, key) {
		return nil, errors.ErrUnsupported
	}
	lease := newLease()
	if err == nil {
		lease.Version = found.Version
		err = f.swap(ctx, key, lease)
	} else {
		err = f.add(ctx, key, lease)
	}
	if err != nil {
		return nil, err
	}
	return lease, nil
}

func (f *front) swap(ctx context.Context, key string, r *cloakroom.Record) error {
	return f.healthOf(key).ask(ctx, func(ctx context.Context) error { return f.cache.Swap(ctx, f.nameOf(key), r) })
}

func (f *front) add(ctx context.Context, key string, r *cloakroom.Record) error {
	return f.healthOf(key).ask(ctx, func(ctx context.Context) error {
		added, err := f.cache.Add(ctx, f.nameOf(key), r)
		if err == nil && !added {
			err = cloakroom.ErrConflict
		}
		return err
	})
}

// canLease reports whether the cache gives a lease back as one, which it has to
// be asked for once: Django would take any other for a session.
func (f *front) canLease(ctx context.Context, key string) bool {
	if f.leases.Load() != unknown {
		return f.leases.Load() == yes
	}
	server := f.healthOf(key)
	var kept *cloakroom.Record
	err := server.ask(ctx, func(ctx context.Context) (err error) {
		kept, err = f.probe(ctx, server)
		return err
	})
	switch {
	case err == nil && isLease(kept):
		f.leases.Store(yes)
		return true
	case answered(err) && !errors.Is(err, cloakroom.ErrNotFound):
		f.leases.Store(no)
	}
	return false
}

// probe leaves a lease on one of the servers, under a name that is no session's,
// and returns what it comes back as.
func (f *front) probe(ctx context.Context, server *health) (*cloakroom.Record, error) {
	probe := ""
	for probe == "" || f.healthOf(probe) != server {
		probe = "_cloakroom_probe_" + cloakroom.NewKey()
	}
	if _, err := f.cache.Add(ctx, f.nameOf(probe), newLease()); err != nil {
		return nil, err
	}
	kept, err := f.cache.Get(ctx, f.nameOf(probe))
	if err == nil {
		err = f.cache.Delete(ctx, f.nameOf(probe))
	}
	return kept, err
}

// fill puts a record in the place of a lease, and returns its version there.
func (f *front) fill(ctx context.Context, key string, lease, r *cloakroom.Record) (any, error) {
	filling := &cloakroom.Record{Data: r.Data, Expires: r.Expires, Version: lease.Version}
	if err := f.swap(ctx, key, filling); err != nil {
		return nil, err
	}
	return filling.Version, nil
}

// drop removes what the cache has of a session, if it answers.
func (f *front) drop(ctx context.Context, key string) error {
	patience := patience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, max(time.Until(deadline), overtime))
	}
	// Whether the visitor is still there does not matter.
	return f.healthOf(key).askFor(context.WithoutCancel(ctx), patience, func(ctx context.Context) error {
		return f.cache.Delete(ctx, f.nameOf(key))
	})
}

// forget removes what the cache has of a session that was changed. A cache that
// does not answer is told as soon as it does, and believed no earlier.
func (f *front) forget(ctx context.Context, key string) {
	if f.drop(ctx, key) == nil {
		return
	}
	// It may be there for others: what failed may have been a hiccup of ours.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
	defer cancel()
	if err := f.cache.Delete(ctx, f.nameOf(key)); err != nil {
		f.healthOf(key).owe(key, err)
	}
}

// bury has the cache forget a session that has ended, and once more after
// whoever was filling the cache without a lease has done so: Django.
func (f *front) bury(ctx context.Context, key string) {
	f.forget(ctx, key)
	f.healthOf(key).later(func() { f.forget(context.Background(), key) })
}
