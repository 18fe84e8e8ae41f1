package cloakroom

import (
	"errors"
	"net/http"
	"strings"
)

// What can become of an operation. Match them with [errors.Is].
var (
	// ErrNotFound: there is no such session.
	ErrNotFound = errors.New("session not found")
	// ErrCorrupt: there is a record, and it cannot be read. Always together
	// with ErrNotFound.
	ErrCorrupt = errors.New("session unreadable")
	// ErrConflict: somebody else saved the session in between.
	ErrConflict = errors.New("session changed meanwhile")
	// ErrGone: the session was flushed in between, and stays so.
	ErrGone = errors.New("session ended meanwhile")
	// ErrTooLarge: the session is larger than the back end takes.
	ErrTooLarge = errors.New("session too large")
	// ErrUnavailable: the back end cannot be asked, or cannot store.
	ErrUnavailable = errors.New("session storage unavailable")
	// ErrUnencodable: the session holds a value that cannot be stored.
	ErrUnencodable = errors.New("session value cannot be stored")
	// ErrConfig: the Manager or the engine was set up wrongly.
	ErrConfig = errors.New("session configuration wrong")
)

// Error says what an engine was asked, what became of it and what mends it. It
// holds no secret, no session key and no session data.
type Error struct {
	Engine string // "db", "cache", …
	Op     string // "load", "save", …
	Kind   error  // one of the sentinel values
	Reason string // what is wrong, fit for a visitor's eyes; may be empty
	Mend   string // what the operator can do; may be empty
	Err    error  // the cause; may be nil
}

func (e *Error) Error() string {
	var parts []string
	for _, part := range []string{e.Engine, e.Op, e.Kind.Error(), e.Reason} {
		if part != "" { // a cache's own errors do not know the engine
			parts = append(parts, part)
		}
	}
	text := strings.Join(parts, ": ")
	if e.Mend != "" {
		text += " (" + e.Mend + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap lets errors.Is find both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// HTTPStatus is the status that answers a request which failed with err: 503
// when the storage is unavailable, 400 when the session ended while the request
// was under way (Django's answer too), 409 when it kept changing, 500 otherwise.
func HTTPStatus(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrGone):
		return http.StatusBadRequest
	case errors.Is(err, ErrConflict):
		return http.StatusConflict
	default:
		return http.StatusInternalServerError
	}
}

// Reason is the part of err that a visitor may read.
func Reason(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	for _, kind := range []error{ErrUnavailable, ErrGone, ErrConflict, ErrTooLarge} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "the session could not be handled"
}
