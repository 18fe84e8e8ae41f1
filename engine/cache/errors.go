package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom-go/cloakroom"
)

// name is Django's word for this engine.
const name = "cache"

// failure gives a cache's error the name of the engine and the operation.
func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	if named, ok := errors.AsType[*cloakroom.Error](err); ok {
		e := *named
		e.Engine, e.Op = name, op
		return &e
	}
	if errors.Is(err, context.Canceled) {
		// The visitor went away: that says nothing about the cache.
		return fmt.Errorf("%s: %s: %w", name, op, err)
	}
	e := &cloakroom.Error{Engine: name, Op: op, Kind: kindOf(err)}
	if err != e.Kind {
		e.Err = err
	}
	return e
}

func kindOf(err error) error {
	if errors.Is(err, cloakroom.ErrCorrupt) {
		return cloakroom.ErrNotFound
	}
	for _, kind := range []error{
		cloakroom.ErrNotFound, cloakroom.ErrConflict, cloakroom.ErrGone,
		cloakroom.ErrTooLarge, cloakroom.ErrUnencodable, cloakroom.ErrConfig,
	} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return cloakroom.ErrUnavailable
}
