package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

func pinCommand() *cobra.Command {
	p := store.Pin{}
	cmd := &cobra.Command{
		Use:   "pin [SYNC] CUSTOMER --reason TEXT",
		Short: "Pin a customer: keep its events, write nothing to its record",
		Long: `Pin a customer, for example while a contract is disputed or someone corrects the record
by hand. Its events are stored and answered, and end as held; both sides are read, and
nothing is written, also not by a plan, by a sweep or by a decision in an exception. No
exception opens. A write that has already begun is finished.

A pin ends with trueup unpin, or automatically with --until or --for. Then the customer is
checked at once and synced as it is by then. Pinning a customer again replaces the
reason and the end.

CUSTOMER is the source's id, the target's id, or the customer's email address. A
customer that is not known yet can be pinned by the source's id.`,
		Example: `  trueup pin customer-status cus_123 --reason "the contract is disputed"
  trueup pin customer-status jane@example.com --reason "audit" --until 2026-12-31
  trueup pin customer-status cus_123 --reason "moving to a new plan" --for 30d --as ana@example.com
  trueup pin list`,
		Args: withSync(2),
	}
	asFlag(cmd)
	cmd.Flags().StringVar(&p.Reason, "reason", "", "why the customer should be left alone: a `TEXT` that is shown to everyone")
	cmd.Flags().Func("until", "until this `TIME`: 2026-12-31 or 2026-12-31T08:00:00Z (default: until trueup unpin)", func(text string) (err error) {
		p.Until, err = untilTime(text, time.Now())
		return err
	})
	cmd.Flags().Func("for", "for this `DURATION` from now: 30d, 72h", func(text string) error {
		d, err := config.Duration(text)
		p.Until = time.Now().Add(d).UTC()
		if err == nil && d <= 0 {
			err = fmt.Errorf("%s is not above 0", text)
		}
		return err
	})
	jsonFlag(cmd)
	cmd.RunE = withStore(onSync(2, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		return pin(cmd, db, args[0], strings.TrimSpace(args[1]), p)
	}))
	list := &cobra.Command{Use: "list [SYNC]", Short: "List the pinned customers: who pinned them, why, and until when",
		Example: "  trueup pin list customer-status --json", Args: cobra.MaximumNArgs(1), RunE: withDatabase(listPins)}
	jsonFlag(list)
	cmd.AddCommand(list)
	return cmd
}

func pin(cmd *cobra.Command, db *store.DB, sync, named string, p store.Pin) (err error) {
	switch {
	case p.Reason == "":
		return usage(`add one, such as --reason "the contract is disputed": it is shown with the customer`, "--reason is missing")
	case cmd.Flags().Changed("until") && cmd.Flags().Changed("for"):
		return usage("leave out one of them", "--until and --for both set the end")
	}
	if p.By, err = whoIs(cmd); err != nil {
		return err
	}
	known, err := theCustomer(cmd.Context(), db, sync, named)
	p.Sync, p.Customer = sync, named
	switch {
	case err != nil:
		return err
	case known != nil:
		p.Customer = known.Customer
	case strings.Contains(named, "@"):
		return &failure{err: fmt.Errorf("no customer of %s with this address is known yet", sync), hint: "pin the customer by its id in the source", code: exitFailed}
	}
	pinned, err := exceptions.Pin(cmd.Context(), db, p)
	if err != nil {
		return refused(err)
	}
	return done(cmd, contract.PinnedCustomerOf(pinned), pinnedSentence(clockOf(cmd.OutOrStdout()), pinned))
}

// pinnedSentence says what pinning a customer came to.
func pinnedSentence(at clock, d store.Pinned) string {
	said := fmt.Sprintf("customer %s of %s is pinned%s: events are stored, and nothing is written", d.Customer, d.Sync, untilEnd(at, d.Until))
	switch b := d.Before; {
	case !d.Changed:
		return fmt.Sprintf("customer %s of %s is already pinned%s for this reason; nothing was changed", d.Customer, d.Sync, untilEnd(at, d.Until))
	case b != nil:
		said += fmt.Sprintf("; this replaces the pin by %s%s: %s", b.By, untilEnd(at, b.Until), b.Reason)
	}
	if !d.Known {
		said += "\nno customer with this id is known yet; the pin applies from its first event on"
	}
	return said + fmt.Sprintf("\nto sync it again: trueup unpin %s %s", d.Sync, d.Customer)
}

// untilEnd is the end of a pin as part of a sentence, "" without one.
func untilEnd(at clock, end time.Time) string {
	if end.IsZero() {
		return ""
	}
	return " " + at.until(end)
}

func listPins(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	sync := ""
	if len(args) > 0 {
		if sync = args[0]; checkSync(cfg, sync) != nil {
			return checkSync(cfg, sync)
		}
	}
	found, err := db.Pins(cmd.Context(), sync)
	if err != nil {
		return err
	}
	var rows []contract.PinLine
	for _, p := range found {
		rows = append(rows, contract.PinLineOf(p))
	}
	at := clockOf(cmd.OutOrStdout())
	return list(cmd, rows, "no customer is pinned", "SYNC\tCUSTOMER\tSINCE\tUNTIL\tBY\tREASON", func(p contract.PinLine) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", p.Sync, p.Customer, at.stamp(p.Since), at.stamp(p.Until), p.By, p.Reason)
	})
}

func unpinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unpin [SYNC] CUSTOMER",
		Short: "Unpin a customer: check it at once, and sync it as it is now",
		Long: `Unpin a customer that someone has pinned with trueup pin. The customer is checked at
once, and synced as it is now. CUSTOMER is the source's id, the target's id, or the
customer's email address.`,
		Example: `  trueup unpin customer-status cus_123
  trueup unpin customer-status jane@example.com --as ana@example.com --json`,
		Args: withSync(2),
		RunE: withStore(onSync(2, unpin)),
	}
	asFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func unpin(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	sync, customer := args[0], strings.TrimSpace(args[1])
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	known, err := theCustomer(cmd.Context(), db, sync, customer)
	if err != nil {
		return err
	}
	if known != nil {
		customer = known.Customer
	}
	ended, err := db.Unpin(cmd.Context(), sync, customer, who)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("customer %s of %s is not pinned; nothing was changed", customer, sync)
	if ended != nil {
		said = fmt.Sprintf("customer %s of %s is no longer pinned: it is checked at once, and synced as it is now", customer, sync)
	}
	return done(cmd, contract.UnpinnedCustomer{Sync: sync, Customer: customer, Changed: ended != nil, Ended: contract.PinOf(ended)}, said)
}
