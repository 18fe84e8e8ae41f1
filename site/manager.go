package site

import (
	"net/http"
	"slices"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
)

// Manager returns a Manager on the site's engine, guarded, that behaves as its
// settings say: the cookie, and how long sessions live. The options come after and
// have the last word.
func (s *Site) Manager(options ...cloakroom.Option) *cloakroom.Manager {
	all := []cloakroom.Option{cloakroom.WithCookie(s.Cookie()), cloakroom.WithLifetime(s.Settings.Cookie.Age)}
	if s.Settings.ExpireAtBrowserClose {
		all = append(all, cloakroom.WithBrowserClose())
	}
	if s.Settings.SaveEveryRequest {
		all = append(all, cloakroom.WithSaveEveryRequest())
	}
	return cloakroom.New(guarded.New(s.Engine), slices.Concat(all, options)...)
}

// Cookie is the cookie that the settings describe.
func (s *Site) Cookie() cloakroom.Cookie {
	c := s.Settings.Cookie
	cookie := cloakroom.Cookie{
		Name: c.Name, Path: c.Path, Domain: c.Domain, Scriptable: !c.HTTPOnly,
		Secure: cloakroom.SecureNever, SameSite: http.SameSiteDefaultMode, // which is none at all
	}
	if c.Secure {
		cookie.Secure = cloakroom.SecureAlways
	}
	switch c.SameSite {
	case "Lax":
		cookie.SameSite = http.SameSiteLaxMode
	case "Strict":
		cookie.SameSite = http.SameSiteStrictMode
	case "None":
		cookie.SameSite = http.SameSiteNoneMode
	}
	return cookie
}
