package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/enginetest"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
)

const secret = djangotest.SecretKey

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Config{
		Open: func(t testing.TB) cloakroom.Engine {
			return openMigrated(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))
		},
		Second: func(t testing.TB, e cloakroom.Engine) cloakroom.Engine { return open(t, location(e)) },
		// The disk is gone: as when it was unmounted.
		Break: func(t testing.TB, e cloakroom.Engine) func() {
			e.(*db.Engine).CloseIdle()
			away := location(e) + ".away"
			rename(t, location(e), away)
			return func() { rename(t, away, location(e)) }
		},
		Corrupt: func(t testing.TB, e cloakroom.Engine, key string) {
			run(t, location(e), `UPDATE django_session SET session_data = substr(session_data, 1, 20) WHERE session_key = ?`, key)
		},
		Waived: map[string]string{
			"RoundTripTimesAndBytes": "JSON, which Django signs here, has neither: they come back as text",
		},
	})
}

// open opens the file at path with the test's secret key.
func open(t testing.TB, path string, options ...db.Option) *db.Engine {
	t.Helper()
	return openAt(t, "sqlite:///"+path, options...)
}

func openMigrated(t testing.TB, path string, options ...db.Option) *db.Engine {
	t.Helper()
	e := open(t, path, options...)
	migrate(t, e)
	return e
}

func location(e cloakroom.Engine) string { return e.(*db.Engine).Describe().Location }

// run runs SQL on the file at path, as somebody else would.
func run(t testing.TB, path, statement string, args ...any) {
	t.Helper()
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(context.WithoutCancel(t.Context()), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, e cloakroom.Engine, data map[string]any) *cloakroom.Record {
	t.Helper()
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWithoutSecretKey(t *testing.T) {
	t.Parallel()
	signed := openMigrated(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))
	r := create(t, signed, nil)
	e := signed.WithSecretKeys("", secret)
	_, loading := e.Load(t.Context(), r.Key)
	for name, err := range map[string]error{
		"Load":   loading,
		"Save":   e.Save(t.Context(), r),
		"Create": e.Create(t.Context(), r),
	} {
		if !errors.Is(err, cloakroom.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFallbackKeys(t *testing.T) {
	t.Parallel()
	old := openMigrated(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))
	r := create(t, old, map[string]any{"n": int64(1)})
	rotated := old.WithSecretKeys("new", secret)
	got, err := rotated.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := rotated.Save(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if _, err := old.WithSecretKeys("new").Load(t.Context(), r.Key); err != nil {
		t.Errorf("a save signed with a fallback: %v", err)
	}
}

// Dates compare as moments, whether Django wrote a fraction or not.
func TestExpiryToTheMicrosecond(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	e := openMigrated(t, path)
	r := create(t, e, nil)
	second := time.Now().UTC().Truncate(time.Second)
	for date, live := range map[string]bool{
		second.Add(time.Minute).Format("2006-01-02 15:04:05"):             true,
		second.Add(time.Minute).Format("2006-01-02 15:04:05") + ".000001": true,
		second.Format("2006-01-02 15:04:05"):                              false,
	} {
		run(t, path, `UPDATE django_session SET expire_date = ?`, date)
		if _, err := e.Load(t.Context(), r.Key); errors.Is(err, cloakroom.ErrNotFound) == live {
			t.Errorf("%s: %v", date, err)
		}
	}
	run(t, path, `UPDATE django_session SET expire_date = 'never'`)
	if _, err := e.Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrCorrupt) {
		t.Errorf("a date that is none: %v", err)
	}
}

func TestExpiryBeyondDates(t *testing.T) {
	t.Parallel()
	e := openMigrated(t, filepath.Join(t.TempDir(), "sessions.sqlite3"))
	r := create(t, e, nil)
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := e.Touch(t.Context(), r.Key, far); !errors.Is(err, cloakroom.ErrUnencodable) {
		t.Errorf("Touch: %v", err)
	}
	if err := e.Create(t.Context(), &cloakroom.Record{Expires: far}); !errors.Is(err, cloakroom.ErrUnencodable) {
		t.Errorf("Create: %v", err)
	}
}
