package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages into a folder",
		Example: `  cloakroom man /usr/local/share/man/man1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			root := command.Root()
			root.DisableAutoGenTag = true // which would differ from day to day
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("the folder for the manual pages: %w", err)
			}
			return doc.GenManTree(root, &doc.GenManHeader{Title: "CLOAKROOM", Section: "1", Source: "Cloakroom", Manual: "Cloakroom"}, args[0])
		},
	}
}
