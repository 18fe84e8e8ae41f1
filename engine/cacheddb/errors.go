package cacheddb

import (
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
