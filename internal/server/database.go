package server

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// The one user of all databases that tests make.
const (
	databaseUser     = "cloakroom"
	databasePassword = "password"
)

// Database is one database of a server, and how to get to it.
type Database struct {
	Name     string
	URL      string // an address for engine/db
	Settings string // Django's setting DATABASES, a line of Python
}

// Through is the URL by way of another address, that of a proxy.
func (d Database) Through(addr string) string {
	u, err := url.Parse(d.URL)
	if err != nil {
		panic(err) // it is our own
	}
	u.Host = addr
	return u.String()
}

// databases is how a server makes them.
type databases struct {
	driver, source string   // the administrator's, for database/sql
	scheme         string   // of the URL
	backend        string   // Django's name for it
	create         []string // statements; DATABASE_NAME stands for the name
}

// NewDatabase makes an empty database on a [MariaDB] or [PostgreSQL].
func (s *Server) NewDatabase(t testing.TB) Database {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	for _, statement := range s.databases.create {
		s.execute(t, strings.ReplaceAll(statement, "DATABASE_NAME", name))
	}
	settings, err := json.Marshal(map[string]any{"default": map[string]string{
		"ENGINE": "django.db.backends." + s.databases.backend, "NAME": name,
		"HOST": "127.0.0.1", "PORT": s.port(),
		"USER": databaseUser, "PASSWORD": databasePassword,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return Database{
		Name:     name,
		URL:      s.databases.scheme + "://" + databaseUser + ":" + databasePassword + "@" + s.Addr + "/" + name,
		Settings: "DATABASES = " + string(settings) + "\n",
	}
}

// execute runs a statement as the server's administrator.
func (s *Server) execute(t testing.TB, statement string) {
	t.Helper()
	admin, err := sql.Open(s.databases.driver, s.databases.source)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
}
