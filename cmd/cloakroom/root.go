package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloakroom-go/cloakroom/cmd/cloakroom/output"
)

// program is what every command works with: where it reads and writes, and what
// the global flags name.
type program struct {
	output.Output
	settings, engine, cache string
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "cloakroom",
		Short: "Session storage for web dashboards, as Django and Horizon keep it",
		Long: `Cloakroom keeps the sessions of a web dashboard: it reads and writes what Django
and OpenStack Horizon read and write, and loses nothing where those do.

Where the sessions are, --settings says or --engine. Every flag has an
environment variable: --settings is CLOAKROOM_SETTINGS. The secret key beside
--engine is CLOAKROOM_SECRET_KEY alone.

Exit code 0: done. 1: failed, or found something wrong. 2: wrong usage.`,
		Example: `  cloakroom serve
  cloakroom check --settings /etc/openstack-dashboard/local_settings.py
  cloakroom list --engine redis://127.0.0.1:6379/1`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			return usage(cmp.Or(fromEnvironment(command.Flags()), command.ValidateFlagGroups()))
		},
		// Without Args an unknown command is refused also where --help follows it, in one
		// line without suggestions.
		DisableSuggestions: true,
		RunE:               func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	flags := root.PersistentFlags()
	flags.StringVar(&p.settings, "settings", "", "settings `FILE` of a Django or Horizon site")
	flags.StringVar(&p.engine, "engine", "", "`URL` of an engine, such as redis://host/1")
	flags.StringVar(&p.cache, "cache", "", "`URL` of a cache before the engine (cached_db)")
	flags.BoolVar(&p.JSON, "json", false, "print one JSON document, for scripts")

	group(root, "Dashboard", p.serveCommand(), p.passwdCommand())
	group(root, "Storage", p.checkCommand(), p.settingsCommand(), p.createdbCommand(), p.migrateCommand(), p.clearsessionsCommand(), p.copyCommand())
	group(root, "Sessions", p.listCommand(), p.showCommand(), p.revokeCommand(), p.createCommand(), p.setCommand())
	group(root, "Raw values", p.decodeCommand(), p.encodeCommand())
	root.AddCommand(p.manCommand())
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	limitHelp(root)
	wrapUsage(root)
	return root
}

// group adds commands that help lists together.
func group(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, command := range commands {
		command.GroupID = title
	}
	root.AddCommand(commands...)
}

// limitHelp makes help refuse what is no command; by itself it takes any words.
func limitHelp(root *cobra.Command) {
	help, _, _ := root.Find([]string{"help"})
	help.Args = func(_ *cobra.Command, args []string) error {
		command, rest, err := root.Find(args)
		return cmp.Or(err, cobra.NoArgs(command, rest))
	}
}

// wrapUsage makes wrong arguments of a command, and of those below it, wrong usage.
func wrapUsage(command *cobra.Command) {
	if !command.Runnable() { // it does nothing without one of those below it
		var names []string
		for _, sub := range command.Commands() {
			names = append(names, sub.Name())
		}
		command.RunE = func(*cobra.Command, []string) error {
			return usage(errors.New("say which: " + strings.Join(names, ", ")))
		}
	}
	if check := command.Args; check != nil {
		command.Args = func(command *cobra.Command, args []string) error { return usage(check(command, args)) }
	}
	for _, sub := range command.Commands() {
		wrapUsage(sub)
	}
}

// instead are global flags that exclude one another.
var instead = map[string][]string{"settings": {"engine", "cache"}, "engine": {"settings"}, "cache": {"settings"}}

// fromEnvironment sets the flags that the command line does not from their
// variables.
func fromEnvironment(flags *pflag.FlagSet) error {
	given := func(name string) bool { return flags.Changed(name) }
	var fromHere []*pflag.Flag
	flags.VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed && !slices.ContainsFunc(instead[flag.Name], given) && flag.Name != "help" && flag.Name != "version" {
			fromHere = append(fromHere, flag)
		}
	})
	var errs []error
	for _, flag := range fromHere {
		variable := "CLOAKROOM_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if value, ok := os.LookupEnv(variable); ok {
			if err := flags.Set(flag.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s=%q: %w", variable, value, err))
			}
		}
	}
	return errors.Join(errs...)
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
	_, ok := errors.AsType[usageError](err)
	return ok
}

// oneLine is what a failure says, without what could break a terminal.
func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = output.Clean(strings.TrimSpace(lines[i]))
	}
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), "; ")
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
