package integrity

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2/memstore"
	_ "github.com/go-sql-driver/mysql"
	"github.com/gomodule/redigo/redis"
	gorilla "github.com/rbcervilla/redisstore/v9"
	goredis "github.com/redis/go-redis/v9"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/bench/ours"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// servers are those that all systems use.
type servers struct {
	*testing.T
	memcached, redis, mariadb, postgresql *server.Server
}

// systems starts a site on each library and engine.
func systems(t *testing.T) []system {
	t.Helper()
	s := servers{t, server.Memcached(t), server.Redis(t), server.MariaDB(t), server.PostgreSQL(t)}
	return append(append(s.ours(), s.peers()...), s.django()...)
}

func (s servers) ours() (all []system) {
	memcached, redis := "memcached://"+s.memcached.Addr, "redis://"+s.redis.Addr+"/1"
	mariadb := func() string { return s.mariadb.NewDatabase(s).URL }
	sqlite := func() string { return "sqlite:///" + filepath.Join(s.TempDir(), "sessions.sqlite3") }
	for _, one := range []struct {
		name   string
		engine cloakroom.Engine
	}{
		{"cache: local memory", s.open("locmem:", "")},
		{"cache: Memcached", s.open(memcached, "")},
		{"cache: Redis", s.open(redis, "")},
		{"db: SQLite", s.open(sqlite(), "")},
		{"db: MariaDB", s.open(mariadb(), "")},
		{"db: PostgreSQL", s.open(s.postgresql.NewDatabase(s).URL, "")},
		{"cached_db: Memcached, MariaDB", s.open(mariadb(), memcached)},
		{"cached_db: local memory, SQLite", s.open(sqlite(), "locmem:")},
		{"file", s.open("file://"+s.TempDir(), "")},
		{"moving: Memcached to MariaDB", s.move(s.open(mariadb(), ""), s.open(memcached, ""))},
	} {
		all = append(all, system{"Cloakroom", one.name, serve(s.T, onCloakroom(one.engine)), true})
	}
	return all
}

// open opens the engine that a URL names, with the cache that another names
// before it.
func (s servers) open(engine, cache string) cloakroom.Engine {
	s.Helper()
	opened, err := ours.Open(s.Context(), engine, cache)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = opened.Close() })
	return opened.Engine
}

// begun is a moving engine whose sessions have all begun in the old.
type begun struct {
	*moving.Engine
	from cloakroom.Engine
}

func (s servers) move(to, from cloakroom.Engine) cloakroom.Engine {
	s.Helper()
	e, err := moving.New(to, from)
	if err != nil {
		s.Fatal(err)
	}
	return begun{e, from}
}

func (e begun) Create(ctx context.Context, r *cloakroom.Record) error {
	if err := e.from.Create(ctx, r); err != nil {
		return err
	}
	loaded, err := e.Load(ctx, r.Key)
	if err == nil {
		r.Version = loaded.Version
	}
	return err
}

const scsTable = `CREATE TABLE sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL, INDEX (expiry))`

// peers are the other libraries in Go, set up as they document it.
func (s servers) peers() []system {
	s.Helper()
	database, err := sql.Open("mysql", "root@unix("+s.mariadb.Socket+")/"+s.mariadb.NewDatabase(s).Name+"?parseTime=true")
	if err == nil {
		_, err = database.ExecContext(s.Context(), scsTable)
	}
	if err != nil {
		s.Fatal(err)
	}
	inMySQL := mysqlstore.New(database)
	pool := &redis.Pool{MaxIdle: 16, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", s.redis.Addr) }}
	inRedis, err := gorilla.NewRedisStore(s.Context(), goredis.NewClient(&goredis.Options{Addr: s.redis.Addr}))
	if err != nil {
		s.Fatal(err)
	}
	inMemory := memstore.New()
	s.Cleanup(func() {
		inMySQL.StopCleanup()
		inMemory.StopCleanup()
		_ = database.Close()
		_ = pool.Close()
		_ = inRedis.Close()
	})
	return []system{
		{library: "scs", engine: "memory", url: serve(s.T, onSCS(inMemory))},
		{library: "scs", engine: "Redis (redigo)", url: serve(s.T, onSCS(redisstore.New(pool)))},
		{library: "scs", engine: "MariaDB", url: serve(s.T, onSCS(inMySQL))},
		{library: "gorilla", engine: "Redis (rbcervilla)", url: serve(s.T, onGorilla(inRedis))},
	}
}

const (
	djangoMemcached = `
CACHES = {"default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": %q}}`
	djangoRedis = `
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://%s/2"}}`
)

//go:embed site.py
var djangoSite string

func (s servers) django() (all []system) {
	inMemcached, inRedis := fmt.Sprintf(djangoMemcached, s.memcached.Addr), fmt.Sprintf(djangoRedis, s.redis.Addr)
	inMariaDB := func() string { return s.mariadb.NewDatabase(s).Settings }
	for _, one := range []struct{ name, backend, settings string }{
		{"cache: Memcached", "cache", inMemcached},
		{"cache: Redis", "cache", inRedis},
		{"db: MariaDB", "db", inMariaDB()},
		{"cached_db: Memcached, MariaDB", "cached_db", inMariaDB() + inMemcached},
	} {
		d := djangotest.Start(s.T, `SESSION_ENGINE = "django.contrib.sessions.backends.`+one.backend+`"`, one.settings)
		if one.backend != "cache" {
			d.Migrate()
		}
		d.Exec(djangoSite)
		version, port := d.Eval("django.get_version()"), d.Eval("server.server_port")
		all = append(all, system{library: fmt.Sprint("Django ", version), engine: one.name, url: fmt.Sprint("http://127.0.0.1:", port)})
	}
	return all
}
