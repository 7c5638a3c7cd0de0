package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// named turns what --only names into the source's ids: of a row's customer, of its
// record, or an email address that is known. Whoever is not found stays as named.
func named(ctx context.Context, db *store.DB, plan store.Sweep, words map[string]bool) (map[string]bool, error) {
	ids := map[string]bool{}
	byRecord := map[string]string{}
	for r, err := range db.EachPlanRow(ctx, plan.ID) {
		switch {
		case err != nil:
			return nil, err
		case words[r.Customer]:
			ids[r.Customer] = true
		case r.TargetID != "" && words[r.TargetID]:
			byRecord[r.TargetID] = r.Customer
		}
	}
	for word := range words {
		if ids[word] {
			continue
		}
		found, err := db.Customers(ctx, plan.Sync, word)
		if err != nil {
			return nil, err
		}
		var who []string
		if c, ok := byRecord[word]; ok {
			who = append(who, c)
		}
		for _, c := range found {
			if !slices.Contains(who, c.Customer) {
				who = append(who, c.Customer)
			}
		}
		switch len(who) {
		case 0:
			ids[word] = true // it has no row, and the answer says so
		case 1:
			ids[who[0]] = true
		default:
			return nil, ambiguous(plan.Sync, word, who)
		}
	}
	return ids, nil
}

// ambiguous refuses a name that several customers have.
func ambiguous(sync, word string, ids []string) error {
	slices.Sort(ids)
	return usage("choose one by id: "+strings.Join(ids, ", "), "%d customers of %s match %s; nothing was written", len(ids), sync, word)
}

// trial is a write to a few customers of a sync that only watches, and how both tools
// had them before.
type trial struct {
	rows   []store.PlanRow
	before []app.Both
}

// newTrial reads both tools before the write. It refuses more customers than a person
// checks one by one.
func newTrial(cmd *cobra.Command, cfg *config.Config, db *store.DB, rows compare.Selection) (*trial, error) {
	t := &trial{}
	for r, err := range db.EachPlanRow(cmd.Context(), rows.Plan.ID) {
		if err != nil {
			return nil, err
		}
		if rows.Includes(r) {
			t.rows = append(t.rows, r)
		}
	}
	if len(t.rows) > compare.MostTried {
		return nil, &failure{err: fmt.Errorf("%s is in mode: watch, where --only writes at most %d customers; it names %d, and nothing was written", rows.Plan.Sync, compare.MostTried, len(t.rows)),
			hint: "name fewer, or go live: set mode: live in " + cfg.Path, code: exitFailed}
	}
	var err error
	t.before, err = app.LookAtBoth(cmd.Context(), cfg, db, rows.Plan.Sync, t.rows)
	return t, err
}

// after reads both tools again.
func (t *trial) after(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync string) ([]contract.Tried, error) {
	after, err := app.LookAtBoth(context.WithoutCancel(cmd.Context()), cfg, db, sync, t.rows)
	if err != nil {
		return nil, err
	}
	all := make([]contract.Tried, len(after))
	for i, b := range t.before {
		all[i] = contract.Tried{Customer: b.Customer, TargetID: b.TargetID, Source: triedSide(b.Source, after[i].Source), Target: triedSide(b.Target, after[i].Target)}
	}
	return all, nil
}

func triedSide(before, after app.Side) contract.TriedSide {
	s := contract.TriedSide{Connection: before.Connection, Error: after.Error}
	if before.Error == "" {
		s.Before = &before.Value
	}
	if after.Error == "" {
		s.After = &after.Value
	}
	return s
}

// printTried shows what both tools had before and have now.
func printTried(out io.Writer, all []contract.Tried) error {
	t := newGrid(out, "CUSTOMER\tTOOL\tBEFORE\tAFTER")
	shown := func(value *string) string {
		if value == nil {
			return "could not be read"
		}
		return cell(*value)
	}
	for _, c := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", cell(c.Customer), c.Source.Connection, shown(c.Source.Before), shown(c.Source.After))
		fmt.Fprintf(t, "\t%s\t%s\t%s\n", c.Target.Connection, shown(c.Target.Before), shown(c.Target.After))
	}
	return t.Flush()
}

// wasEmpty reports whether the target's field was seen to be empty before: trueup undo does not
// empty it.
func wasEmpty(c contract.Tried) bool { return c.Target.Before != nil && *c.Target.Before == "" }

// printAfterTrial says what to do next.
func printAfterTrial(cmd *cobra.Command, cfg *config.Config, plan store.Sweep, all []contract.Tried, applied int) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s is still in mode: watch; no one else is written\n", plan.Sync)
	if applied == 0 {
		return
	}
	who, customer := "them", "CUSTOMER"
	if len(all) == 1 {
		who, customer = cell(all[0].Customer), cell(all[0].Customer)
	}
	fmt.Fprintf(out, "check %s in %s", who, all[0].Target.Connection)
	if slices.ContainsFunc(all, wasEmpty) {
		fmt.Fprintf(out, "; where the field was empty, empty it there to put that back")
	}
	if !slices.ContainsFunc(all, func(c contract.Tried) bool { return !wasEmpty(c) }) {
		fmt.Fprintln(out)
	} else {
		fmt.Fprintf(out, "; to put a value back: %s\n", commandLine(cmd, "trueup undo "+plan.Sync+" "+customer))
	}
	fmt.Fprintf(out, "if it is right, set mode: live in %s, then: %s\n", cfg.Path, applyCommandLine(cmd, plan))
}
