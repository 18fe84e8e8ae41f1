package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/site"
)

func (p *program) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "migrate",
		Aliases: []string{"syncdb"},
		Short:   "Create the tables that sessions are kept in",
		Long: `Create the table django_session and its index where they are missing, exactly as
Django does, and record that in django_migrations, so that Django's own migrate
finds nothing to do. It may be repeated. A table of another shape is left alone,
and the difference named.`,
		Example: `  cloakroom migrate --settings local_settings.py
  cloakroom migrate --engine sqlite:///sessions.sqlite3`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.migrate(command.Context()) },
	}
}

// migrated is where the tables are, as JSON.
type migrated struct {
	Database string   `json:"database"`
	Location string   `json:"location"`
	Tables   []string `json:"tables"`
}

func (p *program) migrate(ctx context.Context) error {
	s, err := p.load()
	if err != nil {
		return err
	}
	if has, err := site.HasDatabase(s); err != nil || !has {
		return p.nothingToCreate(migrated{Tables: []string{}}, err)
	}
	database, err := site.OpenDatabase(ctx, s)
	if err != nil {
		return err
	}
	defer database.Close()
	if err := database.Migrate(ctx); err != nil {
		return err
	}
	d := database.Describe()
	if p.JSON {
		return p.Document(migrated{d.BackEnd, d.Location, []string{"django_session", "django_migrations"}})
	}
	p.Say("The tables are there, in %s, %s.", d.BackEnd, d.Location)
	return nil
}
