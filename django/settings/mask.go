package settings

import (
	"regexp"
	"strings"
	"time"
)

// masked stands for a secret.
const masked = "********"

// secret is a value that is a secret whatever it looks like.
type secret string

func hidden(s string) any {
	if s == "" {
		return nil
	}
	return secret(s)
}

var (
	// secretName is in the name of an option that holds a secret.
	secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential|auth|salt|^key$|[_-]key$|private|access_key|api_?key`)
	// secretText is in a text that may hold a secret somewhere; a plain path does not.
	secretText = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential|(auth|key)["']?\s*[=:]`)
	plainPath  = regexp.MustCompile(`^/[^=?\s]*$`)
	plainName  = regexp.MustCompile(`^[\w-]+$`)
	// userInfo is what may hold a password before a host, up to the last @: a
	// password may have one too.
	userInfo = regexp.MustCompile(`//.*@|^[^@/]*:.*@`)
)

// masker masks what looks like a secret, and then whatever holds one that is known:
// a password that stands somewhere else too is not shown there either.
type masker struct{ secrets []string }

// group is one of CACHES or DATABASES, whose name means nothing.
type group map[string]any

// reason is a sentence of ours, about names and not about values.
type reason string

// shortest is the length from which on a secret is looked for elsewhere.
const shortest = 3

func (s *Settings) mask() *masker {
	m := &masker{}
	m.know(s.SecretKey)
	for _, key := range s.SecretKeyFallbacks {
		m.know(key)
	}
	for _, d := range s.Databases {
		m.know(d.Password)
		m.find(d.Options)
	}
	for _, c := range s.Caches {
		m.find(c.Options)
	}
	return m
}

func (m *masker) know(s string) {
	if len(s) >= shortest {
		m.secrets = append(m.secrets, s)
	}
}

// find gets to know the secrets among options.
func (m *masker) find(options map[string]any) {
	for name, value := range options {
		switch value := value.(type) {
		case string:
			if secretName.MatchString(name) {
				m.know(value)
			}
		case map[string]any:
			m.find(value)
		}
	}
}

// value is v with what is secret masked, in the values of JSON.
func (m *masker) value(v any) any {
	switch v := v.(type) {
	case nil, bool, int, int64, float64:
		return v
	case time.Duration:
		return inSeconds(v)
	case string:
		return m.text(v)
	case reason:
		return m.known(string(v))
	case group:
		return m.value(map[string]any(v))
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = m.value(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, one := range v {
			if _, isGroup := one.(group); !isGroup && secretName.MatchString(name) && !isNothing(one) {
				one = secret("")
			}
			all[m.name(name)] = m.value(one)
		}
		return all
	}
	return masked
}

// isNothing tells values that are no secret under any name.
func isNothing(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return true
	case string:
		return v == ""
	}
	return false
}

// name is an option's name: that of a secret is none itself.
func (m *masker) name(s string) string {
	if plainName.MatchString(s) {
		return m.known(s)
	}
	return m.text(s)
}

func (m *masker) text(s string) string {
	if secretText.MatchString(s) && !plainPath.MatchString(s) {
		return masked
	}
	return m.known(userInfo.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasPrefix(found, "//") {
			return "//" + masked + "@"
		}
		return masked + "@"
	}))
}

// known masks what holds a secret that is known.
func (m *masker) known(s string) string {
	for _, secret := range m.secrets {
		if strings.Contains(s, secret) {
			return masked
		}
	}
	return s
}
