package cookie

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

const name = "signed_cookies"

// unverified are the ways in which a key is just not one of ours.
var unverified = []error{signing.ErrMalformed, signing.ErrSignature, signing.ErrExpired, signing.ErrTooLarge}

// notFound: cause tells why a key says nothing.
func notFound(op string, cause error) error {
	for _, kind := range unverified {
		if errors.Is(cause, kind) {
			cause = nil
		}
	}
	if cause != nil {
		cause = fmt.Errorf("%w: %w", cloakroom.ErrCorrupt, cause)
	}
	return &cloakroom.Error{Engine: name, Op: op, Kind: cloakroom.ErrNotFound, Err: cause}
}

// gone says that what is to be written is not there.
func gone(err error) error {
	if e, ok := errors.AsType[*cloakroom.Error](err); ok && e.Kind == cloakroom.ErrNotFound {
		return &cloakroom.Error{Engine: name, Op: e.Op, Kind: cloakroom.ErrGone}
	}
	return err
}

// unavailable says that the list could not be asked. It returns nil for nil.
func unavailable(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return &cloakroom.Error{Engine: name, Op: op, Kind: context.Canceled}
	}
	return &cloakroom.Error{
		Engine: name, Op: op, Kind: cloakroom.ErrUnavailable, Err: err,
		Reason: "it cannot be told whether the session has ended",
		Mend:   "see to the list that WithRevocation was given",
	}
}

func unencodable(op string, err error) error {
	kind := cloakroom.ErrUnencodable
	if errors.Is(err, signing.ErrTooLarge) {
		kind = cloakroom.ErrTooLarge
	}
	return &cloakroom.Error{Engine: name, Op: op, Kind: kind, Err: err}
}

func errNoSecretKey(op string) error {
	return &cloakroom.Error{
		Engine: name, Op: op, Kind: cloakroom.ErrConfig,
		Reason: "there is no secret key to sign sessions with",
		Mend:   "give cloakroom.WithSecretKey the SECRET_KEY of the Django site, or 50 random characters",
	}
}
