package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cmd/cloakroom/output"
	"github.com/cloakroom-go/cloakroom/django/identity"
	"github.com/cloakroom-go/cloakroom/internal/human"
	"github.com/cloakroom-go/cloakroom/roster"
)

func (p *program) listCommand() *cobra.Command {
	var (
		user  string
		limit int
		keys  bool
	)
	command := &cobra.Command{
		Use:   "list",
		Short: "List the live sessions, and whose they are",
		Long: `List the live sessions, and whose they are: signed-in users by Horizon's name
for them or Django's ID, and visitors who are not signed in.

Session keys are credentials, so people see the beginning of them. That is
enough for show, set and revoke.`,
		Example: `  cloakroom list --settings local_settings.py
  cloakroom list --user ada --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return p.list(command.Context(), user, limit, keys)
		},
	}
	command.Flags().StringVar(&user, "user", "", "only the sessions of this `USER`, by ID or name")
	command.Flags().IntVar(&limit, "limit", 0, "`NUMBER` of sessions at most; 0 is all")
	command.Flags().BoolVar(&keys, "keys", false, "show whole session keys")
	return command
}

// listed is a session in a list.
type listed struct {
	Key     string     `json:"key"`
	User    *user      `json:"user"`
	Expires *time.Time `json:"expires"`
	Size    int        `json:"size"`
}

// user is whose session it is; Django's have no name there.
type user struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Domain  string `json:"domain"`
	Backend string `json:"backend"`
}

func userOf(r *cloakroom.Record) *user {
	who, ok := identity.Of(r.Data)
	if !ok {
		return nil
	}
	name := identity.NameOf(r.Data)
	return &user{who.ID, name.Name, name.Domain, who.Backend}
}

// is reports whether text names the user. Nil is nobody.
func (u *user) is(text string) bool { return u != nil && (u.ID == text || u.Name == text) }

func (u *user) String() string {
	switch {
	case u == nil:
		return "–"
	case u.Name == "":
		return u.ID
	case u.Domain == "":
		return u.Name
	default:
		return u.Name + " (" + u.Domain + ")"
	}
}

func (p *program) list(ctx context.Context, of string, limit int, keys bool) (err error) {
	if limit < 0 {
		return usage(fmt.Errorf("--limit %d: it is 0 or more", limit))
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	write, end := p.listWriter(keys)
	count := 0
	defer func() {
		if err == nil || count > 0 { // what was listed is a whole document
			err = errors.Join(err, end())
		}
	}()
	for record, err := range roster.Records(ctx, site.Engine) {
		if err != nil {
			return err
		}
		who := userOf(record)
		if of != "" && !who.is(of) {
			continue
		}
		if err := write(listed{record.Key, who, moment(record.Expires), record.Size}); err != nil {
			return err
		}
		if count++; count == limit {
			break
		}
	}
	switch {
	case count > 0:
	case of != "":
		p.Say("No live session of user %s.", output.Clean(of))
	default:
		p.Say("No live session.")
	}
	return nil
}

// listWriter writes one session after the other, and never holds them all.
func (p *program) listWriter(keys bool) (write func(listed) error, end func() error) {
	if p.JSON {
		array := p.Array()
		return func(l listed) error { return array.Add(l) }, array.Close
	}
	table := p.Table("KEY", "USER", "EXPIRES", "SIZE")
	return func(l listed) error {
		key, expires := shorten(l.Key), when(l.Expires)
		if keys { // which leave room for less
			key, expires = l.Key, clock(l.Expires)
		}
		return table.Add(key, l.User.String(), expires, human.Bytes(int64(l.Size)))
	}, table.Close
}

// shorten leaves too little of a session key to guess the rest, and enough to
// tell it from others.
func shorten(key string) string {
	if len(key) <= 8 {
		return key
	}
	return strings.TrimSpace(key[:8]) + "…"
}

// moment is a time as JSON has it: nil if there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// clock is a time as people read it, in their zone.
func clock(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// when says how far off it is, too.
func when(t *time.Time) string {
	if t == nil {
		return clock(nil)
	}
	return clock(t) + " (" + human.Relative(*t) + ")"
}
