package db_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/nobody"
	"github.com/cloakroom-go/cloakroom/internal/processes"
)

// What Open refuses, and what it says.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const table = `CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL)`
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		kind    error
		want    string
	}{
		"no database": {
			func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("notes\n"), 1000)) },
			cloakroom.ErrConfig, "the file is no SQLite database",
		},
		"a folder": {
			func(t *testing.T, path string) { mkdir(t, path) },
			cloakroom.ErrUnavailable, "cannot be opened",
		},
		"no folder": {
			func(t *testing.T, path string) { rename(t, filepath.Dir(path), filepath.Dir(path)+".away") },
			cloakroom.ErrUnavailable, "cannot be created (create its folder",
		},
		"a newer version": {
			func(t *testing.T, path string) {
				e := openMigrated(t, path)
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
				run(t, path, `PRAGMA user_version = 99`)
			},
			cloakroom.ErrConfig, "has version 99, this program knows versions up to 1 (run the newer",
		},
		"a missing column": {
			func(t *testing.T, path string) {
				run(t, path, strings.Replace(table, "session_data text NOT NULL, ", "", 1))
			},
			cloakroom.ErrConfig, `column "session_data" is missing`,
		},
		"another column": {
			func(t *testing.T, path string) {
				run(t, path, strings.Replace(table, "expire_date datetime", "expires integer", 1))
			},
			cloakroom.ErrConfig, `column "expire_date" is missing, column "expires" is unknown`,
		},
		"no primary key": {
			func(t *testing.T, path string) { run(t, path, strings.Replace(table, "PRIMARY KEY", "", 1)) },
			cloakroom.ErrConfig, `column "session_key" is not the primary key`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "sessions.sqlite3")
			c.prepare(t, path)
			_, err := db.Open(t.Context(), "sqlite:///"+path)
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v\nwant one line with %q, and %q", err, c.want, c.kind)
			}
		})
	}
}

func TestOpenRefusesAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "sessions.sqlite3", "sqlite:", "sqlite:///", "sqlite://sessions.sqlite3", "sqlite:///a?b=c", "sqlite:///a#b", "sqlite:///:memory:", "sqlite:///%zz"} {
		if _, err := db.Open(t.Context(), address); !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestOpenMakesNoFileForOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	_, err := db.Open(t.Context(), "sqlite:///"+path, db.WithExistingFile())
	if !errors.Is(err, db.ErrNoFile) || !errors.Is(err, cloakroom.ErrConfig) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	write(t, path, nil)
	e, err := db.Open(t.Context(), "sqlite:///"+path, db.WithExistingFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Migrate(t.Context()), e.Close()); err != nil {
		t.Error(err)
	}
}

func TestOpenTakesAnyPath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for address, path := range map[string]string{
		"sqlite:///relative.sqlite3":                   "relative.sqlite3",
		"sqlite:///" + dir + "/with%20space%3F&%25.db": "with space?&%.db",
	} {
		e, err := db.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(e.Migrate(t.Context()), e.Close()); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

func TestOpenWithoutRights(t *testing.T) {
	t.Parallel()
	dir := publicDir(t)
	path := filepath.Join(dir, "sessions.sqlite3")
	openAsNobody := func() string { return nobody.Output(t, processes.Command(t, "open", "sqlite:///"+path, "")) }
	if got := openAsNobody(); !strings.Contains(got, "the database file cannot be created (") || strings.Count(got, "\n") != 1 {
		t.Errorf("a folder that cannot be written: %q", got)
	}
	e := openMigrated(t, path)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := openAsNobody(); !strings.Contains(got, "cannot be opened (see that") || strings.Count(got, "\n") != 1 {
		t.Errorf("a file that cannot be read: %q", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := openAsNobody(); !strings.Contains(got, "the database is read-only (") || strings.Count(got, "\n") != 1 {
		t.Errorf("a file that cannot be written: %q", got)
	}
}

func TestMissingTable(t *testing.T) {
	t.Parallel()
	e := open(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))
	_, err := e.Load(t.Context(), cloakroom.NewKey())
	if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "the table django_session is missing (create it") {
		t.Errorf("Load: %v", err)
	}
	if err := e.Ping(t.Context()); !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("Ping: %v", err)
	}
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	create(t, e, nil)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	e := openMigrated(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))
	r := create(t, e, map[string]any{"n": int64(1)})
	e.LimitPages(t, 20)
	full := &cloakroom.Record{Expires: time.Now().Add(time.Hour)}
	full.Data = map[string]any{"large": incompressible(200_000)}
	err := e.Create(t.Context(), full)
	if !errors.Is(err, cloakroom.ErrUnavailable) || cloakroom.Reason(err) != "the disk is full" {
		t.Errorf("Create on a full disk: %v", err)
	}
	if _, err := e.Load(t.Context(), r.Key); err != nil {
		t.Errorf("Load on a full disk: %v", err)
	}
	e.LimitPages(t, 1000)
	if err := e.Create(t.Context(), full); err != nil {
		t.Errorf("Create after room was made: %v", err)
	}
}

// Somebody else's long transaction makes a save wait no longer than it is asked
// to, and a load not at all.
func TestBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	e := openMigrated(t, path)
	r := create(t, e, map[string]any{"n": int64(1)})
	release := occupy(t, path)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := e.Load(ctx, r.Key); err != nil {
		t.Errorf("Load: %v", err)
	}
	if err := e.Save(ctx, r); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Save: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to give up after 300 ms", took)
	}
	release()
	if err := e.Save(t.Context(), r); err != nil {
		t.Errorf("Save afterwards: %v", err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func incompressible(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(cloakroom.NewKey())
	}
	return b.String()
}
