package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func forgetCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "forget [SYNC] CUSTOMER",
		Short: "Delete a person's data from a sync",
		Long: `Delete a person's data from a sync: the payloads of the customer's events, the email
address, the name, the link, and the customer's ids, which are replaced by a pseudonym.
The number of events and decisions, their times and their outcomes are kept. CUSTOMER is
the source's id, the target's id, or the email address. The command first shows what
it would erase, and asks. If it was cut off, run it again: given a name that no
longer belongs to a customer, it erases what still mentions it.

It cannot reach the two tools themselves, other syncs, messages that were sent and
cannot be changed, logs, backups, and copies in free pages of the database; it lists
these when it is done. If an event of the customer arrives later, or a poll finds a
change, that is a new customer.`,
		Example: `  trueup forget customer-status cus_123
  trueup forget customer-status jane@example.com --yes --json`,
		Args: withSync(2),
		RunE: withStore(onSync(2, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return forget(cmd, db, args[0], strings.TrimSpace(args[1]), yes)
		})),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	jsonFlag(cmd)
	return cmd
}

func forget(cmd *cobra.Command, db *store.DB, sync, named string, yes bool) error {
	if named == "" || store.IsForgotten(named) {
		return usage("give the source's id, the target's id or the email address", "%q is not a valid id or address", named)
	}
	found, err := db.Customers(cmd.Context(), sync, named)
	if err != nil {
		return err
	}
	customer := ""
	switch len(found) {
	case 0:
	case 1:
		customer = found[0].Customer
	default:
		var ids []string
		for _, c := range found {
			ids = append(ids, c.Customer)
		}
		return usage("forget them one at a time, by id: "+strings.Join(ids, ", "), "%d customers of %s match", len(found), sync)
	}
	plan, err := db.ForgetPlan(cmd.Context(), sync, customer, named)
	if err != nil {
		return err
	}
	if customer == "" && len(plan.Rows) == 0 {
		return &failure{err: fmt.Errorf("no customer of %s has this id or address, and nothing mentions it", sync),
			hint: "trueup events list --sync " + sync + " lists the events so far", code: exitFailed}
	}
	if !yes {
		if err := printForgotten(cmd, sync, plan, false); err != nil {
			return err
		}
		const instead = "add --yes to erase it"
		if wantsJSON(cmd) { // two objects would be no JSON
			return usage(instead, "--json does not ask for confirmation; nothing was changed")
		}
		if agreed, err := askYes(cmd, "Erase this permanently?", instead); err != nil || !agreed {
			return err
		}
	}
	done, err := db.Forget(cmd.Context(), sync, customer, named)
	if err != nil {
		return err
	}
	if err := printForgotten(cmd, sync, done, true); err != nil {
		return err
	}
	if !wantsJSON(cmd) {
		cannotReach(cmd.OutOrStdout(), db.Engine(), done)
	}
	return nil
}

// forgottenRow is the JSON of what is, or would be, forgotten.
type forgottenRow struct {
	Sync      string         `json:"sync"`
	Done      bool           `json:"done"`
	Pseudonym string         `json:"pseudonym"`
	Rows      map[string]int `json:"rows"`
	Waiting   int            `json:"waiting_events"`
	Told      int            `json:"messages"`
	Others    []string       `json:"same_address"`
	Syncs     []string       `json:"other_syncs"`
}

func printForgotten(cmd *cobra.Command, sync string, f store.Forgotten, done bool) error {
	rows := map[string]int{}
	for table, n := range f.Rows {
		if n > 0 {
			rows[table] = n
		}
	}
	if wantsJSON(cmd) {
		row := forgottenRow{Sync: sync, Done: done, Rows: rows, Waiting: f.Waiting, Told: f.Told, Others: append([]string{}, f.Others...), Syncs: append([]string{}, f.Syncs...)}
		if done {
			row.Pseudonym = f.Pseudonym
		}
		return printJSON(cmd.OutOrStdout(), row)
	}
	out := cmd.OutOrStdout()
	switch {
	case done && f.Customer != "":
		fmt.Fprintf(out, "erased; the customer is now called %s\n", f.Pseudonym)
	case done:
		fmt.Fprintf(out, "erased; replaced by %s\n", f.Pseudonym)
	case f.Customer == "":
		fmt.Fprintf(out, "no longer a customer of %s; rows that still mention the name:\n", sync)
	default:
		fmt.Fprintf(out, "customer %s of %s would be forgotten; rows that would be changed or deleted:\n", f.Customer, sync)
	}
	if done {
		return nil
	}
	t := newGrid(out, "")
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(t, "  %s\t%d\n", table, rows[table])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if f.Waiting > 0 {
		fmt.Fprintf(out, "  not processed yet, and never will be: %s\n", status.Plural(f.Waiting, "event"))
	}
	if len(f.Others) > 0 {
		fmt.Fprintf(out, "  the same address also belongs to %s, where it stays: forget them too\n", strings.Join(f.Others, ", "))
	}
	return nil
}

// cannotReach says what is left elsewhere.
func cannotReach(out io.Writer, engine string, f store.Forgotten) {
	fmt.Fprintln(out, "what this cannot reach:")
	line := func(format string, args ...any) { fmt.Fprintf(out, "  - "+format+"\n", args...) }
	line("the two tools: erase the person there; a later event from them creates a new customer here")
	if len(f.Syncs) > 0 {
		line("other syncs that know the same id: trueup forget %s", strings.Join(f.Syncs, ", "))
	}
	if len(f.Others) > 0 {
		line("other customers of this sync with the same address: %s", strings.Join(f.Others, ", "))
	}
	if f.Told > 0 {
		line("Slack: %s that named the customer will be updated by trueup run, where Slack allows it; reminders, digests and incoming webhooks stay as sent", status.Plural(f.Told, "message"))
	} else {
		line("Slack: messages that were sent and cannot be updated")
	}
	line("logs, and backups of the database")
	switch {
	case engine == "postgres":
		line("dead rows in PostgreSQL: run vacuum, and remember its write-ahead log and replicas")
	case f.LogLeft:
		line("SQLite's write-ahead log, which a running trueup is using: restart it, or wait until it starts that log again")
		fallthrough
	default:
		line("older free pages of the SQLite file: run vacuum on it while trueup is stopped")
	}
}
