package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/django/identity"
)

// audience is who may see a page.
type audience int

const (
	anyone         audience = iota
	newcomers               // signed in, if only with a one-time password
	members                 // signed in
	administrators          // signed in, and an administrator
)

// page answers a request. An error becomes an error page.
type page func(*visit) error

// visit is one request: who asks, and how to answer.
type visit struct {
	*Dashboard
	w       http.ResponseWriter
	r       *http.Request
	session *cloakroom.Session
	account *Account // nil if nobody is signed in
	device  device
}

// longest bounds what a request waits for, whatever hangs.
const longest = 20 * time.Second

// visited returns a handler that lets its audience in.
func (d *Dashboard) visited(who audience, get, post page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		r = r.WithContext(ctx)
		v := &visit{Dashboard: d, w: w, r: r}
		if err := v.answer(who, get, post); err != nil {
			d.report(r.Context(), err)
			d.pages.fail(w, r, err, v.layout())
		}
	})
}

func (v *visit) answer(who audience, get, post page) error {
	if err := v.identify(); err != nil {
		return err
	}
	switch {
	case who != anyone && v.account == nil:
		return v.askToSignIn()
	case who > newcomers && v.account.OneTime:
		return v.redirect("/password")
	case who == administrators && !v.account.Administrator:
		return errForbidden
	}
	answer := get
	if v.r.Method == http.MethodPost {
		answer = post
	} else if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		answer = nil
	}
	if answer == nil {
		v.w.Header().Set("Allow", allowed(get, post))
		return errMethod
	}
	if err := v.r.ParseForm(); err != nil {
		return errForm
	}
	return answer(v)
}

func allowed(get, post page) string {
	var methods []string
	if get != nil {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	if post != nil {
		methods = append(methods, http.MethodPost)
	}
	return strings.Join(methods, ", ")
}

// identify finds out who asks. A login that is no longer good ends: the
// password changed, or the account was disabled. One that this Dashboard's
// accounts know nothing of is another application's, and is left alone.
func (v *visit) identify() error {
	var err error
	if v.session, err = v.config.Sessions.Open(v.r); err != nil {
		return err
	}
	owner, ok := ownerOf(v.session)
	if !ok {
		return nil
	}
	account, err := v.config.Accounts.Find(v.r.Context(), owner.ID)
	if errors.Is(err, ErrNoAccount) || err == nil && owner.Backend != account.Backend {
		return nil
	}
	if err != nil {
		return err
	}
	if !account.Active || !auth.Verify(v.session, account.PasswordHash, v.config.SecretKey, v.config.SecretKeyFallbacks...) {
		v.session.Flush()
		return nil
	}
	v.account = &account
	v.recognise()
	return nil
}

func ownerOf(s *cloakroom.Session) (identity.User, bool) {
	id, ok := auth.UserID(s)
	backend, _ := cloakroom.Get[string](s, auth.BackendName)
	return identity.User{ID: id, Backend: backend}, ok
}

// owner is what tells the account's sessions.
func (a *Account) owner() identity.User { return identity.User{ID: a.ID, Backend: a.Backend} }

// askToSignIn sends a visitor to the sign-in page, and back afterwards.
func (v *visit) askToSignIn() error {
	next := url.Values{}
	if v.r.Method == http.MethodGet && v.r.URL.Path != "/" {
		next.Set("next", v.r.URL.RequestURI())
	}
	return v.redirect(withQuery("/signin", next))
}

// saveNow saves the session before the answer begins: what follows must not
// wait for that, or be answered with that it failed.
func (v *visit) saveNow() error { return v.config.Sessions.Save(v.r.Context(), v.session) }

// redirect sends the browser to another page of the Dashboard.
func (v *visit) redirect(path string) error {
	v.w.Header().Set("Location", v.config.BasePath+path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// done tells what was done on the page to go on with.
func (v *visit) done(path, message string) error {
	v.session.AddMessage(cloakroom.LevelSuccess, message)
	return v.redirect(path)
}

func (v *visit) notFound() error { return errNotFound }

// render answers with a page.
func (v *visit) render(status int, name, title string, body any) error {
	l := v.layout()
	l.Title, l.Messages, l.Body = title, v.session.Messages(), body
	return v.pages.render(v.w, status, name, l)
}

// layout is what every page of the visit has around it.
func (v *visit) layout() layout {
	return layout{Section: v.section(), Account: v.account, People: v.directory() != nil}
}

// section is which entry of the menu the visit belongs to.
func (v *visit) section() string {
	section, _, _ := strings.Cut(strings.TrimPrefix(v.r.URL.Path, "/"), "/")
	return section
}

// directory is the accounts as administrators change them; nil if they cannot.
func (v *visit) directory() Directory {
	directory, _ := v.config.Accounts.(Directory)
	return directory
}

// tell logs what somebody did.
func (v *visit) tell(what string, args ...any) {
	v.log.InfoContext(v.r.Context(), what, append([]any{"by", v.account.ID, "address", v.address(v.r)}, args...)...)
}

// report logs what an operator should know of.
func (d *Dashboard) report(ctx context.Context, err error) {
	if statusOf(err) >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		d.log.ErrorContext(ctx, "a page could not be shown", "error", err)
	}
}

func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
