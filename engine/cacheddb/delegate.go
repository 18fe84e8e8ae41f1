package cacheddb

import "github.com/cloakroom-go/cloakroom"

// Unwrap implements [cloakroom.Wrapper]: the store, which lists, measures and
// answers for the sessions.
func (e *Engine) Unwrap() cloakroom.Engine { return e.store }

// Wrap implements [cloakroom.Wrapper].
func (e *Engine) Wrap(store cloakroom.Engine) cloakroom.Engine {
	return &Engine{store: store, front: e.front}
}

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	before := e.cache.Describe()
	d := cloakroom.Description{BackEnd: "another engine"}
	if describer, ok := cloakroom.As[cloakroom.Describer](e.store); ok {
		d = describer.Describe()
	}
	d.Engine = name
	d.BackEnd += " behind " + before.BackEnd
	d.Location += " behind " + before.Location
	d.Shared = d.Shared && before.Shared
	return d
}
