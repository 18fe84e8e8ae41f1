package cacheddb

import (
	"context"
	"errors"

	"github.com/cloakroom-go/cloakroom"
)

// name is Django's word for this engine.
const name = "cached_db"

// gone is what the error of a load means to a save.
func gone(err error) error {
	if errors.Is(err, cloakroom.ErrNotFound) {
		return &cloakroom.Error{Engine: name, Op: "save", Kind: cloakroom.ErrGone}
	}
	return err
}

func noAdder() error {
	return &cloakroom.Error{
		Engine: name, Op: "add", Kind: cloakroom.ErrConfig, Err: errors.ErrUnsupported,
		Reason: "the engine behind the cache cannot take over a session",
	}
}

// tooLate is the error of one whose time ended while another was reading for him.
func tooLate(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &cloakroom.Error{
		Engine: name, Op: op, Kind: cloakroom.ErrUnavailable, Err: err,
		Reason: "the storage behind the cache did not answer in time", Mend: "see what keeps it busy",
	}
}
