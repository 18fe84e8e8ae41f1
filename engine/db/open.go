package db

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Option changes how [Open] sets an engine up.
type Option func(*options)

type options struct {
	zone        *time.Location
	codec       []session.Option
	connections int
	onlyThere   bool
}

// WithTimeZone is for a Django site with USE_TZ = False, which keeps expire_date
// in the local time of its TIME_ZONE. The default is UTC, as with USE_TZ = True.
// With PostgreSQL it means nothing: there the column knows moments.
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

// WithConnections bounds how many connections to a database server are open at
// once, and kept open. The default is 16. With SQLite it means nothing.
func WithConnections(n int) Option {
	return func(o *options) {
		if n > 0 {
			o.connections = n
		}
	}
}

// WithExistingFile has [Open] create no SQLite file: the error is [ErrNoFile] where
// there is none. It is for the database of a Django. One created here would be empty,
// might be for another user alone, and would hide that the name is wrong. With a
// database server it means nothing.
func WithExistingFile() Option {
	return func(o *options) { o.onlyThere = true }
}

// ErrNoFile says that a SQLite file is missing, which [WithExistingFile] lets nobody
// create. The error matches [cloakroom.ErrConfig] too.
var ErrNoFile = errors.New("no such file")

// Open opens the database at an address:
//
//	sqlite:///relative/path
//	sqlite:////absolute/path
//	mysql://user:password@host:port/database      MariaDB too, also as mariadb://
//	postgres://user:password@host:port/database   also as postgresql://
//
// It creates no table: see [Engine.Migrate]. What is no such database, cannot be
// written, or is of a shape that the engine does not know, is refused with an
// error that says so.
//
// MySQL takes the parameters unix_socket, and ssl_mode, ssl_ca, ssl_cert and
// ssl_key as its own clients do: ssl_mode is PREFERRED, and VERIFY_CA with an
// ssl_ca. PostgreSQL takes those of libpq, such as host=/run/postgresql,
// sslmode and sslrootcert.
//
// A SQLite file that is missing is created, readable by its owner alone, unless
// [WithExistingFile] says otherwise. The
// file is switched to SQLite's write-ahead log, which Django reads and writes as
// well, so that nobody waits for a writer in order to read. Such a log needs a
// local disk: no network file system.
//
// A save that was acknowledged survives the end of the process and, as far as
// the database and its disk keep what they have confirmed, the loss of power.
func Open(ctx context.Context, address string, opts ...Option) (*Engine, error) {
	o := options{zone: time.UTC, connections: 16}
	for _, option := range opts {
		option(&o)
	}
	e := &Engine{database: &database{zone: o.zone}, codec: session.New(signing.SessionSalt, o.codec...)}
	if err := e.open(ctx, address, o); err != nil {
		return nil, err
	}
	if err := e.checkTable(ctx, "open"); err != nil {
		_ = e.Close() // the first error is the one to mend
		return nil, err
	}
	return e, nil
}

// CheckAddress is nil where [Open] makes sense of an address, and its error
// otherwise. It connects to nobody, and creates no file.
func CheckAddress(address string) error {
	u, err := parseAddress(address)
	if err != nil {
		return err
	}
	switch u.Scheme {
	case "sqlite":
		_, err = sqlitePath(u)
	case "mysql", "mariadb":
		_, err = mysqlDatabase(u)
	default:
		_, err = postgresConfig(address)
	}
	return err
}

func (d *database) open(ctx context.Context, address string, o options) error {
	u, err := parseAddress(address)
	if err != nil {
		return err
	}
	switch u.Scheme {
	case "sqlite":
		return openSQLite(ctx, d, u, o.onlyThere)
	case "mysql", "mariadb":
		return openMySQL(ctx, d, u, o.connections)
	}
	return openPostgres(d, address, o.connections)
}

func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, badAddress("it is no URL") // the error may hold a password
	}
	switch u.Scheme {
	case "sqlite", "mysql", "mariadb", "postgres", "postgresql":
		return u, nil
	}
	return nil, badAddress("it begins with none of sqlite:, mysql: and postgres:")
}
