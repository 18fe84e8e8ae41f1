package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/site"
)

type createdbFlags struct {
	admin         string
	print, reveal bool
}

func (p *program) createdbCommand() *cobra.Command {
	var flags createdbFlags
	command := &cobra.Command{
		Use:   "createdb",
		Short: "Create the database, its user and its rights",
		Long: `Create the database that the settings name, the user that they sign in as and
that user's rights, on MySQL, MariaDB or PostgreSQL; for SQLite the file. What
is there stays as it is, so it may be repeated. Then migrate creates the tables.

In a terminal it asks for the password of the server's administrator; elsewhere
that is the first line of standard input, which may be empty.`,
		Example: `  cloakroom createdb --settings local_settings.py
  cloakroom createdb --admin dba < password
  cloakroom createdb --print --reveal | sudo mariadb`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return p.createdb(command.Context(), flags)
		},
	}
	command.Flags().StringVar(&flags.admin, "admin", "", "`NAME` of the administrator (default root; on PostgreSQL postgres)")
	command.Flags().BoolVar(&flags.print, "print", false, "print the SQL, and run nothing")
	command.Flags().BoolVar(&flags.reveal, "reveal", false, "with --print, print the user's password too")
	return command
}

// created is what createdb did, as JSON.
type created struct {
	Created  []string `json:"created"`
	Existing []string `json:"existing"`
}

// statements is what createdb would run, as JSON.
type statements struct {
	Statements []string `json:"statements"`
}

func (p *program) createdb(ctx context.Context, flags createdbFlags) error {
	if flags.reveal && !flags.print {
		return usage(errors.New("--reveal is for the SQL that --print shows: give --print too"))
	}
	s, err := p.load()
	if err != nil {
		return err
	}
	if has, err := site.HasDatabase(s); err != nil || !has {
		var nothing any = created{[]string{}, []string{}}
		if flags.print {
			nothing = statements{[]string{}}
		}
		return p.nothingToCreate(nothing, err)
	}
	address, err := site.DatabaseURL(s)
	if err != nil {
		return err
	}
	if _, err := db.Statements(address); err != nil && p.engine != "" {
		return usage(err)
	}
	if flags.print {
		return p.printSQL(address, flags.reveal)
	}
	admin := address
	if !strings.HasPrefix(address, "sqlite:") {
		password, err := p.Password("Password of the database's administrator")
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if admin, err = db.Administrator(address, flags.admin, password); err != nil {
			return err
		}
	}
	done, err := db.CreateDatabase(ctx, admin, address)
	if p.JSON && err == nil {
		return p.Document(created{append([]string{}, done.New...), append([]string{}, done.Existing...)})
	}
	for _, thing := range done.New {
		p.Say("Created the %s.", thing)
	}
	for _, thing := range done.Existing {
		p.Say("The %s was there.", thing)
	}
	return err
}

// nothingToCreate is what becomes of createdb and migrate for a site whose sessions
// need neither, so that a script can call them for any.
func (p *program) nothingToCreate(document any, err error) error {
	switch {
	case err != nil:
		return err
	case p.JSON:
		return p.Document(document)
	}
	p.Say("Nothing to create: sessions are in no database.")
	return nil
}

func (p *program) printSQL(address string, reveal bool) (err error) {
	if !reveal {
		if address, err = db.WithoutPassword(address); err != nil {
			return err
		}
	}
	sql, err := db.Statements(address)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Document(statements{append([]string{}, sql...)})
	}
	for _, statement := range sql {
		p.Say("%s;", strings.TrimSuffix(statement, ";"))
	}
	switch {
	case len(sql) == 0:
		p.Note("SQLite needs no SQL: createdb makes the file")
	case !reveal:
		p.Note("PASSWORD stands for the user's password; --reveal prints it")
	}
	return nil
}
