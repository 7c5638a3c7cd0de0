package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func resumeCommand() *cobra.Command {
	r := store.Resume{}
	cmd := &cobra.Command{
		Use:   "resume [SYNC] --reason TEXT",
		Short: "Resume a sync that is paused or halted",
		Long: `Resume a sync that someone has paused with trueup pause. Each customer that changed in
the meantime is synced once, as it is now.

It also resumes a sync that limits.mass_change has halted: too many customers were about to
change at once, and the rest wait until a person confirms that this is right. The
waiting customers go through without being counted; counting starts again with later
ones. Each customer is read again first, so a value that the source no longer has is
not written.

A halted sync in mode: watch cannot be resumed: set mode: live first. Waiting customers
keep waiting until then.

The mass_change exception closes, and its history records who resumed the sync and
why. To write none of these changes, correct the source and leave the sync halted
until it is correct.`,
		Example: `  trueup resume customer-status --reason "the trial of March has ended"
  trueup resume customer-status --reason "the CRM import is done"
  trueup resume customer-status --reason "checked with billing" --as ana@example.com --json`,
		Args: withSync(1),
	}
	asFlag(cmd)
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why these changes are right: a `TEXT` that is kept")
	cmd.Flags().StringVar(&r.Key, "key", "", "an idempotency key: a `TEXT` with which a repeated call takes effect once")
	jsonFlag(cmd)
	cmd.RunE = withStore(onSync(1, func(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
		r.Sync = args[0]
		if r.Reason == "" {
			return usage(`add one, such as --reason "checked with billing": it is kept with the exception`, "--reason is missing")
		}
		var err error
		if r.Who, err = whoIs(cmd); err != nil {
			return err
		}
		return resume(cmd, db, r)
	}))
	return cmd
}

func resume(cmd *cobra.Command, db *store.DB, r store.Resume) error {
	resumed, err := exceptions.Resume(cmd.Context(), db, r)
	if err != nil {
		return refused(err)
	}
	said := fmt.Sprintf("%s is resumed: %s let through; counting starts again with later ones", r.Sync, status.Plural(resumed.Through, "customer"))
	switch {
	case !resumed.Changed:
		said = fmt.Sprintf("%s is neither paused nor halted; nothing was changed", r.Sync)
	case resumed.Unpaused && resumed.Through == 0:
		said = fmt.Sprintf("%s is resumed: each customer that changed meanwhile is synced once, as it is now", r.Sync)
	}
	return done(cmd, contract.Resumed{Sync: r.Sync, Changed: resumed.Changed, LetThrough: resumed.Through, Unpaused: resumed.Unpaused}, said)
}
