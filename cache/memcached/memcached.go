// Package memcached keeps sessions in Memcached, as the caches of a Django site
// do: MemcachedCache (python-memcached), PyMemcacheCache (pymemcache) and
// PyLibMCCache (pylibmc). All may use the same servers at the same time, and see
// each other's sessions.
//
// Memcached keeps sessions in memory only: they end when it restarts, and the
// ones used least recently are evicted when it is full. Sessions in the file,
// db and cached_db engines are not lost that way.
//
// Of several servers each keeps its own part of the sessions; see [Placement].
// When one is down its sessions cannot be asked for, and those on the others go
// on. Python's clients look on another server meanwhile: they find nobody logged
// in there, and what they store there is left behind, to be found again by the
// next outage though it may have been flushed since. So no session is ever
// looked for in a second place here.
//
// Expiry is exact to a second, and to two when it is more than 30 days away.
// Memcached knows no expiry after January 2038, and lets go of a session then.
package memcached

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// Cache is one or several Memcached servers. It is safe for concurrent use. Make
// one with [New], and close it.
//
// A silent server is waited for until the context's deadline, and for 5 seconds
// at most.
type Cache struct {
	servers  []*server // each once
	place    func(key string) *server
	location string
}

var (
	_ cache.Cache       = (*Cache)(nil)
	_ cloakroom.Sharded = (*Cache)(nil)
)

// Engine is Django's cache engine on Memcached.
type Engine struct {
	*cache.Engine
	cache *Cache
}

// Close ends all connections; those in use once their commands are answered.
func (e *Engine) Close() error { return e.cache.Close() }

// Option changes how [Open] and [New] set a Cache up.
type Option func(*options)

type options struct {
	placement Placement
	keys      []cache.Option
	tls       *tls.Config
}

// WithPlacement says how the servers share the sessions: as the Python client in
// the BACKEND of Django's CACHES does. The default is [PythonMemcached]. For a
// single server all are the same.
func WithPlacement(p Placement) Option { return func(o *options) { o.placement = p } }

// WithKeys changes the keys that [Open] keeps sessions under: Django's
// KEY_PREFIX and VERSION.
func WithKeys(keys ...cache.Option) Option {
	return func(o *options) { o.keys = append(o.keys, keys...) }
}

// WithTLS has connections encrypted: for a memcached with --enable-ssl.
func WithTLS(config *tls.Config) Option { return func(o *options) { o.tls = config } }

// Open returns an engine on the servers at an address; see [New]. It fails when
// none of them answers, or when the KEY_PREFIX of [WithKeys] is nothing that
// Memcached takes.
func Open(ctx context.Context, address string, options ...Option) (*Engine, error) {
	o := chosen(options)
	c, err := open(address, o)
	if err != nil {
		return nil, err
	}
	e := &Engine{cache.New(c, o.keys...), c}
	if err := e.check(ctx); err != nil {
		_ = c.Close() // the first error is the one to mend
		return nil, err
	}
	return e, nil
}

// check asks for a session that nobody has, and when its server is down, whether
// any other is up.
func (e *Engine) check(ctx context.Context) error {
	_, err := e.Load(ctx, cloakroom.NewKey())
	switch {
	case errors.Is(err, cloakroom.ErrNotFound):
		return nil
	case errors.Is(err, cloakroom.ErrUnavailable) && e.cache.answering(ctx) > 0:
		return nil
	}
	return named(err)
}

// New returns a Cache on the servers at an address, which are first asked when
// they are needed:
//
//	memcached://host:port,host:port
//	memcached:///path/of/socket
//
// A host without a port means 11211. In a longer list a socket is unix:/path.
// What Django has in LOCATION may follow memcached:// as it is, in the same
// order. A server that has twice the weight of others is named twice in a row.
func New(address string, options ...Option) (*Cache, error) {
	return open(address, chosen(options))
}

func chosen(all []Option) options {
	var o options
	for _, option := range all {
		option(&o)
	}
	return o
}

func open(text string, o options) (*Cache, error) {
	addresses, err := serversAt(text)
	if err != nil {
		return nil, err
	}
	c := &Cache{}
	dial := dialer(o.tls)
	known := map[address]*server{}
	ring := make([]*server, len(addresses))
	for i, a := range addresses {
		if known[a] == nil {
			known[a] = newServer(a, dial)
			c.servers = append(c.servers, known[a])
		}
		ring[i] = known[a]
	}
	if c.place, err = o.placement.on(ring); err != nil {
		return nil, named(err)
	}
	names := make([]string, len(c.servers))
	for i, s := range c.servers {
		names[i] = s.String()
	}
	c.location = strings.Join(names, ", ")
	return c, nil
}

// Close ends all connections; those in use once their commands are answered.
func (c *Cache) Close() error {
	for _, s := range c.servers {
		s.close()
	}
	return nil
}

// Get implements [cache.Cache]. The expiry is known from Memcached 1.6 on.
func (c *Cache) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	it, err := c.get(ctx, key)
	if err != nil {
		return nil, err
	}
	return it.record()
}

// get is where loads meet the server that has the key.
func (c *Cache) get(ctx context.Context, key string) (item, error) {
	s, err := c.serverOf(key)
	if err != nil {
		return item{}, err
	}
	return s.get(ctx, key)
}

// Add implements [cache.Cache].
func (c *Cache) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	s, err := c.serverOf(key)
	if err != nil {
		return false, err
	}
	flags, now, err := encode(r)
	if err != nil {
		return false, err
	}
	o, err := s.change(ctx, change{verb: "add", key: key, flags: flags, value: now.value}, r.Expires)
	if err != nil || o != done {
		return false, err
	}
	r.Version = now
	return true, nil
}

// Swap implements [cache.Cache]. After an Add or a Swap it first has to ask for
// the version that Memcached gave what was written.
func (c *Cache) Swap(ctx context.Context, key string, r *cloakroom.Record) error {
	s, err := c.serverOf(key)
	if err != nil {
		return err
	}
	ch, now := change{verb: "cas", key: key}, version{}
	if r.Expires.After(time.Now()) { // of a session that ends nothing is kept
		if ch.flags, now, err = encode(r); err != nil {
			return err
		}
		ch.value = now.value
	}
	was, _ := r.Version.(version)
	if ch.cas, err = s.casOf(ctx, key, was); err != nil {
		return err
	}
	o, err := s.change(ctx, ch, r.Expires)
	switch {
	case err != nil:
		return err
	case o == missing:
		return cloakroom.ErrGone
	case o == taken:
		return cloakroom.ErrConflict
	}
	r.Version = now
	return nil
}

// Delete implements [cache.Cache].
func (c *Cache) Delete(ctx context.Context, key string) error {
	s, err := c.serverOf(key)
	if err != nil {
		return err
	}
	return s.delete(ctx, key)
}

// Touch implements [cache.Cache]. It leaves the version as it is.
func (c *Cache) Touch(ctx context.Context, key string, expires time.Time) error {
	s, err := c.serverOf(key)
	if err != nil {
		return err
	}
	return s.touch(ctx, key, expires)
}

// Ping implements [cloakroom.Pinger]: it asks every server.
func (c *Cache) Ping(ctx context.Context) error {
	return merged(c.ping(ctx)...)
}

// answering is how many servers answer.
func (c *Cache) answering(ctx context.Context) int {
	up := 0
	for _, err := range c.ping(ctx) {
		if err == nil {
			up++
		}
	}
	return up
}

func (c *Cache) ping(ctx context.Context) []error {
	errs := make([]error, len(c.servers))
	var all sync.WaitGroup
	for i, s := range c.servers {
		all.Go(func() { errs[i] = s.ping(ctx) })
	}
	all.Wait()
	return errs
}

// Shards implements [cloakroom.Sharded].
func (c *Cache) Shards() int { return len(c.servers) }

// Shard implements [cloakroom.Sharded].
func (c *Cache) Shard(key string) int { return slices.Index(c.servers, c.place(key)) }

// PingShard implements [cloakroom.Sharded].
func (c *Cache) PingShard(ctx context.Context, shard int) error { return c.servers[shard].ping(ctx) }

// Describe implements [cloakroom.Describer].
func (c *Cache) Describe() cloakroom.Description {
	return cloakroom.Description{BackEnd: "Memcached", Location: c.location, Shared: true}
}

func (c *Cache) serverOf(key string) (*server, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return c.place(key), nil
}
