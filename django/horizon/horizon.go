// Package horizon names the user whom OpenStack Horizon keeps in a session, so
// that another service can tell who is signed in without asking Keystone.
//
// Horizon keeps the user's Keystone token as an object: a pickled one up to
// Horizon 23, the same attributes in JSON since it gave up pickles. Neither is
// touched here, and both go back into the session as they came.
package horizon

import (
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
)

// Backend is what authenticates Horizon's users: the path that [auth.Backend]
// returns.
const Backend = "openstack_auth.backend.KeystoneBackend"

// passwordHash is what Django makes of the password that Horizon's users have
// not got: Python's None, as text. So the session's hash tells only that it was
// made with the site's secret key.
const passwordHash = "None"

// User is who is signed in, as Keystone said when the token was issued.
type User struct {
	ID      string
	Name    string
	Domain  Named // the user's own
	Scope   Scope
	Roles   []string  // in the scope
	Expires time.Time // when the token does, after which Horizon has the user sign in again
}

// Scope is what the user is signed in to: a project, or a domain, or neither.
type Scope struct {
	Project Named
	Domain  Named // of the project, which has no name here, or the domain itself
}

// Named is what Keystone knows by an id and calls by a name. One that is not
// there is empty.
type Named struct{ ID, Name string }

// UserOf returns the user of s, and false where Horizon signed nobody in. It
// does not say that the session is still good: see [Verify].
func UserOf(s *cloakroom.Session) (User, bool) {
	t, ok := cloakroom.Get[token](s, "token")
	id, _ := auth.UserID(s)
	if !ok || t.User.ID == "" || t.User.ID != id {
		return User{}, false
	}
	u := User{
		ID: t.User.ID, Name: t.User.Name,
		Domain:  Named{t.UserDomainID, t.UserDomainName},
		Scope:   Scope{Project: t.Project.named(), Domain: t.Domain.named()},
		Expires: instant(t.Expires),
	}
	if t.Project.ID != "" {
		u.Scope.Domain = Named{ID: t.Project.DomainID}
	}
	for _, role := range t.Roles {
		u.Roles = append(u.Roles, role.Name)
	}
	return u, true
}

// Verify reports whether s is good as Horizon has it: made with the secret key,
// or one of its fallbacks, by Horizon's own way of signing in, and with a token
// that has not expired. Whether Keystone revoked the token only Keystone knows.
func Verify(s *cloakroom.Session, secretKey string, fallbacks ...string) bool {
	user, ok := UserOf(s)
	backend, _ := auth.Backend(s)
	return ok && backend == Backend && time.Now().Before(user.Expires) &&
		auth.Verify(s, passwordHash, secretKey, fallbacks...)
}

// token has the attributes of openstack_auth.user.Token that matter here.
type token struct {
	User           item   `json:"user"`
	UserDomainID   string `json:"user_domain_id"`
	UserDomainName string `json:"user_domain_name"`
	Project        item   `json:"project"`
	Domain         item   `json:"domain"`
	Roles          []item `json:"roles"`
	Expires        string `json:"expires"`
}

type item struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	DomainID string `json:"domain_id"`
}

func (i item) named() Named { return Named{i.ID, i.Name} }

// instant reads a time as Go and Python write it in JSON; without an offset it
// is Keystone's, which is UTC.
func instant(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
