package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/tagged"
	"github.com/cloakroom-go/cloakroom/roster"
)

const valuesHelp = `
A value is JSON, so text is in quotes: name='"Ada"'. What JSON lacks has a tag,
such as {"$tuple": [1, 2]} or {"$bytes": "aGk="}.`

func (p *program) createCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME=JSON...",
		Short: "Create a session, for a test or a script",
		Long: `Create a session, for a test or a script, and print its session key alone.
` + valuesHelp,
		Example: `  cloakroom create n=1 name='"Ada"'
  cloakroom create cart='{"items": [1, 2]}'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.create(command.Context(), args)
		},
	}
}

func (p *program) setCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set KEY NAME=JSON...",
		Short: "Change values in a session",
		Long: `Change values in a session and print its session key alone, which is another
only with signed cookies. What somebody else saves at the same moment is kept,
save under the same name.
` + valuesHelp + "\n" + keyHelp,
		Example: `  cloakroom set mre8tdk5 n=2`,
		Args:    cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			return p.set(command.Context(), args[0], args[1:])
		},
	}
}

// stored is a session that was created or changed, as JSON.
type stored struct {
	Key     string     `json:"key"`
	Expires *time.Time `json:"expires"`
}

func (p *program) create(ctx context.Context, assignments []string) error {
	session := new(cloakroom.Session)
	if err := assign(session, assignments); err != nil {
		return err
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	return p.save(ctx, site.Manager(), session)
}

func (p *program) set(ctx context.Context, argument string, assignments []string) error {
	if err := assign(new(cloakroom.Session), assignments); err != nil {
		return err
	}
	key, err := p.keyOf(argument)
	if err != nil {
		return err
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	manager := site.Manager()
	record, err := roster.Find(ctx, manager.Engine(), key)
	if err != nil {
		return err
	}
	session, err := manager.Load(ctx, record.Key)
	if err != nil {
		return err
	}
	if err := assign(session, assignments); err != nil {
		return err
	}
	return p.save(ctx, manager, session)
}

func (p *program) save(ctx context.Context, manager *cloakroom.Manager, session *cloakroom.Session) error {
	if err := manager.Save(ctx, session); err != nil {
		return err
	}
	if p.JSON {
		return p.Document(stored{session.Key(), moment(session.Expires())})
	}
	p.Say("%s", session.Key())
	return nil
}

// assign sets what NAME=JSON says.
func assign(session *cloakroom.Session, assignments []string) error {
	for _, assignment := range assignments {
		name, text, ok := strings.Cut(assignment, "=")
		if !ok || name == "" {
			return usage(fmt.Errorf("%q: write NAME=JSON", assignment))
		}
		value, err := tagged.UnmarshalValue([]byte(text))
		if err != nil {
			return usage(fmt.Errorf("the value of %s: %w; text is in quotes, as in name='\"Ada\"'", name, err))
		}
		session.Set(name, value)
	}
	return nil
}
