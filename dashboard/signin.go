package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/cloakroom-go/cloakroom/django/auth"
)

type signInBody struct {
	Name, Next, Problem string
	Ended               bool
	Dropped             bool // the browser will drop the session cookie
}

func (v *visit) showSignIn() error {
	next := localPath(v.r.Form.Get("next"))
	if v.account != nil {
		return v.redirect(next)
	}
	return v.render(http.StatusOK, "signin", "Sign in", signInBody{
		Next: next, Ended: v.r.Form.Has("ended"), Dropped: v.dropsCookie(),
	})
}

func (v *visit) signIn() error {
	name, next := v.r.PostForm.Get("name"), localPath(v.r.PostForm.Get("next"))
	account, err := v.authenticate(name, v.r.PostForm.Get("password"), signingIn(name, v.address(v.r)))
	if errors.Is(err, ErrWrongPassword) {
		// What was typed as a name may be a password: it is not logged.
		v.log.InfoContext(v.r.Context(), "a sign-in failed", "address", v.address(v.r))
		return v.render(http.StatusUnprocessableEntity, "signin", "Sign in", signInBody{
			Name: name, Next: next, Problem: "This name and password do not belong together.", Dropped: v.dropsCookie(),
		})
	}
	if err != nil {
		return err
	}
	v.login(account)
	v.tell("signed in")
	return v.redirect(next)
}

// dropsCookie reports whether the browser will drop the session cookie, and so ask
// to sign in again and again: it is Secure, and the page came over plain HTTP. A
// proxy may not say what it speaks, but a browser sends Sec-Fetch-Site only over
// what it takes for secure.
func (v *visit) dropsCookie() bool {
	return v.config.Sessions.Secure(v.r) && v.r.TLS == nil &&
		v.r.Header.Get("Sec-Fetch-Site") == "" && !strings.EqualFold(v.r.Header.Get("X-Forwarded-Proto"), "https")
}

// login makes the visit's session the account's, under a fresh key.
func (v *visit) login(account Account) {
	auth.Login(v.session, auth.User{ID: account.ID, Backend: account.Backend, PasswordHash: account.PasswordHash}, v.config.SecretKey)
	v.account = &account
	v.signedInHere()
}

// authenticate checks a password, unless too many were tried.
func (v *visit) authenticate(name, password string, by []counter) (Account, error) {
	attempt, wait := v.guesses.begin(by)
	if wait > 0 {
		return Account{}, errThrottled(wait)
	}
	account, err := v.config.Accounts.Authenticate(v.r.Context(), name, password)
	if err == nil {
		attempt.succeeded()
	}
	return account, err
}

// reauthenticate checks the password of who is signed in.
func (v *visit) reauthenticate(password string) error {
	_, err := v.authenticate(v.account.Name, password, confirming(v.session.Key(), v.address(v.r)))
	return err
}

func (v *visit) signOut() error {
	if v.account != nil {
		v.tell("signed out")
	}
	v.session.Flush()
	return v.redirect(withQuery("/signin", url.Values{"ended": {""}}))
}

// localPath is where to go on: within the Dashboard, whatever the link said.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
