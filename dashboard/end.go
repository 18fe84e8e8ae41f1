package dashboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom-go/cloakroom/django/identity"

	"github.com/cloakroom-go/cloakroom/internal/human"
)

// What ending many sessions may take at once: keys held, and time.
const (
	maxEnded = 10_000
	endFor   = 10 * time.Second
)

// ended is what became of ending many sessions.
type ended struct {
	count int
	more  bool // there may be others
}

// String tells it to the administrator.
func (e ended) String() string {
	text := human.Plural(e.count, "session") + " ended."
	if e.more {
		text += " There are more: do it again."
	}
	return text
}

// endSessions ends the sessions of one owner, except the one under key.
func (s store) endSessions(ctx context.Context, of identity.User, except string) (ended, error) {
	return s.endWhere(ctx, func(r row) bool { return r.Owner == of && r.key != except })
}

// endWhere ends the sessions that match. They are collected first: not every
// engine lets go of what it lists.
func (s store) endWhere(ctx context.Context, match func(row) bool) (ended, error) {
	var keys []string
	var met scan
	for record, err := range s.records(ctx, &met) {
		if errors.Is(err, errCannotList) {
			return ended{}, nil
		}
		if err != nil {
			return ended{}, fmt.Errorf("dashboard: look for sessions to end: %w", err)
		}
		if match(rowOf(record)) {
			if len(keys) == maxEnded {
				met.Stopped = true
				break
			}
			keys = append(keys, record.Key)
		}
	}
	start := time.Now()
	for i, key := range keys {
		if time.Since(start) > endFor {
			return ended{count: i, more: true}, nil
		}
		if err := s.engine.Delete(ctx, key); err != nil {
			return ended{count: i, more: true}, fmt.Errorf("dashboard: end sessions: %w", err)
		}
	}
	return ended{count: len(keys), more: met.Stopped}, nil
}
