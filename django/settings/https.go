package settings

import "github.com/cloakroom-go/cloakroom/django/settings/python"

// https is the first setting that says that visitors come by HTTPS, in whichever
// way the site has arranged that; empty where none does.
func (r *reader) https() string {
	for _, name := range []string{"SECURE_SSL_REDIRECT", "SECURE_PROXY_SSL_HEADER", "SECURE_HSTS_SECONDS", "CSRF_COOKIE_SECURE"} {
		b := r.setting(name)
		if b == nil {
			continue
		}
		switch v := b.Value.(type) {
		case python.Bool:
			if v {
				return name
			}
		case python.Int:
			if v > 0 {
				return name
			}
		case python.Tuple, *python.List:
			return name
		}
	}
	return ""
}
