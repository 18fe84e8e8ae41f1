package dashboard

import (
	"context"
	"time"
)

// History is how many sessions there were when. Package dashboard/history
// samples an engine.
type History interface {
	// Samples returns what was measured since then, oldest first.
	Samples(ctx context.Context, since time.Time) ([]Sample, error)
}

// Sample is what an engine kept at one moment.
type Sample struct {
	At    time.Time
	Live  int64 // sessions
	Bytes int64 // of all that is stored
}
