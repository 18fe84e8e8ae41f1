package moving

import (
	"context"
	"hash/maphash"
	"iter"

	"github.com/cloakroom-go/cloakroom"
)

// WithSecretKeys hands the keys to each of the two that signs.
func (e *Engine) WithSecretKeys(current string, fallbacks ...string) cloakroom.Engine {
	keyed := func(e cloakroom.Engine) cloakroom.Engine {
		e, _ = cloakroom.With(e, func(signed cloakroom.Signed) cloakroom.Engine {
			return signed.WithSecretKeys(current, fallbacks...)
		})
		return e
	}
	to := keyed(e.to.Engine)
	adder, _ := cloakroom.As[cloakroom.Adder](to) // as before
	return &Engine{pair: pair{target{to, adder}, keyed(e.from)}}
}

// List implements [cloakroom.Lister]. It lists the new twice, so that what moves
// meanwhile is not missed, and remembers some 20 bytes of each session, so that
// none comes twice.
func (e *Engine) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
		for _, half := range []struct {
			cloakroom.Engine
			old bool
		}{{e.to.Engine, false}, {e.from, true}, {e.to.Engine, false}} {
			lister, ok := cloakroom.As[cloakroom.Lister](half.Engine)
			if !ok {
				yield(nil, unsupported("list", half.Engine, "list its sessions"))
				return
			}
			for r, err := range lister.List(ctx) {
				if err != nil {
					yield(nil, err)
					return
				}
				hash := maphash.String(seed, r.Key)
				if _, twice := seen[hash]; twice || isMarker(r) {
					continue
				}
				seen[hash] = struct{}{}
				r.Version = version{old: half.old, stored: r.Version, expires: r.Expires}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Ping implements [cloakroom.Pinger]: it asks both.
func (e *Engine) Ping(ctx context.Context) error {
	var errs []error
	for _, half := range []cloakroom.Engine{e.to.Engine, e.from} {
		if pinger, ok := cloakroom.As[cloakroom.Pinger](half); ok {
			errs = append(errs, pinger.Ping(ctx))
		} else {
			errs = append(errs, unsupported("ping", half, "be asked whether it is there"))
		}
	}
	if errs[0] == nil {
		return errs[1]
	}
	return errs[0]
}

// Stats implements [cloakroom.Measurer]: it adds up both. What [Copy] has copied
// counts twice.
func (e *Engine) Stats(ctx context.Context) (cloakroom.Stats, error) {
	var total cloakroom.Stats
	for _, half := range []cloakroom.Engine{e.to.Engine, e.from} {
		measurer, ok := cloakroom.As[cloakroom.Measurer](half)
		if !ok {
			return cloakroom.Stats{}, unsupported("stats", half, "be measured")
		}
		s, err := measurer.Stats(ctx)
		if err != nil {
			return cloakroom.Stats{}, err
		}
		total.Live += s.Live
		total.Expired += s.Expired
		total.Bytes += s.Bytes
		total.Corrupt += s.Corrupt
	}
	return total, nil
}

// Describe implements [cloakroom.Describer].
func (e *Engine) Describe() cloakroom.Description {
	to, from := describe(e.to.Engine), describe(e.from)
	return cloakroom.Description{
		Engine:     to.Engine,
		BackEnd:    to.BackEnd + ", moving from " + from.BackEnd,
		Location:   to.Location + ", moving from " + from.Location,
		Persistent: to.Persistent && from.Persistent,
		Shared:     to.Shared && from.Shared,
	}
}
