package clearing

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// keepRate is how many records a second Keep deletes at most: many times what
// any site lets expire, and so few that a backlog found by ten processes at once
// still does not keep the back end busy.
const keepRate = 1000

// Keep clears what has expired about so often, until ctx ends. It is for the
// background of a service: in every process of it, for those that share a back
// end need not agree who does it. Each waits for a random part of the time
// before, half to one and a half of it from then on, and goes slowly. Where
// nothing has expired, that costs the back end one question.
//
// What goes wrong is logged, and tried again the next time.
func Keep(ctx context.Context, engine cloakroom.Engine, every time.Duration, log *slog.Logger) {
	every = max(every, time.Second)
	wait := rand.N(every)
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if _, err := Run(ctx, engine, Options{Rate: keepRate}); err != nil && ctx.Err() == nil {
			log.Warn("expired sessions could not be cleared", "error", err)
		}
		wait = every/2 + rand.N(every)
	}
}
