package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

// errDeclined is somebody's answer no. They were told that nothing was changed.
var errDeclined = errors.New("declined")

// joinFlags adds what a command that links a customer to a record asks with.
func joinFlags(cmd *cobra.Command, force *bool) {
	cmd.Flags().BoolVar(force, "force", false, "even if the record has another customer's key")
	cmd.Flags().Bool("yes", false, "do not ask for confirmation")
}

// mayLink returns what shows both sides of a link, asks whether it is to be made,
// and says why it may not. A target that cannot be asked is told of and stops
// nobody.
func mayLink(cmd *cobra.Command, cfg *config.Config, db *store.DB) exceptions.MayLink {
	return func(ctx context.Context, sync, customer, targetID string, force bool) error {
		yes, err := cmd.Flags().GetBool("yes")
		if err != nil {
			return err
		}
		p, refusal := app.LookAtPair(ctx, cfg, db, sync, customer, targetID, force)
		if p.So {
			return nil
		}
		if p.Unasked != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v; the record may belong to another customer, and if it does not exist, the result is a broken_link exception\n", p.Unasked)
		}
		if p.Target.ID != "" && !(yes && wantsJSON(cmd)) {
			out := cmd.OutOrStdout()
			if wantsJSON(cmd) {
				out = cmd.ErrOrStderr()
			}
			if err := sideBySide(out, p.Source, []app.Side{p.Target}); err != nil {
				return err
			}
		}
		if refusal != nil || yes {
			return refusal
		}
		agreed, err := askYes(cmd, fmt.Sprintf("Link %s of %s to %s?", customer, sync, targetID), "add --yes to link it")
		if err == nil && !agreed {
			err = errDeclined
		}
		return err
	}
}

// linked says that a link was made, and how to take it back.
func linked(sync, customer, targetID string) string {
	return fmt.Sprintf("Linked %s to %s. To undo: trueup links remove %s %s (a value that was written stays)", customer, targetID, sync, customer)
}
