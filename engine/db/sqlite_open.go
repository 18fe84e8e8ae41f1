package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/cloakroom-go/cloakroom"
)

const (
	// What a file that Migrate made says of itself. Django's says 0 and 0.
	sqliteApplication = 0x436C6B72 // "Clkr"
	sqliteVersion     = 1

	// A reader's cache, in KiB: the upper pages of the tables. It is thrown away
	// whenever somebody has written, so that the usual 2 MB, which each reader
	// fills outside of Go's heap, only cost time.
	sqliteReaderCache = 512

	// How many milliseconds SQLite itself waits for another process. A reader
	// hardly ever has to. A writer begins again and again (see patiently),
	// since SQLite looks less often the longer it waits, up to ten times a
	// second, and would starve behind a process that writes all the time.
	sqliteReaderWaits = 5000
	sqliteWriterWaits = 3
)

// openSQLite sets d up on the file at address.
//
// SQLite has one writer at a time. Waiting for it in a queue of our own, for the
// one connection that writes, is faster and fairer than SQLite's polling.
func openSQLite(ctx context.Context, d *database, address *url.URL, onlyThere bool) error {
	path, err := sqlitePath(address)
	if err != nil {
		return err
	}
	d.dialect, d.location = sqliteDialect, path
	provide := createSQLiteFile
	if onlyThere {
		provide = findSQLiteFile
	}
	if err := provide(path); err != nil {
		return err
	}
	write, err := sqlitePool(path, 1, sqliteWriterWaits, "synchronous(FULL)")
	if err != nil {
		return d.failure("open", err)
	}
	writer := &groupWriter{pool: write, isBusy: isSQLiteBusy}
	d.write, d.migrate = writer, func(ctx context.Context, now any) error { return migrateSQLite(ctx, writer, now) }
	d.read, err = sqlitePool(path, max(4, runtime.GOMAXPROCS(0)), sqliteReaderWaits,
		"query_only(1)", fmt.Sprintf("cache_size(-%d)", sqliteReaderCache))
	if err != nil {
		return errors.Join(d.failure("open", err), d.write.close())
	}
	err = writer.patiently(func() error { return prepareSQLiteFile(ctx, write) })
	if err != nil {
		err = d.openFailure(err)
		return errors.Join(err, d.read.close(), d.write.close())
	}
	return nil
}

func sqlitePath(u *url.URL) (string, error) {
	path := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Host != "", u.RawQuery != "", u.Fragment != "",
		strings.Trim(path, "/") == "",
		// SQLite's own word for a database in memory, of which every
		// connection would have another.
		path == ":memory:":
		return "", badAddress("it names no file")
	}
	return path, nil
}

// createSQLiteFile creates the file if it is missing. It never opens one that is
// there: closing it again would drop the locks that this process has on it.
func createSQLiteFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return file.Close()
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return &cloakroom.Error{
		Engine: "db", Op: "open", Kind: cloakroom.ErrUnavailable,
		Reason: "the database file cannot be created",
		Mend:   "create its folder and let this user write there",
		Err:    err,
	}
}

// findSQLiteFile refuses a file that is missing. It leaves other troubles to SQLite,
// and opens nothing for the reason that createSQLiteFile has.
func findSQLiteFile(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return &cloakroom.Error{
		Engine: "db", Op: "open", Kind: cloakroom.ErrConfig,
		Reason: "the database file is not there",
		Mend:   "mend its name, or create it with cloakroom migrate, as the user that the site runs as",
		Err:    fmt.Errorf("%w: %s", ErrNoFile, path),
	}
}

func sqlitePool(path string, connections, waits int, pragmas ...string) (*pool, error) {
	query := url.Values{
		"mode":    {"rw"}, // a file that vanishes later is an outage, and no reason to begin an empty one
		"_txlock": {"immediate"},
		"_pragma": append(pragmas, fmt.Sprintf("busy_timeout(%d)", waits)),
	}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	return newPool(sql.OpenDB(connector), connections), nil
}

// prepareSQLiteFile sees to it that the file is a database of ours or Django's,
// can be written, and has a write-ahead log.
func prepareSQLiteFile(ctx context.Context, write *pool) error {
	var application, version int64
	err := write.QueryRowContext(ctx, `SELECT application_id, user_version FROM pragma_application_id, pragma_user_version`).
		Scan(&application, &version)
	if err != nil {
		return err
	}
	if application == sqliteApplication && version > sqliteVersion {
		return &cloakroom.Error{
			Engine: "db", Op: "open", Kind: cloakroom.ErrConfig,
			Reason: fmt.Sprintf("the database has version %d, this program knows versions up to %d", version, sqliteVersion),
			Mend:   "run the newer cloakroom that wrote it, or restore the file from before",
		}
	}
	var mode string
	if err := write.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil {
		return err
	}
	tx, err := write.BeginTx(ctx, nil) // immediate: fails on a file that cannot be written
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// openFailure is failure, in the words for a file that nobody has read yet.
func (d *database) openFailure(err error) error {
	var known *cloakroom.Error
	switch code := sqliteCode(err); {
	case errors.As(err, &known):
		return known
	case code&0xFF == sqlite3.SQLITE_NOTADB, code&0xFF == sqlite3.SQLITE_CORRUPT:
		return &cloakroom.Error{
			Engine: "db", Op: "open", Kind: cloakroom.ErrConfig, Err: err,
			Reason: "the file is no SQLite database",
			Mend:   "name another file, or move this one out of the way",
		}
	}
	return d.failure("open", err)
}

// migrateSQLite runs what Django's "sqlmigrate sessions 0001" prints.
func migrateSQLite(ctx context.Context, write *groupWriter, now any) error {
	tx, err := write.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var foreign int
	err = tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_schema) + application_id + user_version
		FROM pragma_application_id, pragma_user_version`).Scan(&foreign)
	if err != nil {
		return err
	}
	script := []string{
		`CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")`,
		`CREATE TABLE IF NOT EXISTS "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL)`,
	}
	if foreign == 0 { // an empty file is ours
		script = append(script,
			fmt.Sprintf(`PRAGMA application_id = %d`, sqliteApplication),
			fmt.Sprintf(`PRAGMA user_version = %d`, sqliteVersion))
	}
	for _, statement := range script {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO "django_migrations" ("app", "name", "applied") SELECT 'sessions', '0001_initial', ?
		WHERE NOT EXISTS (SELECT 1 FROM "django_migrations" WHERE "app" = 'sessions' AND "name" = '0001_initial')`, now)
	if err != nil {
		return err
	}
	return tx.Commit()
}
