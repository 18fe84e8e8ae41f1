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
	records := someRecords(t, e)
	e.LimitPages(t, 30)
	release := occupy(t, path) // so that all of them wait together
	saved := saveAll(t, e, records)
	created := make(chan error)
	go func() {
		huge := map[string]any{"large": incompressible(400_000)}
		created <- e.Create(t.Context(), &cloakroom.Record{Data: huge, Expires: time.Now().Add(time.Hour)})
	}()
	time.Sleep(50 * time.Millisecond)
	release()
	if err := <-created; !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Create of what has no room: %v", err)
	}
	saved()
}

// A write that was given up before its turn came does not take place.
func TestAbandonedWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.sqlite3")
	e := openMigrated(t, path)
	records := someRecords(t, e)
	abandoned := create(t, e, nil)
	release := occupy(t, path)
	saved := saveAll(t, e, records)
	time.Sleep(50 * time.Millisecond) // so that Touch is not the one whose turn it is
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Touch(ctx, abandoned.Key, time.Now().Add(24*time.Hour)); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Touch: %v", err)
	}
	release()
	saved()
	r, err := e.Load(t.Context(), abandoned.Key)
	if err != nil {
		t.Fatal(err)
	}
	if r.Expires.After(time.Now().Add(2 * time.Hour)) {
		t.Error("the Touch took place")
	}
}

func someRecords(t *testing.T, e cloakroom.Engine) []*cloakroom.Record {
	t.Helper()
	records := make([]*cloakroom.Record, 16)
	for i := range records {
		records[i] = create(t, e, map[string]any{"n": int64(0)})
	}
	return records
}

// saveAll begins to save all records at once. What it returns waits for that,
// and checks that every save took place.
func saveAll(t *testing.T, e cloakroom.Engine, records []*cloakroom.Record) (wait func()) {
	t.Helper()
	var writers sync.WaitGroup
	for _, r := range records {
		writers.Go(func() {
			r.Data = map[string]any{"n": int64(1)}
			if err := e.Save(t.Context(), r); err != nil {
				t.Errorf("Save: %v", err)
			}
		})
	}
	return func() {
		t.Helper()
		writers.Wait()
		for _, r := range records {
			if got, err := e.Load(t.Context(), r.Key); err != nil || got.Data["n"] != int64(1) {
				t.Errorf("after Save: %v, %v", got, err)
			}
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
