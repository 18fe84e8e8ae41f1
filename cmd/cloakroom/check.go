package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/check"
	"github.com/cloakroom-go/cloakroom/cmd/cloakroom/output"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

func (p *program) checkCommand() *cobra.Command {
	cookie := false
	command := &cobra.Command{
		Use:   "check",
		Short: "Find what is wrong with the session storage, and how to mend it",
		Long: `Read the settings, connect to everything that they name, try a round trip with a
throw-away session, and say what is wrong, with its mend. A warning or an error
is exit code 1.`,
		Example: `  cloakroom check --settings /etc/openstack-dashboard/local_settings.py
  cloakroom check --engine redis://127.0.0.1:6379/1 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.check(command.Context(), cookie) },
	}
	command.Flags().BoolVar(&cookie, "cookie", false, "judge the session cookie on standard input too, for signed_cookies")
	return command
}

func (p *program) check(ctx context.Context, cookie bool) error {
	s, err := p.load()
	if err != nil {
		return err
	}
	var options check.Options
	if cookie {
		if options.Cookie, err = p.firstLine("session cookie"); err != nil {
			return err
		}
	}
	write, end := p.findingWriter()
	count := map[check.Severity]int{}
	for finding := range check.Run(ctx, s, options) {
		count[finding.Severity]++
		if err := write(finding); err != nil {
			return err
		}
	}
	if err := end(); err != nil {
		return err
	}
	return errors.Join(ctx.Err(), verdict(count[check.Error], count[check.Warning]))
}

// verdict is nil where all is well.
func verdict(mistakes, warnings int) error {
	var parts []string
	if mistakes > 0 {
		parts = append(parts, human.Plural(mistakes, "error"))
	}
	if warnings > 0 {
		parts = append(parts, human.Plural(warnings, "warning"))
	}
	if parts == nil {
		return nil
	}
	return errors.New("found " + strings.Join(parts, " and "))
}

var severityStyles = map[check.Severity]output.Style{
	check.OK: output.Green, check.Notice: output.Bold, check.Warning: output.Yellow, check.Error: output.Red,
}

func (p *program) findingWriter() (write func(check.Finding) error, end func() error) {
	if p.JSON {
		array := p.Array()
		return func(f check.Finding) error { return array.Add(f) }, array.Close
	}
	return func(f check.Finding) error {
		p.Paragraph(p.Styled(severityStyles[f.Severity], strings.ToUpper(f.Severity.String())), 9, f.Text)
		if f.Mend != "" {
			p.Paragraph("", 9, "→ "+f.Mend)
		}
		return nil
	}, func() error { return nil }
}
