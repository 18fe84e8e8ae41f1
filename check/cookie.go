package check

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/site"
)

// longestCookie is the age beyond which browsers shorten it (Chromium, and the
// draft that follows RFC 6265).
const longestCookie = 400 * 24 * time.Hour

func checkCookie(_ context.Context, c *checker) {
	if len(c.settings.Files()) == 0 {
		return // what the URL of an engine says nothing of
	}
	cookie := c.settings.Cookie
	refused, _ := errors.AsType[*cloakroom.Error](cookieError(c.settings))
	before := c.count
	switch {
	case cookie.SameSite == "None" && !cookie.Secure:
		c.say(Error, "cookie-samesite", "set SESSION_COOKIE_SECURE = True, or SESSION_COOKIE_SAMESITE = 'Lax'",
			"Browsers drop the session cookie: SESSION_COOKIE_SAMESITE is 'None' without SESSION_COOKIE_SECURE")
	case refused != nil:
		c.say(Error, "cookie-refused", "write SESSION_COOKIE_NAME, _PATH and _DOMAIN without spaces, semicolons and control characters; "+
			"a name that begins with __Host- takes SESSION_COOKIE_SECURE = True, the path / and no domain", "No session cookie can be sent: %s", refused.Reason)
	case !cookie.Secure && c.settings.HTTPS != "":
		c.say(Warning, "cookie-not-secure", "set SESSION_COOKIE_SECURE = True",
			"The session cookie is sent over plain HTTP too, where everybody on the way can read it, though the site is served over HTTPS (%s)", c.settings.HTTPS)
	case !cookie.Secure:
		c.say(Notice, "cookie-not-secure", "serve the site over HTTPS and set SESSION_COOKIE_SECURE = True",
			"The session cookie is sent over plain HTTP too, where everybody on the way can read it")
	}
	if !cookie.HTTPOnly {
		c.say(Warning, "cookie-scriptable", "take SESSION_COOKIE_HTTPONLY = False out", "Scripts can read the session cookie, so a hole in one page gives sessions away")
	}
	switch {
	case cookie.Age <= 0:
		c.say(Error, "cookie-age", "give SESSION_COOKIE_AGE in seconds, such as 1209600", "SESSION_COOKIE_AGE is not above 0: every session has ended when it begins")
	case cookie.Age > longestCookie:
		c.say(Notice, "cookie-age", "choose at most 400 days, 34560000", "SESSION_COOKIE_AGE is longer than browsers keep a cookie")
	case c.settings.SessionTimeout > cookie.Age && c.signedCookies():
		c.say(Warning, "cookie-age", "set SESSION_COOKIE_AGE to at least SESSION_TIMEOUT",
			"SESSION_TIMEOUT is %d seconds, and a signed cookie is refused after SESSION_COOKIE_AGE, %d", seconds(c.settings.SessionTimeout), seconds(cookie.Age))
	}
	if c.count == before {
		c.ok("cookie", "The session cookie is sent over HTTPS only and is out of scripts' reach")
	}
}

// cookieError is why no such cookie is ever sent.
func cookieError(s *settings.Settings) error {
	described := (&site.Site{Settings: s}).Cookie()
	return cloakroom.New(cookie.Open(), cloakroom.WithCookie(described)).Err()
}

func (c *checker) signedCookies() bool {
	return c.settings.EngineURL == "" && c.settings.SessionEngine == signedCookies || c.settings.EngineURL == "cookies:"
}

const signedCookies = "django.contrib.sessions.backends.signed_cookies"

// nearly is the part of a limit from which on it is near.
const nearly = 0.8

// checkCookieSize measures a cookie that a browser sent. No server has any.
func checkCookieSize(ctx context.Context, c *checker) {
	if c.site == nil || !c.signedCookies() {
		return
	}
	const mend = "choose another engine (cached_db), or have less in the session"
	room := c.room()
	if c.options.Cookie == "" {
		severity, kind := Notice, "sessions"
		if c.settings.IsHorizon {
			severity, kind = Warning, "sessions with a Keystone token and its catalog, which take 1.6 to 4.1 KB,"
		}
		c.say(severity, "cookie-size-unknown", "give a user's cookie with --cookie to have it measured, or "+mend,
			"A browser keeps 4093 bytes of a cookie, so %d are left for what is in it: %s beyond that are lost", room, kind)
		return
	}
	_, err := c.site.Engine.Load(ctx, c.options.Cookie)
	size := len(c.options.Cookie)
	switch {
	case errors.Is(err, cloakroom.ErrNotFound):
		c.say(Warning, "cookie-unreadable", "give a cookie that a browser sent just now; SECRET_KEY has to be the one that signed it",
			"The cookie is no session here: it has run out, was changed, or was signed with another SECRET_KEY")
	case size > room:
		c.say(Error, "cookie-too-large", mend, "The cookie has %d bytes, and %d is all that every browser keeps", size, room)
	case float64(size) > nearly*float64(room):
		c.say(Warning, "cookie-large", mend, "The cookie has %d bytes of the %d that every browser keeps: another project or region may be too much", size, room)
	default:
		c.ok("cookie-size", "The cookie has %d bytes of the %d that every browser keeps", size, room)
	}
}

// room is how many bytes of a session the site's cookie has room for.
func (c *checker) room() int {
	probe := &roomProbe{Engine: cookie.Open()}
	_ = cloakroom.New(probe, cloakroom.WithCookie(c.site.Cookie()))
	return probe.room
}

// roomProbe is told by a Manager how much room its cookies have.
type roomProbe struct {
	*cookie.Engine
	room int
}

func (p *roomProbe) WithRoom(bytes int) cloakroom.Engine {
	p.room = bytes
	return p
}
