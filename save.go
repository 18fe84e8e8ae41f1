package cloakroom

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Save stores what was done to s: it creates, saves, flushes, cycles the key, or
// does nothing where nothing was done. If somebody saved in between it applies
// the changes to what is there now: requests that set different names both
// win, for the same name the last one wins, and after a flush the error is
// [ErrGone]. Inside a request the middleware calls it; a handler that streams,
// or wants the error for itself, may call it before. After [ErrUnavailable] nobody
// knows whether it was stored: a handler that goes on without [Session.Discard] has it
// saved once more, and an [Update] may then count twice.
func (m *Manager) Save(ctx context.Context, s *Session) error { return m.save(ctx, s, false) }

// save stores nothing but a flush if flushOnly.
func (m *Manager) save(ctx context.Context, s *Session, flushOnly bool) error {
	if m.misconfigured != nil {
		return m.misconfigured
	}
	defer m.tell(ctx, s)
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if flushOnly {
		s.discard()
	}
	if s.ended != nil {
		if err := m.engine.Delete(ctx, s.ended.Key); err != nil {
			return inTime(err, "flush")
		}
		m.note(s, EventFlushed, s.ended, nil)
		s.ended = nil
	}
	var record *Record
	var err error
	switch {
	case s.record == nil:
		record, err = m.create(ctx, s)
	case s.cycled:
		record, err = m.cycleKey(ctx, s)
	case len(s.changes) > 0:
		record, err = m.merge(ctx, s)
	default:
		if !flushOnly {
			m.touch(ctx, s)
		}
		return nil
	}
	m.noteSave(s, record, err)
	if err != nil || record == nil {
		return inTime(err, "save")
	}
	s.record, s.changes, s.cycled, s.moved = record, nil, false, true
	return nil
}

// create returns nil where there is nothing to keep: no visitor gets a session
// that nobody asked for.
func (m *Manager) create(ctx context.Context, s *Session) (*Record, error) {
	record, err := m.next(&Record{}, s.changes, false)
	if err != nil || len(record.Data) == 0 {
		return nil, err
	}
	if m.absolute > 0 {
		record.Data[createdName] = time.Now().Unix()
		record.Expires = m.expires(record.Data)
	}
	return record, m.engine.Create(ctx, record)
}

// merge saves, and on conflict tries again upon what somebody else saved.
func (m *Manager) merge(ctx context.Context, s *Session) (*Record, error) {
	for attempt, stored := 0, s.record; ; attempt++ {
		record, err := m.next(stored, s.changes, attempt > 0)
		if err != nil {
			return nil, err
		}
		err = m.engine.Save(ctx, record)
		if err == nil && attempt > 0 {
			m.note(s, EventMerged, record, nil)
		}
		if !errors.Is(err, ErrConflict) {
			return record, err
		}
		if stored, err = m.reload(ctx, stored.Key, attempt, err); err != nil {
			return nil, err
		}
	}
}

// cycleKey creates the session under a fresh key and ends it under the old one,
// on condition that nobody saved there in between: a save that was
// acknowledged is carried over, and one that comes later finds the session gone.
func (m *Manager) cycleKey(ctx context.Context, s *Session) (*Record, error) {
	record, err := m.next(s.record, s.changes, false)
	if err != nil {
		return nil, err
	}
	if err := m.engine.Create(ctx, record); err != nil {
		return nil, err
	}
	for attempt, stored := 0, s.record; ; attempt++ {
		err := m.engine.Save(ctx, &Record{Key: stored.Key, Version: stored.Version, Data: stored.Data, Expires: time.Unix(0, 0)})
		if err == nil {
			if attempt > 0 {
				m.note(s, EventMerged, record, nil)
			}
			return record, nil
		}
		if errors.Is(err, ErrConflict) {
			stored, err = m.reload(ctx, stored.Key, attempt, err)
		}
		if err == nil {
			var merged *Record
			if merged, err = m.next(stored, s.changes, true); err == nil {
				merged.Key, merged.Version = record.Key, record.Version
				record = merged
				err = m.engine.Save(ctx, record)
			}
		}
		if err != nil {
			// Nobody was told the fresh key: what stays behind only takes space, so
			// the visitor is not kept waiting for it to be removed. Nor is it handed
			// out where the old session may have ended just now: that may have been
			// by a logout.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.timeout/20)
			defer cancel()
			_ = m.engine.Delete(last, record.Key)
			return nil, err
		}
	}
}

// touch moves the expiry of a session that was only used. If that fails the
// visitor is none the worse for now.
func (m *Manager) touch(ctx context.Context, s *Session) {
	if _, due := m.expiryOfUse(s.record); !due {
		return
	}
	touched, err := m.touched(ctx, s.record)
	switch {
	case err == nil && touched != nil:
		s.record, s.moved = touched, true
	case err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrNotFound):
		m.log.WarnContext(ctx, "a session's idle timeout could not be moved", "error", err)
	}
}

// touched is r with its expiry moved, or nil where somebody else has moved it.
func (m *Manager) touched(ctx context.Context, r *Record) (*Record, error) {
	if m.cookie.carries {
		touched := *r
		touched.Expires, _ = m.expiryOfUse(r)
		return &touched, m.engine.Save(ctx, &touched)
	}
	// Whoever saved since it was opened may have given it another expiry.
	stored, err := m.engine.Load(ctx, r.Key)
	if err != nil {
		return nil, err
	}
	expires, due := m.expiryOfUse(stored)
	if !due {
		return nil, nil
	}
	touched := *stored
	touched.Expires = expires
	return &touched, m.engine.Touch(ctx, r.Key, expires)
}

// expiryOfUse is the expiry that a session has once it is used, and whether that is
// far enough from the one it has.
func (m *Manager) expiryOfUse(r *Record) (expires time.Time, due bool) {
	life := m.idle
	expires = m.expires(r.Data)
	switch {
	case m.everyUse:
		life = time.Until(expires)
	case m.idle == 0:
		return expires, false
	}
	return expires, r.Expires.IsZero() || expires.Sub(r.Expires).Abs() >= life/20
}

// next is the record that the changes make of stored.
func (m *Manager) next(stored *Record, c changes, anew bool) (*Record, error) {
	data, err := c.apply(stored.Data, anew)
	if err != nil {
		return nil, err
	}
	if began, dated := stored.Data[createdName]; dated {
		data[createdName] = began // whatever was deleted or set
	}
	return &Record{Key: stored.Key, Version: stored.Version, Data: data, Expires: m.expires(data)}, nil
}

// reload waits a little, longer and less predictably each time so that rivals
// do not meet again, and returns what is stored by then. When ctx has ended it
// gives the conflict back.
func (m *Manager) reload(ctx context.Context, key string, attempt int, conflict error) (*Record, error) {
	if attempt > 0 {
		longest := min(time.Millisecond<<min(attempt, 10), 50*time.Millisecond)
		select {
		case <-time.After(rand.N(longest)):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return nil, conflict
		}
	}
	record, err := m.engine.Load(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, &Error{Engine: "session", Op: "save", Kind: ErrGone, Err: err, Reason: "you were signed out meanwhile"}
	}
	return record, err
}
