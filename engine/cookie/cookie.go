// Package cookie keeps a session in the visitor's cookie and nowhere else, as
// Django's django.contrib.sessions.backends.signed_cookies does: the session key
// is the session, signed. Both read what the other wrote.
//
// What that means, here as in Django:
//
//   - The visitor can read the session, though not change it.
//   - No server can be asked what was saved last. Of two requests at once, the
//     one that is answered last wins whole, and an old cookie is as good as a
//     new one.
//   - Logging out deletes the cookie from the browser. Whoever copied it is
//     still logged in, until it has run out.
//   - A session that does not fit into the cookie cannot be saved.
//
// Each can be mended by an option, save that requests at once are not merged:
// see [WithEncryption], [WithRevocation] and [WithPieces].
package cookie

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Engine is Django's signed_cookies engine. It is safe for concurrent use, and
// so are any number of processes that share the secret key.
//
// It needs a secret key: [cloakroom.WithSecretKey] on the Manager, or
// [Engine.WithSecretKeys]. Without one it reads and writes no session.
//
// It cannot list its sessions, for nobody but the browsers has them.
type Engine struct {
	settings
	codec session.Codec
	box   box
	room  int // bytes that a cookie holds; 0 for any number
}

var (
	_ cloakroom.Signed    = (*Engine)(nil)
	_ cloakroom.Carrier   = (*Engine)(nil)
	_ cloakroom.Pinger    = (*Engine)(nil)
	_ cloakroom.Describer = (*Engine)(nil)
)

type settings struct {
	maxAge    time.Duration
	written   []session.Option
	encrypted bool
	pieces    int
	list      List // nil where logging out is the browser's affair
}

// Open returns an engine that reads and writes what Django's does. There is
// nothing to close.
func Open(options ...Option) *Engine {
	s := settings{maxAge: 14 * 24 * time.Hour, pieces: 1}
	for _, option := range options {
		option(&s)
	}
	return &Engine{settings: s, codec: session.New(signing.CookieSalt, s.written...)}
}

// WithSecretKeys returns the same engine with Django's SECRET_KEY and
// SECRET_KEY_FALLBACKS: it signs, or encrypts, with current, and accepts what
// was signed or encrypted with any of them.
func (e *Engine) WithSecretKeys(current string, fallbacks ...string) cloakroom.Engine {
	keyed := *e
	keyed.codec = e.codec.WithSecretKeys(current, fallbacks...)
	keyed.box = newBox(current, fallbacks)
	return &keyed
}

// WithRoom implements [cloakroom.Carrier].
func (e *Engine) WithRoom(bytes int) cloakroom.Engine {
	roomy := *e
	roomy.room = bytes
	return &roomy
}

// Describe implements [cloakroom.Describer].
func (*Engine) Describe() cloakroom.Description {
	return cloakroom.Description{
		Engine: name, BackEnd: "the visitor's browser", Location: "cookies", Persistent: true, Shared: true,
	}
}
