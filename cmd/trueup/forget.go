package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/status"
	"trueup/internal/store"
)

func forgetCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "forget SYNC CUSTOMER",
		Short: "Erase a person's data in a sync",
		Long: `Erase a person's data in a sync: the payloads of its events, its e-mail address,
its link, and its ids wherever they stand, for which a pseudonym comes. How many
events and decisions there were, when, and how they ended, stays. CUSTOMER is the
source's id, the target's id, or the e-mail address. It says first what it would
erase, and asks. When it was cut off, run it again; with a name that belongs to
no customer any more it erases what still mentions it.

It cannot reach the two tools themselves, other syncs, messages that were already
sent and cannot be changed, logs, backups, and copies in free pages of the
database; it says so when it is done. A customer whose event comes later, or whom a
poll finds changed since, is a new customer.`,
		Example: `  trueup forget customer-status cus_123
  trueup forget customer-status jane@example.com --yes --json`,
		Args: cobra.ExactArgs(2),
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			if err := knownSync(cfg, args[0]); err != nil {
				return err
			}
			return forget(cmd, db, args[0], strings.TrimSpace(args[1]), yes)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	jsonFlag(cmd)
	return cmd
}

func forget(cmd *cobra.Command, db *store.DB, sync, named string, yes bool) error {
	if named == "" || store.IsForgotten(named) {
		return usage("name the source's id, the target's id or the e-mail address", "%q names nobody who could be forgotten", named)
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
		return usage("name one by its id, one after the other: "+strings.Join(ids, ", "), "%d customers of %s have it", len(found), sync)
	}
	plan, err := db.ForgetPlan(cmd.Context(), sync, customer, named)
	if err != nil {
		return err
	}
	if customer == "" && len(plan.Rows) == 0 {
		return &failure{err: fmt.Errorf("%s knows no customer with this id or address, and nothing mentions it", sync),
			hint: "trueup events list --sync " + sync + " shows who came", code: exitFailed}
	}
	if !yes {
		if err := printForgotten(cmd, sync, plan, false); err != nil {
			return err
		}
		agreed, asked := false, false
		if !wantsJSON(cmd) {
			agreed, asked = ask(cmd, "Erase this for good?")
		}
		if !agreed {
			if !asked {
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing was erased; add --yes to do it")
			}
			return errPerson
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
		fmt.Fprintf(out, "erased; the customer is %s from now on\n", f.Pseudonym)
	case done:
		fmt.Fprintf(out, "erased; %s stands in its place\n", f.Pseudonym)
	case f.Customer == "":
		fmt.Fprintf(out, "nobody of this name is a customer of %s any more; rows that mention it:\n", sync)
	default:
		fmt.Fprintf(out, "customer %s of %s would be forgotten; rows that are changed or deleted:\n", f.Customer, sync)
	}
	if done {
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(t, "  %s\t%d\n", table, rows[table])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if f.Waiting > 0 {
		fmt.Fprintf(out, "  %s was not carried yet, and will not be\n", status.Plural(f.Waiting, "event"))
	}
	if len(f.Others) > 0 {
		fmt.Fprintf(out, "  the same address belongs to %s, and stays there: forget them as well\n", strings.Join(f.Others, ", "))
	}
	return nil
}

// cannotReach says what is left elsewhere.
func cannotReach(out io.Writer, engine string, f store.Forgotten) {
	fmt.Fprintln(out, "what this cannot reach:")
	line := func(format string, args ...any) { fmt.Fprintf(out, "  - "+format+"\n", args...) }
	line("the two tools: erase the person there; an event that they send later makes a new customer here")
	if len(f.Syncs) > 0 {
		line("other syncs that know the same id: trueup forget %s", strings.Join(f.Syncs, ", "))
	}
	if len(f.Others) > 0 {
		line("other customers of this sync with the same address: %s", strings.Join(f.Others, ", "))
	}
	if f.Told > 0 {
		line("Slack: %s that named the customer will be updated by trueup run, where Slack lets them be; reminders, digests and incoming webhooks stay as sent", status.Plural(f.Told, "message"))
	} else {
		line("Slack: messages that were sent and cannot be updated")
	}
	line("logs, and backups of the database")
	switch {
	case engine == "postgres":
		line("dead rows in PostgreSQL: run vacuum, and mind its write-ahead log and replicas")
	case f.LogLeft:
		line("SQLite's write-ahead log, which a running trueup held up: restart it, or wait until it begins that anew")
		fallthrough
	default:
		line("free pages of the SQLite file from before: run vacuum on it while trueup is stopped")
	}
}
