package site

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
)

// plan is what settings come to, before anything is opened. Without a cache the
// store stands alone, and without a store the cache does.
type plan struct {
	cache *cachePlan
	store *storePlan
}

type cachePlan struct {
	origin
	prefix  string
	version int
	open    func(context.Context) (cache.Cache, error)
}

type storePlan struct {
	origin
	database string // its URL, with the password; empty where it is none
	open     func(context.Context, ...db.Option) (cloakroom.Engine, error)
}

// engines are Django's.
var engines = map[string]func(*settings.Settings) (plan, error){
	"django.contrib.sessions.backends.cache":          planCache,
	"django.contrib.sessions.backends.db":             planDatabase,
	"django.contrib.sessions.backends.cached_db":      planCachedDB,
	"django.contrib.sessions.backends.file":           planFile,
	"django.contrib.sessions.backends.signed_cookies": planCookies,
}

func planOf(s *settings.Settings) (plan, error) {
	if s.EngineURL != "" {
		return planURL(s)
	}
	if s.CacheURL != "" {
		return plan{}, wrong(s, "", "a cache is given and no engine for it to stand before", "name the engine too: --engine URL, or CLOAKROOM_ENGINE")
	}
	planEngine, ok := engines[s.SessionEngine]
	if !ok {
		return plan{}, wrong(s, "SESSION_ENGINE", fmt.Sprintf("%q is no engine that is known here", s.SessionEngine),
			"choose one of django.contrib.sessions.backends.cache, db, cached_db, file and signed_cookies, or name the storage with --engine URL")
	}
	return planEngine(s)
}

func planCache(s *settings.Settings) (plan, error) {
	c, err := cacheOf(s, s.CacheAlias)
	return plan{cache: c}, err
}

func planDatabase(s *settings.Settings) (plan, error) {
	d, err := databaseOf(s)
	return plan{store: d}, err
}

func planCachedDB(s *settings.Settings) (plan, error) {
	c, err := cacheOf(s, s.CacheAlias)
	if err != nil {
		return plan{}, err
	}
	d, err := databaseOf(s)
	return plan{cache: c, store: d}, err
}

func planFile(s *settings.Settings) (plan, error) {
	address := "file:"
	if s.FilePath != "" {
		address = "file://" + escapePath(s.FilePath)
	}
	store, err := fileAt(s, address)
	return plan{store: store}, err
}

func fileAt(s *settings.Settings, address string) (*storePlan, error) {
	serializer, err := serializerOf(s)
	options := []file.Option{file.WithSerializer(serializer), file.WithCookieName(s.Cookie.Name), file.WithLifetime(s.Cookie.Age)}
	if s.HashingAlgorithm == "sha1" {
		options = append(options, file.WithLegacyFormat())
	}
	return &storePlan{
		origin: originOf(s, "SESSION_FILE_PATH", strings.TrimPrefix(address, "file://")),
		open: func(ctx context.Context, _ ...db.Option) (cloakroom.Engine, error) {
			return file.Open(ctx, address, options...)
		},
	}, err
}

func planCookies(s *settings.Settings) (plan, error) {
	serializer, err := serializerOf(s)
	options := []cookie.Option{cookie.WithSerializer(serializer), cookie.WithMaxAge(s.Cookie.Age)}
	if s.HashingAlgorithm == "sha1" {
		options = append(options, cookie.WithLegacyFormat())
	}
	return plan{store: &storePlan{
		origin: originOf(s, "SESSION_ENGINE", ""),
		open: func(context.Context, ...db.Option) (cloakroom.Engine, error) {
			return cookie.Open(options...), nil
		},
	}}, err
}

// databaseAt plans the db engine on the database at a URL.
func databaseAt(s *settings.Settings, from origin, url string, zone *time.Location) (*storePlan, error) {
	serializer, err := serializerOf(s)
	options := []db.Option{db.WithSerializer(serializer), db.WithTimeZone(zone)}
	if s.HashingAlgorithm == "sha1" {
		options = append(options, db.WithLegacyFormat())
	}
	return &storePlan{
		origin: from, database: url,
		open: func(ctx context.Context, more ...db.Option) (cloakroom.Engine, error) {
			return db.Open(ctx, url, slices.Concat(options, more)...)
		},
	}, err
}

// serializers are Django's and Horizon's, old and new.
var serializers = map[string]session.Serializer{
	"":                                   session.AsFound,
	"django.core.signing.JSONSerializer": session.JSON,
	"django.contrib.sessions.serializers.JSONSerializer":   session.JSON,
	"openstack_auth.serializers.HorizonSerializer":         session.JSON,
	"django.contrib.sessions.serializers.PickleSerializer": session.Pickle,
}

func serializerOf(s *settings.Settings) (session.Serializer, error) {
	serializer, ok := serializers[s.Serializer]
	if !ok {
		return 0, wrong(s, "SESSION_SERIALIZER", fmt.Sprintf("%q is no serializer that is known here", s.Serializer),
			"choose django.contrib.sessions.serializers.JSONSerializer, or Horizon's openstack_auth.serializers.HorizonSerializer")
	}
	return serializer, nil
}

// zoneOf is the time zone of expire_date where the database keeps none. A database
// may have one of its own.
func zoneOf(s *settings.Settings, own string) (*time.Location, error) {
	name, setting := own, "DATABASES"
	if !s.UseTZ {
		if name, setting = s.TimeZone, "TIME_ZONE"; name == "" {
			return time.Local, nil // Django's None
		}
	}
	zone, err := time.LoadLocation(name) // UTC where there is none
	if err != nil {
		return nil, wrong(s, setting, fmt.Sprintf("%q is no time zone that this machine knows", name),
			"mend the name, or install the zones (Debian's package tzdata)")
	}
	return zone, nil
}
