package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const peoplePageSize = 50

type peopleBody struct {
	People         []Account
	Total          int
	Search         string
	Offset         int
	Previous, Next string
	Name, Problem  string   // of the form to add one
	Administrator  bool     // likewise
	Password       *oneTime // just made
}

// oneTime is a one-time password, shown in the answer to the form that made it
// and kept nowhere.
type oneTime struct{ Name, Password string }

func (b peopleBody) First() int { return min(b.Offset+1, b.Total) }
func (b peopleBody) Last() int  { return b.Offset + len(b.People) }

func (v *visit) showPeople() error { return v.renderPeople(http.StatusOK, peopleBody{}) }

func (v *visit) renderPeople(status int, body peopleBody) error {
	if v.directory() == nil {
		return errNotFound
	}
	body.Search = strings.TrimSpace(v.r.URL.Query().Get("q"))
	body.Offset, _ = strconv.Atoi(v.r.URL.Query().Get("offset"))
	body.Offset = max(body.Offset, 0)
	var err error
	body.People, body.Total, err = v.directory().List(v.r.Context(), body.Search, body.Offset, peoplePageSize)
	if err != nil {
		return err
	}
	page := func(offset int) string {
		return withQuery("/people", url.Values{"q": {body.Search}, "offset": {strconv.Itoa(max(offset, 0))}})
	}
	if body.Offset > 0 {
		body.Previous = page(body.Offset - peoplePageSize)
	}
	if body.Last() < body.Total && len(body.People) > 0 {
		body.Next = page(body.Offset + peoplePageSize)
	}
	return v.render(status, "people", "People", body)
}

func (v *visit) addPerson() error {
	directory := v.directory()
	if directory == nil {
		return errNotFound
	}
	form := v.r.PostForm
	name, administrator := form.Get("name"), form.Get("administrator") == "yes"
	if administrator {
		sure, err := v.sure(question{
			Title: "Confirm it is you", Button: "Add administrator", Back: "/people", Sensitive: true, Minor: true,
			Text: "Enter your password to add " + name + " as an administrator.",
		})
		if !sure {
			return err
		}
	}
	if err := v.saveNow(); err != nil {
		return err // before there is a one-time password that could not be shown
	}
	account, password, err := directory.Add(v.r.Context(), name, administrator)
	if refusal, ok := errors.AsType[Refusal](err); ok {
		return v.renderPeople(http.StatusUnprocessableEntity, peopleBody{Name: name, Administrator: administrator, Problem: string(refusal)})
	}
	if err != nil {
		return err
	}
	v.tell("added an account", "user", account.ID, "administrator", administrator)
	return v.renderPeople(http.StatusOK, peopleBody{Password: &oneTime{account.Name, password}})
}

// changePerson does to an account what the pressed button says.
func (v *visit) changePerson() error {
	directory := v.directory()
	if directory == nil {
		return errNotFound
	}
	account, err := directory.Find(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	change, ok := map[string]func(*visit, Directory, Account) error{
		"disable":  (*visit).disable,
		"enable":   (*visit).enable,
		"promote":  (*visit).promote,
		"demote":   (*visit).demote,
		"reset":    (*visit).resetPassword,
		"sign-out": (*visit).signOutPerson,
	}[v.r.PostForm.Get("do")]
	if !ok {
		return errForm
	}
	err = change(v, directory, account)
	if refusal, ok := errors.AsType[Refusal](err); ok {
		return v.renderPeople(http.StatusUnprocessableEntity, peopleBody{Problem: string(refusal)})
	}
	return err
}

func (v *visit) disable(directory Directory, a Account) error {
	sure, err := v.sure(question{
		Title: "Disable " + a.Name + "?", Button: "Disable " + a.Name, Back: "/people", Danger: true,
		Text: "They are signed out everywhere and cannot sign in until you enable the account again.",
	})
	if !sure {
		return err
	}
	if err := directory.SetActive(v.r.Context(), a.ID, false); err != nil {
		return err
	}
	v.tell("disabled an account", "user", a.ID)
	return v.endAndTell(a, a.Name+" is disabled.")
}

func (v *visit) enable(directory Directory, a Account) error {
	if err := directory.SetActive(v.r.Context(), a.ID, true); err != nil {
		return err
	}
	v.tell("enabled an account", "user", a.ID)
	return v.done("/people", a.Name+" can sign in again.")
}

func (v *visit) promote(directory Directory, a Account) error {
	sure, err := v.sure(question{
		Title: "Make " + a.Name + " an administrator?", Button: "Make administrator", Back: "/people", Sensitive: true,
		Text: "Administrators see and end everybody's sessions, and change accounts.",
	})
	if !sure {
		return err
	}
	if err := directory.SetAdministrator(v.r.Context(), a.ID, true); err != nil {
		return err
	}
	v.tell("made an administrator", "user", a.ID)
	return v.done("/people", a.Name+" is an administrator.")
}

func (v *visit) demote(directory Directory, a Account) error {
	sure, err := v.sure(question{
		Title: "Make " + a.Name + " an ordinary user?", Button: "Make ordinary user", Back: "/people", Danger: true,
		Text: "They see their own sessions only from then on.",
	})
	if !sure {
		return err
	}
	if err := directory.SetAdministrator(v.r.Context(), a.ID, false); err != nil {
		return err
	}
	v.tell("unmade an administrator", "user", a.ID)
	return v.done("/people", a.Name+" is an ordinary user.")
}

func (v *visit) resetPassword(directory Directory, a Account) error {
	sure, err := v.sure(question{
		Title: "Reset the password of " + a.Name + "?", Button: "Reset password", Back: "/people", Danger: true, Sensitive: true,
		Text: "They are signed out everywhere, and sign in next with a one-time password that you are shown once.",
	})
	if !sure {
		return err
	}
	if a.owner() == v.account.owner() {
		return Refusal("Change your own password instead.")
	}
	if err := v.saveNow(); err != nil {
		return err // before there is a one-time password that could not be shown
	}
	password, err := directory.ResetPassword(v.r.Context(), a.ID)
	if err != nil {
		return err
	}
	v.tell("reset a password", "user", a.ID)
	if _, err := v.own.endSessions(v.r.Context(), a.owner(), ""); err != nil {
		v.report(v.r.Context(), err) // they are no longer good in any case
	}
	return v.renderPeople(http.StatusOK, peopleBody{Password: &oneTime{a.Name, password}})
}

func (v *visit) signOutPerson(_ Directory, a Account) error {
	sure, err := v.sure(question{
		Title: "Sign out " + a.Name + " everywhere?", Button: "Sign out " + a.Name, Back: "/people", Danger: true,
		Text: "All their sessions end. They can sign in again.",
	})
	if !sure {
		return err
	}
	return v.endAndTell(a, a.Name+" is signed out.")
}

// endAndTell ends an account's sessions, except the one that asks.
func (v *visit) endAndTell(a Account, message string) error {
	ended, err := v.own.endSessions(v.r.Context(), a.owner(), v.session.Key())
	v.tellEnded("signed out a user", ended, "user", a.ID)
	if err != nil {
		return err
	}
	return v.done("/people", message+" "+ended.String())
}
