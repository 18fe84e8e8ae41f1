package cookie

import (
	"time"

	"github.com/cloakroom-go/cloakroom/django/session"
)

// Option changes what [Open] returns.
type Option func(*settings)

// WithMaxAge bounds how long a cookie is accepted after it was signed, whatever
// the session says: Django's SESSION_COOKIE_AGE. The default is two weeks, as
// is that of [cloakroom.WithLifetime]; who makes that longer makes this longer.
func WithMaxAge(d time.Duration) Option { return func(s *settings) { s.maxAge = d } }

// WithSerializer has sessions written by Django's SESSION_SERIALIZER. Without it
// a session is written as it was read, and a new one as JSON. All are read.
func WithSerializer(serializer session.Serializer) Option {
	return func(s *settings) { s.written = append(s.written, session.WithSerializer(serializer)) }
}

// WithLegacyFormat signs as Django before 3.1, for a Django 3.1 or 3.2 that has
// DEFAULT_HASHING_ALGORITHM = "sha1" and reads nothing else.
func WithLegacyFormat() Option {
	return func(s *settings) { s.written = append(s.written, session.WithLegacyFormat()) }
}

// WithEncryption keeps the visitor, and whoever gets hold of the cookie, from
// reading the session: XChaCha20-Poly1305 under a key derived from the secret
// key. Django cannot read it. Its length still tells how long the session is,
// but no more, since it is not compressed; so it takes more room.
//
// Signed cookies are read all the same, and encrypted ones without this option:
// either way nobody is logged out by a change.
func WithEncryption() Option { return func(s *settings) { s.encrypted = true } }

// WithPieces lets a session take up to n cookies where one is too small; the
// default is 1, and 50 is the most. Django reads it only while it fits into one.
//
// Browsers send all of them with every request, and servers in between refuse a
// Cookie header that is too long: beyond 8 KB (2 pieces) nginx needs
// large_client_header_buffers and Apache LimitRequestFieldSize, and nginx
// proxy_buffer_size for the answer that sets them.
func WithPieces(n int) Option { return func(s *settings) { s.pieces = min(max(n, 1), mostPieces) } }

// WithRevocation makes logging out final: [Engine.Delete], and so Flush and
// CycleKey, put the session on list, and what is there is no session any more,
// whichever of its cookies is brought. It costs a look at the list at every load
// and save. A list that cannot be asked is [cloakroom.ErrUnavailable].
//
// An older copy of a session that was not ended stays good: whoever kept it can
// go back to it. CycleKey is the line that nobody can go back behind; call it
// where an older state must not return, and not at login only.
//
// A Django that shares the sessions does not look at the list. One that Django
// began has a name for the list from its first save in Go on.
func WithRevocation(list List) Option { return func(s *settings) { s.list = list } }
