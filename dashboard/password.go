package dashboard

import (
	"errors"
	"fmt"
	"net/http"
)

type passwordBody struct {
	Forced  bool   // no page but this one until it is done
	Field   string // "current", "new" or "repeat": what the problem is with
	Problem string
}

func (v *visit) showPassword() error { return v.askForPassword(http.StatusOK, "", "") }

func (v *visit) askForPassword(status int, field, problem string) error {
	title := "Change password"
	if v.account.OneTime {
		title = "Choose a password"
	}
	return v.render(status, "password", title, passwordBody{Forced: v.account.OneTime, Field: field, Problem: problem})
}

// changePassword ends all the account's other sessions: they were opened with
// the password that somebody may know.
func (v *visit) changePassword() error {
	wrong := func(field, problem string) error {
		return v.askForPassword(http.StatusUnprocessableEntity, field, problem)
	}
	form := v.r.PostForm
	if !v.account.OneTime {
		if err := v.reauthenticate(form.Get("current")); errors.Is(err, ErrWrongPassword) {
			return wrong("current", "This is not your password.")
		} else if err != nil {
			return err
		}
	}
	if form.Get("new") != form.Get("repeat") {
		return wrong("repeat", "The two are not the same.")
	}
	ctx := v.r.Context()
	account, err := v.config.Accounts.ChangePassword(ctx, v.account.ID, form.Get("new"))
	if refusal, ok := errors.AsType[Refusal](err); ok {
		return wrong("new", string(refusal))
	}
	if err != nil {
		return err
	}
	v.tell("changed password")
	v.login(account)
	// Until then the visitor's other requests find a login that is no longer
	// good, and end it.
	if err := v.saveNow(); err != nil {
		return fmt.Errorf("%w: %w", errNotKeptIn, err)
	}
	if _, err := v.own.endSessions(ctx, account.owner(), v.session.Key()); err != nil {
		v.report(ctx, err) // they are no longer good in any case
	}
	return v.done("/", "Your password is changed. You are signed out everywhere else.")
}
