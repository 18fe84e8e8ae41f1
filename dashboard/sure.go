package dashboard

import (
	"errors"
	"net/http"
	"net/url"
)

// question is asked before something is done that cannot be taken back.
type question struct {
	Title  string
	Text   string
	Button string
	Back   string // where to go instead
	Danger bool
	// Sensitive asks for the password as well, unless it was entered lately.
	Sensitive bool
	// Minor asks for the password only.
	Minor bool
}

// The fields that answer a question.
const (
	sureField     = "sure"
	passwordField = "confirm_password"
)

type sureBody struct {
	question
	Action       string
	Fields       url.Values // what the form held, to be sent again
	NeedPassword bool
	Problem      string
}

// sure reports whether the form that was posted may be carried out. If not, it
// has answered with a page that asks, and sends the form again.
func (v *visit) sure(q question) (bool, error) {
	form := v.r.PostForm
	needPassword := q.Sensitive && !v.recentlyConfirmed()
	problem, status := "", http.StatusOK
	if needPassword && form.Has(passwordField) {
		switch err := v.reauthenticate(form.Get(passwordField)); {
		case err == nil:
			v.confirm()
			return true, nil
		case !errors.Is(err, ErrWrongPassword):
			return false, err
		}
		problem, status = "This is not your password.", http.StatusUnprocessableEntity
	}
	if !needPassword && (q.Minor || form.Get(sureField) == "yes") {
		return true, nil
	}
	fields := url.Values{}
	for name, values := range form {
		if name != sureField && name != passwordField {
			fields[name] = values
		}
	}
	return false, v.render(status, "sure", q.Title, sureBody{
		question: q, Action: v.r.URL.Path, Fields: fields, NeedPassword: needPassword, Problem: problem,
	})
}
