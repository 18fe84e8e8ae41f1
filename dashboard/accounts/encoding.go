package accounts

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what an argon2id hash takes.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// djangoCost is that of Django's Argon2PasswordHasher.
var djangoCost = cost{memory: 102400, passes: 2, threads: 8}

const (
	hashLength = 32
	// saltLength characters are what Django takes for enough: with fewer it
	// stores the password again.
	saltLength = 22
	// maxPassword bounds what is hashed, in bytes.
	maxPassword = 1024
	// maxMemory bounds what a stored hash may ask for, in KiB.
	maxMemory = 1 << 20
)

// encode hashes a password as Django's argon2 hasher does.
func (s *Store) encode(ctx context.Context, password string) (string, error) {
	release, err := s.admit(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := rand.Text()[:saltLength]
	c := s.cost
	hash := argon2.IDKey(bounded(password), []byte(salt), c.passes, c.memory, c.threads, hashLength)
	return fmt.Sprintf("argon2$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		base64.RawStdEncoding.EncodeToString([]byte(salt)), base64.RawStdEncoding.EncodeToString(hash)), nil
}

// verify reports whether password is the encoded one. An encoding that it does
// not know, such as that of an unusable password, takes as long to refuse.
func (s *Store) verify(ctx context.Context, password, encoded string) (bool, error) {
	derive, want := parse(encoded)
	if derive == nil {
		_, err := s.encode(ctx, password)
		return false, err
	}
	release, err := s.admit(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	got := derive(bounded(password))
	return len(password) <= maxPassword && subtle.ConstantTimeCompare(got, want) == 1, nil
}

// parse returns how an encoded password was derived, and what came of it; nil
// if it cannot tell.
func parse(encoded string) (derive func(password []byte) []byte, want []byte) {
	parts := strings.Split(encoded, "$")
	switch {
	case len(parts) == 6 && parts[0] == "argon2" && parts[1] == "argon2id" && parts[2] == "v=19":
		var c cost
		if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
			return nil, nil
		}
		salt, err := base64.RawStdEncoding.DecodeString(parts[4])
		if err != nil || c.memory > maxMemory || c.passes == 0 || c.threads == 0 {
			return nil, nil
		}
		want, err := base64.RawStdEncoding.DecodeString(parts[5])
		if err != nil || len(want) == 0 {
			return nil, nil
		}
		return func(password []byte) []byte {
			return argon2.IDKey(password, salt, c.passes, c.memory, c.threads, uint32(len(want)))
		}, want
	case len(parts) == 4 && parts[0] == "pbkdf2_sha256":
		iterations, err := strconv.Atoi(parts[1])
		if err != nil || iterations < 1 {
			return nil, nil
		}
		want, err := base64.StdEncoding.DecodeString(parts[3])
		if err != nil || len(want) == 0 {
			return nil, nil
		}
		return func(password []byte) []byte {
			hash, err := pbkdf2.Key(sha256.New, string(password), []byte(parts[2]), iterations, len(want))
			if err != nil {
				return nil
			}
			return hash
		}, want
	}
	return nil, nil
}

// admit waits for a place to hash in.
func (s *Store) admit(ctx context.Context) (release func(), err error) {
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, unavailable("hash", ctx.Err())
	}
}

func bounded(password string) []byte { return []byte(password[:min(len(password), maxPassword)]) }
