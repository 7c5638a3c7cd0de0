package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/report"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// shortTable is how many rows a terminal is shown unless all are asked for.
const shortTable = 50

// printPlan prints a plan as people read it: the rows, what it came to, and what
// to do next.
func printPlan(cmd *cobra.Command, cfg *config.Config, db *store.DB, plan store.Sweep, all bool) error {
	counts, err := db.CountPlanRows(cmd.Context(), plan.ID)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	most := 0
	if isTerminal(out) && !all {
		most = shortTable
	}
	more, err := printRows(out, db.EachPlanRow(cmd.Context(), plan.ID), most)
	if err != nil {
		return err
	}
	if more {
		total := 0
		for _, c := range counts {
			total += c.N
		}
		fmt.Fprintf(out, "… and %d more: use --all to print them, --csv or --out FILE to save them\n", total-most)
	}
	printSummary(out, cfg.Syncs[plan.Sync], plan)
	if err := printCoverage(cmd.Context(), out, cfg, db, plan); err != nil {
		return err
	}
	unfit := compare.Applicable(cmd.Context(), db, cfg.Syncs[plan.Sync], plan)
	switch {
	case errors.Is(unfit, compare.ErrSuperseded), errors.Is(unfit, compare.ErrOtherRules):
		fmt.Fprintf(out, "\nplan %s\nThis plan cannot be applied: %v; %s\n", plan.Hash, unfit, hintNotApplicable(unfit, plan, cfg.Path))
		return nil
	case unfit != nil && !errors.Is(unfit, compare.ErrWatching):
		return unfit
	}
	printNext(cmd, cfg, plan, counts)
	return nil
}

// printRows prints rows as a table, most of them at most unless that is 0, and
// reports whether there are more.
func printRows(out io.Writer, rows iter.Seq2[store.PlanRow, error], most int) (more bool, err error) {
	t := newGrid(out, "CUSTOMER\tRECORD\tBEFORE → AFTER\tACTION\tREASON")
	n := 0
	for r, err := range rows {
		if err != nil {
			return false, err
		}
		if more = most > 0 && n == most; more {
			break
		}
		n++
		if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", cell(status.Called(r.Customer, r.Name)), cell(r.TargetID), differs(r), r.Action, cell(r.Reason.Sentence())); err != nil {
			return false, err
		}
	}
	return more, t.Flush()
}

// differs is what a row is about: only one that is written changes the target.
func differs(r store.PlanRow) string {
	switch {
	case r.Action == string(decide.Write) || r.State == store.RowApplied:
		return move(r)
	case r.After == "":
		return cell(r.Before)
	}
	return cell(r.Before) + " ≠ " + cell(r.After)
}

func move(r store.PlanRow) string { return cell(r.Before) + " → " + cell(r.After) }

// cell is a tool's text in a table: on one line, and nothing that a terminal
// would obey.
func cell(text string) string {
	clean := []rune(orDash(text))
	for i, r := range clean {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			clean[i] = '\uFFFD'
		}
	}
	return string(clean)
}

func printSummary(out io.Writer, s config.Sync, plan store.Sweep) {
	m, source, target := plan.Summary, s.Source.Connection, s.Target.Connection
	fmt.Fprintf(out, "\n%s: %s → %s, compared %s\n", plan.Sync, source, target, clockOf(out).on(plan.EndedAt))
	t := newGrid(out, "")
	fmt.Fprintf(t, "  agreement\t%s: %d of %d synced customers\n", report.Percent(m.Agreement()), m.Agree, m.Carried())
	for _, line := range []struct {
		n    int
		what string
	}{
		{m.Write, "would be written"}, {m.Held, "held: a person's newer edit is kept, or the change waits for its time"},
		{m.UnmatchedSource, "of " + source + " without a record in " + target}, {m.Ambiguous, "match several records"},
		{m.Unmapped, "have a value without a meaning"}, {m.Other, "need a person for other reasons"},
		{m.NotCarried, "not synced: ignored, or without a status"}, {m.UnmatchedTarget, "records of " + target + " without a customer"},
	} {
		fmt.Fprintf(t, "  %s\t%d\n", line.what, line.n)
	}
	t.Flush() // the writer below tells its errors
	for _, text := range contract.SetAsideOf(plan).Texts(source, target) {
		fmt.Fprintf(out, "  %s\n", cell(text))
	}
}

// printNext says what the plan is called and how it is applied.
func printNext(cmd *cobra.Command, cfg *config.Config, plan store.Sweep, counts []store.RowCount) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "\nplan %s\n", plan.Hash)
	writes, first, people := 0, 0, 0
	for _, c := range counts {
		if c.Kind != "" && c.State != store.RowApplied {
			people += c.N
		}
		switch {
		case c.Action == string(decide.Write) && c.State != store.RowApplied:
			writes += c.N
		case c.Kind == status.FirstContact && c.State != store.RowApplied:
			first += c.N
		}
	}
	if people > 0 {
		needs := "need a person, and trueup run opens their exceptions"
		if people == 1 {
			needs = "needs a person, and trueup run opens the exception"
		}
		fmt.Fprintf(out, "%s %s: trueup exceptions show %s CUSTOMER shows what you can do\n", status.Plural(people, "customer"), needs, plan.Sync)
	}
	command := applyCommandLine(cmd, plan)
	switch {
	case writes == 0 && first == 0:
		fmt.Fprintln(out, "nothing to write")
		return
	case cfg.Syncs[plan.Sync].Watches():
		fmt.Fprintf(out, "%s is in mode: watch; to try one customer: %s --only CUSTOMER\nto write them all, set mode: live in %s first, then: %s\n", plan.Sync, command, cfg.Path, command)
	case writes > 0:
		fmt.Fprintf(out, "to write the %s: %s\n", status.Plural(writes, "customer"), command)
	}
	if first > 0 {
		fmt.Fprintf(out, "%s a value that Trueup did not write; to overwrite it too: %s --approve-first-contact\n", recordsHold(first), command)
	}
}

func recordsHold(n int) string {
	if n == 1 {
		return "1 record holds"
	}
	return fmt.Sprintf("%d records hold", n)
}

// applyCommandLine is the command that applies a plan.
func applyCommandLine(cmd *cobra.Command, plan store.Sweep) string {
	return commandLine(cmd, "trueup apply "+plan.Sync+" --plan "+shortHash(plan.Hash))
}

// commandLine is a command with the file that this one was given.
func commandLine(cmd *cobra.Command, line string) string {
	if f := cmd.Flags().Lookup("config"); f != nil && f.Changed {
		line += " -c " + f.Value.String()
	}
	return line
}

func shortHash(hash string) string { return hash[:min(len(hash), 12)] }

// streamJSON prints an object whose last field is an array that is written as it
// is read.
func streamJSON[R, T any](w io.Writer, head any, name string, rows iter.Seq2[R, error], convert func(R) T) error {
	var text bytes.Buffer
	if err := printJSON(&text, head); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s,\n  %q: [", bytes.TrimSuffix(text.Bytes(), []byte("\n}\n")), name)
	between, end := "\n    ", "]\n}\n"
	for r, err := range rows {
		if err != nil {
			return err
		}
		row, err := rowJSON(convert(r))
		if err != nil {
			return err
		}
		out.WriteString(between)
		out.Write(row)
		between, end = ",\n    ", "\n  ]\n}\n"
	}
	out.WriteString(end)
	return out.Flush()
}

// rowJSON is a value in JSON as it stands within an array of printJSON.
func rowJSON(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("    ", "  ")
	err := e.Encode(v)
	return bytes.TrimSpace(text.Bytes()), err
}

// writableAt refuses a page that could not be written before anything is read for
// it; "" is none.
func writableAt(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("create it with mkdir -p "+dir+", or name another file", "--out %s: the folder %s does not exist", path, dir)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usage("give a file in it, such as "+filepath.Join(path, "plan.html"), "--out %s is a folder", path)
	}
	return nil
}

// writePlanPage writes the page of a plan to a file, as a whole or not at all.
func writePlanPage(path string, s config.Sync, plan store.Sweep, rows iter.Seq2[store.PlanRow, error]) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".trueup-*.html") // for its owner alone: it names customers
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	defer os.Remove(f.Name()) // it is gone once it has its name
	out := bufio.NewWriter(f)
	err = report.WritePlan(out, plan, s.Source.Connection, s.Target.Connection, rows)
	if err = errors.Join(err, out.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// printPlanJSON prints a plan as other programs read it.
func printPlanJSON(w io.Writer, plan store.Sweep, rows iter.Seq2[store.PlanRow, error]) error {
	return streamJSON(w, contract.PlanOf(plan), "rows", rows, contract.PlanRowOf)
}
