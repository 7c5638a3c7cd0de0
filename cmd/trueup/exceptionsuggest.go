package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/suggest"
)

func exceptionsSuggestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suggest",
		Short: "Find records that may belong to unmatched customers",
		Long: `Find records that may belong to unmatched customers: at most five for each, by how
similar the name, the part of the email address before the @, and the phone number
are. The target's list is read once for all of them. Nothing is linked: a person
chooses with trueup exceptions link. A running trueup run does this automatically
every hour.`,
		Example: "  trueup exceptions suggest --sync customer-status",
		Args:    cobra.NoArgs,
		RunE:    withStore(suggestCandidates),
	}
	syncFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func suggestCandidates(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
	chosen, err := syncOf(cmd, cfg)
	if err != nil {
		return err
	}
	all := map[string]suggest.Result{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		if chosen != "" && name != chosen {
			continue
		}
		m := newMeter(cmd)
		r, err := app.Suggest(cmd.Context(), cfg, db, name, func(records int) {
			m.say("%s of %s", status.Plural(records, "record"), cfg.Syncs[name].Target.Connection)
		})
		m.end()
		if err != nil {
			return err
		}
		all[name] = r
		if !wantsJSON(cmd) && r.Customers == 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: nobody to search for: no customer is unmatched, or each was searched for within the last hour\n", name)
		} else if !wantsJSON(cmd) {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: found candidates for %d of %s, among %s", name, r.Found, status.Plural(r.Customers, "unmatched customer"), status.Plural(r.Records, "record"))
			if r.PassedBy > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "; %d could not be read from the source", r.PassedBy)
			}
			fmt.Fprintln(cmd.OutOrStdout())
			if r.SetAside != nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s; the record may be among them\n", name, cell(r.SetAside.Text(cfg.Syncs[name].Target.Connection)))
			}
		}
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), all)
	}
	return nil
}

func exceptionsCompareCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare " + which,
		Short: "Show a customer, its record and its candidates side by side",
		Long: `Show a customer, the record it is linked to, and its candidates side by side, as the
tools hold them now, with how like each field is. This reads the tools and prints
personal data, and stores none of it. A tool that does not answer within seconds is
left out.`,
		Example: "  trueup exceptions compare 3",
		Args:    cobra.RangeArgs(1, 2),
		RunE:    withStore(compareCandidates),
	}
	jsonFlag(cmd)
	return cmd
}

func compareCandidates(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	id, err := whichException(cmd, cfg, db, args, true)
	if err != nil {
		return err
	}
	x, err := db.Exception(cmd.Context(), id)
	if err != nil {
		return err
	}
	c, err := app.Compare(cmd.Context(), cfg, db, x)
	if err != nil {
		return refused(err)
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), c)
	}
	return printComparison(cmd.OutOrStdout(), c)
}

// likenessSigns say likeness without a color.
var likenessSigns = map[identity.Likeness]string{identity.Same: "= ", identity.Close: "≈ ", identity.Different: "≠ "}

// printComparison is a table with a column for each record and a row for each field:
// = is the same as the customer's, ≈ is close, ≠ is different.
func printComparison(out io.Writer, c contract.Comparison) error {
	columns := append([]contract.ComparedRecord{c.Customer}, c.Candidates...)
	t := newGrid(out, "")
	row := func(name string, cell func(contract.ComparedRecord) string) {
		if !slices.ContainsFunc(columns, func(r contract.ComparedRecord) bool { return cell(r) != "" }) {
			return
		}
		fmt.Fprint(t, name)
		for _, r := range columns {
			fmt.Fprintf(t, "\t%s", orDash(cell(r)))
		}
		fmt.Fprintln(t)
	}
	row("", func(r contract.ComparedRecord) string { return r.Connection })
	row("linked", func(r contract.ComparedRecord) string { return map[bool]string{true: "yes"}[r.Linked] })
	row("linked to", func(r contract.ComparedRecord) string { return r.LinkedTo })
	row("id", func(r contract.ComparedRecord) string { return r.ID })
	row("status", func(r contract.ComparedRecord) string { return r.Value })
	for i, f := range c.Customer.Fields {
		row(f.Field, func(r contract.ComparedRecord) string {
			cell := r.Fields[i]
			if cell.Value == "" && cell.Likeness == identity.Different {
				return "≠ -"
			}
			return likenessSigns[cell.Likeness] + cell.Value
		})
	}
	row("confidence", func(r contract.ComparedRecord) string {
		if r.Confidence == 0 {
			return ""
		}
		return fmt.Sprintf("%.0f%%", r.Confidence*100)
	})
	row("not read", func(r contract.ComparedRecord) string { return r.Error })
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "\n= the same as the customer's, ≈ close, ≠ different")
	return err
}

// sideBySide is a table with a column for each record and a row for each key.
func sideBySide(out io.Writer, source app.Side, candidates []app.Side) error {
	columns := append([]app.Side{source}, candidates...)
	names := map[string]bool{}
	for _, c := range columns {
		for key := range c.Keys {
			names[key] = true
		}
	}
	t := newGrid(out, "")
	row := func(name string, cell func(app.Side) string) {
		if !slices.ContainsFunc(columns, func(c app.Side) bool { return cell(c) != "" }) {
			return
		}
		fmt.Fprint(t, name)
		for _, c := range columns {
			fmt.Fprintf(t, "\t%s", orDash(cell(c)))
		}
		fmt.Fprintln(t)
	}
	row("", func(s app.Side) string { return s.Connection })
	row("linked", func(s app.Side) string { return map[bool]string{true: "yes"}[s.Linked] })
	row("id", func(s app.Side) string { return s.ID })
	row("status", func(s app.Side) string { return s.Value })
	for _, key := range slices.Sorted(maps.Keys(names)) {
		row(key, func(s app.Side) string { return s.Keys[key] })
	}
	row("confidence", func(s app.Side) string {
		if s.Confidence == 0 {
			return ""
		}
		return fmt.Sprintf("%g", s.Confidence)
	})
	row("not read", func(s app.Side) string { return s.Error })
	return t.Flush()
}
