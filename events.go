package cloakroom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"time"
)

// EventKind says what happened to a session.
type EventKind string

// What a Manager tells.
const (
	EventCreated  EventKind = "created"   // somebody got a session
	EventRenewed  EventKind = "renewed"   // it goes on under another key, as at login
	EventFlushed  EventKind = "flushed"   // somebody logged out
	EventTimedOut EventKind = "timed_out" // it reached its absolute timeout, or was saved with an expiry that has passed
	EventRefused  EventKind = "refused"   // a request under way when it ended was about to bring it back
	EventMerged   EventKind = "merged"    // two requests changed it at once, and neither lost anything
)

// Event is something that happened to a session: what an audit log keeps. It
// holds no session key and no session data but the user's id.
type Event struct {
	Kind    EventKind
	Time    time.Time
	Session string        // the key's [Fingerprint]
	Former  string        // that of the key before, when renewed
	User    string        // whose session it is; see [WithEvents]
	Engine  string        // Django's word for it, where the engine says
	Request *http.Request // nil outside of one
}

// LogValue implements [slog.LogValuer]. It leaves the request out, whose address
// may hold what belongs in no log.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("session", e.Session)}
	for _, a := range []slog.Attr{slog.String("former", e.Former), slog.String("user", e.User), slog.String("engine", e.Engine)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return slog.GroupValue(attrs...)
}

// Fingerprint names a session in logs without being its key: the first 16
// hexadecimal digits of the key's SHA-256. It needs no salt, for a key is too
// random to be guessed. The key of a [Carrier] changes with every save, and its
// fingerprint too.
func Fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// WithEvents has f told what happens to sessions, once it has happened and
// before the response begins; so f has to be quick. The session keeps its user's
// id under the name userID, which is "_auth_user_id" where Django or this
// module's django/auth logs in; an empty name tells no user. The option may be
// given several times.
//
// Only what this Manager does is told. What Django does, or an administrator, or
// what expires in the back end while nobody looks, is not.
func WithEvents(userID string, f func(context.Context, Event)) Option {
	return func(m *Manager) { m.observers = append(m.observers, observer{userID, f}) }
}

type observer struct {
	userID string
	tell   func(context.Context, Event)
}

// happening is what becomes an Event when the session is no longer locked.
type happening struct {
	kind   EventKind
	at     time.Time
	now    *Record
	before *Record // where the key is another
}

func (m *Manager) note(s *Session, kind EventKind, now, before *Record) {
	if len(m.observers) > 0 {
		s.happened = append(s.happened, happening{kind, time.Now(), now, before})
	}
}

// noteSave notes what became of a save, before s has the new record.
func (m *Manager) noteSave(s *Session, now *Record, err error) {
	before := s.record
	switch {
	case errors.Is(err, ErrGone) && before != nil:
		m.note(s, EventRefused, before, nil)
	case err != nil || now == nil:
	case before == nil:
		m.note(s, EventCreated, now, nil)
	case s.cycled:
		m.note(s, EventRenewed, now, before)
	case !now.Expires.After(time.Now()):
		m.note(s, EventTimedOut, before, nil)
	}
}

// tell tells what was noted about s, which must not be locked: an observer may
// look at it.
func (m *Manager) tell(ctx context.Context, s *Session) {
	if len(m.observers) == 0 {
		return
	}
	s.mu.Lock()
	happened := s.happened
	s.happened = nil
	s.mu.Unlock()
	for _, h := range happened {
		for _, o := range m.observers {
			o.tell(ctx, m.event(ctx, h, o.userID))
		}
	}
}

func (m *Manager) event(ctx context.Context, h happening, userID string) Event {
	e := Event{Kind: h.kind, Time: h.at, Session: Fingerprint(h.now.Key), User: userOf(h.now.Data[userID])}
	if h.before != nil {
		e.Former = Fingerprint(h.before.Key)
	}
	if d, ok := As[Describer](m.engine); ok {
		e.Engine = d.Describe().Engine
	}
	if v, ok := ctx.Value(visitKey{m}).(*visit); ok {
		e.Request = v.request
	}
	return e
}

// userOf is an id, as text.
func userOf(id any) string {
	switch id := Plain(id).(type) {
	case string:
		return id
	case int64, *big.Int:
		return fmt.Sprint(id)
	default:
		return ""
	}
}
