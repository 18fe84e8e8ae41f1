package clearing_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/clearing"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

const secret = "a secret key of the tests"

// back is a database with a table django_session, and a way to it beside the
// engine's.
type back struct {
	address string
	engine  *db.Engine
	beside  *sql.DB
	numbers bool // its placeholders are numbered
	backlog int  // so many expired are one
}

// databases are one of each kind.
var databases = map[string]func(t *testing.T) *back{
	"MariaDB":    func(t *testing.T) *back { return openBack(t, mariadb(t).NewDatabase(t).URL) },
	"PostgreSQL": func(t *testing.T) *back { return openBack(t, postgresql(t).NewDatabase(t).URL) },
	"SQLite": func(t *testing.T) *back {
		return openBack(t, "sqlite:///"+filepath.Join(t.TempDir(), "sessions.sqlite3"))
	},
}

var (
	mariadb    = server.Shared(func(t testing.TB) *server.Server { return server.MariaDB(t) })
	postgresql = server.Shared(func(t testing.TB) *server.Server { return server.PostgreSQL(t) })
)

func onDatabases(t *testing.T, test func(t *testing.T, b *back)) {
	t.Helper()
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func openBack(t *testing.T, address string) *back {
	t.Helper()
	b := &back{address: address, engine: openEngine(t, address), backlog: 4000}
	if err := b.engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	driver, source := "sqlite", strings.TrimPrefix(u.Path, "/")+"?_pragma=busy_timeout(10000)"
	switch u.Scheme {
	case "mysql":
		b.backlog = 11_000 // fewer go in the order of the expiry
		driver, source = "mysql", fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path)
	case "postgres":
		driver, source, b.numbers = "pgx", address, true
	}
	if b.beside, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.beside.Close() })
	return b
}

func openEngine(t *testing.T, address string) *db.Engine {
	t.Helper()
	e, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e.WithSecretKeys(secret).(*db.Engine)
}

// fill adds rows that expired before now, by an hour or a year.
func (b *back) fill(t *testing.T, expired int) {
	t.Helper()
	const together = 1000
	for start := 0; start < expired; start += together {
		n := min(together, expired-start)
		var values []string
		var args []any
		for i := range n {
			place := "(?, ?, ?)"
			if b.numbers {
				place = fmt.Sprintf("($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
			}
			values = append(values, place)
			args = append(args, cloakroom.NewKey(), strings.Repeat("x", 100), b.date(-time.Hour*time.Duration(1+(start+i)%9000)))
		}
		b.exec(t, `INSERT INTO django_session (session_key, session_data, expire_date) VALUES `+strings.Join(values, ", "), args...)
	}
}

func (b *back) date(in time.Duration) any {
	at := time.Now().Add(in).UTC()
	if b.numbers {
		return at
	}
	return at.Format("2006-01-02 15:04:05.000000")
}

func (b *back) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := b.beside.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%.30s: %v", statement, err)
	}
}

// live makes sessions that have not expired.
func live(t *testing.T, e cloakroom.Engine, n int) []*cloakroom.Record {
	t.Helper()
	records := make([]*cloakroom.Record, n)
	for i := range records {
		records[i] = &cloakroom.Record{Data: map[string]any{"n": int64(i)}, Expires: time.Now().Add(time.Hour)}
		if err := e.Create(t.Context(), records[i]); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// exactly checks that what is left are those sessions, and nothing expired.
func exactly(t *testing.T, e cloakroom.Engine, records []*cloakroom.Record) {
	t.Helper()
	stats, err := e.(cloakroom.Measurer).Stats(t.Context())
	if err != nil || stats.Expired != 0 || stats.Live != int64(len(records)) {
		t.Errorf("%+v are left of %d live ones (%v)", stats, len(records), err)
	}
	for _, r := range records {
		if _, err := e.Load(t.Context(), r.Key); err != nil {
			t.Fatalf("a live session: %v", err)
		}
	}
}

// Beside the clearing, sessions are created, saved and touched.
func TestNothingLiveIsDeleted(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, b *back) {
		b.fill(t, b.backlog)
		records := live(t, b.engine, 100)
		ctx, stop := context.WithCancel(t.Context())
		var beside sync.WaitGroup
		beside.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r := records[i%100]
				r.Data = map[string]any{"i": int64(i)}
				if err := b.engine.Save(t.Context(), r); err != nil {
					t.Errorf("save: %v", err)
				}
				if err := b.engine.Touch(t.Context(), r.Key, time.Now().Add(2*time.Hour)); err != nil {
					t.Errorf("touch: %v", err)
				}
				more := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
				if err := b.engine.Create(t.Context(), more); err != nil {
					t.Errorf("create: %v", err)
				}
				records = append(records, more)
			}
		})
		report, err := clearing.Run(t.Context(), openEngine(t, b.address), clearing.Options{Batch: 500})
		stop()
		beside.Wait()
		if err != nil || report.Cleared != int64(b.backlog) || report.Largest > 500 {
			t.Errorf("%+v, %v", report, err)
		}
		exactly(t, b.engine, records)
	})
}

// Somebody saves a session that had expired, as Django may, while the clearing is
// at it.
func TestExpiryMovedForward(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, b *back) {
		b.fill(t, b.backlog)
		saved := live(t, b.engine, 1)
		where := ` WHERE session_key = '` + saved[0].Key + `'`
		b.exec(t, `UPDATE django_session SET expire_date = '`+time.Now().UTC().Add(-24*time.Hour).Format("2006-01-02 15:04:05.000000")+`'`+where)
		tx, err := b.beside.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(t.Context(), `UPDATE django_session SET expire_date = '`+time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04:05.000000")+`'`+where); err != nil {
			t.Fatal(err)
		}
		var clear sync.WaitGroup
		clear.Go(func() {
			if report, err := clearing.Run(t.Context(), b.engine, clearing.Options{}); err != nil || report.Cleared != int64(b.backlog) {
				t.Errorf("%+v, %v", report, err)
			}
		})
		time.Sleep(300 * time.Millisecond)
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		clear.Wait()
		exactly(t, b.engine, saved)
	})
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, b *back) {
		b.fill(t, b.backlog)
		records := live(t, b.engine, 50)
		var cleared [2]int64
		var both sync.WaitGroup
		for i := range cleared {
			e := openEngine(t, b.address)
			both.Go(func() {
				report, err := clearing.Run(t.Context(), e, clearing.Options{Batch: 1000})
				if err != nil {
					t.Error(err)
				}
				cleared[i] = report.Cleared
			})
		}
		both.Wait()
		if cleared[0]+cleared[1] != int64(b.backlog) {
			t.Errorf("they cleared %d", cleared)
		}
		exactly(t, b.engine, records)
	})
}

func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	onDatabases(t, func(t *testing.T, b *back) {
		b.fill(t, b.backlog)
		records := live(t, b.engine, 50)
		all := int64(0)
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			report, err := clearing.Run(ctx, b.engine, clearing.Options{Batch: 300, Progress: func(r clearing.Report) {
				if r.Cleared > 1000 {
					cancel()
				}
			}})
			cancel()
			if !errors.Is(err, context.Canceled) || report.Cleared <= 1000 || report.Cleared > 2000 {
				t.Errorf("%+v, %v", report, err)
			}
			all += report.Cleared
		}
		report, err := clearing.Run(t.Context(), b.engine, clearing.Options{})
		if err != nil || report.Cleared+all != int64(b.backlog) {
			t.Errorf("%d, then %+v, %v", all, report, err)
		}
		exactly(t, b.engine, records)
	})
}

// The server ends in the middle, and comes back.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := server.MariaDB(t)
	b := openBack(t, s.NewDatabase(t).URL)
	b.fill(t, b.backlog)
	records := live(t, b.engine, 50)
	var once sync.Once
	report, err := clearing.Run(t.Context(), b.engine, clearing.Options{Batch: 500, Progress: func(r clearing.Report) {
		if r.Cleared > 3000 {
			once.Do(s.Kill)
		}
	}})
	if !errors.Is(err, cloakroom.ErrUnavailable) || !strings.Contains(err.Error(), fmt.Sprintf("cleared %d expired sessions, then stopped", report.Cleared)) {
		t.Errorf("%+v, %v", report, err)
	}
	s.Start()
	again, err := clearing.Run(t.Context(), b.engine, clearing.Options{})
	if err != nil || report.Cleared+again.Cleared != int64(b.backlog) {
		t.Errorf("%+v, then %+v, %v", report, again, err)
	}
	exactly(t, b.engine, records)
}

// A folder, on its own and behind a cache.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unsigned, err := file.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	e := unsigned.WithSecretKeys(secret)
	for _, r := range live(t, e, 300) {
		if err := e.Touch(t.Context(), r.Key, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	records := live(t, e, 100)
	report, err := clearing.Run(t.Context(), cacheddb.New(locmem.New(), e), clearing.Options{Batch: 50})
	if err != nil || report.Cleared != 300 || report.Largest > 50 {
		t.Errorf("%+v, %v", report, err)
	}
	exactly(t, e, records)
	if report, err := clearing.Run(t.Context(), e, clearing.Options{}); err != nil || report.Cleared != 0 {
		t.Errorf("again: %+v, %v", report, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 101 { // and a lock
		t.Errorf("%d files are left (%v)", len(files), err)
	}
}
