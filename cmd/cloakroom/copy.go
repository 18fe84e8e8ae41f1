package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/moving"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

// pause is how long copy --follow rests between two passes.
const pause = time.Second

type copyFlags struct {
	toSettings, to string
	mirror, follow bool
	move           bool
}

func (p *program) copyCommand() *cobra.Command {
	var flags copyFlags
	command := &cobra.Command{
		Use:   "copy --to-settings FILE | --to URL",
		Short: "Copy the live sessions into another engine",
		Long: `Copy the live sessions into another engine, while the site goes on: each keeps
its session key and its expiry, so that nobody is logged out by the change. The
sessions stay where they are too, and the copying can be repeated.

A site is moved so: start copy --follow, which goes on with what changes; stop
the site; interrupt the copying, which then does what is left; give the site its
new settings and start it.`,
		Example: `  cloakroom copy --settings local_settings.py --to redis://127.0.0.1:6379/1
  cloakroom copy --settings old.py --to-settings local_settings.py --follow`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.copy(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.toSettings, "to-settings", "", "settings `FILE` that says where to copy to")
	command.Flags().StringVar(&flags.to, "to", "", "`URL` of the engine to copy to; the secret key is the site's")
	command.Flags().BoolVar(&flags.mirror, "mirror", false, "make the target equal: for one that nobody uses yet")
	command.Flags().BoolVar(&flags.follow, "follow", false, "copy again and again what changes, until interrupted")
	command.Flags().BoolVar(&flags.move, "move", false, "delete what was copied: for a Go site on a moving engine")
	command.MarkFlagsMutuallyExclusive("mirror", "follow", "move")
	return command
}

// copied is what became of the sessions, as JSON.
type copied struct {
	Copied  int64            `json:"copied"`
	Updated int64            `json:"updated"`
	Removed int64            `json:"removed"`
	Present int64            `json:"present"`
	Kept    int64            `json:"kept"`
	Ended   int64            `json:"ended"`
	Failed  int64            `json:"failed"`
	Skipped map[string]int64 `json:"skipped"` // by reason
}

func (p *program) copy(ctx context.Context, flags copyFlags) error {
	if (flags.to == "") == (flags.toSettings == "") {
		return usage(errors.New("say where to copy to: --to-settings or --to"))
	}
	from, err := p.load()
	if err != nil {
		return err
	}
	to, err := flags.target(from)
	if err != nil {
		return err
	}
	source, err := p.openAt(ctx, from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := p.openAt(ctx, to)
	if err != nil {
		return err
	}
	defer target.Close()
	if d := describe(target.Engine); d.BackEnd != "" && !d.Shared {
		return fmt.Errorf("%s ends with this command: copy to what the site can see", d.BackEnd)
	}

	progress := p.Progress("copied")
	report, err := flags.run(ctx, target.Engine, source.Engine, moving.Options{
		Mirror: flags.mirror, Move: flags.move, Lifetime: from.Cookie.Age, Progress: progress.Tell,
	})
	progress.Close()
	return errors.Join(p.report(report), err)
}

func (f copyFlags) run(ctx context.Context, to, from cloakroom.Engine, options moving.Options) (moving.Report, error) {
	if !f.follow {
		return moving.Copy(ctx, to, from, options)
	}
	copier, err := moving.NewCopier(to, from, options)
	if err != nil {
		return moving.Report{}, err
	}
	return copier.Follow(ctx, pause)
}

// target is the same site's settings with another engine, or another file's.
func (f copyFlags) target(from *settings.Settings) (*settings.Settings, error) {
	if f.toSettings != "" {
		return settings.Load(f.toSettings)
	}
	if err := checkURLs(settings.FromURLs(f.to, "")); err != nil {
		return nil, err
	}
	to := *from
	to.EngineURL, to.CacheURL = f.to, ""
	return &to, nil
}

func (p *program) report(r moving.Report) error {
	if p.JSON {
		skipped := map[string]int64{}
		maps.Copy(skipped, r.Skipped)
		return p.Document(copied{r.Copied, r.Updated, r.Removed, r.Present, r.Kept, r.Ended, r.Failed, skipped})
	}
	for _, part := range []struct {
		n     int64
		words string
	}{
		{r.Copied, "copied"},
		{r.Updated, "changed meanwhile, and copied again"},
		{r.Removed, "ended, and removed from the target"},
		{r.Present, "there already"},
		{r.Kept, "left as the target has them"},
		{r.Ended, "ended meanwhile"},
		{r.Failed, "failed"},
	} {
		if part.n > 0 || part.words == "copied" {
			p.Say("%s %s", human.Plural(int(part.n), "session"), part.words)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		p.Say("%s skipped: %s", human.Plural(int(r.Skipped[reason]), "session"), reason)
	}
	return nil
}
