package db_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// A write that fails takes none of those down that were committed with it.
func TestWritesFailAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	e := openMigrated(t, path)
	small := make([]*cloakroom.Record, 16)
	for i := range small {
		small[i] = create(t, e, map[string]any{"n": int64(0)})
	}
	e.LimitPages(t, 30)
	release := occupy(t, path) // so that all of them wait together
	var writers sync.WaitGroup
	for i, r := range small {
		writers.Go(func() {
			r.Data = map[string]any{"n": int64(i + 1)}
			if err := e.Save(t.Context(), r); err != nil {
				t.Errorf("Save: %v", err)
			}
		})
	}
	writers.Go(func() {
		huge := &cloakroom.Record{Data: map[string]any{"large": incompressible(400_000)}, Expires: time.Now().Add(time.Hour)}
		if err := e.Create(t.Context(), huge); !errors.Is(err, cloakroom.ErrUnavailable) {
			t.Errorf("Create of what has no room: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Touch(ctx, small[0].Key, time.Now().Add(24*time.Hour)); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Touch that nobody waited for: %v", err)
	}
	release()
	writers.Wait()
	for i, r := range small {
		got, err := e.Load(t.Context(), r.Key)
		if err != nil || got.Data["n"] != int64(i+1) {
			t.Errorf("after Save: %v, %v", got, err)
		}
		if i == 0 && got.Expires.After(time.Now().Add(2*time.Hour)) {
			t.Error("a Touch that was given up took place")
		}
	}
}

// occupy keeps the file's one write lock until release is called.
func occupy(t *testing.T, path string) (release func()) {
	t.Helper()
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
			t.Error(err)
		}
	}
}
