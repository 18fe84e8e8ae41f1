package moving

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Follow goes through the source again and again, with a pause in between, until
// ctx ends, and then once more: so whoever stops the site that uses the source,
// then ends ctx, and starts the site on the target when Follow has returned, has
// lost nothing. The last pass has no limit but the engines' own.
//
// A pass that fails because an engine fell silent is repeated; the error is that
// of the last. The report is the sum of what was done, and tells of the rest how
// the last pass found it.
func (c *Copier) Follow(ctx context.Context, pause time.Duration) (Report, error) {
	var total Report
	for first := true; ; first = false {
		next, err := c.Pass(ctx)
		total = total.then(next, first)
		if errors.Is(err, cloakroom.ErrConfig) {
			return total, err
		}
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done():
		}
		next, err = c.Pass(context.WithoutCancel(ctx))
		return total.then(next, false), err
	}
}

// then is r and what a later pass did.
func (r Report) then(next Report, first bool) Report {
	next.Copied += r.Copied
	next.Updated += r.Updated
	next.Removed += r.Removed
	next.Ended += r.Ended
	if !first {
		next.Present = r.Present // the others are those that were copied
	}
	return next
}
