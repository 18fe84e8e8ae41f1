package dashboard

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// seal hides session keys, which are credentials, in links and forms. The same
// key always gives the same handle, so that links are stable: the nonce is a
// MAC of what is sealed (as in AES-SIV), so it repeats only with the text.
type seal struct {
	aead cipher.AEAD
	mac  []byte
}

func newSeal(secretKey string) (*seal, error) {
	material, err := hkdf.Key(sha256.New, []byte(secretKey), nil, "cloakroom dashboard handles", 64)
	if err != nil {
		return nil, fmt.Errorf("dashboard: derive key: %w", err)
	}
	block, err := aes.NewCipher(material[:32])
	if err != nil {
		return nil, fmt.Errorf("dashboard: derive key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("dashboard: derive key: %w", err)
	}
	return &seal{aead: aead, mac: material[32:]}, nil
}

// handle seals text for one purpose.
func (s *seal) handle(purpose, text string) string {
	mac := hmac.New(sha256.New, s.mac)
	fmt.Fprintf(mac, "%d %s%s", len(purpose), purpose, text)
	nonce := mac.Sum(nil)[:s.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(text), []byte(purpose)))
}

// open returns what handle sealed for the same purpose.
func (s *seal) open(purpose, handle string) (text string, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil || len(sealed) < s.aead.NonceSize() {
		return "", false
	}
	opened, err := s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], []byte(purpose))
	return string(opened), err == nil
}

// What is sealed.
const (
	sealedKey    = "session key"
	sealedCursor = "place in a list"
)
