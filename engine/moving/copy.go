package moving

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Options say how sessions are copied. The zero value is good for most.
type Options struct {
	// Mirror says that nobody but the copying uses the target yet. Then the source
	// counts wherever the two differ: what it has is written over what the target
	// has, and what it has no more is removed there. Without it, whatever the
	// target has stays.
	Mirror bool

	// Move says that the site uses an [Engine] on the two. Then a session is deleted
	// from the source once the target has it, as the Engine does, and when nothing
	// is left there nothing hangs on the source any more.
	Move bool

	// Parallel is how many sessions are copied at the same time. The default is 16.
	Parallel int

	// Lifetime is how long a session lives whose back end does not tell when it
	// expires. The default is two weeks, as for Django.
	Lifetime time.Duration

	// Progress, if not nil, is told now and then how many sessions are done, of
	// about how many; 0 where the source cannot tell. It is never called twice at
	// the same time.
	Progress func(done, total int64)
}

// Report is what became of the sessions.
type Report struct {
	Copied  int64            // put into the target
	Present int64            // there already, and alike
	Kept    int64            // there already, or ended there, and left so: it counts
	Updated int64            // changed in the source, and now in the target
	Removed int64            // ended in the source, and now in the target
	Ended   int64            // ended in the source before their turn came
	Skipped map[string]int64 // that the target cannot take, or nobody can read; by reason
	Failed  int64            // that an engine could not be asked for; the error says why
}

// Copy copies the live sessions of one engine into another, each under its key
// and with its expiry. It can be repeated, and holds no more than a few at a time
// in memory. The source stays as it is, unless [Options.Move] says otherwise.
//
// People may go on meanwhile, with the source, or with both through an [Engine].
// Whatever is ended there while Copy runs is not copied, and what the target has
// is left alone unless [Options.Mirror] says otherwise. What ended in the target
// alone, because people use it and no Engine, would be copied again.
//
// The error is [cloakroom.ErrConfig] for engines between which nothing can be
// copied, and for two that keep their sessions in the same place. It is
// [cloakroom.ErrUnavailable] where one fell silent: then the report says how far it
// came.
func Copy(ctx context.Context, to, from cloakroom.Engine, o Options) (Report, error) {
	c, err := newCopier(to, from, o)
	if err != nil {
		return Report{}, err
	}
	return c.Pass(ctx)
}

// Copier copies one engine into another as often as it is told, and remembers
// some 100 bytes of each session in between: so it knows what changed, and who
// changed it. It is for a source that others, such as a Django, go on writing to,
// and never for the two of an [Engine], which ends sessions in the old because
// they live on in the new. It is used by one goroutine at a time.
//
// The first pass is that of [Copy], and the only one that mirrors. Later ones also
// write what changed in the source since, if the target has what was copied, and
// remove from there what ended in the source. What people changed or ended in the
// target stays so, even where they began to use it meanwhile. A copy that merely ran
// out there, before its session was found prolonged in the source, is made anew.
type Copier struct {
	pair
	options Options
	memory  *memory // nil for a single pass
	passes  int
	mirrors bool // until a pass has done it
	isApart bool // once that is known
}

// NewCopier returns a Copier that has copied nothing yet. [Options.Move] is
// nothing for it.
func NewCopier(to, from cloakroom.Engine, o Options) (*Copier, error) {
	if o.Move {
		return nil, &cloakroom.Error{
			Engine: name, Op: "copy", Kind: cloakroom.ErrConfig,
			Reason: "a source that is emptied cannot be followed", Mend: "repeat Copy",
		}
	}
	c, err := newCopier(to, from, o)
	if err == nil {
		c.memory = newMemory()
	}
	return c, err
}

func newCopier(to, from cloakroom.Engine, o Options) (*Copier, error) {
	p, err := newPair(to, from)
	if err != nil {
		return nil, err
	}
	if o.Mirror && o.Move {
		return nil, &cloakroom.Error{
			Engine: name, Op: "copy", Kind: cloakroom.ErrConfig,
			Reason: "a source that is emptied cannot be mirrored", Mend: "choose one of Mirror and Move",
		}
	}
	listed := []cloakroom.Engine{from}
	if o.Mirror {
		listed = append(listed, to)
	}
	for _, e := range listed {
		if _, ok := cloakroom.As[cloakroom.Lister](e); !ok {
			return nil, unsupported("copy", e, "list its sessions")
		}
	}
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Lifetime <= 0 {
		o.Lifetime = 14 * 24 * time.Hour
	}
	return &Copier{pair: p, options: o, mirrors: o.Mirror}, nil
}

// Pass goes through the source once.
func (c *Copier) Pass(ctx context.Context) (Report, error) {
	if !c.isApart {
		if err := c.apart(ctx); err != nil {
			return Report{}, err
		}
		c.isApart = true
	}
	c.passes++
	p := &pass{Copier: c, Report: Report{Skipped: map[string]int64{}}}
	before := measure(ctx, c.from)
	p.total = before.Live
	err := p.each(ctx, c.from, p.copy)
	if corrupt := measure(ctx, c.from).Corrupt - before.Corrupt; corrupt > 0 && err == nil {
		p.Skipped["it cannot be read"] += corrupt
	}
	switch {
	case err != nil:
	case p.mirrors:
		err = p.each(ctx, c.to.Engine, p.removeUnlessThere)
	case c.memory != nil:
		err = p.removeUnlisted(ctx)
	}
	p.progress()
	c.mirrors = c.mirrors && err != nil
	return p.Report, err
}

func measure(ctx context.Context, e cloakroom.Engine) (s cloakroom.Stats) {
	if m, ok := cloakroom.As[cloakroom.Measurer](e); ok {
		s, _ = m.Stats(ctx) // it is only an estimate
	}
	return s
}

// pass is what Pass is at.
type pass struct {
	*Copier
	total int64
	done  atomic.Int64

	mu sync.Mutex
	Report
	failure error // the first
}

// mostFailures is how many sessions may fail before it is no use to go on.
const mostFailures = 16

// each has some workers do something to every session of e.
func (p *pass) each(ctx context.Context, e cloakroom.Engine, do func(context.Context, *cloakroom.Record) error) error {
	lister, ok := cloakroom.As[cloakroom.Lister](e)
	if !ok {
		return unsupported("copy", e, "list its sessions")
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	records := make(chan *cloakroom.Record)
	var workers sync.WaitGroup
	for range p.options.Parallel {
		workers.Go(func() {
			for r := range records {
				if ctx.Err() != nil {
					continue
				}
				if err := do(ctx, r); err != nil && p.failed(ctx, err) {
					stop(err)
				}
				if n := p.done.Add(1); n%256 == 0 {
					p.progress()
				}
			}
		})
	}
	var listing error
	for r, err := range lister.List(ctx) {
		if listing = err; err != nil || ctx.Err() != nil {
			break
		}
		if !isMarker(r) {
			records <- r
		}
	}
	close(records)
	workers.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case listing != nil:
		return listing
	}
	return p.failure
}

func (p *pass) progress() {
	if p.options.Progress == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	done, total := p.done.Load(), p.total
	if total > 0 {
		total = max(total, done) // sessions begin meanwhile
	}
	p.options.Progress(done, total)
}

func (p *pass) count(n *int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
}

// failed notes why a session was not copied. It reports whether there is no use in
// going on.
func (p *pass) failed(ctx context.Context, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kind := range []error{cloakroom.ErrUnencodable, cloakroom.ErrTooLarge, cloakroom.ErrCorrupt} {
		if errors.Is(err, kind) {
			p.Skipped[reason(err, kind)]++
			return false
		}
	}
	if ctx.Err() != nil {
		return false
	}
	p.Failed++
	if p.failure == nil {
		p.failure = err
	}
	return p.Failed == mostFailures || errors.Is(err, cloakroom.ErrConfig)
}

// reason is why a session was skipped, in words that many have in common.
func reason(err, kind error) string {
	for kind == cloakroom.ErrUnencodable {
		e, ok := errors.AsType[*cloakroom.Error](err)
		switch {
		case !ok:
			return kind.Error()
		case e.Reason != "":
			return e.Reason
		}
		err = e.Err
	}
	return kind.Error()
}

// copy copies one session.
func (p *pass) copy(ctx context.Context, r *cloakroom.Record) error {
	if known, ok := p.memory.get(r.Key, p.passes); ok {
		return p.update(ctx, r, known)
	}
	moved, err := p.bring(ctx, r.Key, p.limited)
	switch {
	case err == nil:
		p.memory.put(moved, p.passes)
		p.count(&p.Copied)
		return p.leave(ctx, r.Key)
	case errors.Is(err, cloakroom.ErrConflict):
		return p.compare(ctx, r)
	case errors.Is(err, cloakroom.ErrGone) && !errors.Is(err, cloakroom.ErrCorrupt):
		p.count(&p.Ended)
		return nil
	}
	return err
}

// limited is r with an expiry.
func (p *pass) limited(r *cloakroom.Record) *cloakroom.Record {
	if !r.Expires.IsZero() {
		return r
	}
	limited := *r
	limited.Expires = time.Now().Add(p.options.Lifetime)
	return &limited
}

// compare looks at a session that the target has, though not from this Copier.
func (p *pass) compare(ctx context.Context, r *cloakroom.Record) error {
	there, err := p.to.Load(ctx, r.Key)
	switch {
	case errors.Is(err, cloakroom.ErrNotFound):
		p.count(&p.Kept)
		return nil
	case err != nil:
		return err
	case stateOf(there).like(stateOf(r)):
		p.memory.put(r, p.passes)
		p.count(&p.Present)
		return p.leave(ctx, r.Key)
	case p.mirrors && !isMarker(there):
		return p.overwrite(ctx, there, r)
	}
	p.count(&p.Kept)
	if isMarker(there) {
		return nil
	}
	return p.leave(ctx, r.Key)
}

// leave deletes from the source what the target has.
func (p *pass) leave(ctx context.Context, key string) error {
	if !p.options.Move {
		return nil
	}
	return p.from.Delete(ctx, key)
}

// update looks at a session that this Copier has copied.
func (p *pass) update(ctx context.Context, r *cloakroom.Record, known state) error {
	if stateOf(r).like(known) {
		p.count(&p.Present)
		return nil
	}
	there, err := p.to.Load(ctx, r.Key)
	switch ended := errors.Is(err, cloakroom.ErrNotFound); {
	case ended && known.hasRunOut(): // nobody ended it, and the source prolonged it
		p.memory.forget(r.Key)
		return p.copy(ctx, r)
	case err != nil && !ended:
		return err
	case ended, !stateOf(there).like(known):
		p.memory.cede(r.Key)
		p.count(&p.Kept)
		return nil
	}
	return p.overwrite(ctx, there, r)
}

// overwrite puts a session in the place of what is there, unless somebody else
// does at the same time.
func (p *pass) overwrite(ctx context.Context, there, r *cloakroom.Record) error {
	if err := p.to.Holds(r.Data); err != nil {
		return err
	}
	r = p.limited(r)
	err := p.to.Save(ctx, &cloakroom.Record{Key: r.Key, Data: r.Data, Expires: r.Expires, Version: there.Version})
	switch {
	case err == nil:
		p.memory.put(r, p.passes)
		p.count(&p.Updated)
	case isOvertaken(err):
		p.count(&p.Kept)
	default:
		return err
	}
	return nil
}

// removeUnlessThere ends a session of the target that the source does not have.
func (p *pass) removeUnlessThere(ctx context.Context, there *cloakroom.Record) error {
	_, err := p.from.Load(ctx, there.Key)
	switch {
	case err == nil, errors.Is(err, cloakroom.ErrCorrupt):
		return nil
	case !errors.Is(err, cloakroom.ErrNotFound):
		return err
	}
	switch err := p.end(ctx, there); {
	case err == nil:
		p.count(&p.Removed)
	case !isOvertaken(err):
		return err
	}
	return nil
}

// removeUnlisted ends what was copied once and ended in the source since, if it is
// in the target as it was copied.
func (p *pass) removeUnlisted(ctx context.Context) error {
	for key, known := range p.memory.unlisted(p.passes) {
		there, err := p.to.Load(ctx, key)
		switch {
		case errors.Is(err, cloakroom.ErrNotFound):
		case err != nil:
			return err
		case !stateOf(there).like(known):
			p.count(&p.Kept)
		default:
			if err := p.removeUnlessThere(ctx, there); err != nil {
				return err
			}
		}
	}
	return nil
}
