package cloakroom_test

import (
	"context"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

// plain, signing and pinging are what engines are like; guard stands before one.
type (
	plain   struct{ cloakroom.Engine }
	signing struct {
		plain
		key string
	}
	pinging struct{ plain }
	guard   struct {
		cloakroom.Engine
		name string
	}
)

func (s signing) WithSecretKeys(current string, _ ...string) cloakroom.Engine {
	s.key = current
	return s
}

func (pinging) Ping(context.Context) error { return nil }

func (g guard) Unwrap() cloakroom.Engine { return g.Engine }

func (g guard) Wrap(behind cloakroom.Engine) cloakroom.Engine { return guard{behind, g.name} }

func TestAsFindsWhatStandsBehind(t *testing.T) {
	t.Parallel()
	e := guard{guard{pinging{}, "inner"}, "outer"}
	if _, ok := cloakroom.As[cloakroom.Pinger](e); !ok {
		t.Error("no Pinger is found where there is one")
	}
	if _, ok := cloakroom.As[cloakroom.Lister](e); ok {
		t.Error("a Lister is found where there is none")
	}
	if first, ok := cloakroom.As[guard](e); !ok || first.name != "outer" {
		t.Errorf("the first found is %q", first.name)
	}
}

// What stands before an engine is still there when the engine gets its keys.
func TestWithKeepsWhatStandsBefore(t *testing.T) {
	t.Parallel()
	m := cloakroom.New(guard{guard{signing{}, "inner"}, "outer"}, cloakroom.WithSecretKey("key"))
	outer, _ := m.Engine().(guard)
	inner, _ := outer.Engine.(guard)
	if s, ok := inner.Engine.(signing); !ok || s.key != "key" || outer.name != "outer" || inner.name != "inner" {
		t.Errorf("the Manager stands on %#v", m.Engine())
	}
	none := guard{plain{}, "only"}
	if e, ok := cloakroom.With(none, func(s cloakroom.Signed) cloakroom.Engine { return s }); ok || e != cloakroom.Engine(none) {
		t.Errorf("where nothing signs: %#v, %v", e, ok)
	}
}
