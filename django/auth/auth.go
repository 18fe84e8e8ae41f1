// Package auth knows what Django's django.contrib.auth keeps in a session, so
// that a visitor who logs in on either side is logged in on both.
//
// The names and the hash are those of Django 3.1 to 5.2, from
// django/contrib/auth/__init__.py and base_user.py. A session that either side
// made is trusted as Django's get_user trusts one:
//
//	id, ok := auth.UserID(s)
//	backend, _ := auth.Backend(s)
//	if ok && slices.Contains(backends, backend) && auth.Verify(s, passwordHashOf(id), secretKey) {
//		// it is this user's
//	}
package auth

import (
	"crypto/hmac"
	"crypto/sha1" // what Django before 3.1 bound sessions with; HMAC-SHA1 is not broken
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/cloakroom-go/cloakroom"
)

// What Django puts into a session at login.
const (
	UserIDName  = "_auth_user_id"      // the user's primary key, as text
	BackendName = "_auth_user_backend" // the dotted path of what authenticated the user
	HashName    = "_auth_user_hash"    // what [SessionHash] returns
)

// ModelBackend is the backend of users in Django's auth_user table.
const ModelBackend = "django.contrib.auth.backends.ModelBackend"

// keySalt is the salt of get_session_auth_hash.
const keySalt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"

// User is who logs in.
type User struct {
	ID           string // the primary key
	Backend      string // [ModelBackend], or the path of another
	PasswordHash string // the password as Django stores it, encoded
}

// Login makes s the session of user, under a fresh key. What a visitor had
// before logging in stays; what another user had does not. Users whom different
// backends authenticated are different ones, whatever their IDs.
func Login(s *cloakroom.Session, user User, secretKey string) {
	backend, _ := Backend(s)
	if id, ok := UserID(s); ok && (id != user.ID || backend != user.Backend) {
		s.Flush()
	} else {
		s.CycleKey()
	}
	s.Set(UserIDName, user.ID)
	s.Set(BackendName, user.Backend)
	s.Set(HashName, SessionHash(secretKey, user.PasswordHash))
}

// UserID returns whose session s is, and false for a visitor who is not logged
// in. It does not say that the session is still good: see [Verify].
func UserID(s *cloakroom.Session) (string, bool) {
	return cloakroom.Get[string](s, UserIDName)
}

// Backend returns the dotted path of what authenticated the user of s. Django
// trusts a session only while its AUTHENTICATION_BACKENDS has it.
func Backend(s *cloakroom.Session) (string, bool) {
	return cloakroom.Get[string](s, BackendName)
}

// Verify reports whether s was made for the password that the user has now,
// under the secret key or one of its fallbacks. It is what ends a user's
// sessions when the password changes.
//
// Like Django 3.1 and 3.2 it takes what [LegacySessionHash] returns as well.
func Verify(s *cloakroom.Session, passwordHash, secretKey string, fallbacks ...string) bool {
	have, _ := cloakroom.Get[string](s, HashName)
	sessionHash := SessionHash
	if len(have) == hex.EncodedLen(sha1.Size) {
		sessionHash = LegacySessionHash
	}
	verified := false
	for _, key := range append([]string{secretKey}, fallbacks...) {
		// Whoever knows no secret key could still guess that it is empty.
		verified = key != "" && hmac.Equal([]byte(have), []byte(sessionHash(key, passwordHash))) || verified
	}
	return verified
}

// SessionHash binds a session to the user's password, as Django's
// get_session_auth_hash does: 64 hexadecimal digits.
func SessionHash(secretKey, passwordHash string) string {
	return saltedHMAC(sha256.New, secretKey, passwordHash)
}

// LegacySessionHash is the hash of Django before 3.1, and later under
// DEFAULT_HASHING_ALGORITHM = "sha1": 40 hexadecimal digits. A Django with that
// setting accepts no other, so beside one set [HashName] to it after [Login].
func LegacySessionHash(secretKey, passwordHash string) string {
	return saltedHMAC(sha1.New, secretKey, passwordHash)
}

// saltedHMAC is Django's salted_hmac.
func saltedHMAC(newHash func() hash.Hash, secretKey, value string) string {
	key := newHash()
	key.Write([]byte(keySalt + secretKey))
	mac := hmac.New(newHash, key.Sum(nil))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}
