package cloakroom

import (
	"log/slog"
	"net/http"
	"time"
)

// Option sets up a [Manager].
type Option func(*Manager)

// WithSecretKey gives engines that sign (db, file, signed_cookies) Django's
// SECRET_KEY and SECRET_KEY_FALLBACKS: records signed with any of them are
// read, new ones are signed with current. Engines that do not sign ignore it.
func WithSecretKey(current string, fallbacks ...string) Option {
	return func(m *Manager) {
		var signs bool
		m.engine, signs = With(m.engine, func(e Signed) Engine { return e.WithSecretKeys(current, fallbacks...) })
		if signs && current == "" {
			m.misconfigured = &Error{
				Engine: "session", Op: "configure", Kind: ErrConfig, Reason: "the secret key is empty",
				Mend: "give WithSecretKey the SECRET_KEY of the Django site, or 50 random characters",
			}
		}
	}
}

// WithCookie says how the cookie is sent.
func WithCookie(c Cookie) Option { return func(m *Manager) { m.cookie = c } }

// WithLifetime is how long a session lives after its last save, where it has no
// expiry of its own: Django's SESSION_COOKIE_AGE. The default is 14 days.
func WithLifetime(d time.Duration) Option { return func(m *Manager) { m.lifetime = d } }

// WithBrowserClose ends cookies with the browser, where a session has no expiry
// of its own: Django's SESSION_EXPIRE_AT_BROWSER_CLOSE.
func WithBrowserClose() Option { return func(m *Manager) { m.browserClose = true } }

// WithIdleTimeout ends a session that has not been used for d. Each use counts
// as a save. To spare the back end, the moment is moved only once a twentieth of
// d has gone by, so a session may end that much early.
func WithIdleTimeout(d time.Duration) Option { return func(m *Manager) { m.idle = d } }

// WithSaveEveryRequest moves a session's expiry, and sends its cookie again, with
// every use: Django's SESSION_SAVE_EVERY_REQUEST. To spare the back end it is
// moved only once a twentieth of the session's life has gone by, and the data is
// not written again.
func WithSaveEveryRequest() Option { return func(m *Manager) { m.everyUse = true } }

// WithAbsoluteTimeout ends a session d after it began, however much it is used.
// CycleKey does not begin a session anew; Flush does. One that Django began is
// dated when it is first opened here.
func WithAbsoluteTimeout(d time.Duration) Option { return func(m *Manager) { m.absolute = d } }

// WithTimeout bounds how long a request waits for the back end at each of the
// two places where it asks: opening and saving. The default is 2 seconds.
func WithTimeout(d time.Duration) Option { return func(m *Manager) { m.timeout = d } }

// WithLogger is where failures that no caller sees are told. The default is
// slog.Default. No secret, session key or session data is ever logged.
func WithLogger(l *slog.Logger) Option { return func(m *Manager) { m.log = l } }

// WithErrorHandler answers a request whose session could not be saved, in place
// of what the handler was about to answer. The default says [Reason] with
// [HTTPStatus] in plain text.
func WithErrorHandler(f func(w http.ResponseWriter, r *http.Request, err error)) Option {
	return func(m *Manager) { m.onError = f }
}

func defaultErrorHandler(w http.ResponseWriter, _ *http.Request, err error) {
	status := HTTPStatus(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	http.Error(w, http.StatusText(status)+": "+Reason(err), status)
}
