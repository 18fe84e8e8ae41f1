package check

import (
	"context"
	"errors"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// What Django's own check asks of a SECRET_KEY.
const (
	shortestKey      = 50
	fewestCharacters = 5
	startproject     = "django-insecure-" // how "django-admin startproject" begins one
)

// placeholders stand where somebody was to write a key.
var placeholders = []string{"changeme", "change-me", "change_me", "change me", "replaceme", "replace-me", "your-secret", "your_secret", "yoursecret", "insert-", "insecure"}

const newKey = "write 50 random characters into SECRET_KEY, and the old key into SECRET_KEY_FALLBACKS (Django 4.1 and later) so that nobody is logged out"

func checkSecretKey(_ context.Context, c *checker) {
	key := c.settings.SecretKey
	lower := strings.ToLower(key)
	different := map[rune]bool{}
	for _, r := range key {
		different[r] = true
	}
	switch {
	case key == "":
		// With a URL in place of the settings not every engine needs one.
		if e, ok := errors.AsType[*cloakroom.Error](c.settings.NoSecretKey); ok && c.settings.EngineURL == "" {
			c.say(Error, "secret-key-missing", e.Mend, "%s", e.Reason)
		}
	case strings.HasPrefix(key, startproject), containsAny(lower, placeholders):
		c.say(Error, "secret-key-default", newKey, "SECRET_KEY is one that stands in for a key: whoever guesses it can make sessions of any user")
	case len(strings.TrimSpace(key)) < shortestKey || len(different) < fewestCharacters:
		c.say(Warning, "secret-key-weak", newKey, "SECRET_KEY is short or has few different characters: %d, of %d kinds, where Django wants %d of %d",
			len(strings.TrimSpace(key)), len(different), shortestKey, fewestCharacters)
	default:
		c.ok("secret-key", "SECRET_KEY is long enough")
	}
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
