package site

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// caches are the BACKENDs that sessions can be shared on: Django's, and those of
// the packages django-redis and redis_cache.
var caches = map[string]func(*cacheSetting) (opener, error){
	localMemory: locmemOf,
	"django.core.cache.backends.memcached.MemcachedCache":  pythonMemcachedOf,
	"django.core.cache.backends.memcached.PyMemcacheCache": pymemcacheOf,
	"django.core.cache.backends.memcached.PyLibMCCache":    pylibmcOf,
	"django.core.cache.backends.redis.RedisCache":          djangoRedisOf,
	"django_redis.cache.RedisCache":                        redisPackageOf,
	"redis_cache.cache.RedisCache":                         redisPackageOf,
	"redis_cache.RedisCache":                               oldRedisOf,
	"redis_cache.backends.single.RedisCache":               oldRedisOf,
}

const localMemory = "django.core.cache.backends.locmem.LocMemCache"

// others are BACKENDs of Django's that no session is to be shared on.
var others = map[string]string{
	"django.core.cache.backends.dummy.DummyCache":         "it keeps nothing: nobody could stay signed in",
	"django.core.cache.backends.db.DatabaseCache":         "its table is no session table; the engine db keeps sessions in a database",
	"django.core.cache.backends.filebased.FileBasedCache": "its files are no session files; the engine file keeps sessions in files",
}

type opener func(context.Context) (cache.Cache, error)

// cacheSetting is one of CACHES while it is made sense of.
type cacheSetting struct {
	origin
	settings.Cache
	options *options
}

// cacheOf plans the cache of that alias.
func cacheOf(s *settings.Settings, alias string) (*cachePlan, error) {
	from := originOf(s, "CACHES['"+alias+"']", "")
	c, ok := s.Caches[alias]
	switch open, known := caches[c.Backend]; {
	case !ok && s.Unknown(from.setting) != nil:
		return nil, s.Unknown(from.setting)
	case !ok:
		return nil, from.wrong("there is no such cache", "add it to CACHES, or name another in SESSION_CACHE_ALIAS")
	case others[c.Backend] != "":
		return nil, from.wrong(fmt.Sprintf("no sessions are shared in %s: %s", c.Backend, others[c.Backend]),
			"choose Redis or Memcached as BACKEND, or another SESSION_ENGINE")
	case !known:
		return nil, from.wrong(fmt.Sprintf("the BACKEND %q is not known here", c.Backend),
			"choose one of Django's for Memcached or Redis, or name the cache with --engine or --cache URL")
	case c.KeyFunction != "" && c.KeyFunction != "django.core.cache.backends.base.default_key_func":
		return nil, from.wrong(fmt.Sprintf("what KEY_FUNCTION %q makes of keys cannot be known here", c.KeyFunction),
			"take KEY_FUNCTION out; KEY_PREFIX and VERSION keep sites apart too")
	default:
		one := &cacheSetting{origin: from, Cache: c, options: optionsOf("OPTIONS", c.Options)}
		opens, err := open(one)
		if err != nil {
			return nil, err
		}
		if problem := one.options.check(); problem != "" {
			return nil, one.wrong(problem, "take it out, or name the cache with --engine or --cache URL")
		}
		return &cachePlan{origin: one.origin, prefix: c.KeyPrefix, version: c.Version, open: opens}, nil
	}
}

// at is where the cache is, for messages.
func (c *cacheSetting) at(location string) { c.location = location }

// locations are all of LOCATION. Django takes several in one text too.
func (c *cacheSetting) locations(separators string) []string {
	var all []string
	for _, one := range c.Location {
		for part := range strings.FieldsFuncSeq(one, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			all = append(all, strings.TrimSpace(part))
		}
	}
	return all
}

// locmemOf: other processes see none of it, so LOCATION means nothing.
func locmemOf(c *cacheSetting) (opener, error) {
	c.options.skip("CULL_FREQUENCY")
	var options []locmem.Option
	if n, ok := c.options.number("MAX_ENTRIES"); ok {
		options = append(options, locmem.MaxEntries(n))
	}
	return func(context.Context) (cache.Cache, error) { return locmem.New(options...), nil }, nil
}
