package cloakroom_test

import (
	"errors"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*cloakroom.Error{
		"db: save: session storage unavailable: the disk is full (make room): EOF": {
			Engine: "db", Op: "save", Kind: cloakroom.ErrUnavailable,
			Reason: "the disk is full", Mend: "make room", Err: errors.New("EOF"),
		},
		"session changed meanwhile": {Kind: cloakroom.ErrConflict},
		"cache: session storage unavailable (start it)": {
			Engine: "cache", Kind: cloakroom.ErrUnavailable, Mend: "start it",
		},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
