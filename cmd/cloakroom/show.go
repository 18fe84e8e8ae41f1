package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cmd/cloakroom/output"
	"github.com/cloakroom-go/cloakroom/django/tagged"
	"github.com/cloakroom-go/cloakroom/internal/fields"
	"github.com/cloakroom-go/cloakroom/internal/human"
	"github.com/cloakroom-go/cloakroom/roster"
)

const keyHelp = `
KEY is a session key, or so much of its beginning (6 characters or more) that
there is only one. With - it is read from standard input, where no other user of
this machine sees it.`

func (p *program) showCommand() *cobra.Command {
	reveal := false
	command := &cobra.Command{
		Use:   "show KEY",
		Short: "Show one session, decoded",
		Long: `Show one session, decoded. What looks like a credential is masked, unless
--reveal or --json asks for all that is stored. A session that is not there is
exit code 1.
` + keyHelp,
		Example: `  cloakroom show mre8tdk5
  cloakroom show --json - < key`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.show(command.Context(), args[0], reveal)
		},
	}
	command.Flags().BoolVar(&reveal, "reveal", false, "show credentials too")
	return command
}

// shown is a session as JSON.
type shown struct {
	Key     string          `json:"key"`
	Engine  string          `json:"engine"`
	Expires *time.Time      `json:"expires"`
	Size    int             `json:"size"`
	Data    json.RawMessage `json:"data"`
}

func (p *program) show(ctx context.Context, argument string, reveal bool) error {
	key, err := p.keyOf(argument)
	if err != nil {
		return err
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	record, err := roster.Find(ctx, site.Engine, key)
	if err != nil {
		return err
	}
	if p.JSON {
		data, err := tagged.Marshal(record.Data)
		if err != nil {
			return err
		}
		return p.Document(shown{record.Key, describe(site.Engine).Engine, moment(record.Expires), record.Size, data})
	}
	p.showToPeople(record, describe(site.Engine), reveal)
	return nil
}

func (p *program) showToPeople(r *cloakroom.Record, d cloakroom.Description, reveal bool) {
	key := shorten(r.Key)
	if reveal {
		key = r.Key
	}
	who := userOf(r)
	user := who.String()
	if who == nil {
		user = "not signed in"
	} else if who.Name != "" {
		user += ", ID " + who.ID
	}
	p.facts([][2]string{
		{"Key", key},
		{"User", user},
		{"Engine", place(d)},
		{"Expires", when(moment(r.Expires))},
		{"Size", human.Bytes(int64(r.Size))},
	})
	p.Say("")
	hidden := false
	var values [][2]string
	for _, f := range fields.Of(r.Data, reveal) {
		hidden = hidden || f.Masked
		values = append(values, [2]string{f.Name, f.Text})
	}
	p.facts(values)
	if hidden {
		p.Note("credentials are masked; --reveal shows them")
	}
}

// facts writes names and what they are, aligned.
func (p *program) facts(facts [][2]string) {
	width := 0
	for _, f := range facts {
		width = max(width, min(utf8.RuneCountInString(f[0]), 24))
	}
	for _, f := range facts {
		name, lines := output.Clean(f[0]), strings.Split(f[1], "\n")
		for i := range lines {
			lines[i] = output.Clean(lines[i])
		}
		space := strings.Repeat(" ", max(width-utf8.RuneCountInString(name), 0))
		p.Say("%s  %s", p.Styled(output.Bold, name)+space, strings.Join(lines, "\n  "))
	}
}
