package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/human"
	"github.com/cloakroom-go/cloakroom/roster"
)

type revokeFlags struct {
	user     string
	all, yes bool
}

func (p *program) revokeCommand() *cobra.Command {
	var flags revokeFlags
	command := &cobra.Command{
		Use:   "revoke KEY | --user U | --all",
		Short: "End a session, all of a user's, or all there are",
		Long: `End a session, all sessions of a user, or all there are. Whoever used them has
to sign in again.

No engine has an index by user, for Django's have none: --user and --all read
every live session, a page at a time, and say how many that were.
` + keyHelp,
		Example: `  cloakroom revoke mre8tdk5
  cloakroom revoke --user ada
  cloakroom revoke --all --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.revoke(command.Context(), args, flags)
		},
	}
	command.Flags().StringVar(&flags.user, "user", "", "end all sessions of this `USER`, by ID or name")
	command.Flags().BoolVar(&flags.all, "all", false, "end all sessions there are")
	command.Flags().BoolVar(&flags.yes, "yes", false, "do not ask whether --all is meant")
	return command
}

// revoked is what became of it, as JSON.
type revoked struct {
	Revoked int `json:"revoked"`
	Read    int `json:"read"`
}

func (p *program) revoke(ctx context.Context, keys []string, flags revokeFlags) error {
	ways := len(keys)
	for _, way := range []bool{flags.user != "", flags.all} {
		if way {
			ways++
		}
	}
	if ways != 1 {
		return usage(errors.New("say what to end: a session key, --user or --all"))
	}
	if flags.all && !flags.yes && !p.Interactive() {
		return usage(errors.New("--all signs everybody out: say --yes if that is meant"))
	}
	if len(keys) == 1 {
		return p.revokeOne(ctx, keys[0])
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	if flags.all && !flags.yes {
		sure, err := p.Confirm("End every session in " + place(describe(site.Engine)) + "?")
		if err != nil || !sure {
			return errors.Join(errors.New("nothing was ended"), err)
		}
	}
	progress := p.Progress("sessions read:")
	tally, err := roster.End(ctx, site.Engine,
		func(r *cloakroom.Record) bool { return flags.all || userOf(r).is(flags.user) },
		func(t roster.Tally) { progress.Tell(int64(t.Read), 0) })
	progress.Close()
	if p.JSON && err == nil {
		return p.Document(revoked{tally.Ended, tally.Read})
	}
	p.Say("%s ended, %s read.", human.Plural(tally.Ended, "session"), human.Count(int64(tally.Read)))
	return err
}

func (p *program) revokeOne(ctx context.Context, argument string) error {
	key, err := p.keyOf(argument)
	if err != nil {
		return err
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	if _, ok := cloakroom.As[cloakroom.Carrier](site.Engine); ok {
		return errors.New("nobody but the browser can end a session of signed cookies; a new SECRET_KEY ends them all")
	}
	record, err := roster.Find(ctx, site.Engine, key)
	switch {
	case errors.Is(err, cloakroom.ErrCorrupt):
		record = &cloakroom.Record{Key: key} // what cannot be read can be ended
	case err != nil:
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := site.Engine.Delete(ctx, record.Key); err != nil {
		return err
	}
	if p.JSON {
		return p.Document(revoked{1, 1})
	}
	p.Say("1 session ended.")
	return nil
}
