package history_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/dashboard/history"
)

func open(t *testing.T) *history.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "history.sqlite3")+"?_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	store, err := history.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestSamplesAreThinnedAndForgotten(t *testing.T) {
	t.Parallel()
	store := open(t)
	now := time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) dashboard.Sample {
		return dashboard.Sample{At: now.Add(-ago), Live: int64(ago / time.Minute), Bytes: 10}
	}
	const day = 24 * time.Hour
	for _, ago := range []time.Duration{
		32 * day,                                                             // too old
		30*day + 9*time.Minute, 30*day + 8*time.Minute, 30*day + time.Minute, // one span
		26*time.Hour + 10*time.Minute, 26 * time.Hour, // two spans
		3 * time.Minute, 2 * time.Minute, time.Minute, // fine
		0, 0, // the same minute
	} {
		if err := store.Add(t.Context(), at(ago)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := store.Samples(t.Context(), now.Add(-40*day))
	if err != nil {
		t.Fatal(err)
	}
	want := []dashboard.Sample{
		at(30*day + 9*time.Minute), at(26*time.Hour + 10*time.Minute), at(26 * time.Hour),
		at(3 * time.Minute), at(2 * time.Minute), at(time.Minute), at(0),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = store.Samples(t.Context(), now.Add(-time.Minute))
	if err != nil || len(got) != 2 {
		t.Errorf("since a minute ago: %d samples, %v", len(got), err)
	}
}

// meter answers its readings one after another; a negative one is a failure.
type meter struct{ readings []int64 }

func (m *meter) Stats(context.Context) (cloakroom.Stats, error) {
	if len(m.readings) == 0 {
		return cloakroom.Stats{}, errors.New("out of readings")
	}
	live := m.readings[0]
	m.readings = m.readings[1:]
	if live < 0 {
		return cloakroom.Stats{}, errors.New("away")
	}
	return cloakroom.Stats{Live: live, Bytes: 100 * live}, nil
}

func TestRunSamplesEachMinuteAndEnds(t *testing.T) {
	t.Parallel()
	store := open(t)
	var log bytes.Buffer
	start := time.Time{}
	synctest.Test(t, func(t *testing.T) {
		start = time.Now()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute+time.Second)
		defer cancel()
		store.Run(ctx, &meter{readings: []int64{1, -1, 3, 4}}, slog.New(slog.NewTextHandler(&log, nil)))
	})
	got, err := store.Samples(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	var live []int64
	for _, sample := range got {
		live = append(live, sample.Live)
	}
	if diff := cmp.Diff([]int64{1, 3, 4}, live); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(log.String(), "could not be counted"); n != 1 {
		t.Errorf("%d failures logged, want 1:\n%s", n, log.String())
	}
}
