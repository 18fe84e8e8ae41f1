package dashboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/identity"
	"github.com/cloakroom-go/cloakroom/internal/human"
	"github.com/cloakroom-go/cloakroom/roster"
)

// endFor is what ending many sessions may take. It leaves time for the answer.
const endFor = longest - 5*time.Second

// ended is what became of ending many sessions.
type ended struct {
	count   int
	read    int
	stopped bool // there may be others
}

// String tells it to whoever asked. Doing it again would begin where it began.
func (e ended) String() string {
	text := human.Plural(e.count, "session") + " ended."
	if e.stopped {
		text += fmt.Sprintf(" Time ran out when %s had been read, so others may be left."+
			" On the server, cloakroom revoke --user or --all ends them, however many there are.", human.Plural(e.read, "session"))
	}
	return text
}

// tellEnded logs how far somebody's ending of sessions came, also where it failed.
func (v *visit) tellEnded(what string, e ended, args ...any) {
	v.tell(what, append(args, "sessions", e.count, "finished", !e.stopped)...)
}

// endSessions ends the sessions of one owner, except the one under key.
func (s store) endSessions(ctx context.Context, of identity.User, except string) (ended, error) {
	return s.endWhere(ctx, func(r *cloakroom.Record) bool {
		owner, _ := identity.Of(r.Data)
		return owner == of && r.Key != except
	})
}

// endWhere ends the sessions that match.
func (s store) endWhere(ctx context.Context, match func(*cloakroom.Record) bool) (ended, error) {
	if _, ok := cloakroom.As[cloakroom.Lister](s.engine); !ok {
		return ended{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, endFor)
	defer cancel()
	tally, err := roster.End(ctx, s.engine, match, func(roster.Tally) {})
	e := ended{count: tally.Ended, read: tally.Read, stopped: err != nil}
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cloakroom.ErrUnavailable) {
		return e, nil
	}
	if err != nil {
		return e, fmt.Errorf("dashboard: end sessions: %w", err)
	}
	return e, nil
}
