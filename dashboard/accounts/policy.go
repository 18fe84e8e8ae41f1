package accounts

import (
	_ "embed"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom-go/cloakroom/dashboard"
)

// minLength is what NIST SP 800-63B-4 asks of a password that stands alone.
const minLength = 15

// common holds long passwords that everybody tries, in lower case.
//
//go:embed common.txt
var common string

// judge says what is wrong with a password. As NIST has it, length counts, and
// what it is made of does not.
func judge(name, password string) error {
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < minLength:
		return dashboard.Refusal("Use at least 15 characters. Four words you will remember do well.")
	case len(password) > maxPassword:
		return dashboard.Refusal("This is longer than a password can be here.")
	case repeats(lower):
		return dashboard.Refusal("This repeats itself and would be guessed. Choose another one.")
	case len(name) > 3 && strings.Contains(lower, strings.ToLower(name)):
		return dashboard.Refusal("Leave your name out of it.")
	case slices.Contains(strings.Fields(common), lower):
		return dashboard.Refusal("Many people use this one, so it would be guessed. Choose another one.")
	}
	return nil
}

// repeats reports whether s is one short piece over and over.
func repeats(s string) bool {
	for n := 1; n <= len(s)/2 && n <= 8; n++ {
		if strings.Repeat(s[:n], len(s)/n+1)[:len(s)] == s {
			return true
		}
	}
	return false
}
