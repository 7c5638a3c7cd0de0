package main

import (
	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/api"
)

func apiCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "api",
		Short:   "Show the API that trueup run serves",
		Example: "  trueup api openapi > openapi.json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "openapi",
		Short: "Print the OpenAPI document of the API",
		Long: `Print the OpenAPI 3.1 document of the API, the same one that trueup run serves at
/api/v1/openapi.json. It needs no configuration.`,
		Example: "  trueup api openapi > openapi.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, err := api.Document()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(document)
			return err
		},
	})
	return cmd
}
