package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trueup/internal/app"
	"trueup/internal/config"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "About the configuration file",
		Example: "  trueup config schema > trueup.schema.json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of trueup.yaml",
		Long: `Print the JSON Schema of trueup.yaml. An editor that knows it completes and
checks the file: begin it with

  # yaml-language-server: $schema=./trueup.schema.json`,
		Example: "  trueup config schema > trueup.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := config.Schema(app.Types())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", schema)
			return err
		},
	})
	return cmd
}
