// Package dashboard is Cloakroom's web application: people see where they are
// signed in and sign out elsewhere; administrators see every session, the
// storage and the accounts. It is an [http.Handler] that any Go program can
// mount, complete without JavaScript, with pages and assets embedded.
package dashboard

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// Config says what a Dashboard stands on.
type Config struct {
	// Sessions keeps the visitors' own sessions. The Dashboard wraps itself in
	// its Handler. Required.
	Sessions *cloakroom.Manager

	// Site is the engine that is shown, and its sessions are another
	// application's. Without it the engine of Sessions is shown.
	Site cloakroom.Engine

	// Accounts knows who may sign in; the People page needs a [Directory].
	// Required.
	Accounts Accounts

	// SecretKey is Django's SECRET_KEY: logins are bound to it, and session
	// keys leave in links only sealed under it. Logins made under a fallback
	// stay good. Required.
	SecretKey          string
	SecretKeyFallbacks []string

	// BasePath is where the Dashboard is mounted, such as "/cloakroom"; empty
	// is the root. Requests come with it.
	BasePath string

	// History is plotted on the Storage page, if not nil.
	History History

	// TrustedProxies may say in X-Forwarded-For where a request comes from.
	TrustedProxies []netip.Prefix

	// Logger is told who signed in, and what administrators did. The default
	// is slog.Default.
	Logger *slog.Logger
}

// Dashboard is the web application. Make one with [New]. It is safe for
// concurrent use.
type Dashboard struct {
	config  Config
	own     store // where the visitors' own sessions are
	shown   store // what administrators see
	log     *slog.Logger
	pages   *pages
	seal    *seal
	guesses throttle
	handler http.Handler
}

// New returns a Dashboard. What is wrong with config is an error that matches
// [cloakroom.ErrConfig].
func New(config Config) (*Dashboard, error) {
	switch {
	case config.Sessions == nil || config.Accounts == nil || config.SecretKey == "":
		return nil, misconfigured("give it Sessions, Accounts and a SecretKey")
	case config.BasePath != "" && (!strings.HasPrefix(config.BasePath, "/") || strings.HasSuffix(config.BasePath, "/")):
		return nil, misconfigured(fmt.Sprintf("write the BasePath %q with a slash before and none after", config.BasePath))
	case config.Sessions.Err() != nil:
		return nil, config.Sessions.Err()
	}
	d := &Dashboard{config: config, log: config.Logger, pages: newPages(config.BasePath)}
	d.own = store{config.Sessions.Engine(), config.Accounts}
	d.shown = d.own
	if config.Site != nil {
		d.shown = store{engine: config.Site}
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	var err error
	if d.seal, err = newSeal(config.SecretKey); err != nil {
		return nil, err
	}
	d.handler = d.protect(d.routes())
	return d, nil
}

func misconfigured(mend string) error {
	return &cloakroom.Error{Engine: "dashboard", Op: "configure", Kind: cloakroom.ErrConfig, Mend: mend}
}

// ServeHTTP implements [http.Handler].
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// routes is the whole application at a glance.
func (d *Dashboard) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/assets/", assets())
	route := func(path string, who audience, get, post page) {
		mux.Handle(path, d.config.Sessions.Handler(d.visited(who, get, post)))
	}
	route("/signin", anyone, (*visit).showSignIn, (*visit).signIn)
	route("/signout", anyone, nil, (*visit).signOut)
	route("/password", newcomers, (*visit).showPassword, (*visit).changePassword)
	route("/{$}", members, (*visit).showOwnSessions, nil)
	route("/revoke", members, nil, (*visit).revokeOwn)
	route("/sessions", administrators, (*visit).showSessions, nil)
	route("/sessions/revoke", administrators, nil, (*visit).revokeAny)
	route("/sessions/{handle}", administrators, (*visit).showSession, (*visit).revealSession)
	route("/storage", administrators, (*visit).showStorage, (*visit).clearExpired)
	route("/people", administrators, (*visit).showPeople, (*visit).addPerson)
	route("/people/{id}", administrators, nil, (*visit).changePerson)
	route("/", anyone, (*visit).notFound, (*visit).notFound)
	return http.StripPrefix(d.config.BasePath, mux)
}
