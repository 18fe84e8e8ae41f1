package cloakroom

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// createdName is where a session's beginning is kept, in Unix seconds, when it
// has an absolute timeout. Django carries it along.
const createdName = "_cloakroom_created"

// Manager keeps the sessions of a site on an engine. Make one with [New]. It is
// safe for concurrent use.
type Manager struct {
	engine        Engine
	cookie        Cookie
	lifetime      time.Duration
	idle          time.Duration
	absolute      time.Duration
	timeout       time.Duration
	browserClose  bool
	everyUse      bool // moves the expiry
	log           *slog.Logger
	observers     []observer
	onError       func(http.ResponseWriter, *http.Request, error)
	misconfigured error
	unreadable    onceEach
	guesses       guesses
}

// New returns a Manager with safe defaults. A wrong option is reported by
// [Manager.Err], and by every Open.
func New(engine Engine, options ...Option) *Manager {
	m := &Manager{
		engine:   engine,
		lifetime: 14 * 24 * time.Hour,
		timeout:  2 * time.Second,
		log:      slog.Default(),
		onError:  defaultErrorHandler,
	}
	for _, option := range options {
		option(m)
	}
	var wrong error
	m.cookie, wrong = m.cookie.withDefaults()
	m.misconfigured = errors.Join(m.misconfigured, wrong)
	if m.lifetime <= 0 || m.timeout <= 0 || m.idle < 0 || m.absolute < 0 || m.log == nil || m.onError == nil {
		m.misconfigured = errors.Join(m.misconfigured, &Error{
			Engine: "session", Op: "configure", Kind: ErrConfig, Reason: "an option of New makes no sense",
			Mend: "give lifetimes and timeouts that are positive, and a logger and an error handler that are not nil",
		})
	}
	if engine == nil {
		m.misconfigured = errors.Join(m.misconfigured, &Error{
			Engine: "session", Op: "configure", Kind: ErrConfig, Reason: "there is no engine",
			Mend: "give New what Open returned, and look at its error first",
		})
	}
	m.engine, m.cookie.carries = With(m.engine, func(e Carrier) Engine { return e.WithRoom(m.cookie.room()) })
	return m
}

// Err is what is wrong with the options that [New] was given, as [ErrConfig], or
// nil. A program that asks when it starts need not wait for its first visitor to
// be told; until it is mended no session is opened and no cookie sent.
func (m *Manager) Err() error { return m.misconfigured }

// Engine returns the engine that the Manager stands on.
func (m *Manager) Engine() Engine { return m.engine }

// Secure reports whether a cookie in the answer to r is Secure: over plain HTTP
// from another machine a browser drops it, and nobody stays signed in.
func (m *Manager) Secure(r *http.Request) bool { return m.cookie.secure(r) }

// Load returns the session kept under key, outside of a request. The error is
// [ErrNotFound] when there is none.
func (m *Manager) Load(ctx context.Context, key string) (*Session, error) {
	if m.misconfigured != nil {
		return nil, m.misconfigured
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	record, err := m.engine.Load(ctx, key)
	if err != nil {
		if errors.Is(err, ErrCorrupt) && m.unreadable.first(key) {
			m.log.WarnContext(ctx, "a stored session cannot be read and is taken for missing", "error", err)
		}
		return nil, inTime(err, "load")
	}
	s := &Session{record: record}
	if m.absolute > 0 {
		began, dated := Get[int64](s, createdName)
		if !dated {
			s.Set(createdName, time.Now().Unix())
		} else if !time.Now().Before(time.Unix(began, 0).Add(m.absolute)) {
			if err := m.engine.Delete(ctx, key); err != nil {
				return nil, inTime(err, "load")
			}
			m.note(s, EventTimedOut, record, nil)
			m.tell(ctx, s)
			return nil, &Error{Engine: "session", Op: "load", Kind: ErrNotFound, Reason: "it reached its absolute timeout"}
		}
	}
	return s, nil
}

// expires is when a session with this data expires if it is saved, or used, now.
func (m *Manager) expires(data map[string]any) time.Time {
	now := time.Now()
	expires := expiryOf(data[expiryName]).from(now, m.lifetime)
	if m.idle > 0 {
		expires = earlier(expires, now.Add(m.idle))
	}
	return m.notAfterAbsolute(expires, data)
}

// cookieAge is how long the browser is to keep the cookie; 0 is until it
// closes. The idle timeout is the back end's to enforce.
func (m *Manager) cookieAge(data map[string]any) time.Duration {
	now := time.Now()
	expiry := expiryOf(data[expiryName])
	if expiry.browserClose || expiry == (Expiry{}) && m.browserClose {
		return 0
	}
	if age := m.notAfterAbsolute(expiry.from(now, m.lifetime), data).Sub(now); age != 0 {
		return age
	}
	return -1
}

func (m *Manager) notAfterAbsolute(expires time.Time, data map[string]any) time.Time {
	if began, ok := data[createdName].(int64); ok && m.absolute > 0 {
		return earlier(expires, time.Unix(began, 0).Add(m.absolute))
	}
	return expires
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// inTime tells a back end that did not answer in time from a visitor who did
// not wait.
func inTime(err error, op string) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrUnavailable) {
		return &Error{
			Engine: "session", Op: op, Kind: ErrUnavailable, Err: err,
			Reason: "the session storage did not answer in time", Mend: "look at the back end's load, or raise WithTimeout",
		}
	}
	return err
}
