package moving

import (
	"errors"

	"github.com/cloakroom-go/cloakroom"
)

const name = "moving"

func failed(op string, kind error) error {
	return &cloakroom.Error{Engine: name, Op: op, Kind: kind}
}

// gone is what the error of a load means to a change.
func gone(op string, err error) error {
	if !errors.Is(err, cloakroom.ErrNotFound) {
		return err
	}
	e := &cloakroom.Error{Engine: name, Op: op, Kind: cloakroom.ErrGone}
	if errors.Is(err, cloakroom.ErrCorrupt) {
		e.Err = cloakroom.ErrCorrupt
	}
	return e
}

func unsupported(op string, which cloakroom.Engine, what string) error {
	return &cloakroom.Error{
		Engine: name, Op: op, Kind: cloakroom.ErrConfig, Err: errors.ErrUnsupported,
		Reason: describe(which).Engine + " cannot " + what,
	}
}

func describe(e cloakroom.Engine) cloakroom.Description {
	if d, ok := cloakroom.As[cloakroom.Describer](e); ok {
		return d.Describe()
	}
	return cloakroom.Description{Engine: "the engine", BackEnd: "another engine"}
}
