package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

const (
	clearEvery = 10 * time.Minute
	clearBatch = 500
)

func toClear(own, shown cloakroom.Engine) []cloakroom.Engine {
	if own == shown {
		return []cloakroom.Engine{own}
	}
	return []cloakroom.Engine{own, shown}
}

// clearExpired keeps the table from growing, in transactions so short that
// nobody waits for them.
func clearExpired(ctx context.Context, engine cloakroom.Engine, log *slog.Logger) {
	tick := time.NewTicker(clearEvery)
	defer tick.Stop()
	for {
		n, err := engine.ClearExpired(ctx, clearBatch)
		if err != nil && ctx.Err() == nil {
			log.Warn("expired sessions could not be cleared", "error", err)
		}
		if n == clearBatch {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
