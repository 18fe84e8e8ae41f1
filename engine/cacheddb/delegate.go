package cacheddb

import (
	"context"

	"github.com/cloakroom-go/cloakroom"
)

// Unwrap implements [cloakroom.Wrapper]: the store, which lists, measures and
// answers for the sessions.
func (e *Engine) Unwrap() cloakroom.Engine { return e.store }

// Wrap implements [cloakroom.Wrapper].
func (e *Engine) Wrap(store cloakroom.Engine) cloakroom.Engine {
	return &Engine{store, newMisses(), e.front}
}

// Add implements [cloakroom.Adder], if the store does. As after Create, the first
// load fills the cache.
func (e *Engine) Add(ctx context.Context, r *cloakroom.Record) error {
	adder, ok := cloakroom.As[cloakroom.Adder](e.store)
	if !ok {
		return noAdder()
	}
	return e.change(ctx, r.Key, e.forget, func() error { return adder.Add(ctx, r) })
}

// Holds implements [cloakroom.Adder]: what counts is what the store holds.
func (e *Engine) Holds(data map[string]any) error {
	if adder, ok := cloakroom.As[cloakroom.Adder](e.store); ok {
		return adder.Holds(data)
	}
	return noAdder()
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
