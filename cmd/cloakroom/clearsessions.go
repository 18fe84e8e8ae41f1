package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/clearing"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

func (p *program) clearsessionsCommand() *cobra.Command {
	var options clearing.Options
	command := &cobra.Command{
		Use:   "clearsessions",
		Short: "Delete the expired sessions, however many there are",
		Long: `Delete the expired sessions, in short transactions that give way to the site.
It may be interrupted, and run again to go on. Caches expire by themselves.`,
		Example: `  cloakroom clearsessions --settings local_settings.py
  cloakroom clearsessions --rate 5000`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return p.clearsessions(command.Context(), options)
		},
	}
	command.Flags().IntVar(&options.Batch, "batch", clearing.MaxBatch, "`NUMBER` of sessions in a transaction at most")
	command.Flags().IntVar(&options.Rate, "rate", 0, "`NUMBER` of sessions a second at most; 0 is as the server can")
	return command
}

// cleared is what became of it, as JSON.
type cleared struct {
	Cleared int64   `json:"cleared"`
	Largest int     `json:"largest_transaction"`
	Seconds float64 `json:"seconds"`
}

func (p *program) clearsessions(ctx context.Context, options clearing.Options) error {
	if options.Batch < 1 || options.Batch > clearing.MaxBatch {
		return usage(fmt.Errorf("--batch %d: it is 1 to %d", options.Batch, clearing.MaxBatch))
	}
	if options.Rate < 0 {
		return usage(fmt.Errorf("--rate %d: it is 0 or more", options.Rate))
	}
	site, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	progress := p.Progress("cleared")
	options.Progress = func(r clearing.Report) { progress.Tell(r.Cleared, r.Total) }
	report, err := clearing.Run(ctx, site.Engine, options)
	progress.Close()
	if p.JSON && err == nil {
		return p.Document(cleared{report.Cleared, report.Largest, report.Elapsed.Seconds()})
	}
	p.Say("%s cleared.", human.Plural(int(report.Cleared), "expired session"))
	if err != nil && report.Cleared > 0 {
		p.Note("run it again to go on")
	}
	return err
}
