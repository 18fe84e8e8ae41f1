// Package identity says to whom a stored session belongs, from its data alone,
// as Django and Horizon keep it. It does not say that the session is still good:
// package auth does.
package identity

import (
	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
)

// User is whose session it is. Two backends may give two users the same ID.
type User struct {
	ID      string // Django's primary key, or Keystone's ID
	Backend string // the dotted path of what signed the user in
}

// Of returns the user that a session's dictionary belongs to, and false for a
// visitor who is not signed in.
func Of(data map[string]any) (User, bool) {
	user := User{ID: text(data[auth.UserIDName]), Backend: text(data[auth.BackendName])}
	if user.ID == "" {
		return User{}, false
	}
	return user, true
}

// Name is what a user is called.
type Name struct {
	Name   string
	Domain string // Keystone's, in which alone the name is one user's
}

// NameOf returns what the session itself says that its user is called, which
// Horizon's does and Django's does not. It takes the user's token apart, so ask
// it for what is shown.
func NameOf(data map[string]any) Name {
	token := dictionary(data["token"])
	user := dictionary(token["user"])
	if id := text(user["id"]); id == "" || id != text(data[auth.UserIDName]) {
		return Name{}
	}
	return Name{Name: text(user["name"]), Domain: text(token["user_domain_name"])}
}

func text(v any) string {
	s, _ := cloakroom.Plain(v).(string)
	return s
}

func dictionary(v any) map[string]any {
	m, _ := cloakroom.Plain(v).(map[string]any)
	return m
}
