// Package signing signs and verifies as Django's django.core.signing and its
// session stores do, on bytes: what the payload means is a serializer's affair.
//
// A signed value is
//
//	[.]base64url(payload) ":" base62(unix seconds) ":" base64url(hmac)
//
// where a leading dot means that the payload is compressed with zlib. Before
// Django 3.1 (and later under DEFAULT_HASHING_ALGORITHM = "sha1") session
// stores kept base64(hex(hmac) ":" payload) instead, the legacy format.
//
// Checked against Django 3.2; the format is the same up to 5.2.
package signing

import (
	"bytes"
	"encoding/base64"
	"errors"
	"time"
)

// The salts of Django's session engines. A value signed under one is worth
// nothing under another.
const (
	SessionSalt = "django.contrib.sessions.SessionStore"            // db, cached_db, file
	CookieSalt  = "django.contrib.sessions.backends.signed_cookies" // signed_cookies
)

// MaxPayload is how many bytes a payload may have, once decompressed. It keeps
// a small value from filling the memory.
const MaxPayload = 16 << 20

// What can be wrong. None holds the value, the payload or a key.
var (
	ErrMalformed = errors.New("signing: not a signed value")
	ErrSignature = errors.New("signing: changed, or signed with another secret key")
	ErrExpired   = errors.New("signing: signed too long ago")
	ErrTooLarge  = errors.New("signing: payload too large")
	ErrNoKey     = errors.New("signing: no secret key")
)

// Signer signs and verifies under one salt. It is safe for concurrent use. The
// zero Signer has no secret key, and says so.
type Signer struct {
	keys []*key // the first signs, all verify
}

// New returns a Signer that signs with current, and accepts what was signed
// with current or any fallback: Django's SECRET_KEY and SECRET_KEY_FALLBACKS.
// Without current it has no secret key.
func New(salt, current string, fallbacks ...string) *Signer {
	s := new(Signer)
	if current == "" {
		return s
	}
	s.keys = append(s.keys, newKey(salt, current))
	for _, secret := range fallbacks {
		if secret != "" {
			s.keys = append(s.keys, newKey(salt, secret))
		}
	}
	return s
}

// Sign returns payload signed at this moment, compressed where that is shorter.
func (s *Signer) Sign(payload []byte) (string, error) {
	if err := s.signable(payload); err != nil {
		return "", err
	}
	return sign(payload, s.keys[0].sha256)
}

func sign(payload []byte, mac *mac) (string, error) {
	b := buffers.Get().(*buffer)
	defer b.release()

	out := b.text[:0]
	compressed, err := b.compress(payload)
	if err != nil {
		return "", err
	}
	if len(compressed) < len(payload)-1 {
		payload = compressed
		out = append(out, '.')
	}
	out = base64.RawURLEncoding.AppendEncode(out, payload)
	out = append(out, ':')
	out = appendBase62(out, time.Now().Unix())
	b.text = mac.appendSigned(out, ':')
	return string(b.text), nil
}

// SignLegacy returns payload as every Django up to 3.2 reads it: in the legacy
// format under [SessionSalt], and under another salt signed with SHA-1.
func (s *Signer) SignLegacy(payload []byte) (string, error) {
	if err := s.signable(payload); err != nil {
		return "", err
	}
	if s.keys[0].legacy == nil {
		return sign(payload, s.keys[0].sha1)
	}
	b := buffers.Get().(*buffer)
	defer b.release()

	b.text = s.keys[0].legacy.appendSum(b.text[:0], payload)
	b.text = append(append(b.text, ':'), payload...)
	return base64.StdEncoding.EncodeToString(b.text), nil
}

func (s *Signer) signable(payload []byte) error {
	switch {
	case len(s.keys) == 0:
		return ErrNoKey
	case len(payload) > MaxPayload:
		return ErrTooLarge
	}
	return nil
}

// Unsign verifies signed, appends its payload to dst, and returns the result
// and when it was signed. A maxAge of zero accepts any age.
//
// Under [SessionSalt] it reads the legacy format too. That has no time: the
// time is zero, and any maxAge is exceeded.
func (s *Signer) Unsign(dst []byte, signed string, maxAge time.Duration) ([]byte, time.Time, error) {
	if len(s.keys) == 0 {
		return dst, time.Time{}, ErrNoKey
	}
	if len(signed) > base64.StdEncoding.EncodedLen(MaxPayload)+overhead {
		return dst, time.Time{}, ErrTooLarge
	}
	b := buffers.Get().(*buffer)
	defer b.release()
	b.text = append(b.text[:0], signed...)

	value, signature, found := cutLast(b.text, ':')
	if !found {
		dst, err := s.unsignLegacy(dst, b)
		if err == nil && maxAge > 0 {
			err = ErrExpired
		}
		return dst, time.Time{}, err
	}
	if !s.verify(value, signature) {
		return dst, time.Time{}, ErrSignature
	}
	value, stamp, found := cutLast(value, ':')
	if !found {
		return dst, time.Time{}, ErrMalformed
	}
	seconds, ok := parseBase62(stamp)
	if !ok {
		return dst, time.Time{}, ErrMalformed
	}
	at := time.Unix(seconds, 0)
	if maxAge > 0 && time.Since(at) > maxAge {
		return dst, at, ErrExpired
	}
	dst, err := b.unpack(dst, value)
	return dst, at, err
}

// overhead is more than the dot, the time and the signature take.
const overhead = 128

// verify goes through all keys, so that the time it takes tells nothing about
// which one it was.
func (s *Signer) verify(value, signature []byte) bool {
	ok := false
	for _, k := range s.keys {
		mac := k.sha256
		if len(signature) == k.sha1.length {
			mac = k.sha1
		}
		ok = mac.verify(value, signature) || ok
	}
	return ok
}

func (s *Signer) unsignLegacy(dst []byte, b *buffer) ([]byte, error) {
	var err error
	if b.data, err = base64.StdEncoding.AppendDecode(b.data[:0], b.text); err != nil {
		return dst, ErrMalformed
	}
	sum, payload, found := bytes.Cut(b.data, []byte(":"))
	if !found {
		return dst, ErrMalformed
	}
	ok := false
	for _, k := range s.keys {
		ok = (k.legacy != nil && k.legacy.verify(payload, sum)) || ok
	}
	if !ok {
		return dst, ErrSignature
	}
	return append(dst, payload...), nil
}

func cutLast(text []byte, sep byte) (before, after []byte, found bool) {
	i := bytes.LastIndexByte(text, sep)
	if i < 0 {
		return text, nil, false
	}
	return text[:i], text[i+1:], true
}
