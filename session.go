// Package cloakroom keeps sessions for web applications: it reads and writes
// what Django and OpenStack Horizon read and write, and loses nothing where
// those do.
//
// A [Manager] is the net/http middleware, an [Engine] the way sessions are
// kept. A handler opens its request's [Session], which from then on is memory
// only; the Manager saves it before the first byte of the response leaves.
//
// Two requests of one visitor may run at the same moment: the Manager saves by
// compare-and-swap and merges what each of them changed, so that neither loses
// the other's. A session that was logged out stays logged out.
package cloakroom

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Session is the dictionary kept for one visitor between requests. It is
// memory only: what is done to it is stored when the Manager saves it. The zero
// value is a new, empty session. A Session is safe for concurrent use.
type Session struct {
	mu      sync.Mutex
	record  *Record // as stored, nil when nothing is; its Data is shared and never written to
	changes changes // since then
	cycled  bool    // the key is to be changed
	flushed bool    // Flush was called
	ended   *Record // what Flush left to be deleted, if only its key is known
	moved   bool    // the stored expiry moved, so the cookie's has to

	happened []happening // to be told

	unreadable string // the key that brought nothing that could be read
}

// Get returns what is kept under name as a T, and whether there is something
// that can be had as one. It takes numbers, strings, times, maps, slices, and
// structs through encoding/json. What it returns is the caller's own: writing to
// it changes the session only when it is [Session.Set] again.
func Get[T any](s *Session, name string) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.lookup(name)
	if !ok {
		var zero T
		return zero, false
	}
	return as[T](v)
}

// Pop returns what [Get] would, and deletes it.
func Pop[T any](s *Session, name string) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.lookup(name)
	if !ok {
		var zero T
		return zero, false
	}
	s.change(name, change{deleted: true})
	return as[T](v)
}

// Update sets name to what f makes of what is kept there, the zero value if
// there is nothing of that type. Unlike a Get and a Set it loses nothing to a
// concurrent request: if one saved meanwhile, f is called again on what that
// one left. So f must be quick and touch nothing else, this session included.
func Update[T any](s *Session, name string, f func(T) T) {
	s.update(name, func(old any, ok bool) change {
		var was T
		if ok {
			was, _ = as[T](old)
		}
		value, err := normalize(f(was))
		return change{value: value, err: err}
	})
}

// Set keeps v under name. A value that cannot be stored makes the save fail
// with [ErrUnencodable].
func (s *Session) Set(name string, v any) {
	value, err := normalize(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(name, change{value: value, err: err})
}

// Delete removes name. Deleting what is not there changes nothing.
func (s *Session) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.lookup(name); ok {
		s.change(name, change{deleted: true})
	}
}

// Has reports whether something is kept under name.
func (s *Session) Has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.lookup(name)
	return ok
}

// Keys returns the names that something is kept under, sorted.
func (s *Session) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]struct{}{}
	if s.record != nil {
		for name := range s.record.Data {
			names[name] = struct{}{}
		}
	}
	for name, change := range s.changes {
		if change.deleted {
			delete(names, name)
		} else {
			names[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Key returns the session key the session is stored under, empty while it is
// not. It is a credential.
func (s *Session) Key() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key()
}

// Flush logs out: it drops the data and the key. What is set afterwards begins
// another session, under another key. A flush always wins over requests under
// the same key that are under way, and is carried out even when the response is
// an error. It does not reach a key that another request has cycled to.
func (s *Session) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record != nil {
		s.ended = s.record
	} else if s.unreadable != "" {
		s.ended = &Record{Key: s.unreadable}
	}
	s.flushed = true
	s.record, s.changes, s.cycled = nil, nil, false
}

// Discard forgets what was done to the session since it was opened or saved,
// but for a Flush: for a handler that was told by [Manager.Save] that it cannot
// be stored, and gives an answer of its own.
func (s *Session) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard()
}

func (s *Session) discard() { s.changes, s.cycled = nil, false }

// CycleKey keeps the data under a new key and ends the old one. Call it
// whenever a visitor's rights change, at login above all: a key that somebody
// else knew or planted before is worth nothing after.
func (s *Session) CycleKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cycled = s.record != nil
}

// SetExpiry gives the session an expiry of its own; the zero Expiry takes it
// away again.
func (s *Session) SetExpiry(e Expiry) {
	if v := e.value(); v != nil {
		s.Set(expiryName, v)
	} else {
		s.Delete(expiryName)
	}
}

// Expiry returns what SetExpiry was given, here or in Django.
func (s *Session) Expiry() Expiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, _ := s.lookup(expiryName)
	return expiryOf(v)
}

// Expires is when the stored session expires, as it was last read or saved;
// zero when it is not stored, or its back end does not tell.
func (s *Session) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record == nil {
		return time.Time{}
	}
	return s.record.Expires
}

func (s *Session) key() string {
	if s.record == nil {
		return ""
	}
	return s.record.Key
}

func (s *Session) data() map[string]any {
	if s.record == nil {
		return nil
	}
	return s.record.Data
}

func (s *Session) lookup(name string) (any, bool) {
	stored, ok := s.data()[name]
	change, changed := s.changes[name]
	switch {
	case !changed:
		return stored, ok
	case change.deleted:
		return nil, false
	default:
		return change.value, true
	}
}

func (s *Session) change(name string, c change) {
	if s.changes == nil {
		s.changes = changes{}
	}
	s.changes[name] = c
}

// update makes the change that f says, and has f called again on what is stored
// by then if somebody saves in between.
func (s *Session) update(name string, f update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, changed := s.changes[name]
	if before.err != nil {
		return // the save fails of that
	}
	old, ok := s.lookup(name)
	next := f(old, ok)
	switch {
	case !changed:
		next.update = f
	case before.update != nil:
		next.update = func(old any, ok bool) change { return before.update(old, ok).then(f) }
	}
	s.change(name, next)
}

// isChanged reports whether there is anything to save.
func (s *Session) isChanged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended != nil || s.cycled || len(s.changes) > 0
}

// needsCookie reports whether saving would have to send another cookie, as any
// change does that a [Carrier] saves.
func (s *Session) needsCookie(carries bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, expiry := s.changes[expiryName]
	return s.cycled || expiry || (carries || s.record == nil) && len(s.changes) > 0
}
