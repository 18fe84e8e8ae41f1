// Package guarded stands before an engine whose back end may be slow, crowded or
// away, so that a site answers in time all the same.
//
//   - Every call has a deadline. What a silent back end owes an answer for is
//     [cloakroom.ErrUnavailable].
//   - When a back end has failed several calls in a row, and answered none for a
//     moment, nobody waits for it any more: calls are answered with ErrUnavailable
//     at once, but for one every half second, which finds out whether it is back.
//     Of several servers ([cloakroom.Sharded]) each is taken for itself.
//   - So many calls are under way at once, and so many wait for their turn. One
//     that is too many is told so at once.
//   - A load or a delete that failed quickly is asked once more. Both may be
//     repeated; a save may not, for nobody knows whether the first has taken place.
//     A create is, under another key, while one of several servers is away.
//
// What is not the back end's fault does not count against it: a session that is
// not found, gone, in conflict, too large or of values that cannot be stored, a
// wrong configuration, and a visitor who did not wait.
//
// A call ends in time where the engine honours its context, as the contract of
// [cloakroom.Engine] says. A disk that hangs under a file or an SQLite database
// lets nobody do that.
package guarded

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/circuit"
)

// Engine is a [cloakroom.Engine] before another. It is safe for concurrent use.
//
// What else that engine can do is found by [cloakroom.As], and is not guarded:
// whoever lists, measures or pings wants to hear from the back end itself.
type Engine struct {
	behind  cloakroom.Engine
	shards  cloakroom.Sharded // nil if it is not
	carries bool              // it is a [cloakroom.Carrier]
	*guard
}

var _ cloakroom.Wrapper = (*Engine)(nil)

// guard is what engines with different secret keys share.
type guard struct {
	timeout           time.Duration
	underWay, waiting int
	servers           []server
	newSessions       *room // those whose server is chosen behind
	log               *slog.Logger
}

// server is one that is guarded. Each has its own room: who is on one that hangs
// takes no turn of those who are on the others.
type server struct {
	circuit *circuit.Breaker
	room    *room
}

// Option changes how [New] sets an engine up. One that makes no sense is passed
// over.
type Option func(*guard)

// WithTimeout is the longest that a call may take, waiting for its turn and being
// repeated included. The default is 2 seconds. A sooner deadline of the caller's
// holds.
func WithTimeout(d time.Duration) Option {
	return func(g *guard) {
		if d > 0 {
			g.timeout = d
		}
	}
}

// WithLimits bounds how many calls are under way at once, and how many wait for
// their turn, of several servers on each. The defaults are 256 and 4096: more than
// any engine here asks its back end at once, and as many visitors as may reasonably
// wait.
func WithLimits(underWay, waiting int) Option {
	return func(g *guard) {
		if underWay > 0 && waiting >= 0 {
			g.underWay, g.waiting = underWay, waiting
		}
	}
}

// WithLogger says where it is told that the back end went away, and that it is
// back. The default is [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return func(g *guard) {
		if log != nil {
			g.log = log
		}
	}
}

// New returns e with a guard before it.
func New(e cloakroom.Engine, options ...Option) *Engine {
	g := &guard{timeout: 2 * time.Second, underWay: 256, waiting: 4096, log: slog.Default()}
	for _, option := range options {
		option(g)
	}
	guarded := g.before(e)
	servers := 1
	if guarded.shards != nil {
		servers = guarded.shards.Shards()
	}
	for range servers {
		g.servers = append(g.servers, server{circuit.New(), g.newRoom()})
	}
	g.newSessions = g.newRoom()
	return guarded
}

func (g *guard) before(e cloakroom.Engine) *Engine {
	shards, _ := cloakroom.As[cloakroom.Sharded](e)
	_, carries := cloakroom.As[cloakroom.Carrier](e)
	return &Engine{e, shards, carries, g}
}

// Unwrap implements [cloakroom.Wrapper].
func (e *Engine) Unwrap() cloakroom.Engine { return e.behind }

// Wrap implements [cloakroom.Wrapper]. The engines share their guard.
func (e *Engine) Wrap(behind cloakroom.Engine) cloakroom.Engine {
	another := e.before(behind)
	if another.shards != nil && another.shards.Shards() != len(e.servers) {
		another.shards = nil
	}
	return another
}

// Load implements [cloakroom.Engine].
func (e *Engine) Load(ctx context.Context, key string) (r *cloakroom.Record, err error) {
	if e.isNoKey(key) {
		return e.behind.Load(ctx, key)
	}
	err = e.ask(ctx, "load", e.serverOf(key), repeatable, func(ctx context.Context) (err error) {
		r, err = e.behind.Load(ctx, key)
		return err
	})
	return r, err
}

// Create implements [cloakroom.Engine]. While one of several servers is known to be
// away, it goes on under other keys until one is another server's: of what the first
// may have stored after all nobody knows the key.
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) error {
	if e.carries {
		return e.behind.Create(ctx, r) // asks no back end, so tells nothing about it
	}
	create := func(ctx context.Context) error { return e.behind.Create(ctx, r) }
	s, away := e.serverOfNew()
	if !away {
		return e.ask(ctx, "create", s, once, create)
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	const hasty = 7
	for range hasty {
		soon, cancel := context.WithTimeout(ctx, e.soon())
		err := e.ask(soon, "create", s, once, create)
		cancel()
		if !errors.Is(err, cloakroom.ErrUnavailable) {
			return err
		}
	}
	return e.ask(ctx, "create", s, once, create) // the others may be slow
}

// Save implements [cloakroom.Engine].
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) error {
	if e.isNoKey(r.Key) {
		return e.behind.Save(ctx, r)
	}
	return e.ask(ctx, "save", e.serverOf(r.Key), once, func(ctx context.Context) error { return e.behind.Save(ctx, r) })
}

// Delete implements [cloakroom.Engine].
func (e *Engine) Delete(ctx context.Context, key string) error {
	if e.isNoKey(key) {
		return e.behind.Delete(ctx, key)
	}
	return e.ask(ctx, "delete", e.serverOf(key), repeatable, func(ctx context.Context) error { return e.behind.Delete(ctx, key) })
}

// Touch implements [cloakroom.Engine].
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) error {
	if e.isNoKey(key) {
		return e.behind.Touch(ctx, key, expires)
	}
	return e.ask(ctx, "touch", e.serverOf(key), once, func(ctx context.Context) error { return e.behind.Touch(ctx, key, expires) })
}

// ClearExpired implements [cloakroom.Engine]. No visitor waits for it, so it has
// the time that its caller gives it.
func (e *Engine) ClearExpired(ctx context.Context, limit int) (int, error) {
	return e.behind.ClearExpired(ctx, limit)
}

// isNoKey reports that the back end is not asked for what a client sent.
func (e *Engine) isNoKey(key string) bool { return !e.carries && !cloakroom.ValidKey(key) }

func (e *Engine) serverOf(key string) server {
	if len(e.servers) == 1 || e.shards == nil {
		return e.servers[0]
	}
	return e.servers[e.shards.Shard(key)]
}

// serverOfNew is for a session whose key, and so whose server, is chosen behind. It
// reports whether that may be one which is away while others are not.
func (e *Engine) serverOfNew() (_ server, away bool) {
	first, up := e.servers[0], 0
	for _, s := range e.servers {
		if s.circuit.IsClosed() {
			up++
		}
		if s.circuit.Wait() < first.circuit.Wait() {
			first = s
		}
	}
	if len(e.servers) == 1 || up == 0 {
		return first, false
	}
	// Whatever comes of it tells nothing of a certain one.
	return server{circuit.New(), e.newSessions}, up < len(e.servers)
}
