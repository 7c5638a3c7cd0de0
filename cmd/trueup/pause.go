package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

func pauseCommand() *cobra.Command {
	why := ""
	cmd := &cobra.Command{
		Use:   "pause [SYNC] --reason TEXT",
		Short: "Pause a sync: keep its events, write nothing",
		Long: `Pause a sync, for example while someone imports records or repairs a tool. Webhooks are
answered and events are stored, so nothing is lost. Nothing is written until trueup
resume; then each customer that changed in the meantime is synced once, as it is then.
A write that has already begun is finished.

trueup status shows who paused the sync, why, and how much waits. A plan can be made
while a sync is paused, and not applied.`,
		Example: `  trueup pause customer-status --reason "importing contacts into the CRM"
  trueup pause customer-status --reason "billing is being migrated" --as ana@example.com --json`,
		Args: withSync(1),
	}
	asFlag(cmd)
	cmd.Flags().StringVar(&why, "reason", "", "why nothing should be written: a `TEXT` that is shown to everyone")
	jsonFlag(cmd)
	cmd.RunE = withStore(onSync(1, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		if why == "" {
			return usage(`add one, such as --reason "importing contacts": it is shown with the sync`, "--reason is missing")
		}
		who, err := whoIs(cmd)
		if err != nil {
			return err
		}
		now, changed, err := exceptions.Pause(cmd.Context(), db, args[0], who, why)
		if err != nil {
			return refused(err)
		}
		said := fmt.Sprintf("%s is paused: events are stored and wait; to go on: trueup resume %s --reason TEXT", args[0], args[0])
		if !changed {
			said = fmt.Sprintf("%s is already paused since %s by %s: %s", args[0], clockOf(cmd.OutOrStdout()).on(now.Since), now.By, now.Reason)
		}
		return done(cmd, contract.PausedSync{Sync: args[0], Changed: changed, Paused: contract.PauseOf(now)}, said)
	}))
	return cmd
}
