// Package redis keeps sessions in Redis, or in Valkey, as the caches of a Django
// site do: django-redis, the redis_cache that came before it, and Django's own
// back end. All may use one Redis at the same time, and see each other's
// sessions.
//
// A save is one script that compares what was read with what is stored, so it
// costs one round trip and no lock. Commands of concurrent requests share few
// connections and travel together. Everything is asked of the primary: a replica
// may not have heard yet that a session has ended.
//
// Redis answers before its replicas and its disk have what it was told. What it
// forgets in a failover or a crash, sessions and the end of sessions alike, is
// bounded by its own settings: appendfsync, min-replicas-to-write.
//
// What the HerdClient of django-redis stores is no session to anyone else, and
// its ShardClient spreads sessions by a rule of its own: neither is for sharing.
package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// Cache is a connection to one Redis, Sentinel group or Cluster. It is safe for
// concurrent use. Make one with [New], and close it.
type Cache struct {
	client      rueidis.Client
	wire        wire
	links       links
	description cloakroom.Description
}

var (
	_ cache.Cache  = (*Cache)(nil)
	_ cache.Holder = (*Cache)(nil)
)

// Engine is Django's cache engine on Redis.
type Engine struct {
	*cache.Engine
	cache *Cache
}

// Close ends all connections.
func (e *Engine) Close() error { return e.cache.Close() }

// Open returns an engine on the Redis at an address; see [New].
func Open(ctx context.Context, address string, options ...Option) (*Engine, error) {
	o := chosen(options)
	c, err := open(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return &Engine{cache.New(c, o.keys...), c}, nil
}

// New connects to the Redis at an address:
//
//	redis://[user:password@]host[:port][/db]
//	unix://[user:password@]/path/of/socket[?db=1]
//	redis+sentinel://[user:password@]host[:port],host…/primary[/db]
//	redis+cluster://[user:password@]host[:port],host…
//	host:port:db, unix:/path/of/socket:db
//
// The last two are what the old redis_cache took. With rediss in place of redis
// the connection is encrypted. As with Python's client, ssl_ca_certs,
// ssl_certfile and ssl_keyfile name files, and ssl_cert_reqs=none trusts anybody.
// The Sentinels' own account is sentinel_username and sentinel_password.
func New(ctx context.Context, address string, options ...Option) (*Cache, error) {
	return open(ctx, address, chosen(options))
}

// Close ends all connections.
func (c *Cache) Close() error {
	c.client.Close()
	return nil
}

// version is what was read, and how it said it.
type version struct {
	value string
	form  form
}

// Get implements [cache.Cache]. If the session is saved by another between its
// two commands, the expiry is the newer one's, and a save is a conflict.
func (c *Cache) Get(ctx context.Context, key string) (*cloakroom.Record, error) {
	records, err := c.read(ctx, key)
	if err != nil {
		return nil, err
	}
	return records[0].record, records[0].err
}

// found is what there is under one key.
type found struct {
	record *cloakroom.Record
	err    error // ErrNotFound or ErrCorrupt
}

// read reads several keys in one round trip.
func (c *Cache) read(ctx context.Context, keys ...string) ([]found, error) {
	commands := make(rueidis.Commands, 0, 2*len(keys))
	for _, key := range keys {
		commands = append(commands, c.client.B().Get().Key(key).Build(), c.client.B().Pttl().Key(key).Build())
	}
	answers := c.client.DoMulti(ctx, commands...)
	all := make([]found, len(keys))
	for i := range all {
		value, err := answers[2*i].AsBytes()
		switch {
		case rueidis.IsRedisNil(err):
			all[i].err = cloakroom.ErrNotFound
			continue
		case isOtherType(err):
			all[i].err = corrupt(err)
			continue
		case err != nil:
			return nil, c.failure(ctx, err)
		}
		life, err := answers[2*i+1].AsInt64()
		if err != nil {
			return nil, c.failure(ctx, err)
		}
		all[i].record, all[i].err = c.record(value, life)
	}
	return all, nil
}

// What PTTL answers in place of milliseconds.
const (
	noKey    = -2
	noExpiry = -1
)

func (c *Cache) record(value []byte, life int64) (*cloakroom.Record, error) {
	if life == noKey {
		return nil, cloakroom.ErrNotFound
	}
	data, form, err := decode(value)
	if err != nil {
		return nil, corrupt(err)
	}
	r := &cloakroom.Record{Data: data, Version: version{rueidis.BinaryString(value), form}, Size: len(value)}
	if life != noExpiry {
		r.Expires = time.Now().Add(time.Duration(life) * time.Millisecond).Round(0)
	}
	return r, nil
}

// Add implements [cache.Cache].
func (c *Cache) Add(ctx context.Context, key string, r *cloakroom.Record) (bool, error) {
	was, _ := r.Version.(version) // of a session that moves to a new key
	v, err := c.wire.encode(r.Data, was.form)
	if err != nil {
		return false, err
	}
	if life := lifetime(r.Expires); life > 0 {
		// If an answer is lost and Redis is asked again, it finds the key taken, and
		// the session is created under another.
		err = c.client.Do(ctx, c.client.B().Set().Key(key).Value(v.value).Nx().PxMilliseconds(life).Build().ToRetryable()).Error()
		if rueidis.IsRedisNil(err) {
			return false, nil
		}
		if err != nil {
			return false, c.failure(ctx, err)
		}
	}
	r.Version = v
	return true, nil
}

// Holds implements [cache.Holder]: neither JSON nor MessagePack has a form for
// everything that a pickle has.
func (c *Cache) Holds(data map[string]any) error {
	if c.wire.serializer == JSON || c.wire.serializer == MessagePack {
		return session.HoldsJSON(data)
	}
	return nil
}

// Swap implements [cache.Cache].
func (c *Cache) Swap(ctx context.Context, key string, r *cloakroom.Record) error {
	was, _ := r.Version.(version)
	var now version
	args := []string{was.value}
	if life := lifetime(r.Expires); life > 0 {
		var err error
		if now, err = c.wire.encode(r.Data, was.form); err != nil {
			return err
		}
		args = append(args, now.value, strconv.FormatInt(life, 10))
	}
	if err := c.compareAndSwap(ctx, key, args); err != nil {
		return err
	}
	r.Version = now
	return nil
}

// Delete implements [cache.Cache].
func (c *Cache) Delete(ctx context.Context, key string) error {
	return c.failure(ctx, c.client.Do(ctx, c.client.B().Del().Key(key).Build().ToRetryable()).Error())
}

// Touch implements [cache.Cache]. It leaves the version as it is.
func (c *Cache) Touch(ctx context.Context, key string, expires time.Time) error {
	n, err := c.client.Do(ctx, c.client.B().Pexpire().Key(key).Milliseconds(lifetime(expires)).Build().ToRetryable()).AsInt64()
	switch {
	case err != nil:
		return c.failure(ctx, err)
	case n == 0:
		return cloakroom.ErrGone
	}
	return nil
}

// Ping implements [cloakroom.Pinger].
func (c *Cache) Ping(ctx context.Context) error {
	return c.failure(ctx, c.client.Do(ctx, c.client.B().Ping().Build()).Error())
}

// Describe implements [cloakroom.Describer]. Whether Redis keeps what it has on
// disk is what it said when it was opened; a Redis that does not say is taken
// not to.
func (c *Cache) Describe() cloakroom.Description { return c.description }

// lifetime is how many milliseconds are left until then. Redis is told that and
// not the moment, as by Django, so that its clock need not be ours; a session
// lives longer by what the command took.
func lifetime(expires time.Time) int64 { return expires.UnixMilli() - time.Now().UnixMilli() }
