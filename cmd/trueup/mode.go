package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/store"
)

func modeCommand() *cobra.Command {
	why, yes := "", false
	cmd := &cobra.Command{
		Use:   "mode [SYNC] live|watch --reason TEXT",
		Short: "Set a sync live, or back to watching",
		Long: `Take a sync live, or back to watching. The command shows the change of mode: in
trueup.yaml first, then edits the file in place and keeps its comments. A running
trueup run reads the file again automatically. Who did it and why is kept. If the file
cannot be written, the command prints the lines to change.

From live on, each change in the source is written as it comes. Customers who differ
today stay as they are until they change, or until a plan is applied. Back at watch,
nothing more is written; what was written stays.`,
		Example: `  trueup mode customer-status live --reason "agreed with sales ops"
  trueup mode watch --reason "the CRM is being rebuilt" --yes`,
		Args: withSync(2),
	}
	cmd.Flags().StringVar(&why, "reason", "", "why the mode changes: a `TEXT` that is kept")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	asFlag(cmd)
	jsonFlag(cmd)
	cmd.RunE = withStore(onSync(2, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		if why == "" {
			return usage(`add one, such as --reason "agreed with sales ops": it is kept`, "--reason is missing")
		}
		who, err := whoIs(cmd)
		if err != nil {
			return err
		}
		file := mapchange.File{Path: cfg.Path, Parse: parseConfig, Store: db}
		r := mapchange.ModeRequest{Sync: args[0], Mode: args[1]}
		c, err := file.PreviewMode(r)
		if err != nil {
			return unmappable(err)
		}
		if c.Before == r.Mode {
			return done(cmd, contract.ModeSaved{ModeChange: c.ModeChange}, fmt.Sprintf("%s has mode: %s already; nothing was changed", r.Sync, r.Mode))
		}
		if !yes {
			fmt.Fprint(cmd.ErrOrStderr(), difference(contract.MapChange{File: c.File, Lines: c.Lines}))
			if yes, err = askYes(cmd, "Make this change?", "add --yes to make this change"); err != nil || !yes {
				return err
			}
		}
		c, changed, err := file.SaveMode(cmd.Context(), r, mapchange.Seen{Who: who, Digest: c.Digest}, why)
		if err != nil && !changed {
			return unmappable(err)
		}
		if err != nil {
			return err
		}
		said := map[string]string{config.ModeLive: "each change is written as it comes", config.ModeWatch: "nothing more is written"}[r.Mode]
		return done(cmd, contract.ModeSaved{ModeChange: c.ModeChange, Changed: true}, fmt.Sprintf("%s has mode: %s now; as soon as trueup run has read the file, %s", r.Sync, r.Mode, said))
	}))
	return cmd
}
