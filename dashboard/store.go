package dashboard

import (
	"context"
	"errors"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/identity"
)

// store is an engine whose sessions are shown and ended.
type store struct {
	engine cloakroom.Engine

	// accounts are its sessions' users, and nil where those are a site's.
	accounts Accounts
}

// load loads the session that a sealed handle stands for.
func (v *visit) load(from store, handle string) (*cloakroom.Record, error) {
	key, ok := v.seal.open(sealedKey, handle)
	if !ok {
		return nil, errNotFound
	}
	record, err := from.engine.Load(v.r.Context(), key)
	if errors.Is(err, cloakroom.ErrNotFound) {
		return nil, errNotFound
	}
	return record, err
}

// describe says what the engine is, if only that nobody knows.
func (s store) describe() cloakroom.Description {
	if describer, ok := cloakroom.As[cloakroom.Describer](s.engine); ok {
		return describer.Describe()
	}
	return cloakroom.Description{}
}

// names finds out what users are called, and asks for each only once.
func (s store) names() names { return names{s.accounts, map[identity.User]string{}} }

type names struct {
	accounts Accounts
	known    map[identity.User]string
}

// of names the user of a row, by what the accounts say or the session itself.
func (n names) of(ctx context.Context, r row) string {
	if r.Owner.ID == "" {
		return ""
	}
	name, ok := n.known[r.Owner]
	if !ok {
		if name = identity.NameOf(r.data).Name; name == "" {
			name = r.Owner.ID
		}
		if n.accounts != nil {
			if account, err := n.accounts.Find(ctx, r.Owner.ID); err == nil && account.Backend == r.Owner.Backend {
				name = account.Name
			}
		}
		n.known[r.Owner] = name
	}
	return name
}
