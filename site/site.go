// Package site opens the session storage that a site's settings name: the one
// place that knows which engine, cache or database stands behind which word of
// Django's.
//
// Of OPTIONS it takes what says where sessions are and in what form. It passes
// over what a client in Python does for itself: time limits, pools, retries, the
// character set and isolation of a connection (session data is ASCII, and
// READ COMMITTED is used here), init_command, SQLite's timeout. Everything else,
// and every class that is not known here, is refused by name, for it may mean
// that sessions are elsewhere or look otherwise.
//
//   - Memcached: "behaviors" of pylibmc with ketama and ketama_weighted, and its
//     "binary", which is another way to say the same.
//   - django-redis, and the redis_cache it was: CLIENT_CLASS Default and Sentinel
//     with SENTINELS and SENTINEL_KWARGS, SERIALIZER, COMPRESSOR, PICKLE_VERSION,
//     PASSWORD, DB, CONNECTION_POOL_KWARGS with the database, the account and TLS,
//     a REDIS_CLIENT_CLASS for a Cluster. The URL in LOCATION has the last word.
//     Of several locations the first is the primary, and is asked alone.
//   - MySQL: unix_socket, host, port, user, password, database, ssl (ca, cert, key,
//     check_hostname), ssl_mode, and read_default_file with read_default_group.
//     A HOST that begins with a slash is a socket; localhost, or none, is the
//     socket of this machine where there is one.
//   - PostgreSQL: what libpq and package pgx have in common: sslmode, sslrootcert,
//     sslcert, sslkey, service, passfile, options, target_session_attrs; and
//     Django's assume_role.
package site

import (
	"context"
	"errors"
	"io"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

// Site is the session storage of a Django or Horizon site. Close it when it is
// not needed any more.
type Site struct {
	Settings *settings.Settings
	Engine   cloakroom.Engine // ready: it has its secret keys

	cache   cache.Cache      // nil where there is none
	store   cloakroom.Engine // nil where the cache is all there is
	closers []io.Closer
}

// Open opens what s names. It reaches for every back end. A cache before a
// database may be away: the sessions can be had without it, and it is tried again.
// A SQLite file that is missing is [db.ErrNoFile], and stays missing.
//
// The error is [cloakroom.ErrConfig] or [cloakroom.ErrUnavailable], names the
// setting and its place in the files, and says what mends it. It holds no
// password.
func Open(ctx context.Context, s *settings.Settings) (*Site, error) {
	p, err := planOf(s)
	if err != nil {
		return nil, err
	}
	site := &Site{Settings: s}
	if err := site.open(ctx, p); err != nil {
		return nil, errors.Join(err, site.Close())
	}
	return site, nil
}

func (s *Site) open(ctx context.Context, p plan) (err error) {
	if p.store != nil {
		if s.store, err = p.store.open(ctx, db.WithExistingFile()); err != nil {
			return p.store.failure(err)
		}
		s.owns(s.store)
		if signed, ok := cloakroom.As[cloakroom.Signed](s.store); ok {
			if s.Settings.NoSecretKey != nil && s.Settings.EngineURL == "" {
				return s.Settings.NoSecretKey // it says more than the engine could
			}
			s.store = signed.WithSecretKeys(s.Settings.SecretKey, s.Settings.SecretKeyFallbacks...)
		}
	}
	if p.cache != nil {
		s.cache, err = p.cache.open(ctx)
		switch {
		case err != nil && p.store != nil && errors.Is(err, cloakroom.ErrUnavailable):
			s.cache = newLateCache(p.cache)
		case err != nil:
			return p.cache.failure(err)
		}
		s.owns(s.cache)
	}
	switch {
	case p.cache == nil:
		s.Engine = s.store
	case p.store == nil:
		s.Engine = cache.New(s.cache, cache.KeyPrefix(p.cache.prefix), cache.Version(p.cache.version))
		return p.cache.failure(s.answers(ctx))
	default:
		front := cacheddb.New(s.cache, s.store, cacheddb.WithKeyPrefix(p.cache.prefix), cacheddb.WithVersion(p.cache.version))
		s.owns(front)
		s.Engine = front
	}
	return nil
}

// answers asks for a session that nobody has. Some caches only connect then.
func (s *Site) answers(ctx context.Context) error {
	_, err := s.Engine.Load(ctx, cloakroom.NewKey())
	if errors.Is(err, cloakroom.ErrNotFound) {
		return nil
	}
	return err
}

// owns has what was opened closed in the end.
func (s *Site) owns(opened any) {
	if c, ok := opened.(io.Closer); ok {
		s.closers = append(s.closers, c)
	}
}

// OpenDatabase opens the database that s keeps sessions in, and nothing else:
// for what is done to its table while a cache before it may be away. A SQLite file
// that is missing is created. Close it.
// Where s names no database the error is [cloakroom.ErrConfig].
func OpenDatabase(ctx context.Context, s *settings.Settings) (*db.Engine, error) {
	p, err := planOf(s)
	if err != nil {
		return nil, err
	}
	if p.store == nil || p.store.database == "" {
		return nil, noDatabase(p)
	}
	opened, err := p.store.open(ctx)
	if err != nil {
		return nil, p.store.failure(err)
	}
	return opened.(*db.Engine).WithSecretKeys(s.SecretKey, s.SecretKeyFallbacks...).(*db.Engine), nil
}

// HasDatabase reports whether s keeps sessions in a database, also where a cache
// stands before it.
func HasDatabase(s *settings.Settings) (bool, error) {
	p, err := planOf(s)
	return err == nil && p.store != nil && p.store.database != "", err
}

// DatabaseURL is the address, for package engine/db, of the database that s
// keeps sessions in. It holds the password. Where s names no database the error
// is [cloakroom.ErrConfig].
func DatabaseURL(s *settings.Settings) (string, error) {
	p, err := planOf(s)
	if err == nil && (p.store == nil || p.store.database == "") {
		err = noDatabase(p)
	}
	if err != nil {
		return "", err
	}
	return p.store.database, nil
}

// Database returns the db engine, also where a cache stands before it.
func (s *Site) Database() (*db.Engine, bool) {
	engine, ok := s.store.(*db.Engine)
	return engine, ok
}

// Store returns the engine that keeps what counts: the one behind the cache of
// cached_db, or the site's only one.
func (s *Site) Store() cloakroom.Engine {
	if s.store != nil {
		return s.store
	}
	return s.Engine
}

// Cache returns the cache that sessions are in, also where it stands before a
// database. It is the whole cache: keys have their prefix.
func (s *Site) Cache() (cache.Cache, bool) { return s.cache, s.cache != nil }

// Close closes the engine and all that it stands on.
func (s *Site) Close() error {
	var errs []error
	for i := range s.closers {
		errs = append(errs, s.closers[len(s.closers)-1-i].Close()) // the last opened stands on the others
	}
	return errors.Join(errs...)
}
