package cacheddb

import (
	"context"
	"iter"

	"github.com/cloakroom-go/cloakroom"
)

// Add implements [cloakroom.Adder], if the store does. As after Create, the first
// load fills the cache.
func (e *Engine) Add(ctx context.Context, r *cloakroom.Record) error {
	adder, ok := e.store.(cloakroom.Adder)
	if !ok {
		return unsupported("add", "take over a session")
	}
	return e.change(ctx, r.Key, e.forget, func() error {
		err := adder.Add(ctx, r)
		if err == nil {
			r.Version = &version{stored: r.Version}
		}
		return err
	})
}

// Holds implements [cloakroom.Adder]: what counts is what the store holds.
func (e *Engine) Holds(data map[string]any) error {
	if adder, ok := e.store.(cloakroom.Adder); ok {
		return adder.Holds(data)
	}
	return unsupported("add", "take over a session")
}

// List implements [cloakroom.Lister]: it yields what the store has.
func (e *Engine) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		lister, ok := e.store.(cloakroom.Lister)
		if !ok {
			yield(nil, unsupported("list", "list its sessions"))
			return
		}
		for r, err := range lister.List(ctx) {
			if err == nil {
				r.Version = &version{stored: r.Version}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// Sweep implements [cloakroom.Sweeper]: it sweeps the store. The cache expires by
// itself.
func (e *Engine) Sweep(ctx context.Context, limit func() int) iter.Seq2[int, error] {
	return cloakroom.Sweep(ctx, e.store, limit)
}

// Ping implements [cloakroom.Pinger]: it asks the store, without which nothing
// works.
func (e *Engine) Ping(ctx context.Context) error {
	if pinger, ok := e.store.(cloakroom.Pinger); ok {
		return pinger.Ping(ctx)
	}
	return unsupported("ping", "be asked whether it is there")
}

// Stats implements [cloakroom.Measurer]: it measures the store.
func (e *Engine) Stats(ctx context.Context) (cloakroom.Stats, error) {
	if measurer, ok := e.store.(cloakroom.Measurer); ok {
		return measurer.Stats(ctx)
	}
	return cloakroom.Stats{}, unsupported("stats", "be measured")
}

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	before := e.cache.Describe()
	d := cloakroom.Description{BackEnd: "another engine"}
	if describer, ok := e.store.(cloakroom.Describer); ok {
		d = describer.Describe()
	}
	d.Engine = name
	d.BackEnd += " behind " + before.BackEnd
	d.Location += " behind " + before.Location
	d.Shared = d.Shared && before.Shared
	return d
}
