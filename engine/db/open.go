package db

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Option changes how [Open] sets an engine up.
type Option func(*options)

type options struct {
	zone  *time.Location
	codec []session.Option
}

// WithTimeZone is for a Django site with USE_TZ = False, which keeps expire_date
// in the local time of its TIME_ZONE. The default is UTC, as with USE_TZ = True.
func WithTimeZone(zone *time.Location) Option {
	return func(o *options) {
		if zone != nil {
			o.zone = zone
		}
	}
}

// WithLegacyFormat writes the format of Django before 3.1, which a Django 3.1 or
// 3.2 with DEFAULT_HASHING_ALGORITHM = "sha1" shares with older ones. Every
// engine reads both formats.
func WithLegacyFormat() Option {
	return func(o *options) { o.codec = append(o.codec, session.WithLegacyFormat()) }
}

// WithSerializer has sessions written by s: give it Django's SESSION_SERIALIZER,
// for a Django reads no other. Every engine reads all of them. Without it a
// session is written by what it was read with, and a new one as JSON, which is
// Django's default.
func WithSerializer(s session.Serializer) Option {
	return func(o *options) { o.codec = append(o.codec, session.WithSerializer(s)) }
}

// Open opens the database at an address:
//
//	sqlite:///relative/path
//	sqlite:////absolute/path
//
// It creates a SQLite file that is missing, readable by its owner alone, and no
// table: see [Engine.Migrate].
//
// The file is switched to SQLite's write-ahead log, which Django reads and
// writes as well, so that nobody waits for a writer in order to read. A save
// that was acknowledged survives the end of the process and, as far as the disk
// keeps what it has confirmed, the loss of power. Such a log needs a local
// disk: no network file system.
//
// What is no such database, cannot be written, or is of a shape that the engine
// does not know, is refused with an error that says so.
func Open(ctx context.Context, address string, opts ...Option) (*Engine, error) {
	path, ok := sqlitePath(address)
	if !ok {
		return nil, &cloakroom.Error{
			Engine: "db", Op: "open", Kind: cloakroom.ErrConfig,
			Reason: "the address names no database",
			Mend:   "write sqlite:///relative/path or sqlite:////absolute/path",
		}
	}
	o := options{zone: time.UTC}
	for _, option := range opts {
		option(&o)
	}
	e := &Engine{database: &database{zone: o.zone}, codec: session.New(signing.SessionSalt, o.codec...)}
	if err := openSQLite(ctx, e.database, path); err != nil {
		return nil, err
	}
	if err := e.checkTable(ctx, "open"); err != nil {
		_ = e.Close() // the first error is the one to mend
		return nil, err
	}
	return e, nil
}

func sqlitePath(address string) (path string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "sqlite" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	path = strings.TrimPrefix(u.Path, "/")
	// SQLite's own word for a database in memory, of which every connection
	// would have another.
	return path, path != ":memory:" && strings.Trim(path, "/") != ""
}
