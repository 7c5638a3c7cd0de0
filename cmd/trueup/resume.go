package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/exceptions"
	"trueup/internal/status"
	"trueup/internal/store"
)

func resumeCommand() *cobra.Command {
	r := store.Resume{}
	cmd := &cobra.Command{
		Use:   "resume SYNC --reason TEXT",
		Short: "Let through what waits at a sync that mass_change has halted",
		Long: `Let through every customer who waits at a sync that limits.mass_change has
halted: too many customers were to move at once, and the rest waits for a person
who says that it is right. They are not counted; later ones are counted anew. Each
is looked at again first, so what the source no longer says is not written.

A sync that only watches is not resumed: write mode: live first. Who waits goes on
waiting until then.

The mass_change exception closes, with who did it and why in its history. To write
none of them, correct the source and leave the sync halted until it is.`,
		Example: `  trueup resume customer-status --reason "the trial of March has ended"
  trueup resume customer-status --reason "checked with billing" --as ana@example.com --json`,
		Args: cobra.ExactArgs(1),
	}
	asFlag(cmd)
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why they are to be written, a `TEXT` that is kept")
	cmd.Flags().StringVar(&r.Key, "key", "", "a `TEXT` that makes a repeated call one")
	jsonFlag(cmd)
	cmd.RunE = withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		r.Sync = args[0]
		if err := knownSync(cfg, r.Sync); err != nil {
			return err
		}
		if r.Reason == "" {
			return usage(`add one, such as --reason "checked with billing": it is kept with the exception`, "no reason is given")
		}
		var err error
		if r.Who, err = whoIs(cmd); err != nil {
			return err
		}
		return resume(cmd, db, r)
	})
	return cmd
}

func resume(cmd *cobra.Command, db *store.DB, r store.Resume) error {
	resumed, err := exceptions.Resume(cmd.Context(), db, r)
	if err != nil {
		return refused(err)
	}
	said := fmt.Sprintf("%s is resumed: %s let through; later ones are counted anew", r.Sync, status.Plural(resumed.Through, "customer"))
	if !resumed.Changed {
		said = fmt.Sprintf("%s is not halted; nothing was changed", r.Sync)
	}
	return done(cmd, contract.Resumed{Sync: r.Sync, Changed: resumed.Changed, LetThrough: resumed.Through}, said)
}
