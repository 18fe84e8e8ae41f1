package db

import (
	"context"
	"errors"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// diagnosis is what a driver's error means.
type diagnosis struct {
	kind         error
	reason, mend string
}

// failure says what became of an operation. It returns nil for a nil err.
func (d *database) failure(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		// Nobody waits for the answer any more: no fault of the database's.
		return &cloakroom.Error{Engine: "db", Op: op, Kind: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &cloakroom.Error{
			Engine: "db", Op: op, Kind: cloakroom.ErrUnavailable, Err: err,
			Reason: "the database did not answer in time",
			Mend:   "see what keeps it busy",
		}
	}
	found := d.diagnose(err)
	return &cloakroom.Error{Engine: "db", Op: op, Kind: found.kind, Reason: found.reason, Mend: found.mend, Err: err}
}

// unencodable says why a session became no text.
func (d *database) unencodable(op string, err error) error {
	kind := cloakroom.ErrUnencodable
	if errors.Is(err, signing.ErrTooLarge) {
		kind = cloakroom.ErrTooLarge
	}
	return &cloakroom.Error{Engine: "db", Op: op, Kind: kind, Err: err}
}

// notFound: cause tells why a record that is there cannot be read.
func notFound(cause error) error {
	return &cloakroom.Error{Engine: "db", Op: "load", Kind: cloakroom.ErrNotFound, Err: cause}
}

func gone(op string) error {
	return &cloakroom.Error{Engine: "db", Op: op, Kind: cloakroom.ErrGone}
}

func errNoSecretKey(op string) error {
	return &cloakroom.Error{
		Engine: "db", Op: op, Kind: cloakroom.ErrConfig,
		Reason: "there is no secret key to sign sessions with",
		Mend:   "give cloakroom.WithSecretKey the SECRET_KEY of the Django site, or 50 random characters",
	}
}
