package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
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
		Use:   "example [NAME]",
		Short: "Print an example of trueup.yaml to start from",
		Long: `Print an example of trueup.yaml to start from. In stripe, which is printed if no NAME
is given, Stripe decides and a CRM with a REST API follows. In http, both are tools
with a REST API. The others are about one tool each:

  ` + toolNames(false) + `

With the tool as the source, and GoHighLevel as the target:

  ` + toolNames(true) + `

Change the connections to match your tools, then run trueup check.`,
		Example: "  trueup config example > trueup.yaml\n  trueup config example hubspot > trueup.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := cmp.Or(first(args), "stripe")
			text, ok := docs.Examples[name]
			if !ok {
				return usage("available examples: "+strings.Join(slices.Sorted(maps.Keys(docs.Examples)), ", "), "no example %q", name)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), text)
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

// toolNames are the names of the examples that are about one tool with a REST API:
// those where it decides and there is another in which it follows, or the others.
func toolNames(decides bool) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(docs.Examples)), func(n string) bool {
		return n == "http" || n == "stripe" || strings.HasSuffix(n, "-source") != decides
	})
	var lines []string
	for some := range slices.Chunk(names, 5) {
		lines = append(lines, strings.Join(some, ", "))
	}
	return strings.Join(lines, ",\n  ")
}
