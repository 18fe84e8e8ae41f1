// Package cache keeps sessions in a cache and nowhere else: Django's
// django.contrib.sessions.backends.cache.
package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Cache is what the engine stands on. Keys are whole, as the cache sees them.
//
// A Cache is safe for concurrent use and honours the deadline of its context.
// Its errors match one of cloakroom's sentinel values; any other means
// [cloakroom.ErrUnavailable]. A [*cloakroom.Error] may leave Engine and Op empty.
type Cache interface {
	// Get returns the record under key, or ErrNotFound. A value that cannot be
	// read is ErrCorrupt. Get leaves the record's Key empty.
	Get(ctx context.Context, key string) (*cloakroom.Record, error)

	// Add stores r under key and sets r.Version, unless there is something
	// under key: then it answers false.
	Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error)

	// Swap replaces what is under key if it is still at r.Version, and sets
	// r.Version to what it wrote. Otherwise it answers ErrConflict, or ErrGone
	// when there is nothing. If r has expired, Swap deletes instead.
	Swap(ctx context.Context, key string, r *cloakroom.Record) error

	// Delete removes what is under key. Nothing there is no error.
	Delete(ctx context.Context, key string) error

	// Touch moves the expiry, or answers ErrGone when there is nothing.
	Touch(ctx context.Context, key string, expires time.Time) error

	// List yields every live record whose key begins with prefix, with that
	// key in Key. It passes over what cannot be read.
	List(ctx context.Context, prefix string) iter.Seq2[*cloakroom.Record, error]

	// Stats measures what List would yield.
	Stats(ctx context.Context, prefix string) (cloakroom.Stats, error)

	cloakroom.Pinger
	cloakroom.Describer
}

// Holder is a [Cache] that does not keep every value as it is; see
// [cloakroom.Adder]. The others keep pickles, in which every value has a form.
type Holder interface {
	Holds(data map[string]any) error
}

// Engine is a [cloakroom.Engine] on a [Cache]. It is also a [cloakroom.Adder],
// [cloakroom.Lister], [cloakroom.Pinger], [cloakroom.Measurer],
// [cloakroom.Sharded] and [cloakroom.Describer].
type Engine struct {
	cache   Cache
	prefix  string
	corrupt atomic.Int64
}

// New returns an engine that keeps sessions in c under the keys that Django
// would use: by default ":1:django.contrib.sessions.cache" and the session key.
func New(c Cache, options ...Option) *Engine {
	n := naming{version: 1, store: "django.contrib.sessions.cache"}
	for _, o := range options {
		o(&n)
	}
	return &Engine{cache: c, prefix: fmt.Sprintf("%s:%d:%s", n.prefix, n.version, n.store)}
}

// Option changes the keys that [New] uses.
type Option func(*naming)

type naming struct {
	prefix  string
	version int
	store   string
}

// KeyPrefix is the KEY_PREFIX of Django's CACHES. The default is empty.
func KeyPrefix(prefix string) Option { return func(n *naming) { n.prefix = prefix } }

// Version is the VERSION of Django's CACHES. The default is 1.
func Version(version int) Option { return func(n *naming) { n.version = version } }

// StorePrefix is the cache_key_prefix of Django's SessionStore. The default is
// that of the cache engine, "django.contrib.sessions.cache".
func StorePrefix(prefix string) Option { return func(n *naming) { n.store = prefix } }

// Load implements [cloakroom.Engine].
func (e *Engine) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if !cloakroom.ValidKey(key) {
		return nil, failure("load", cloakroom.ErrNotFound)
	}
	r, err := e.cache.Get(ctx, e.prefix+key)
	if err != nil {
		if errors.Is(err, cloakroom.ErrCorrupt) {
			e.corrupt.Add(1)
		}
		return nil, failure("load", err)
	}
	r.Key = key
	return r, nil
}

// Create implements [cloakroom.Engine].
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) error {
	// Not even two keys of 165 random bits meet by chance. A cache that goes on
	// refusing them is out of order.
	const attempts = 3
	for range attempts {
		key := cloakroom.NewKey()
		added, err := e.cache.Add(ctx, e.prefix+key, r)
		if err != nil {
			return failure("create", err)
		}
		if added {
			r.Key = key
			return nil
		}
	}
	return failure("create", &cloakroom.Error{
		Kind: cloakroom.ErrUnavailable, Reason: "the cache takes no new key",
	})
}

// Add implements [cloakroom.Adder].
func (e *Engine) Add(ctx context.Context, r *cloakroom.Record) error {
	if !cloakroom.ValidKey(r.Key) {
		return failure("add", &cloakroom.Error{
			Kind: cloakroom.ErrUnencodable, Reason: "the session key is not 32 characters of a-z0-9",
		})
	}
	added := &cloakroom.Record{Data: r.Data, Expires: r.Expires}
	switch ok, err := e.cache.Add(ctx, e.prefix+r.Key, added); {
	case err != nil:
		return failure("add", err)
	case !ok:
		return failure("add", cloakroom.ErrConflict)
	}
	r.Version = added.Version
	return nil
}

// Holds implements [cloakroom.Adder].
func (e *Engine) Holds(data map[string]any) error {
	if c, ok := e.cache.(Holder); ok {
		return failure("add", c.Holds(data))
	}
	return nil
}

// Save implements [cloakroom.Engine].
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) error {
	if !cloakroom.ValidKey(r.Key) {
		return failure("save", cloakroom.ErrGone)
	}
	return failure("save", e.cache.Swap(ctx, e.prefix+r.Key, r))
}

// Delete implements [cloakroom.Engine].
func (e *Engine) Delete(ctx context.Context, key string) error {
	if !cloakroom.ValidKey(key) {
		return nil
	}
	return failure("delete", e.cache.Delete(ctx, e.prefix+key))
}

// Touch implements [cloakroom.Engine].
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) error {
	if !cloakroom.ValidKey(key) {
		return failure("touch", cloakroom.ErrGone)
	}
	return failure("touch", e.cache.Touch(ctx, e.prefix+key, expires))
}

// ClearExpired implements [cloakroom.Engine]. A cache expires by itself, so the
// answer is always 0.
func (*Engine) ClearExpired(context.Context, int) (int, error) { return 0, nil }

// List implements [cloakroom.Lister].
func (e *Engine) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for r, err := range e.cache.List(ctx, e.prefix) {
			if err != nil {
				yield(nil, failure("list", err))
				return
			}
			r.Key = strings.TrimPrefix(r.Key, e.prefix)
			if cloakroom.ValidKey(r.Key) && !yield(r, nil) {
				return
			}
		}
	}
}

// Ping implements [cloakroom.Pinger].
func (e *Engine) Ping(ctx context.Context) error { return failure("ping", e.cache.Ping(ctx)) }

// Stats implements [cloakroom.Measurer].
func (e *Engine) Stats(ctx context.Context) (cloakroom.Stats, error) {
	st, err := e.cache.Stats(ctx, e.prefix)
	st.Corrupt = e.corrupt.Load()
	return st, failure("stats", err)
}

// Shards implements [cloakroom.Sharded]: 1 where the cache is not.
func (e *Engine) Shards() int {
	if c, ok := e.cache.(cloakroom.Sharded); ok {
		return c.Shards()
	}
	return 1
}

// Shard implements [cloakroom.Sharded].
func (e *Engine) Shard(key string) int {
	if c, ok := e.cache.(cloakroom.Sharded); ok {
		return c.Shard(e.prefix + key)
	}
	return 0
}

// PingShard implements [cloakroom.Sharded].
func (e *Engine) PingShard(ctx context.Context, shard int) error {
	if c, ok := e.cache.(cloakroom.Sharded); ok {
		return failure("ping", c.PingShard(ctx, shard))
	}
	return e.Ping(ctx)
}

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	d := e.cache.Describe()
	d.Engine = name
	return d
}
