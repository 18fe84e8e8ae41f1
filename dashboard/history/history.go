// Package history remembers how many sessions there were when, for the
// Dashboard's plot: a sample each minute for a day, one for every ten minutes
// for a month, and nothing older. That is under 6,000 rows of SQLite.
package history

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/dashboard"
)

const (
	every    = time.Minute
	fine     = 25 * time.Hour // how long each sample is kept
	coarse   = 10 * time.Minute
	longest  = 31 * 24 * time.Hour // how long one for each coarse span is kept
	patience = 30 * time.Second    // for one measurement
)

const schema = `CREATE TABLE IF NOT EXISTS cloakroom_history (
	at integer NOT NULL PRIMARY KEY, -- Unix seconds
	live integer NOT NULL,
	bytes integer NOT NULL
)`

// Store is the samples in one database. Make it with [Open]. It is safe for
// concurrent use, also by several processes.
type Store struct{ db *sql.DB }

var _ dashboard.History = (*Store)(nil)

// Open returns the samples in db, an SQLite database, and creates the table if
// it is missing. The caller closes db.
func Open(ctx context.Context, db *sql.DB) (*Store, error) {
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("history: create table: %w", err)
	}
	return &Store{db: db}, nil
}

// Run samples engine each minute until ctx ends. A measurement that fails is
// logged, and leaves a gap.
func (s *Store) Run(ctx context.Context, engine cloakroom.Measurer, log *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.measure(ctx, engine); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "the sessions could not be counted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Store) measure(ctx context.Context, engine cloakroom.Measurer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := time.Now()
	stats, err := engine.Stats(ctx)
	if err != nil {
		return err
	}
	return s.Add(ctx, dashboard.Sample{At: now, Live: stats.Live, Bytes: stats.Bytes})
}

// Add stores a sample, at most one a minute, and forgets what is too old to
// keep beside it.
func (s *Store) Add(ctx context.Context, sample dashboard.Sample) error {
	at := sample.At.Truncate(every)
	_, err := s.db.ExecContext(ctx, `INSERT INTO cloakroom_history (at, live, bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		at.Unix(), sample.Live, sample.Bytes)
	if err == nil && at.Minute() == 0 {
		err = s.thin(ctx, at)
	}
	if err != nil {
		return fmt.Errorf("history: add: %w", err)
	}
	return nil
}

// thin keeps the first sample of each coarse span.
func (s *Store) thin(ctx context.Context, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `
		DELETE FROM cloakroom_history WHERE at < ?1 OR at < ?2 AND at NOT IN
			(SELECT min(at) FROM cloakroom_history WHERE at < ?2 GROUP BY at / ?3)`,
		now.Add(-longest).Unix(), now.Add(-fine).Unix(), int64(coarse/time.Second))
	return err
}

// Samples implements [dashboard.History].
func (s *Store) Samples(ctx context.Context, since time.Time) ([]dashboard.Sample, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT at, live, bytes FROM cloakroom_history WHERE at >= ? ORDER BY at`, since.Unix())
	if err != nil {
		return nil, fmt.Errorf("history: read: %w", err)
	}
	defer rows.Close()
	var samples []dashboard.Sample
	for rows.Next() {
		var at int64
		var sample dashboard.Sample
		if err := rows.Scan(&at, &sample.Live, &sample.Bytes); err != nil {
			return nil, fmt.Errorf("history: read: %w", err)
		}
		sample.At = time.Unix(at, 0).UTC()
		samples = append(samples, sample)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("history: read: %w", err)
	}
	return samples, nil
}
