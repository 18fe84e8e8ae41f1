package dashboard

import (
	"errors"
	"net/http"

	"github.com/cloakroom-go/cloakroom"
)

// maxOwn bounds the own sessions that are shown.
const maxOwn = 100

type ownBody struct {
	This       row
	Others     []row
	Scan       scan
	Total      int  // of the others
	CannotList bool // the engine does not tell its sessions
	Engine     cloakroom.Description
}

func (v *visit) showOwnSessions() error {
	ctx := v.r.Context()
	body := ownBody{
		This:   row{Device: v.device, Expires: v.session.Expires(), This: true, key: v.session.Key()},
		Engine: v.own.describe(),
	}
	others := window{order: order{By: "signed-in", Desc: true}, size: maxOwn}
	for record, err := range v.own.records(ctx, &body.Scan) {
		if errors.Is(err, errCannotList) {
			body.CannotList = true
			break
		}
		if err != nil {
			return err
		}
		switch r := rowOf(record); {
		case r.key == v.session.Key():
			body.This.Expires = r.Expires
		case r.Owner == v.account.owner():
			others.add(r)
		}
	}
	body.Others, body.Total = others.rows, others.total
	v.finish(ctx, body.Others, v.own.names())
	return v.render(http.StatusOK, "own", "Your sessions", body)
}

// revokeOwn ends one of the visitor's own sessions, or all the others.
func (v *visit) revokeOwn() error {
	ctx := v.r.Context()
	if v.r.PostForm.Get("which") == "others" {
		sure, err := v.sure(question{
			Title: "Sign out everywhere else?", Button: "Sign out everywhere else", Back: "/", Danger: true, Sensitive: true,
			Text: "Every session of yours but this one ends. You can sign in again on each device.",
		})
		if !sure {
			return err
		}
		ended, err := v.own.endSessions(ctx, v.account.owner(), v.session.Key())
		v.tellEnded("signed out everywhere else", ended)
		if err != nil {
			return err
		}
		return v.done("/", ended.String())
	}

	record, err := v.load(v.own, v.r.PostForm.Get("session"))
	if err != nil {
		return err
	}
	r := rowOf(record)
	if r.Owner != v.account.owner() {
		return errNotFound
	}
	sure, err := v.sure(question{
		Title: "Confirm it is you", Button: "Sign out", Back: "/", Sensitive: true, Minor: true,
		Text: "Enter your password to sign out " + r.Device.String() + ".",
	})
	if !sure {
		return err
	}
	if r.key == v.session.Key() {
		return v.signOut()
	}
	if err := v.own.engine.Delete(ctx, r.key); err != nil {
		return err
	}
	v.tell("signed out on another device")
	return v.done("/", r.Device.String()+" is signed out.")
}
