package soak

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloakroom-go/cloakroom/internal/server"
)

// engine is one to be held under load.
type engine struct {
	name  string // for -engines
	is    string // for people
	alone bool   // a session is never in two requests at once: nobody could merge them
	start func(t *testing.T) backEnd
}

// backEnd is where the sessions are.
type backEnd struct {
	engine, cache string // URLs
	servers       []*server.Server
}

func (b backEnd) memory() (bytes int64) {
	for _, s := range b.servers {
		bytes += s.Memory()
	}
	return bytes
}

var engines = []engine{
	{name: "locmem", is: "cache on local memory", start: at("locmem:")},
	{name: "memcached", is: "cache on Memcached", start: memcached},
	{name: "redis", is: "cache on Redis", start: redis},
	{name: "sqlite", is: "db on SQLite", start: func(t *testing.T) backEnd {
		return backEnd{engine: "sqlite:///" + filepath.Join(t.TempDir(), "db.sqlite3")}
	}},
	{name: "mariadb", is: "db on MariaDB", start: mariaDB},
	{name: "postgresql", is: "db on PostgreSQL", start: postgreSQL},
	{name: "memcached+mariadb", is: "cached_db: Memcached, MariaDB", start: before(memcached, mariaDB)},
	{name: "redis+mariadb", is: "cached_db: Redis, MariaDB", start: before(redis, mariaDB)},
	{name: "file", is: "file", start: func(t *testing.T) backEnd { return backEnd{engine: "file://" + t.TempDir()} }},
	{name: "cookies", is: "signed_cookies", alone: true, start: at("cookies:")},
}

func named(name string) (engine, bool) {
	i := slices.IndexFunc(engines, func(e engine) bool { return e.name == name })
	if i < 0 {
		return engine{}, false
	}
	return engines[i], true
}

// at is for what needs no server.
func at(url string) func(*testing.T) backEnd {
	return func(*testing.T) backEnd { return backEnd{engine: url} }
}

// The servers are as Debian sets them up, with room for the sessions.

func memcached(t *testing.T) backEnd {
	s := server.Memcached(t, "--memory-limit=1024")
	return backEnd{engine: "memcached://" + s.Addr, servers: []*server.Server{s}}
}

func redis(t *testing.T) backEnd {
	s := server.Redis(t)
	return backEnd{engine: "redis://" + s.Addr + "/1", servers: []*server.Server{s}}
}

func mariaDB(t *testing.T) backEnd {
	s := server.MariaDB(t, "--innodb-log-file-size=96M", "--innodb-buffer-pool-size=512M")
	return backEnd{engine: s.NewDatabase(t).URL, servers: []*server.Server{s}}
}

func postgreSQL(t *testing.T) backEnd {
	s := server.PostgreSQL(t)
	return backEnd{engine: s.NewDatabase(t).URL, servers: []*server.Server{s}}
}

// before is one as the cache before another.
func before(cache, store func(*testing.T) backEnd) func(*testing.T) backEnd {
	return func(t *testing.T) backEnd {
		c, s := cache(t), store(t)
		return backEnd{engine: s.engine, cache: c.engine, servers: append(c.servers, s.servers...)}
	}
}
