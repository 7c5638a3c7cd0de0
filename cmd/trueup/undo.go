package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

func undoCommand() *cobra.Command {
	agree := false
	cmd := &cobra.Command{
		Use:   "undo [SYNC] CUSTOMER",
		Short: "Undo Trueup's last write to one customer",
		Long: `Undo Trueup's last write to one customer: write the value back that the target had
before it. CUSTOMER is the source's id, the target's id, or the customer's email address.

The target is read first. It is written only if it still has the value that Trueup wrote
and no one has edited the record since; otherwise the command says what is there. A value
can be put back, an empty field cannot.

From then on, Trueup does not write the same value to this customer again, until the
source changes or you name the customer in trueup apply --only. The command works in
mode: watch and in mode: live, with or without a running trueup run. The customer's
history shows who undid what.`,
		Example: `  trueup undo customer-status cus_123
  trueup undo customer-status jane@example.com --as ana@example.com --yes`,
		Args: withSync(2),
	}
	asFlag(cmd)
	cmd.Flags().BoolVar(&agree, "yes", false, "do not ask for confirmation")
	jsonFlag(cmd)
	cmd.RunE = withStore(onSync(2, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		who, err := whoIs(cmd)
		if err != nil {
			return err
		}
		return undo(cmd, cfg, db, args[0], args[1], who, agree)
	}))
	return cmd
}

func undo(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync, named, who string, agree bool) error {
	customer, err := oneCustomer(cmd, db, sync, named)
	if err != nil {
		return err
	}
	last, err := db.LastWrite(cmd.Context(), sync, customer)
	if err != nil {
		return err
	}
	target := cfg.Syncs[sync].Target.Connection
	// What can be undone at all is asked about; of the rest the answer says why not.
	if undoable := last.Before != "" && last.Undone.IsZero(); undoable && !agree {
		fmt.Fprintf(cmd.ErrOrStderr(), "customer %s of %s, record %s in %s: Trueup wrote %s over %s %s\n", cell(customer), sync, cell(last.RecordID), target,
			cell(last.Value), cell(last.Before), clockOf(cmd.OutOrStdout()).on(last.At))
		if yes, err := askYes(cmd, "Write "+cell(last.Before)+" back?", "add --yes to write "+cell(last.Before)+" back"); err != nil || !yes {
			return err
		}
	}
	c, err := app.Undo(cmd.Context(), cfg, db, pipeline.UndoRequest{Sync: sync, Customer: customer, By: who})
	switch {
	case errors.Is(err, app.ErrStillBusy):
		return &failure{err: fmt.Errorf("nothing was written: %w", err), hint: "run the same command again", code: exitFailed}
	case err != nil:
		return fmt.Errorf("undo the last write to customer %s of %s: %w", customer, sync, err)
	case c.Sent:
		return &failure{err: fmt.Errorf("%s was sent to %s and is not confirmed: %s", c.To, target, c.Why.Sentence()),
			hint: "check it in " + target + ", or later with " + commandLine(cmd, "trueup explain "+sync+" "+customer), code: exitFailed}
	case !c.Done:
		return &failure{err: fmt.Errorf("nothing was written: %s", c.Why.Sentence()), hint: c.Why.Advice(), code: exitFailed}
	}
	source := cfg.Syncs[sync].Source.Connection
	return done(cmd, contract.Undone{Sync: sync, Customer: customer, TargetID: c.Record, From: c.From, To: c.To, By: who},
		fmt.Sprintf("customer %s: %s went from %s back to %s\n%s is not written to this customer again until %s changes; to write it after all: %s",
			cell(customer), target, cell(c.From), cell(c.To), cell(c.From), source, commandLine(cmd, "trueup apply "+sync+" --plan HASH --only "+cell(customer))))
}

// oneCustomer is the id of the customer that a person names.
func oneCustomer(cmd *cobra.Command, db *store.DB, sync, named string) (string, error) {
	found, err := db.Customers(cmd.Context(), sync, named)
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", &failure{err: fmt.Errorf("nothing was written: no customer of %s has this id or address", sync),
			hint: "a customer appears with their first event or write", code: exitFailed}
	case 1:
		return found[0].Customer, nil
	}
	var ids []string
	for _, c := range found {
		ids = append(ids, c.Customer)
	}
	return "", &failure{err: fmt.Errorf("nothing was written: %d customers of %s match", len(found), sync),
		hint: "choose one by id: " + strings.Join(ids, ", "), code: exitFailed}
}
