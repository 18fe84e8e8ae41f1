package observe

import (
	"context"
	"errors"

	"github.com/cloakroom-go/cloakroom"
)

// op is one of an engine's verbs.
type op string

const (
	load         op = "load"
	create       op = "create"
	save         op = "save"
	remove       op = "delete"
	touch        op = "touch"
	clearExpired op = "clear_expired"
)

var ops = []op{load, create, save, remove, touch, clearExpired}

// outcome is what became of an operation.
type outcome string

const (
	ok          outcome = "ok"
	notFound    outcome = "not_found"
	corrupt     outcome = "corrupt"  // and taken for missing
	conflict    outcome = "conflict" // somebody saved in between: the Manager merges
	gone        outcome = "gone"     // the session ended in between: a revival prevented
	tooLarge    outcome = "too_large"
	unencodable outcome = "unencodable"
	unavailable outcome = "unavailable" // the back end cannot be asked
	timeout     outcome = "timeout"     // it did not answer in time
	canceled    outcome = "canceled"    // the caller did not wait
	failed      outcome = "failed"      // anything else
)

// kinds are the errors that engines give, the more telling first.
var kinds = []struct {
	err     error
	outcome outcome
}{
	{cloakroom.ErrCorrupt, corrupt},
	{cloakroom.ErrNotFound, notFound},
	{cloakroom.ErrConflict, conflict},
	{cloakroom.ErrGone, gone},
	{cloakroom.ErrTooLarge, tooLarge},
	{cloakroom.ErrUnencodable, unencodable},
	{context.DeadlineExceeded, timeout},
	{cloakroom.ErrUnavailable, unavailable},
	{context.Canceled, canceled},
}

func outcomeOf(err error) outcome {
	if err == nil {
		return ok
	}
	for _, kind := range kinds {
		if errors.Is(err, kind.err) {
			return kind.outcome
		}
	}
	return failed
}

// expected reports whether an operation may end like this while all is well.
func (o outcome) expected() bool {
	switch o {
	case ok, notFound, conflict, gone, canceled:
		return true
	default:
		return false
	}
}
