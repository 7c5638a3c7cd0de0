package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func explainCommand() *cobra.Command {
	history, live := 20, false
	cmd := &cobra.Command{
		Use:   "explain [SYNC] CUSTOMER",
		Short: "Show why a customer has its current status",
		Long: `Show why a customer has its current status: what the source wants, what the target
shows, what was last confirmed there, and each decision. CUSTOMER is the source's id,
the target's id, or the customer's email address. --live also reads the customer and
its record in both tools now, which prints personal data and stores none of it.`,
		Example: `  trueup explain customer-status cus_123
  trueup explain customer-status cus_123 --live
  trueup explain customer-status jane@example.com --json`,
		Args: withSync(2),
		RunE: withDatabase(onSync(2, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return explain(cmd, cfg, db, args[0], args[1], history, live)
		})),
	}
	cmd.Flags().IntVar(&history, "history", history, "show the latest `N` decisions")
	cmd.Flags().BoolVar(&live, "live", false, "also read the customer in both tools now")
	jsonFlag(cmd)
	return cmd
}

// explained is what trueup explain prints as JSON.
type explained struct {
	contract.Customer
	// Live is the customer in both tools now, with --live.
	Live *contract.Comparison `json:"live,omitempty"`
}

func explain(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync, named string, history int, live bool) error {
	c, err := theCustomer(cmd.Context(), db, sync, named)
	if err != nil {
		return err
	}
	if c == nil {
		return &failure{err: fmt.Errorf("no customer of %s has this id or address", sync),
			hint: "a customer is stored with their first event, or when a comparison finds something to do for them, and one who agrees is not; trueup events list --sync " + sync + " lists the events so far", code: exitFailed}
	}
	decisions, err := db.History(cmd.Context(), sync, c.Customer, history)
	if err != nil {
		return err
	}
	links, err := db.LinkHistory(cmd.Context(), sync, c.Customer, history)
	if err != nil {
		return err
	}
	row := explained{Customer: contract.CustomerOf(*c, decisions, links)}
	_, whole := cfg.Syncs[sync] // else the file has faults
	if live && !whole {
		return usage("trueup check says what is wrong in it", "--live needs a trueup.yaml without faults")
	}
	if live {
		now, err := app.Compare(cmd.Context(), cfg, db, exceptions.AboutCustomer(*c))
		if err != nil {
			return refused(err)
		}
		row.Live = &now
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), row)
	}
	waiting, err := db.Events(cmd.Context(), store.EventFilter{Sync: sync, Customer: c.Customer, Waiting: true, Limit: mostWaiting, Bare: true})
	if err != nil {
		return err
	}
	known := map[string]connector.Knowledge{}
	if whole {
		if known, _, err = app.Capabilities(cfg); err != nil {
			return err
		}
	}
	planned, err := lastPlanned(cmd.Context(), db, *c)
	if err != nil {
		return err
	}
	open, err := db.Exceptions(cmd.Context(), store.ExceptionFilter{Sync: sync, Customer: c.Customer, States: []status.State{status.Open, status.Acknowledged}})
	if err != nil {
		return err
	}
	if err := printCustomer(cmd, row.Customer, *c, planned, len(open) > 0, waiting, known[sync].FieldTime); err != nil || !whole {
		return err
	}
	if row.Live != nil {
		fmt.Fprintln(cmd.OutOrStdout(), "\nin both tools now:")
		if err := printComparison(cmd.OutOrStdout(), *row.Live); err != nil {
			return err
		}
	}
	for i, weak := range weaknesses(known[sync]) {
		if i == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "\n  what the target cannot report, and what that means:")
		}
		fmt.Fprintf(cmd.OutOrStdout(), "  %s %s\n", cfg.Syncs[sync].Target.Connection, weak)
	}
	return nil
}

// plannedRow is a customer's row of a plan, and when that was made.
type plannedRow struct {
	*store.PlanRow
	at time.Time
}

// lastPlanned is the customer's row of the latest plan, if the customer was not
// checked since: then the plan has the newer news.
func lastPlanned(ctx context.Context, db *store.DB, c store.Customer) (plannedRow, error) {
	plan, err := db.LatestPlan(ctx, c.Sync)
	if errors.Is(err, store.ErrNotFound) {
		return plannedRow{}, nil
	}
	if err != nil || !plan.EndedAt.After(c.SettledAt) {
		return plannedRow{}, err
	}
	row, err := db.PlanRowOf(ctx, plan.ID, c.Customer)
	return plannedRow{row, plan.EndedAt}, err
}

func (r plannedRow) String() string {
	found := ""
	if r.TargetID != "" {
		found = " found " + orEmpty(r.Before) + " in the target and"
	}
	if r.Action == string(decide.Write) {
		return "the latest plan" + found + " would write " + r.After + ": " + r.Reason.Sentence()
	}
	return "the latest plan" + found + " would write nothing: " + r.Reason.Sentence()
}

// theCustomer returns the customer that a person means by the source's id, the
// target's id or an email address; nil when there is none.
func theCustomer(ctx context.Context, db *store.DB, sync, named string) (*store.Customer, error) {
	found, err := db.Customers(ctx, sync, named)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, nil
	case len(found) == 1:
		return &found[0], nil
	}
	var ids []string
	for _, c := range found {
		ids = append(ids, c.Customer)
	}
	return nil, usage("choose one by id: "+strings.Join(ids, ", "), "%d customers of %s match", len(found), sync)
}

// mostWaiting is how many waiting events are counted.
const mostWaiting = 1000

// earliest is since when the source has been so: what is stored is the earliest
// time at which it can have changed.
func (c clock) earliest(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return c.when(t) + " or later"
}

// lastEdit is since when the target has been so: where the status has no time of
// its own, what is known is when the record was edited last.
func (k clock) lastEdit(c store.Customer, fieldTime bool) string {
	switch o := c.Observed; {
	case o.At.IsZero() && o.By == c.Base.By && o.Value == c.Base.Value && !c.Base.SeenAt.IsZero():
		return k.when(c.Base.SeenAt) + " (our write)"
	case o.At.IsZero() && o.SeenAt.IsZero():
		return "-"
	case o.At.IsZero():
		return k.by(o.SeenAt)
	case !fieldTime:
		return k.by(o.At)
	}
	return k.when(c.Observed.At)
}

func printCustomer(cmd *cobra.Command, r contract.Customer, c store.Customer, planned plannedRow, open bool, waiting []store.Event, fieldTime bool) error {
	out := cmd.OutOrStdout()
	at := clockOf(out)
	fmt.Fprintf(out, "customer %s of %s\n", status.Called(r.Customer, r.Name), r.Sync)
	if p := c.Pin; p != nil {
		fmt.Fprintf(out, "  pinned by %s %s%s: %s\n  events are stored, and nothing is written; to sync it again: trueup unpin %s %s\n",
			p.By, at.on(p.Since), untilEnd(at, p.Until), p.Reason, r.Sync, r.Customer)
	}
	if r.Link == nil {
		fmt.Fprintln(out, "  not linked to a record of the target")
	} else {
		fmt.Fprintf(out, "  linked to %s (by %s: %s, %.0f%% confidence)\n", r.Link.TargetID, r.Link.By, r.Link.Rule, r.Link.Confidence*100)
	}
	fmt.Fprintln(out)
	t := newGrid(out, "  \tSTATUS\tVALUE\tSINCE\tBY")
	fmt.Fprintf(t, "  source wants (desired)\t%s\t%s\t%s\t-\n", orDash(string(r.Desired.Status)), orDash(r.Desired.Value), at.earliest(c.Desired.At))
	fmt.Fprintf(t, "  target shows (observed)\t%s\t%s\t%s\t%s\n", orDash(string(r.Observed.Status)), orDash(c.Observed.Value), at.lastEdit(c, fieldTime), orDash(r.Observed.By))
	since := c.Base.At
	if since.IsZero() {
		since = c.Base.SeenAt
	}
	base := "last confirmed there"
	if !r.Verified {
		base = "accepted, not verified"
	}
	fmt.Fprintf(t, "  %s (base)\t%s\t%s\t%s\t%s\n", base, orDash(string(r.Base.Status)), orDash(r.Base.Value), at.when(since), orDash(c.Base.By))
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if len(waiting) > 0 { // the latest first
		fmt.Fprintf(out, "  waiting: %s (latest %s), not included in what follows\n", status.Plural(len(waiting), "event"), at.when(waiting[0].ReceivedAt))
	}
	if planned.PlanRow != nil {
		fmt.Fprintf(out, "  %s: %s\n", at.when(planned.at), planned)
		if planned.Kind != "" {
			printToDo(out, planned.Reason, true, r.Sync, r.Customer)
		}
	}
	switch {
	case r.Outcome != "":
		fmt.Fprintf(out, "  %s: %s: %s\n", at.when(c.SettledAt), r.Outcome, r.Reason)
		printToDo(out, c.Reason, open, r.Sync, r.Customer)
	default:
		fmt.Fprintln(out, "  no decision yet")
	}
	switch k := r.Ruling; {
	case k == nil:
	case k.Kind == store.RuledByUndo:
		fmt.Fprintf(out, "  %s undid the write of %s %s\n", k.By, orDash(c.Ruling.Desired), at.on(c.Ruling.At))
	default:
		side := "source"
		if k.Kind == store.RuledForTarget {
			side = "target"
		}
		fmt.Fprintf(out, "  %s chose the %s's value %s, when the target showed %s\n", k.By, side, at.on(c.Ruling.At), orDash(c.Ruling.Observed))
	}
	if !c.DueAt.IsZero() {
		fmt.Fprintf(out, "  next check %s\n", at.next(c.DueAt))
	}
	if len(r.LinkHistory) > 0 {
		fmt.Fprintln(out)
		t = newGrid(out, "  LINKED AT\tFROM\tTO\tBY\tWHY")
		for _, l := range r.LinkHistory {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", at.when(*l.At), orDash(l.OldTarget), orDash(l.NewTarget), l.Who, l.WhyText)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(r.History) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return tableOf(cmd, "  AT\tACTION\tOUTCOME\tDESIRED\tOBSERVED\tBASE\tREASON", r.History, func(h contract.Decision) string {
		return fmt.Sprintf("  %s\t%s\t%s\t%s\t%s\t%s\t%s", at.when(*h.At), h.Action, orDash(string(h.Outcome)), orDash(h.Desired), orDash(h.Observed), orDash(h.Base), h.Reason)
	})
}
