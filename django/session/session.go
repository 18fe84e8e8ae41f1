// Package session turns whole sessions into the signed text in which Django's
// db, file and signed_cookies engines keep them, and back: a serializer's bytes
// (SESSION_SERIALIZER), signed by package signing.
package session

import (
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Codec encodes and decodes sessions under one salt. It is safe for concurrent
// use. Make one with [New]; the zero Codec has no secret key, and says so.
type Codec struct {
	signer     *signing.Signer // nil without a secret key
	salt       string
	serializer Serializer
	legacy     bool
}

// New returns a Codec that reads every format and serializer, and writes what
// its options say. It needs [Codec.WithSecretKeys]. The salt is
// [signing.SessionSalt] or [signing.CookieSalt].
func New(salt string, options ...Option) Codec {
	c := Codec{salt: salt}
	for _, option := range options {
		option(&c)
	}
	return c
}

// Option changes what a Codec writes.
type Option func(*Codec)

// WithSerializer has sessions written by s, Django's SESSION_SERIALIZER. A
// Django reads no other than its own.
//
// Without it, a session is written by what it was read with, and a new one as
// JSON.
func WithSerializer(s Serializer) Option { return func(c *Codec) { c.serializer = s } }

// WithLegacyFormat writes the format of Django before 3.1, which Django 3.1 and
// 3.2 with DEFAULT_HASHING_ALGORITHM = "sha1" share with older ones.
func WithLegacyFormat() Option { return func(c *Codec) { c.legacy = true } }

// WithSecretKeys returns the same Codec signing with current, and accepting
// what was signed with any of the fallbacks: Django's SECRET_KEY and
// SECRET_KEY_FALLBACKS. Without current it has no secret key.
func (c Codec) WithSecretKeys(current string, fallbacks ...string) Codec {
	c.signer = nil
	if current != "" {
		c.signer = signing.New(c.salt, current, fallbacks...)
	}
	return c
}

// Ready reports whether there is a secret key.
func (c Codec) Ready() bool { return c.signer != nil }

// Decoded is what a text says.
type Decoded struct {
	Data   map[string]any
	Form   Form
	Signed time.Time // zero in the legacy format, which does not tell
}

// Encode returns data signed at this moment. The form is that of the session as
// it was decoded, and the zero Form for a new one.
//
// The error matches cloakroom.ErrUnencodable for a value that cannot be written,
// [signing.ErrTooLarge] or [signing.ErrNoKey].
func (c Codec) Encode(data map[string]any, form Form) (string, error) {
	if !c.Ready() {
		return "", signing.ErrNoKey
	}
	buf := payloads.Get().(*[]byte)
	defer release(buf)
	var err error
	if *buf, err = form.in(c.serializer).appendTo((*buf)[:0], data); err != nil {
		return "", err
	}
	if c.legacy {
		return c.signer.SignLegacy(*buf)
	}
	return c.signer.Sign(*buf)
}

// Decode verifies text and returns the session in it. A maxAge of zero accepts
// any age. The error is one of package signing's or of the serializer's, and
// holds nothing of the session.
func (c Codec) Decode(text string, maxAge time.Duration) (Decoded, error) {
	if !c.Ready() {
		return Decoded{}, signing.ErrNoKey
	}
	buf := payloads.Get().(*[]byte)
	defer release(buf)
	d := Decoded{}
	var err error
	if *buf, d.Signed, err = c.signer.Unsign((*buf)[:0], text, maxAge); err != nil {
		return Decoded{}, err
	}
	if d.Data, d.Form, err = parse(*buf); err != nil {
		return Decoded{}, err
	}
	return d, nil
}

var payloads = sync.Pool{New: func() any { return new([]byte) }}

// release puts a buffer back, unless one huge session made it worth forgetting.
func release(buf *[]byte) {
	if cap(*buf) < 1<<20 {
		payloads.Put(buf)
	}
}
