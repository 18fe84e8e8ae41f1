package moving

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

const (
	// attempts bounds how often a session is tried that others move, too.
	attempts = 20

	// tidying is how long taking one's marker away may take. What becomes of that
	// decides what became of the session.
	tidying = time.Second

	// patience is how long somebody else may take to move a session. Then it is
	// taken out of their hands.
	patience = 100 * time.Millisecond

	// step is how long to wait before looking at it again.
	step = 2 * time.Millisecond

	// markerLife is how long a marker stays whose owner ended. It is no time
	// limit: who is slower finds the marker gone, and begins again.
	markerLife = 30 * time.Second

	// probeLife is how long a probe stays whose owner ended. It is more than the
	// time zones are apart, in which two may read the expiry of one row.
	probeLife = 48 * time.Hour
)

// markerName is the one name in a marker. What is under it is no marker's but one,
// so that nobody takes another's for their own.
const markerName = "_cloakroom_moving"

func newMarker(key string) *cloakroom.Record {
	return &cloakroom.Record{
		Key: key, Data: map[string]any{markerName: rand.Text()}, Expires: time.Now().Add(markerLife),
	}
}

func isMarker(r *cloakroom.Record) bool {
	_, ok := r.Data[markerName]
	return ok && len(r.Data) == 1
}

// target is an engine that sessions can move to.
type target struct {
	cloakroom.Engine
	cloakroom.Adder
}

// pair is where sessions go, and where they come from.
type pair struct {
	to   target
	from cloakroom.Engine
}

func newPair(to, from cloakroom.Engine) (pair, error) {
	adder, ok := cloakroom.As[cloakroom.Adder](to)
	if !ok {
		return pair{}, &cloakroom.Error{
			Engine: name, Op: "open", Kind: cloakroom.ErrConfig, Err: errors.ErrUnsupported,
			Reason: "sessions cannot be moved to " + describe(to).Engine + ", which takes none over",
			Mend:   "move them to an engine that keeps sessions on a server",
		}
	}
	if _, carries := cloakroom.As[cloakroom.Carrier](from); carries {
		return pair{}, &cloakroom.Error{
			Engine: name, Op: "open", Kind: cloakroom.ErrConfig, Err: errors.ErrUnsupported,
			Reason: "sessions cannot be moved from " + describe(from).Engine + ", which the browsers have",
			Mend:   "have people log in again, or wait until all have",
		}
	}
	return pair{target{to, adder}, from}, nil
}

// apart is an error where the two keep their sessions in the same place, so that
// whatever is deleted from the old is gone from the new too. Addresses do not tell:
// one server has many names. So it looks in the old for what it has put into the new.
func (p pair) apart(ctx context.Context) error {
	probe := newMarker("") // which nobody takes for a session meanwhile
	probe.Expires = time.Now().Add(probeLife)
	if err := p.to.Create(ctx, probe); err != nil {
		return err
	}
	holders := []cloakroom.Engine{p.to.Engine}
	_, err := p.from.Load(ctx, probe.Key)
	together := err == nil || errors.Is(err, cloakroom.ErrCorrupt) // signed with another secret, it is there all the same
	if together {
		holders = append(holders, p.from) // whose cache may have it now
	}
	p.discard(ctx, probe.Key, holders)
	switch {
	case together:
		return &cloakroom.Error{
			Engine: name, Op: "open", Kind: cloakroom.ErrConfig,
			Reason: "the source and the target keep their sessions in the same place",
			Mend:   "there is nothing to copy: switch the site's settings",
		}
	case errors.Is(err, cloakroom.ErrNotFound):
		return nil
	}
	return err
}

// discard deletes a probe. Where that fails, it vanishes later.
func (p pair) discard(ctx context.Context, key string, holders []cloakroom.Engine) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	for _, holder := range holders {
		_ = holder.Delete(ctx, key)
	}
}

// bring moves a session: next makes what is to be in the new of what is in the
// old. The error is ErrConflict if there is a session in the new already, and
// ErrGone if there is none in the old. The old stays as it is.
func (p pair) bring(ctx context.Context, key string, next func(old *cloakroom.Record) *cloakroom.Record) (*cloakroom.Record, error) {
	for range attempts {
		marker, err := p.mark(ctx, key)
		if err != nil {
			return nil, err
		}
		moved, err := p.fill(ctx, marker, next)
		switch {
		case err == nil:
			return moved, nil
		case errors.Is(err, errOvertaken):
			continue
		}
		left := p.unmark(ctx, marker)
		switch gone := errors.Is(err, cloakroom.ErrGone); {
		case gone && isOvertaken(left):
			continue // what is not in the old may be in the new by now
		case gone && left != nil:
			return nil, left
		}
		return nil, err
	}
	return nil, failed("move", cloakroom.ErrConflict)
}

// errOvertaken says that somebody else has taken our marker.
var errOvertaken = errors.New("the marker is gone")

// mark puts a marker where the session is to go. If there is another's, it waits
// for what becomes of that.
func (p pair) mark(ctx context.Context, key string) (*cloakroom.Record, error) {
	for began := time.Now(); ; {
		marker := newMarker(key)
		err := p.to.Add(ctx, marker)
		if !errors.Is(err, cloakroom.ErrConflict) {
			return marker, err
		}
		late := time.Since(began) > patience
		there, err := p.to.Load(ctx, key)
		switch {
		case mayBeOld(err) && !late:
			// It ended meanwhile.
		case err != nil && !mayBeOld(err):
			return nil, err
		case err != nil, !isMarker(there):
			return nil, failed("move", cloakroom.ErrConflict)
		case late:
			marker.Version = there.Version
			if err := p.to.Save(ctx, marker); !isOvertaken(err) {
				return marker, err
			}
			began = time.Now()
		}
		select {
		case <-time.After(step):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// settled loads what has become of a move from the new. Where that takes too long it
// is taken out of the mover's hands: who was told that there is no session finds none
// later.
func (p pair) settled(ctx context.Context, key string) (*cloakroom.Record, error) {
	for began := time.Now(); ; {
		r, err := p.to.Load(ctx, key)
		if err != nil || !isMarker(r) {
			return r, err
		}
		if time.Since(began) > patience {
			if err := p.end(ctx, r); err != nil && !isOvertaken(err) {
				return nil, err
			}
			continue
		}
		select {
		case <-time.After(step):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fill saves the session in the place of the marker.
func (p pair) fill(ctx context.Context, marker *cloakroom.Record, next func(old *cloakroom.Record) *cloakroom.Record) (*cloakroom.Record, error) {
	old, err := p.from.Load(ctx, marker.Key)
	if err != nil {
		return nil, gone("move", err)
	}
	r := next(old)
	if err := p.to.Holds(r.Data); err != nil {
		return nil, err
	}
	moved := &cloakroom.Record{Key: marker.Key, Data: r.Data, Expires: r.Expires, Version: marker.Version}
	if err := p.to.Save(ctx, moved); err != nil {
		if isOvertaken(err) {
			err = errOvertaken
		}
		return nil, err
	}
	return moved, nil
}

// unmark takes a marker away that leads to nothing, if it is still there. If that
// fails it vanishes later.
func (p pair) unmark(ctx context.Context, marker *cloakroom.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	return p.end(ctx, marker)
}

// end ends a session in the new, if nobody saved it since.
func (p pair) end(ctx context.Context, r *cloakroom.Record) error {
	return p.to.Save(ctx, &cloakroom.Record{Key: r.Key, Version: r.Version, Data: r.Data, Expires: time.Unix(0, 0)})
}

func isOvertaken(err error) bool {
	return errors.Is(err, cloakroom.ErrConflict) || errors.Is(err, cloakroom.ErrGone)
}
