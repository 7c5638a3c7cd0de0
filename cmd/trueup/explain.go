package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/status"
	"trueup/internal/store"
)

// customerRow is a customer as it is printed; its fields are a public
// contract. A value that is not known yet is "", a time null.
type customerRow struct {
	Sync     string         `json:"sync"`
	Customer string         `json:"customer"`
	Desired  valueRow       `json:"desired"`
	Observed observedRow    `json:"observed"`
	Base     valueRow       `json:"base"`
	Link     *linkOfRow     `json:"link"`
	Outcome  status.Outcome `json:"outcome"`
	Reason   string         `json:"reason"`
	History  []historyRow   `json:"history"`
}

type valueRow struct {
	Status status.Status `json:"status"`
	Value  string        `json:"value"`
	At     *time.Time    `json:"at"`
}

type observedRow struct {
	valueRow
	By string `json:"by"`
}

type linkOfRow struct {
	TargetID   string  `json:"target_id"`
	Rule       string  `json:"rule"`
	Confidence float64 `json:"confidence"`
	By         string  `json:"by"`
}

type historyRow struct {
	At         *time.Time     `json:"at"`
	Action     string         `json:"action"`
	Reason     string         `json:"reason"`
	Row        int            `json:"row"`
	Stage      status.Stage   `json:"stage"`
	Outcome    status.Outcome `json:"outcome"`
	Kind       status.Kind    `json:"kind"`
	Desired    string         `json:"desired"`
	Observed   string         `json:"observed"`
	Base       string         `json:"base"`
	By         string         `json:"by"`
	Confidence float64        `json:"confidence"`
	Events     int            `json:"events"`
}

func explainCommand() *cobra.Command {
	history := 20
	cmd := &cobra.Command{
		Use:   "explain SYNC CUSTOMER",
		Short: "Say why a customer is as it is",
		Long: `Say why a customer is as it is: what the source wants, what the target holds,
what was last proved there, and each decision. CUSTOMER is the source's id, the
target's id, or the customer's e-mail address.`,
		Example: `  trueup explain customer-status cus_123
  trueup explain customer-status jane@example.com --json`,
		Args: cobra.ExactArgs(2),
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			if err := knownSync(cfg, args[0]); err != nil {
				return err
			}
			return explain(cmd, db, args[0], args[1], history)
		}),
	}
	cmd.Flags().IntVar(&history, "history", history, "the latest `N` decisions")
	jsonFlag(cmd)
	return cmd
}

func explain(cmd *cobra.Command, db *store.DB, sync, named string, history int) error {
	found, err := db.Customers(cmd.Context(), sync, named)
	if err != nil {
		return err
	}
	switch len(found) {
	case 0:
		return &failure{err: fmt.Errorf("%s knows no customer with this id or address", sync),
			hint: "it learns of customers by their first event; trueup events list --sync " + sync + " shows who came", code: exitFailed}
	case 1:
	default:
		var ids []string
		for _, c := range found {
			ids = append(ids, c.Customer)
		}
		return usage("name one by its id: "+strings.Join(ids, ", "), "%d customers of %s have it", len(found), sync)
	}
	decisions, err := db.History(cmd.Context(), sync, found[0].Customer, history)
	if err != nil {
		return err
	}
	row := rowOfCustomer(found[0], decisions)
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), row)
	}
	return row.print(cmd, found[0])
}

func rowOfCustomer(c store.Customer, decisions []store.Decision) customerRow {
	row := customerRow{Sync: c.Sync, Customer: c.Customer, Outcome: c.Outcome, Reason: c.Reason, History: []historyRow{},
		Desired:  valueRow{Status: c.Desired.Status, Value: c.Desired.Value, At: stamp(c.Desired.At)},
		Observed: observedRow{valueRow: valueRow{Status: c.Observed.Status, Value: c.Observed.Value, At: stamp(c.Observed.At)}, By: c.Observed.By},
		Base:     valueRow{Status: c.Base.Status, Value: c.Base.Value, At: stamp(c.Base.At)},
	}
	if row.Base.At == nil && c.Base.Known {
		// The target gave no time of its own for what was written.
		row.Base.At = stamp(c.Base.SeenAt)
	}
	if l := c.Link; l != nil {
		row.Link = &linkOfRow{TargetID: l.TargetID, Rule: l.Rule, Confidence: l.Confidence, By: l.By}
	}
	for _, d := range decisions {
		row.History = append(row.History, historyRow{At: stamp(d.At), Action: d.Action, Reason: d.Reason, Row: d.Row, Stage: d.Stage, Outcome: d.Outcome,
			Kind: d.Kind, Desired: d.Desired, Observed: d.Observed, Base: d.Base, By: d.By, Confidence: d.Confidence, Events: d.Events})
	}
	return row
}

func (r customerRow) print(cmd *cobra.Command, c store.Customer) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "customer %s of %s\n", r.Customer, r.Sync)
	if r.Link == nil {
		fmt.Fprintln(out, "  not linked to a record of the target")
	} else {
		fmt.Fprintf(out, "  linked to %s (by %s: %s, %g sure)\n", r.Link.TargetID, r.Link.By, r.Link.Rule, r.Link.Confidence)
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\n  \tSTATUS\tVALUE\tSINCE\tBY")
	fmt.Fprintf(t, "  desired (the source wants)\t%s\t%s\t%s\t-\n", orDash(string(r.Desired.Status)), orDash(r.Desired.Value), when(c.Desired.At))
	fmt.Fprintf(t, "  observed (the target holds)\t%s\t%s\t%s\t%s\n", orDash(string(r.Observed.Status)), orDash(r.Observed.Value), when(c.Observed.At), orDash(r.Observed.By))
	since := c.Base.At
	if since.IsZero() {
		since = c.Base.SeenAt
	}
	fmt.Fprintf(t, "  base (last proved there)\t%s\t%s\t%s\t%s\n", orDash(string(r.Base.Status)), orDash(r.Base.Value), when(since), orDash(c.Base.By))
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case r.Outcome != "":
		fmt.Fprintf(out, "\n  %s: %s\n", r.Outcome, r.Reason)
	default:
		fmt.Fprintln(out, "\n  nothing was decided yet")
	}
	if !c.DueAt.IsZero() {
		fmt.Fprintf(out, "  looked at again at %s\n", when(c.DueAt))
	}
	if len(r.History) == 0 {
		return nil
	}
	t = tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\n  AT\tACTION\tOUTCOME\tDESIRED\tOBSERVED\tBASE\tREASON")
	for _, h := range r.History {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", when(*h.At), h.Action, orDash(string(h.Outcome)), orDash(h.Desired), orDash(h.Observed), orDash(h.Base), h.Reason)
	}
	return t.Flush()
}
