package fault_test

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/internal/fault"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// No goroutine is left behind by any engine, whatever happened to its back end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/cloakroom-go/cloakroom/internal/server.(*Server).Start.func1"))
}

// backEnd is where sessions are kept, and what may happen to it.
type backEnd struct {
	engine cloakroom.Engine
	close  []io.Closer

	server *server.Server
	proxy  *fault.Proxy
	most   int  // connections that there may be
	lossy  bool // it forgets everything when it is killed
	disk   *fault.Disk
	faults []trouble
}

// trouble is one thing that happens.
type trouble struct {
	name       string
	begin, end func(b *backEnd)
	lasts      time.Duration
	spares     bool // nobody notices, but that it may take longer
	passes     bool // some may notice nothing
	forgets    bool // a back end without a disk forgets everything
}

func nothing(*backEnd) {}

var onNetworks = []trouble{
	{
		// First, since pgx takes its leave of a silent server for 15 s.
		name: "half-open", passes: true,
		begin: func(b *backEnd) { b.proxy.HalfOpen() }, end: nothing,
	},
	{
		name: "killed", lasts: 1500 * time.Millisecond, forgets: true,
		begin: func(b *backEnd) { b.server.Kill() }, end: func(b *backEnd) { b.server.Start() },
	},
	{
		name: "frozen", lasts: 3500 * time.Millisecond,
		begin: func(b *backEnd) { b.server.Pause() }, end: func(b *backEnd) { b.server.Resume() },
	},
	{
		name: "reset", passes: true, end: nothing,
		begin: func(b *backEnd) {
			for range 5 {
				b.proxy.Reset()
				time.Sleep(50 * time.Millisecond)
			}
		},
	},
	{
		name: "delayed", lasts: time.Second, spares: true,
		begin: func(b *backEnd) { b.proxy.Delay(50 * time.Millisecond) }, end: func(b *backEnd) { b.proxy.Delay(0) },
	},
	{
		name: "delayed for longer than anybody waits", lasts: 3 * time.Second,
		begin: func(b *backEnd) { b.proxy.Delay(3 * time.Second) }, end: func(b *backEnd) { b.proxy.Delay(0) },
	},
}

var onDisks = []trouble{{
	name: "disk full", lasts: time.Second,
	begin: func(b *backEnd) { b.disk.Fill() }, end: func(b *backEnd) { b.disk.Empty() },
}}

// TestFaults mostly waits, so all of it runs at once, whatever -parallel says.
func TestFaults(t *testing.T) {
	var all sync.WaitGroup
	for name, open := range map[string]func(t *testing.T) *backEnd{
		"Memcached": onMemcached, "Redis": onRedis, "MariaDB": onMariaDB, "PostgreSQL": onPostgreSQL,
		"SQLite": onSQLite, "file": onFiles, "cached_db, the cache": onCachedDB, "cached_db, the store": behindCache,
	} {
		all.Go(func() { t.Run(name, func(t *testing.T) { suffersAll(t, open(t)) }) })
	}
	all.Wait()
}

func suffersAll(t *testing.T, b *backEnd) {
	s := newSite(t, b.engine)
	s.recovered(time.Now())
	for _, f := range b.faults {
		s.suffer(b, f)
	}
	s.close()
	for _, c := range b.close {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if b.proxy != nil {
		waitFor(t, "all connections to end", func() bool { return b.proxy.Connections() == 0 })
	}
}

// suffer has something happen to the back end under load, and checks all that is
// promised.
func (s *site) suffer(b *backEnd, f trouble) {
	s.Helper()
	s.rush()
	s.failed.Store(0)
	s.slowest.Store(0)
	s.hiccup.Store(0)
	s.forgets.Store(f.forgets && b.lossy)
	s.growing.Store(b.disk != nil && f.name == "disk full")
	refused := s.guard.State().Refused
	f.begin(b)
	time.Sleep(f.lasts)
	f.end(b)
	took := s.recovered(time.Now())
	s.growing.Store(false)
	s.forgets.Store(false)

	late := time.Duration(s.hiccup.Load())
	slowest := time.Duration(s.slowest.Load())
	s.Logf("%s: %d told to come again, %d of them at once; slowest %v; all well %v after; the machine was up to %v late",
		f.name, s.failed.Load(), s.guard.State().Refused-refused, slowest.Round(time.Millisecond), took.Round(time.Millisecond), late.Round(time.Millisecond))
	if slowest > inTime+late {
		s.Errorf("%s: a visitor waited %v for the back end, want at most %v", f.name, slowest, inTime)
	}
	if took > recovery+late {
		s.Errorf("%s: recovery took %v, want at most %v", f.name, took, recovery)
	}
	switch failed := s.failed.Load(); {
	case f.spares && failed > 0:
		s.Errorf("%s: %d visitors noticed", f.name, failed)
	case !f.spares && !f.passes && failed == 0:
		s.Errorf("%s: nobody noticed, so nothing was tested", f.name)
	}
	if b.proxy != nil {
		waitFor(s.T, f.name+": spare connections to end", func() bool { return b.proxy.Connections() <= b.most })
	}
}

func waitFor(t *testing.T, what string, met func() bool) {
	t.Helper()
	for until := time.Now().Add(recovery); !met(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}

func onMemcached(t *testing.T) *backEnd {
	s := server.Memcached(t)
	p := fault.NewProxy(t, s.Addr)
	e, err := memcached.Open(t.Context(), "memcached://"+p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return &backEnd{engine: e, close: []io.Closer{e}, server: s, proxy: p, most: 64, lossy: true, faults: onNetworks}
}

func onRedis(t *testing.T) *backEnd {
	s := server.Redis(t, "appendonly yes", "appendfsync always")
	p := fault.NewProxy(t, s.Addr)
	e, err := redis.Open(t.Context(), "redis://"+p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return &backEnd{engine: e, close: []io.Closer{e}, server: s, proxy: p, most: 8, faults: onNetworks}
}

func onServer(t *testing.T, s *server.Server, d server.Database) *backEnd {
	p := fault.NewProxy(t, s.Addr)
	e := openDB(t, d.Through(p.Addr))
	return &backEnd{engine: e, close: []io.Closer{e}, server: s, proxy: p, most: 16, faults: onNetworks}
}

func onPostgreSQL(t *testing.T) *backEnd {
	s := server.PostgreSQL(t)
	return onServer(t, s, s.NewDatabase(t))
}

func onMariaDB(t *testing.T) *backEnd {
	s := server.MariaDB(t)
	d := s.NewDatabase(t)
	disk := fault.NewDisk(t, filepath.Join(s.Dir, "data", d.Name), "8192") // the tables', of which one is made now
	b := onServer(t, s, d)
	b.disk, b.faults = disk, append(b.faults[:len(b.faults):len(b.faults)], onDisks...)
	return b
}

func openDB(t *testing.T, address string) *db.Engine {
	t.Helper()
	e, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func onSQLite(t *testing.T) *backEnd {
	disk := fault.NewDisk(t, t.TempDir(), "16384")
	path := filepath.Join(disk.Dir, "sessions.sqlite3")
	e := openDB(t, "sqlite:///"+path)
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	var tx *sql.Tx
	locked := trouble{
		name: "locked by a program that hangs", lasts: 3 * time.Second,
		begin: func(*backEnd) {
			for tx == nil { // there is no queue for the lock
				tx, err = other.BeginTx(context.Background(), nil)
			}
		},
		end: func(*backEnd) { _ = tx.Rollback() },
	}
	return &backEnd{engine: e, close: []io.Closer{e}, disk: disk, faults: append([]trouble{locked}, onDisks...)}
}

func onFiles(t *testing.T) *backEnd {
	disk := fault.NewDisk(t, t.TempDir(), "4096")
	dir := filepath.Join(disk.Dir, "sessions")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := file.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	var folder *os.File
	locked := trouble{
		name: "locked by a program that hangs", lasts: 3 * time.Second,
		begin: func(*backEnd) {
			if folder, err = os.Open(dir); err == nil {
				err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX)
			}
			if err != nil {
				t.Error(err)
			}
		},
		end: func(*backEnd) { folder.Close() },
	}
	rename := func(from, to string) func(*backEnd) {
		return func(*backEnd) {
			if err := os.Rename(from, to); err != nil {
				t.Error(err)
			}
		}
	}
	unmounted := trouble{
		name: "the folder is away", lasts: time.Second,
		begin: rename(dir, dir+".away"), end: rename(dir+".away", dir),
	}
	return &backEnd{engine: e, disk: disk, faults: append([]trouble{locked, unmounted}, onDisks...)}
}

// onCachedDB: what happens to the cache is nobody's concern.
func onCachedDB(t *testing.T) *backEnd {
	s := server.Memcached(t)
	p := fault.NewProxy(t, s.Addr)
	c, err := memcached.New("memcached://" + p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	store := openDB(t, "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	e := cacheddb.New(c, store, quietly)
	faults := []trouble{{name: "emptied", begin: func(b *backEnd) { flush(t, b.server.Addr) }, end: nothing}}
	faults = append(faults, onNetworks...)
	for i := range faults {
		faults[i].spares = true
	}
	return &backEnd{engine: e, close: []io.Closer{e, c, store}, server: s, proxy: p, most: 64, faults: faults}
}

var quietly = cacheddb.WithLogger(slog.New(slog.DiscardHandler))

// flush empties a Memcached.
func flush(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		defer conn.Close()
		_, err = io.WriteString(conn, "flush_all\r\nquit\r\n")
	}
	if err == nil {
		_, err = io.ReadAll(conn)
	}
	if err != nil {
		t.Error(err)
	}
}

// behindCache: what happens behind the cache is as bad as without one.
func behindCache(t *testing.T) *backEnd {
	b := onRedis(t)
	e := cacheddb.New(locmem.New(), b.engine, quietly)
	b.engine, b.close = e, append([]io.Closer{e}, b.close...)
	return b
}
