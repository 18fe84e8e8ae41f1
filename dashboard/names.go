package dashboard

import "context"

// names finds out what owners are called, and asks for each only once.
type names struct {
	accounts Accounts
	known    map[owner]string
}

func (n *names) of(ctx context.Context, o owner) string {
	if o.id == "" {
		return ""
	}
	name, ok := n.known[o]
	if !ok {
		name = o.id
		if account, err := n.accounts.Find(ctx, o.id); err == nil && account.Backend == o.backend {
			name = account.Name
		}
		if n.known == nil {
			n.known = map[owner]string{}
		}
		n.known[o] = name
	}
	return name
}
