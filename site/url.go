package site

import (
	"context"
	"net/url"
	"regexp"
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
	if endsTooEarly(s.EngineURL) || endsTooEarly(s.CacheURL) {
		return plan{}, wrong(s, "", "the password in the URL ends too early", "write what means something in a URL as in %2F for / and %40 for @")
	}
	front := schemeOf(s.CacheURL)
	if s.CacheURL != "" && !slices.Contains(cacheSchemes, front) {
		return plan{}, wrong(s, "", "the cache's URL begins with "+front+":, which is no cache",
			"begin it with locmem:, memcached:// or redis:// (rediss://, redis+sentinel://, redis+cluster://)")
	}
	engine := schemeOf(s.EngineURL)
	p, err := planEngineURL(s, engine)
	if err != nil || s.CacheURL == "" {
		return p, err
	}
	if p.store == nil || engine == "cookies" {
		return plan{}, wrong(s, "", "a cache has no use before "+engine+":", "leave the cache out, or name a database or a folder for it to stand before")
	}
	p.cache, err = cacheAt(s, s.CacheURL)
	return p, err
}

func planEngineURL(s *settings.Settings, scheme string) (plan, error) {
	from := originOf(s, "", withoutSecrets(s.EngineURL))
	switch {
	case slices.Contains(cacheSchemes, scheme):
		front, err := cacheAt(s, s.EngineURL)
		return plan{cache: front}, err
	case slices.Contains(databaseSchemes, scheme):
		zone := time.UTC
		if s.Source("USE_TZ").File != "" {
			var err error
			if zone, err = zoneOf(s, ""); err != nil {
				return plan{}, err
			}
		}
		if err := db.CheckAddress(s.EngineURL); err != nil {
			return plan{}, from.failure(err)
		}
		store, err := databaseAt(s, from, s.EngineURL, zone)
		return plan{store: store}, err
	case scheme == "file":
		if err := file.CheckAddress(s.EngineURL); err != nil {
			return plan{}, from.failure(err)
		}
		store, err := fileAt(s, s.EngineURL)
		return plan{store: store}, err
	case scheme == "cookies":
		if err := alone(from, s.EngineURL); err != nil {
			return plan{}, err
		}
		return planCookies(s)
	}
	return plan{}, wrong(s, "", "the engine's URL begins with "+scheme+":, which is no engine",
		"begin it with sqlite:, mysql:, postgres:, redis:, memcached:, file:, cookies: or locmem:")
}

// cacheAt is the cache at a URL.
func cacheAt(s *settings.Settings, address string) (c *cachePlan, err error) {
	c = &cachePlan{origin: originOf(s, "", withoutSecrets(address)), version: 1}
	switch schemeOf(address) {
	case "locmem":
		c.open = func(context.Context) (cache.Cache, error) { return locmem.New(), nil }
		return c, alone(c.origin, address)
	case "memcached":
		c.open = func(context.Context) (cache.Cache, error) { return memcached.New(address) }
		err = memcached.CheckAddress(address)
	default:
		c.open = func(ctx context.Context) (cache.Cache, error) { return redis.New(ctx, address) }
		err = redis.CheckAddress(address)
	}
	return c, c.failure(err)
}

// alone refuses what follows a scheme that names no place.
func alone(from origin, address string) error {
	scheme, rest, _ := strings.Cut(address, ":")
	if strings.Trim(rest, "/") == "" {
		return nil
	}
	return from.wrong("something follows "+scheme+":, which has no place to name", "write "+scheme+": alone")
}

func schemeOf(address string) string {
	scheme, _, _ := strings.Cut(address, ":")
	return scheme
}

// withoutSecrets is an address without user, password and parameters.
func withoutSecrets(address string) string {
	if parts := public.FindStringSubmatch(address); parts != nil {
		return parts[1] + parts[2]
	}
	return schemeOf(address) + ":"
}

const host = `(?:\[[^][/?#@]*\]|[^][:/?#@,]*)(?::\d*)?`

// public is of a URL what may be shown. In what is none nobody can tell which part
// was meant for a password.
var public = regexp.MustCompile(`^([a-z+]+://)(?:[^/?#]*@)?(` + host + `(?:,` + host + `)*(?:/[^?#]*)?)(?:\?.*)?$`)

// endsTooEarly tells that a /, ? or # of the password ends what stands before the
// host, so that the rest of the password and the host seem to be a path or an option.
func endsTooEarly(address string) bool {
	_, rest, _ := strings.Cut(address, ":")
	rest = strings.TrimPrefix(rest, "//")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 || slices.Contains([]string{"sqlite", "file", "unix"}, schemeOf(address)) {
		return false
	}
	names, _, _ := strings.Cut(rest[end:], "=")
	return strings.Contains(names, "@")
}

// escapePath is a file's path as a URL has it.
func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }
