package site

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
)

// Schemes of URLs.
var (
	cacheSchemes    = []string{"locmem", "memcached", "redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"}
	databaseSchemes = []string{"mysql", "mariadb", "postgres", "postgresql", "sqlite"}
)

// planURL is for sessions that a URL says the place of. They are where a Django
// with default settings would keep them, in a database with dates in UTC.
func planURL(s *settings.Settings) (plan, error) {
	engine, front := schemeOf(s.EngineURL), schemeOf(s.CacheURL)
	for _, address := range []string{s.EngineURL, s.CacheURL} {
		scheme := schemeOf(address)
		if (scheme == "locmem" || scheme == "cookies") && strings.Trim(address, "/") != scheme+":" {
			return plan{}, wrong(s, "", "something follows "+scheme+":, which has no place to name", "write "+scheme+": alone")
		}
	}
	if s.CacheURL != "" && !slices.Contains(cacheSchemes, front) {
		return plan{}, wrong(s, "", "the cache's URL begins with "+front+":, which is no cache",
			"begin it with locmem:, memcached:// or redis:// (rediss://, redis+sentinel://, redis+cluster://)")
	}
	p, err := planEngineURL(s, engine)
	if err != nil || s.CacheURL == "" {
		return p, err
	}
	if p.store == nil || engine == "cookies" {
		return plan{}, wrong(s, "", "a cache has no use before "+engine+":", "leave the cache out, or name a database or a folder for it to stand before")
	}
	p.cache, err = cacheAt(originOf(s, "", withoutSecrets(s.CacheURL)), s.CacheURL)
	return p, err
}

func planEngineURL(s *settings.Settings, scheme string) (plan, error) {
	switch {
	case slices.Contains(cacheSchemes, scheme):
		front, err := cacheAt(originOf(s, "", withoutSecrets(s.EngineURL)), s.EngineURL)
		return plan{cache: front}, err
	case slices.Contains(databaseSchemes, scheme):
		zone := time.UTC
		if s.Source("USE_TZ").File != "" {
			var err error
			if zone, err = zoneOf(s, ""); err != nil {
				return plan{}, err
			}
		}
		from := originOf(s, "", withoutSecrets(s.EngineURL))
		if err := db.CheckAddress(s.EngineURL); err != nil {
			return plan{}, from.failure(err)
		}
		store, err := databaseAt(s, from, s.EngineURL, zone)
		return plan{store: store}, err
	case scheme == "file":
		if err := file.CheckAddress(s.EngineURL); err != nil {
			return plan{}, originOf(s, "", withoutSecrets(s.EngineURL)).failure(err)
		}
		store, err := fileAt(s, s.EngineURL)
		return plan{store: store}, err
	case scheme == "cookies":
		return planCookies(s)
	}
	return plan{}, wrong(s, "", "the engine's URL begins with "+scheme+":, which is no engine",
		"begin it with sqlite:, mysql:, postgres:, redis:, memcached:, file:, cookies: or locmem:")
}

// cacheAt is the cache at a URL.
func cacheAt(from origin, address string) (c *cachePlan, err error) {
	c = &cachePlan{origin: from, version: 1}
	switch schemeOf(address) {
	case "locmem":
		c.open = func(context.Context) (cache.Cache, error) { return locmem.New(), nil }
	case "memcached":
		c.open = func(context.Context) (cache.Cache, error) { return memcached.New(address) }
		err = memcached.CheckAddress(address)
	default:
		c.open = func(ctx context.Context) (cache.Cache, error) { return redis.New(ctx, address) }
		err = redis.CheckAddress(address)
	}
	return c, from.failure(err)
}

func schemeOf(address string) string {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme
}

// withoutSecrets is an address without user, password and parameters.
func withoutSecrets(address string) string {
	address, _, _ = strings.Cut(address, "?")
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return scheme
	}
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// escapePath is a file's path as a URL has it.
func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }
