package cloakroom

import "crypto/rand"

const (
	keyLength   = 32
	keyAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// NewKey returns a fresh session key as Django makes them: 32 characters of
// a-z0-9 from the operating system's random source, 165 bits of entropy.
func NewKey() string {
	// Bytes from 252 up are thrown away: 252 is the largest multiple of 36
	// that a byte holds, and keeping them would favour the first letters.
	const unbiased = 256 / len(keyAlphabet) * len(keyAlphabet)
	key := make([]byte, 0, keyLength)
	var random [keyLength + 8]byte
	for len(key) < keyLength {
		rand.Read(random[:]) // never fails
		for _, b := range random {
			if int(b) < unbiased && len(key) < keyLength {
				key = append(key, keyAlphabet[int(b)%len(keyAlphabet)])
			}
		}
	}
	return string(key)
}

// ValidKey reports whether key has the shape of a key that [NewKey] or Django
// made. Engines look up no other.
func ValidKey(key string) bool {
	if len(key) != keyLength {
		return false
	}
	for i := range len(key) {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
