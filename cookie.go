package cloakroom

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Cookie says how the cookie that carries the session key is sent. The zero
// value is safe: named "sessionid" as Django's, for the whole host, out of
// scripts' reach, not sent along by other sites' forms, and encrypted only.
type Cookie struct {
	Name        string        // "sessionid" if empty; the prefixes __Host- and __Secure- are kept to
	Path        string        // "/" if empty
	Domain      string        // this host alone if empty
	SameSite    http.SameSite // Lax if 0
	Secure      SecureMode
	Scriptable  bool // scripts may read it (no HttpOnly)
	Partitioned bool // one for each site that embeds this one (CHIPS)

	carries bool // keys are a Carrier's
}

// SecureMode says whether the cookie travels over encrypted connections only.
type SecureMode int

const (
	// SecureAuto is SecureAlways, save for plain HTTP to the machine itself,
	// where some browsers would drop the cookie. Behind a proxy that sends the
	// machine's own name as Host and no header that names the visitor, choose
	// SecureAlways.
	SecureAuto SecureMode = iota
	// SecureAlways sends the cookie over HTTPS only.
	SecureAlways
	// SecureNever sends it over plain HTTP as well, for all to read.
	SecureNever
)

// withDefaults fills in what the zero value means, and says what is wrong.
func (c Cookie) withDefaults() (Cookie, error) {
	if c.Name == "" {
		c.Name = "sessionid"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	host := strings.HasPrefix(c.Name, "__Host-")
	if host || strings.HasPrefix(c.Name, "__Secure-") || c.SameSite == http.SameSiteNoneMode || c.Partitioned {
		if c.Secure == SecureNever {
			return c, c.wrong("browsers drop it unless it is Secure", "leave SecureNever out")
		}
		c.Secure = SecureAlways
	}
	if host && (c.Path != "/" || c.Domain != "") {
		return c, c.wrong("browsers drop a __Host- cookie that has a Domain or a Path other than /", "leave both out")
	}
	if err := c.cookie("x", 0, true).Valid(); err != nil {
		return c, c.wrong(err.Error(), "use a name, path and domain that a header can carry")
	}
	return c, nil
}

func (c Cookie) wrong(what, mend string) error {
	return &Error{Engine: "cookie", Op: "configure", Kind: ErrConfig, Reason: fmt.Sprintf("the cookie %q: %s", c.Name, what), Mend: mend}
}

// value is the session key that r brings. Of several cookies of the name the
// last counts, as in Django, unless only an earlier one can be a key.
func (c Cookie) value(r *http.Request) string {
	if c.carries {
		return c.join(r)
	}
	var value string
	for _, cookie := range r.CookiesNamed(c.Name) {
		if !ValidKey(value) || ValidKey(cookie.Value) {
			value = cookie.Value
		}
	}
	return value
}

// set sends the cookie: until the browser closes where age is 0, and to be
// deleted where it is negative.
func (c Cookie) set(w http.ResponseWriter, r *http.Request, value string, age time.Duration) {
	secure := c.secure(r)
	if c.carries {
		c.setPieces(w, r, value, age, secure)
	} else {
		http.SetCookie(w, c.cookie(value, age, secure))
	}
	keepOutOfSharedCaches(w.Header())
}

func (c Cookie) secure(r *http.Request) bool {
	return c.Secure == SecureAlways || c.Secure == SecureAuto && !plainLocal(r)
}

func (c Cookie) cookie(value string, age time.Duration, secure bool) *http.Cookie {
	maxAge := int(age / time.Second)
	switch { // part of a second is not "until the browser closes"
	case age > 0:
		maxAge = max(maxAge, 1)
	case age < 0:
		maxAge = -1
	}
	return &http.Cookie{
		Name: c.Name, Value: value, Path: c.Path, Domain: c.Domain, MaxAge: maxAge,
		Secure: secure, HttpOnly: !c.Scriptable, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}
}

// plainLocal reports whether r came unencrypted to the machine itself, with no
// proxy in between that shows.
func plainLocal(r *http.Request) bool {
	if r.TLS != nil {
		return false
	}
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if r.Header[name] != nil {
			return false
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
