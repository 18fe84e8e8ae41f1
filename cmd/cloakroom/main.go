// Command cloakroom keeps sessions as Django and OpenStack Horizon do. See
// cloakroom --help.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cmd/cloakroom/output"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run carries out the command line and returns the exit code. A failure is told on
// stderr, in one line.
func run(ctx context.Context, args []string, stdin, stdout, stderr *os.File) int {
	p := &program{Output: output.Output{In: stdin, Out: stdout, Err: stderr}}
	command := p.rootCommand()
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)

	used, err := command.ExecuteContextC(ctx)
	switch err = errors.Join(err, p.Unsaid()); {
	case err == nil:
		return exitDone
	case isUsage(err), used == command: // which does nothing itself: it knows no such command
		p.Note("%s; see '%s --help'", oneLine(err), used.CommandPath())
		return exitUsage
	case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cloakroom.ErrUnavailable):
		p.Note("the session storage did not answer within %v: %s", patience, oneLine(err))
		return exitFailed
	default:
		p.Note("%s", oneLine(err))
		return exitFailed
	}
}
