package site

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloakroom-go/cloakroom/django/settings"
)

// databases are the ENGINEs of DATABASES. Each makes an address for engine/db
// of one, and says where it is.
var databases = map[string]func(*databaseSetting) (address *url.URL, location string, err error){
	"django.db.backends.mysql":                  mysqlAt,
	"django.contrib.gis.db.backends.mysql":      mysqlAt,
	"django.db.backends.postgresql":             postgresAt,
	"django.db.backends.postgresql_psycopg2":    postgresAt, // before Django 3.0
	"django.contrib.gis.db.backends.postgis":    postgresAt,
	"django.db.backends.sqlite3":                sqliteAt,
	"django.contrib.gis.db.backends.spatialite": sqliteAt,
}

// databaseSetting is one of DATABASES while it is made sense of.
type databaseSetting struct {
	origin
	settings.Database
	options *options
}

// databaseOf plans the database that Django keeps its sessions in: the default,
// for no router is known here.
func databaseOf(s *settings.Settings) (*storePlan, error) {
	const alias = "default"
	d := &databaseSetting{origin: originOf(s, "DATABASES['"+alias+"']", ""), Database: s.Databases[alias]}
	if err := s.Unknown(d.setting); err != nil {
		return nil, err
	}
	if d.Engine == "" {
		return nil, d.wrong("there is no such database", "add it to DATABASES, or name one with --engine URL")
	}
	at, known := databases[d.Engine]
	if !known {
		return nil, d.wrong(fmt.Sprintf("the ENGINE %q is not known here", d.Engine),
			"choose django.db.backends.mysql, postgresql or sqlite3, or name the database with --engine URL")
	}
	d.options = optionsOf("OPTIONS", d.Options)
	address, location, err := at(d)
	if err != nil {
		return nil, err
	}
	if problem := d.options.check(); problem != "" {
		return nil, d.wrong(problem, "take it out, or name the database with --engine URL")
	}
	zone, err := zoneOf(s, d.TimeZone)
	if err != nil {
		return nil, err
	}
	d.location = location
	return databaseAt(s, d.origin, address.String(), zone)
}

// sqliteAt: how long to wait for others is for each request to say.
func sqliteAt(d *databaseSetting) (*url.URL, string, error) {
	d.options.skip("timeout", "check_same_thread", "cached_statements", "detect_types", "factory", "isolation_level",
		"transaction_mode", "init_command", "uri")
	switch {
	case d.Name == "":
		return nil, "", d.wrong("NAME names no file", "write 'NAME': '/path/to/db.sqlite3'")
	case d.Name == ":memory:" || strings.HasPrefix(d.Name, "file:"):
		return nil, "", d.wrong("a database in memory, or one named by a URI, cannot be shared", "write 'NAME': '/path/to/db.sqlite3'")
	}
	return &url.URL{Scheme: "sqlite", Path: "/" + d.Name, OmitHost: false}, d.Name, nil
}

// postgresOwn is what Python's client does for itself.
var (
	postgresOwn = []string{
		"isolation_level", "client_encoding", "application_name", "fallback_application_name", "connect_timeout",
		"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"cursor_factory", "connection_factory", "async", "server_side_binding", "prepare_threshold", "pool",
		"sslcompression", "gssencmode", "channel_binding",
	}
	postgresKnown = []string{
		"user", "password", "passfile", "service", "servicefile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslsni",
		"options", "target_session_attrs",
	}
)

// postgresAt passes on what libpq and the driver here have in common.
func postgresAt(d *databaseSetting) (*url.URL, string, error) {
	o := d.options
	o.skip(postgresOwn...)
	query := url.Values{}
	for name, value := range map[string]string{
		"host": d.Host, "port": d.Port, "user": d.User, "password": d.Password,
		"role": o.text("assume_role"),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for _, name := range append(postgresKnown, "host", "port") {
		if value := o.text(name); value != "" && !query.Has(name) {
			query.Set(name, value)
		}
	}
	name := d.Name
	for _, option := range []string{"dbname", "database"} {
		if value := o.text(option); value != "" {
			name = value
		}
	}
	switch {
	case name == "" && query.Get("service") == "":
		return nil, "", d.wrong("NAME names no database", "write 'NAME': 'dash'")
	case name != "":
		query.Set("dbname", name)
	}
	// The driver takes a plus for itself.
	raw := strings.ReplaceAll(query.Encode(), "+", "%20")
	return &url.URL{Scheme: "postgres", Path: "/", RawQuery: raw}, joined(query.Get("host"), query.Get("port")) + "/" + name, nil
}

func joined(host, port string) string {
	if port == "" || filepath.IsAbs(host) {
		return host
	}
	return net.JoinHostPort(host, port)
}

// exists is for sockets.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
