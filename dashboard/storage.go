package dashboard

import (
	"context"
	"net/http"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

type storageBody struct {
	Engine    cloakroom.Description
	Described bool
	Ping      ping
	Stats     *cloakroom.Stats // nil if the engine cannot count, or failed to
	CanCount  bool
	Plot      *plot // nil without a History, or where it failed
	Ranges    []plotRange
	Range     plotRange
}

// ping is whether the back end answered, and how fast.
type ping struct {
	Known bool
	OK    bool
	Took  time.Duration
}

// patience is how long the page waits for the back end: one that is in trouble
// is what the page is there to show.
const patience = 2 * time.Second

func (v *visit) showStorage() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	body := storageBody{Engine: v.describe(), Ranges: plotRanges, Range: rangeOf(v.r.Form.Get("range"))}
	body.Described = body.Engine.Engine != ""
	if pinger, ok := cloakroom.As[cloakroom.Pinger](v.engine); ok {
		start := time.Now()
		err := pinger.Ping(ctx)
		if err != nil {
			v.report(ctx, err)
		}
		body.Ping = ping{Known: true, OK: err == nil, Took: time.Since(start)}
	}
	if measurer, ok := cloakroom.As[cloakroom.Measurer](v.engine); ok {
		body.CanCount = true
		if stats, err := measurer.Stats(ctx); err == nil {
			body.Stats = &stats
		} else {
			v.report(ctx, err)
		}
	}
	if v.config.History != nil {
		now := time.Now()
		if samples, err := v.config.History.Samples(ctx, now.Add(-body.Range.Span)); err == nil {
			body.Plot = newPlot(samples, now, body.Range)
		} else {
			v.report(ctx, err)
		}
	}
	return v.render(http.StatusOK, "storage", "Storage", body)
}

// What a press of the button may take.
const (
	clearBatch = 1_000
	clearFor   = 5 * time.Second
)

func (v *visit) clearExpired() error {
	cleared, start := 0, time.Now()
	for {
		n, err := v.engine.ClearExpired(v.r.Context(), clearBatch)
		if err != nil {
			return err
		}
		cleared += n
		if n < clearBatch {
			break
		}
		if time.Since(start) > clearFor {
			v.tell("cleared expired sessions", "sessions", cleared)
			return v.done("/storage", plural(cleared, "expired session")+" cleared. There are more: do it again.")
		}
	}
	v.tell("cleared expired sessions", "sessions", cleared)
	return v.done("/storage", plural(cleared, "expired session")+" cleared.")
}
