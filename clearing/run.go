// Package clearing deletes the sessions that have expired, from an engine whose
// back end does not do so by itself: all of a backlog with [Run], and what comes
// to expire from then on with [Keep].
//
// Requests beside it hardly notice. It goes in short transactions with pauses in
// between, and both adapt to how long the back end takes.
package clearing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// MaxBatch is the most records that one transaction may delete: what a Galera
// cluster replicates, and any server's undo log keeps, without trouble.
const MaxBatch = 10_000

// Options bound what [Run] does. The zero value is good for any back end.
type Options struct {
	// Batch is how many records one transaction deletes at most, up to MaxBatch,
	// which is also what 0 means. It will be fewer where they take long.
	Batch int

	// Rate is how many records a second are deleted at most. 0 sets no bound
	// but the back end's.
	Rate int

	// Progress, if there is one, is told after each transaction, and before the
	// first. It costs a count of the sessions at the beginning.
	Progress func(Report)
}

// Report is how far a [Run] has come.
type Report struct {
	Cleared int64         // records deleted
	Total   int64         // how many there were to delete, by an estimate; 0 where nobody can tell
	Largest int           // of the transactions, in records
	Elapsed time.Duration // since the beginning
}

// Left is how long the rest will take at the pace so far, and 0 where that cannot
// be told.
func (r Report) Left() time.Duration {
	if r.Cleared == 0 || r.Total <= r.Cleared {
		return 0
	}
	return time.Duration(float64(r.Elapsed) / float64(r.Cleared) * float64(r.Total-r.Cleared))
}

// Run deletes every expired session. No session that is live when its turn comes
// is deleted, whatever it was before.
//
// Run may be ended at any moment, and be run again to go on. Several at once, also
// in several processes, are slower together than apart and otherwise no matter.
// The report says what was done, also beside an error. The error is that of the
// engine, or the context's own.
func Run(ctx context.Context, engine cloakroom.Engine, o Options) (report Report, err error) {
	if o.Batch < 0 || o.Batch > MaxBatch || o.Rate < 0 {
		return report, &cloakroom.Error{
			Engine: "clearing", Op: "clear expired", Kind: cloakroom.ErrConfig,
			Reason: "the batch or the rate is out of bounds",
			Mend:   fmt.Sprintf("choose a batch of 1 to %d sessions, and a rate of at least 1 a second", MaxBatch),
		}
	}
	began := time.Now()
	defer func() { report.Elapsed = time.Since(began) }()
	tell := func() {
		if o.Progress != nil {
			report.Elapsed, report.Total = time.Since(began), max(report.Total, report.Cleared)
			o.Progress(report)
		}
	}
	if measurer, ok := cloakroom.As[cloakroom.Measurer](engine); ok && o.Progress != nil {
		stats, err := measurer.Stats(ctx)
		if err != nil {
			return report, unfinished(report, err)
		}
		report.Total = stats.Expired
		tell()
	}

	// A step that takes longer will not be answered any more.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(patience, func() { cancel(errSilent) })
	defer silence.Stop()

	pace := newPace(o)
	for n, err := range cloakroom.Sweep(ctx, engine, pace.limit) {
		report.Cleared += int64(n)
		report.Largest = max(report.Largest, n)
		if err == nil {
			tell()
			silence.Stop()
			err = pace.rest(ctx, n)
			silence.Reset(patience)
		}
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
				err = cause
			}
			return report, unfinished(report, err)
		}
	}
	return report, nil
}

// patience is how long one step may take. It is meant to take a fraction of a
// second.
const patience = time.Minute

var errSilent = &cloakroom.Error{
	Engine: "clearing", Op: "clear expired", Kind: cloakroom.ErrUnavailable,
	Reason: fmt.Sprintf("the back end did not answer within %v", patience),
	Mend:   "see what keeps it busy, then clear again to go on",
}

func unfinished(r Report, err error) error {
	return fmt.Errorf("cleared %d expired sessions, then stopped: %w", r.Cleared, err)
}
