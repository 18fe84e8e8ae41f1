package dashboard

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

// failure is an error page: what happened, and what to do about it.
type failure struct {
	Status int
	Title  string
	Text   string
	Again  bool          // offer to try again
	after  time.Duration // when that may help
}

func (f *failure) Error() string { return f.Title }

var (
	errForm        = &failure{Status: http.StatusBadRequest, Title: "This form could not be read", Text: "It was incomplete or too large. Go back and try again."}
	errForbidden   = &failure{Status: http.StatusForbidden, Title: "Administrators only", Text: "Your account may not see this page. Ask an administrator if you need to."}
	errCrossOrigin = &failure{Status: http.StatusForbidden, Title: "Sent from another site", Text: "For your safety, forms are accepted from these pages only. Nothing was changed."}
	errNotFound    = &failure{Status: http.StatusNotFound, Title: "Nothing here", Text: "The page does not exist, or the session it showed has ended."}
	errMethod      = &failure{Status: http.StatusMethodNotAllowed, Title: "Not that way", Text: "This address does not take that kind of request."}
	errGone        = &failure{Status: http.StatusBadRequest, Title: "You were signed out meanwhile", Text: "Your session ended while this request was under way. What you asked for may have been done. Sign in to go on."}
	errBusy        = &failure{Status: http.StatusConflict, Title: "Too much at once", Text: "Your session kept changing while this request was under way. What you asked for may have been done.", Again: true}
	errStorage     = &failure{
		Status: http.StatusServiceUnavailable, Title: "The session storage is in trouble", Again: true, after: 5 * time.Second,
		Text: "You are still signed in and nothing is lost. Try again in a moment.",
	}
	errNotKeptIn = &failure{Status: http.StatusServiceUnavailable, Title: "Your password is changed", Text: "But you could not be kept signed in. Sign in with the new password."}
	errInternal  = &failure{Status: http.StatusInternalServerError, Title: "Something went wrong", Text: "The operator can find the reason in the log.", Again: true}
)

// errThrottled answers somebody who tries passwords too fast.
func errThrottled(wait time.Duration) *failure {
	return &failure{
		Status: http.StatusTooManyRequests, Title: "Too many attempts", after: wait,
		Text: "To keep accounts safe, wait " + human.Span(wait) + " before you try again.",
	}
}

// failureOf is the page for err.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	switch {
	case errors.Is(err, ErrNoAccount):
		return errNotFound
	case errors.Is(err, cloakroom.ErrUnavailable):
		f := *errStorage
		f.Text = f.Text + " The reason: " + cloakroom.Reason(err) + "."
		return &f
	case errors.Is(err, context.DeadlineExceeded):
		return errStorage
	case errors.Is(err, cloakroom.ErrGone):
		return errGone
	case errors.Is(err, cloakroom.ErrConflict):
		return errBusy
	default:
		return errInternal
	}
}

func statusOf(err error) int { return failureOf(err).Status }

// fail answers with an error page. The session's cookie stays as it is.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error, l layout) {
	f := failureOf(err)
	if f.after > 0 {
		seconds := (f.after + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	body := *f
	body.Again = f.Again && r.Method == http.MethodGet // a link cannot send a form again
	l.Title, l.Body = f.Title, body
	_ = p.render(w, f.Status, "error", l)
}

// ErrorHandler returns what [cloakroom.WithErrorHandler] takes, so that a
// session that could not be saved is answered in the Dashboard's look.
// basePath is that of the Config.
func ErrorHandler(basePath string) func(http.ResponseWriter, *http.Request, error) {
	pages := newPages(basePath)
	return func(w http.ResponseWriter, r *http.Request, err error) {
		setSecurityHeaders(w.Header())
		pages.fail(w, r, err, layout{})
	}
}
