package cookie

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/cloakroom-go/cloakroom/django/signing"
)

// box encrypts sessions, each as
//
//	"~" base64url(nonce, XChaCha20-Poly1305(Unix seconds in 8 bytes, payload))
//
// without padding. The nonces are long enough to be drawn at random for ever.
// The first key encrypts, all decrypt.
type box struct {
	keys []cipher.AEAD
	err  error // why there is none
}

const (
	boxMark   = "~" // begins no signed value
	boxInfo   = "github.com/cloakroom-go/cloakroom/engine/cookie XChaCha20-Poly1305"
	nonceSize = chacha20poly1305.NonceSizeX
	stampSize = 8
)

func newBox(current string, fallbacks []string) box {
	if current == "" {
		return box{err: signing.ErrNoKey}
	}
	var b box
	for _, secret := range append([]string{current}, fallbacks...) {
		if secret == "" {
			continue
		}
		aead, err := newAEAD(secret)
		if err != nil { // Go in FIPS mode has no such cipher
			return box{err: err}
		}
		b.keys = append(b.keys, aead)
	}
	return b
}

func newAEAD(secret string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, boxInfo, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(key)
}

// seal encrypts payload together with this moment.
func (b box) seal(payload []byte) (string, error) {
	if b.err != nil {
		return "", b.err
	}
	plain := make([]byte, stampSize, stampSize+len(payload))
	binary.BigEndian.PutUint64(plain, uint64(time.Now().Unix()))
	plain = append(plain, payload...)

	sealed := make([]byte, nonceSize, nonceSize+len(plain)+chacha20poly1305.Overhead)
	rand.Read(sealed) // never fails
	sealed = b.keys[0].Seal(sealed, sealed, plain, nil)
	return boxMark + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// open returns the payload, and when it was sealed.
func (b box) open(key string) (payload []byte, sealed time.Time, err error) {
	if b.err != nil {
		return nil, time.Time{}, b.err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(key[len(boxMark):])
	if err != nil || len(raw) < nonceSize || strings.ContainsAny(key, "\r\n") { // which base64 passes over
		return nil, time.Time{}, signing.ErrMalformed
	}
	for _, aead := range b.keys {
		plain, err := aead.Open(nil, raw[:nonceSize], raw[nonceSize:], nil)
		if err == nil && len(plain) >= stampSize {
			return plain[stampSize:], time.Unix(int64(binary.BigEndian.Uint64(plain)), 0), nil
		}
	}
	return nil, time.Time{}, signing.ErrSignature
}
