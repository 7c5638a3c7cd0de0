package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trueup/docs"
	"trueup/internal/app"
	"trueup/internal/config"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Show examples, the schema, and what changed in the configuration file",
		Example: "  trueup config example > trueup.yaml\n  trueup config schema > trueup.schema.json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "example",
		Short: "Print an example of trueup.yaml to start from",
		Long: `Print an example of trueup.yaml to start from: Stripe decides, and a CRM with a
REST API follows. Change the crm part to match your tool, then run trueup check.`,
		Example: "  trueup config example > trueup.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), docs.Example)
			return err
		},
	}, &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of trueup.yaml",
		Long: `Print the JSON Schema of trueup.yaml. With it, an editor can complete and check
the file. Start the file with

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
	cmd.AddCommand(configHistoryCommand(), configDiffCommand())
	return cmd
}
