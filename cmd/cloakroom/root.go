package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "cloakroom",
		Short: "Session storage for web dashboards, as Django and Horizon keep it",
		Long: `Cloakroom keeps the sessions of a web dashboard: it reads and writes what Django
and OpenStack Horizon read and write, and loses nothing where those do.

Every flag has an environment variable: --listen is CLOAKROOM_LISTEN.
Exit code 0: done. 1: failed, or found something wrong. 2: wrong usage.`,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error { return fromEnvironment(command.Flags()) },
		Args:              cobra.NoArgs,
		RunE:              func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(serveCommand())
	for _, command := range append(root.Commands(), root) {
		if check := command.Args; check != nil {
			command.Args = func(command *cobra.Command, args []string) error { return usage(check(command, args)) }
		}
	}
	return root
}

// fromEnvironment sets the flags that the command line does not from their
// variables.
func fromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(flag *pflag.Flag) {
		variable := "CLOAKROOM_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value, ok := os.LookupEnv(variable)
		if !ok || flag.Changed || flag.Name == "help" || flag.Name == "version" {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s=%q: %w", variable, value, err))
		}
	})
	return usage(errors.Join(errs...))
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func isUsage(err error) bool {
	var e usageError
	return errors.As(err, &e)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
