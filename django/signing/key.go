package signing

import (
	"crypto/hmac"
	"crypto/sha1" // what Django before 3.1 signed with; HMAC-SHA1 is not broken
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"sync"
)

// legacySalt is what session stores salted the legacy format with.
const legacySalt = "django.contrib.sessionsSessionStore"

// key is a secret key made ready to sign under one salt.
type key struct {
	sha256 *mac
	sha1   *mac // the signature of Django before 3.1
	legacy *mac // nil where the salt has no legacy format
}

func newKey(salt, secret string) *key {
	k := &key{
		sha256: newMAC(sha256.New, salt+"signer"+secret, base64.RawURLEncoding.AppendEncode),
		sha1:   newMAC(sha1.New, salt+"signer"+secret, base64.RawURLEncoding.AppendEncode),
	}
	// The legacy format does not depend on the salt. Reading it under another
	// one would let a value wander from the database into a cookie.
	if salt == SessionSalt {
		k.legacy = newMAC(sha1.New, legacySalt+secret, hex.AppendEncode)
	}
	return k
}

// mac is Django's salted_hmac, written as text.
type mac struct {
	length int // of the text
	states sync.Pool
}

// state is pooled because setting up an HMAC costs as much as using it.
type state struct {
	hash.Hash
	sum, text []byte
	encode    func(dst, src []byte) []byte
}

func newMAC(newHash func() hash.Hash, salted string, encode func(dst, src []byte) []byte) *mac {
	h := newHash()
	h.Write([]byte(salted))
	derived := h.Sum(nil)
	return &mac{
		length: len(encode(nil, derived)),
		states: sync.Pool{New: func() any {
			return &state{Hash: hmac.New(newHash, derived), encode: encode}
		}},
	}
}

// compute leaves the signature of value in the state's text.
func (s *state) compute(value []byte) {
	s.Reset()
	s.Write(value)
	s.sum = s.Sum(s.sum[:0])
	s.text = s.encode(s.text[:0], s.sum)
}

func (m *mac) verify(value, signature []byte) bool {
	s := m.states.Get().(*state)
	defer m.states.Put(s)
	s.compute(value)
	return subtle.ConstantTimeCompare(s.text, signature) == 1
}

// appendSum appends the signature of value to dst.
func (m *mac) appendSum(dst, value []byte) []byte {
	s := m.states.Get().(*state)
	defer m.states.Put(s)
	s.compute(value)
	return append(dst, s.text...)
}

// appendSigned appends to value a separator and value's signature.
func (m *mac) appendSigned(value []byte, sep byte) []byte {
	s := m.states.Get().(*state)
	defer m.states.Put(s)
	s.compute(value)
	return append(append(value, sep), s.text...)
}
