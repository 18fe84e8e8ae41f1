package cookie

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
)

// Load implements [cloakroom.Engine]. What is not signed, or no longer good, is
// just not found: anybody can send anything. Only what is signed and cannot be
// understood is [cloakroom.ErrCorrupt].
func (e *Engine) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	t, err := e.live(ctx, "load", key)
	if err != nil {
		return nil, err
	}
	return &cloakroom.Record{Key: key, Data: t.data, Expires: t.expires, Version: t.form, Size: len(key)}, nil
}

// Create implements [cloakroom.Engine]. It stores nothing: r.Key is the session.
func (e *Engine) Create(ctx context.Context, r *cloakroom.Record) error {
	if err := e.ready(ctx, "create"); err != nil {
		return err
	}
	form, _ := r.Version.(session.Form) // where a session goes on under another key
	t := ticket{form: form}
	if e.list != nil {
		t.name = cloakroom.NewKey()
	}
	return e.write("create", r, t)
}

// Save implements [cloakroom.Engine], as far as that can be without a server: it
// sets r.Key to what the session is now, and cannot tell whether anybody else
// saved since.
func (e *Engine) Save(ctx context.Context, r *cloakroom.Record) error {
	t, err := e.live(ctx, "save", r.Key)
	switch {
	case err != nil:
		return gone(err)
	case r.Expires.After(time.Now()):
		return e.write("save", r, t)
	}
	return e.end(ctx, "save", t)
}

// Delete implements [cloakroom.Engine] if there is a list; see [WithRevocation].
// Without, the session ends only where the browser forgets it.
func (e *Engine) Delete(ctx context.Context, key string) error {
	if err := e.ready(ctx, "delete"); err != nil {
		return err
	}
	t, err := e.read(key)
	if err != nil {
		return nil // no session
	}
	err = e.end(ctx, "delete", t)
	if errors.Is(err, cloakroom.ErrGone) {
		return nil
	}
	return err
}

// Touch only tells whether the session is there. The expiry is part of the key,
// so a Manager moves it by Save.
func (e *Engine) Touch(ctx context.Context, key string, expires time.Time) error {
	t, err := e.live(ctx, "touch", key)
	switch {
	case err != nil:
		return gone(err)
	case expires.After(time.Now()):
		return nil
	}
	return e.end(ctx, "touch", t)
}

// ClearExpired implements [cloakroom.Engine]. Cookies expire by themselves, so
// the answer is always 0.
func (e *Engine) ClearExpired(ctx context.Context, _ int) (int, error) { return 0, ctx.Err() }

// Ping implements [cloakroom.Pinger]: it asks for the list, if there is one. It
// takes no secret key, which a Manager gives to an engine of its own.
func (e *Engine) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := e.ended(ctx, "ping", ticket{name: "ping"})
	return err
}

// live reads a session that is neither expired nor ended.
func (e *Engine) live(ctx context.Context, op, key string) (ticket, error) {
	if err := e.ready(ctx, op); err != nil {
		return ticket{}, err
	}
	t, err := e.read(key)
	if err != nil {
		return ticket{}, notFound(op, err)
	}
	if !t.expires.After(time.Now()) {
		return ticket{}, notFound(op, nil)
	}
	switch ended, err := e.ended(ctx, op, t); {
	case err != nil:
		return ticket{}, err
	case ended:
		return ticket{}, notFound(op, nil)
	}
	return t, nil
}

func (e *Engine) ready(ctx context.Context, op string) error {
	if !e.codec.Ready() {
		return errNoSecretKey(op)
	}
	return ctx.Err()
}
