package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

const pageSize = 50

type allBody struct {
	*window
	Query      query
	Scan       scan
	CannotList bool
	Previous   string
	Next       string
	Site       bool // none of the sessions is the visitor's sign-in here
	Everybody  question
}

// query is what the list shows: the form's fields.
type query struct {
	Search string
	Who    string // "", "signed-in" or "anonymous"
	Order  order
}

func queryOf(form url.Values) query {
	q := query{
		Search: strings.TrimSpace(form.Get("q")), Who: form.Get("who"),
		Order: order{By: form.Get("sort"), Desc: form.Get("dir") == "desc"},
	}
	if !slices.Contains(orders, q.Order.By) {
		q.Order = order{By: "signed-in", Desc: true}
	}
	return q
}

// values is what queryOf reads.
func (q query) values() url.Values {
	values := url.Values{"sort": {q.Order.By}}
	for name, value := range map[string]string{"q": q.Search, "who": q.Who} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Order.Desc {
		values.Set("dir", "desc")
	}
	return values
}

// Path links to the list's first page.
func (q query) Path() string { return withQuery("/sessions", q.values()) }

// SortedBy links to the same list in another order, or the other direction.
func (q query) SortedBy(column string) string {
	q.Order = order{By: column, Desc: q.Order.By == column && !q.Order.Desc}
	return q.Path()
}

// Sorted is the column's aria-sort.
func (q query) Sorted(column string) string {
	switch {
	case q.Order.By != column:
		return "none"
	case q.Order.Desc:
		return "descending"
	default:
		return "ascending"
	}
}

func (q query) at(name, cursor string) string {
	values := q.values()
	values.Set(name, cursor)
	return withQuery("/sessions", values)
}

// Filtered reports whether the list leaves sessions out.
func (q query) Filtered() bool { return q.Search != "" || q.Who != "" }

func (q query) matches(r row) bool {
	if q.Who == "signed-in" && r.Owner.ID == "" || q.Who == "anonymous" && r.Owner.ID != "" {
		return false
	}
	search := strings.ToLower(q.Search)
	return search == "" || slices.ContainsFunc(
		[]string{r.Name, r.Owner.ID, r.Device.Address, r.Device.String()},
		func(text string) bool { return strings.Contains(strings.ToLower(text), search) })
}

func (v *visit) showSessions() error {
	ctx := v.r.Context()
	q := queryOf(v.r.Form)
	body := allBody{
		Query: q, window: &window{order: q.Order, size: pageSize},
		Site: v.config.Site != nil, Everybody: v.everybody(),
	}
	if form := v.r.Form; form.Has("after") {
		body.after = v.placeOf(form.Get("after"))
	} else if form.Has("before") {
		body.before = v.placeOf(form.Get("before"))
	}
	names := v.shown.names()
	for record, err := range v.shown.records(ctx, &body.Scan) {
		if errors.Is(err, errCannotList) {
			body.CannotList = true
			break
		}
		if err != nil {
			return err
		}
		r := rowOf(record)
		if q.Search != "" || q.Order.By == "user" {
			r.Name = names.of(ctx, r)
		}
		if q.matches(r) {
			body.add(r)
		}
	}
	if len(body.rows) == 0 && body.total > 0 { // what the link led to has ended
		return v.redirect(q.Path())
	}
	v.finish(ctx, body.rows, names)
	if body.HasPrevious() {
		body.Previous = q.at("before", v.cursor(q.Order.place(body.rows[0])))
	}
	if body.HasNext() && len(body.rows) > 0 {
		body.Next = q.at("after", v.cursor(q.Order.place(body.rows[len(body.rows)-1])))
	}
	return v.render(http.StatusOK, "all", "All sessions", body)
}

// revokeAny ends sessions that were ticked, all of one user, or all there are.
func (v *visit) revokeAny() error {
	switch v.r.PostForm.Get("which") {
	case "user":
		return v.revokeUser()
	case "all":
		return v.revokeEveryone()
	default:
		return v.revokeTicked()
	}
}

func (v *visit) revokeTicked() error {
	back := queryOf(v.r.PostForm).Path()
	var keys []string
	for _, handle := range v.r.PostForm["session"] {
		if key, ok := v.seal.open(sealedKey, handle); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return v.done(back, "No session was ticked, so none has ended.")
	}
	text := "The people who use them have to sign in again."
	if slices.Contains(keys, v.session.Key()) {
		text += " One of them is your own: you will be signed out."
	}
	sure, err := v.sure(question{
		Title: "End " + human.Plural(len(keys), "session") + "?", Text: text,
		Button: "End " + human.Plural(len(keys), "session"), Back: back, Danger: true,
	})
	if !sure {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == v.session.Key() })
	for i, key := range others {
		if err := v.shown.engine.Delete(v.r.Context(), key); err != nil {
			v.tellEnded("ended sessions", ended{count: i, stopped: true})
			return err
		}
	}
	v.tellEnded("ended sessions", ended{count: len(keys)})
	if len(others) < len(keys) {
		return v.signOut()
	}
	return v.done(back, ended{count: len(keys)}.String())
}

func (v *visit) revokeUser() error {
	record, err := v.load(v.shown, v.r.PostForm.Get("session"))
	if err != nil {
		return err
	}
	r := rowOf(record)
	of := r.Owner
	if of.ID == "" {
		return errNotFound
	}
	name := v.shown.names().of(v.r.Context(), r)
	text, except := "All their sessions end. They can sign in again.", ""
	if v.config.Site == nil && of == v.account.owner() {
		text, except = "All your sessions but this one end.", v.session.Key()
	}
	sure, err := v.sure(question{
		Title: "Sign out " + name + " everywhere?", Text: text, Button: "Sign out " + name, Back: "/sessions", Danger: true,
	})
	if !sure {
		return err
	}
	ended, err := v.shown.endSessions(v.r.Context(), of, except)
	v.tellEnded("signed out a user", ended, "user", of.ID)
	if err != nil {
		return err
	}
	return v.done("/sessions", ended.String())
}

// everybody is asked before every session ends. A site's are none of the
// Dashboard's own, so there is none to spare.
func (v *visit) everybody() question {
	ends := "Every session but yours ends, also those"
	if v.config.Site != nil {
		ends = "Every session of the site ends, also yours there and those"
	}
	return question{
		Title: "Sign out everybody?", Button: "Sign out everybody", Back: "/sessions", Danger: true, Sensitive: true,
		Text: ends + " of visitors who are not signed in. What they kept in them is lost.",
	}
}

func (v *visit) revokeEveryone() error {
	sure, err := v.sure(v.everybody())
	if !sure {
		return err
	}
	ended, err := v.shown.endWhere(v.r.Context(), func(r *cloakroom.Record) bool { return r.Key != v.session.Key() })
	v.tellEnded("signed out everybody", ended)
	if err != nil {
		return err
	}
	return v.done("/sessions", ended.String())
}
