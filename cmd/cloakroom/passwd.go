package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/dashboard"
)

func (p *program) passwdCommand() *cobra.Command {
	data := ""
	command := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Give a Dashboard account a one-time password",
		Long: `Give an account of the Dashboard a one-time password, for whoever is locked out.
The accounts are in the data folder of serve, which may be running.`,
		Example: `  cloakroom passwd admin
  cloakroom passwd ada --data /var/lib/cloakroom`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.passwd(command.Context(), data, args[0])
		},
	}
	addDataFlag(command, &data)
	return command
}

// oneTime is how somebody gets into the Dashboard, as JSON.
type oneTime struct {
	Name     string `json:"name"`
	Password string `json:"one_time_password"`
}

func (p *program) passwd(ctx context.Context, folder, name string) (err error) {
	if _, err := os.Stat(filepath.Join(folder, databaseFile)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no Dashboard keeps accounts in %s: name its folder with --data", folder)
	}
	store, err := openEmbedded(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	account, err := store.accounts.FindByName(ctx, name)
	if errors.Is(err, dashboard.ErrNoAccount) {
		return fmt.Errorf("there is no account %q in %s", name, folder)
	}
	if err != nil {
		return err
	}
	password, err := store.accounts.ResetPassword(ctx, account.ID)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Document(oneTime{account.Name, password})
	}
	p.Say("Sign in as %s with the one-time password %s", account.Name, password)
	return nil
}
