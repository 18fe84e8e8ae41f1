// Command cloakroom keeps sessions as Django and OpenStack Horizon do. See
// cloakroom --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run carries out the command line and returns the exit code. A failure is told on
// stderr, in one line.
func run(ctx context.Context, args []string, stdout, stderr *os.File) int {
	command := rootCommand()
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	command.SetContext(ctx)

	used, err := command.ExecuteC()
	if err == nil {
		return exitDone
	}
	if isUsage(err) {
		fmt.Fprintf(stderr, "cloakroom: %v; see '%s --help'\n", err, used.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(stderr, "cloakroom: %v\n", err)
	return exitFailed
}
