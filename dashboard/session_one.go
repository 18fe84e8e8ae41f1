package dashboard

import (
	"net/http"

	"github.com/cloakroom-go/cloakroom/internal/fields"
)

type oneBody struct {
	row
	Fields   []fields.Field
	Masked   bool // some values are
	Revealed bool
}

func (v *visit) showSession() error { return v.renderSession(false) }

// revealSession shows the credentials too. It is a POST, so that no link and no
// reload does it, and it is logged.
func (v *visit) revealSession() error {
	handle := v.r.PathValue("handle")
	sure, err := v.sure(question{
		Title: "Show credentials?", Button: "Show credentials", Back: "/sessions/" + handle, Sensitive: true,
		Text: "Tokens and hashes let whoever reads them act for this user. This is logged.",
	})
	if !sure {
		return err
	}
	return v.renderSession(true)
}

func (v *visit) renderSession(reveal bool) error {
	record, err := v.load(v.shown, v.r.PathValue("handle"))
	if err != nil {
		return err
	}
	rows := []row{rowOf(record)}
	v.finish(v.r.Context(), rows, v.shown.names())
	if reveal {
		v.tell("looked at credentials in a session", "user", rows[0].Owner.ID)
	}
	body := oneBody{row: rows[0], Fields: fields.Of(record.Data, reveal), Revealed: reveal}
	for _, f := range body.Fields {
		body.Masked = body.Masked || f.Masked
	}
	return v.render(http.StatusOK, "one", "Session "+rows[0].Short, body)
}
