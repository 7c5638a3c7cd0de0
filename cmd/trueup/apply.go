package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// applyFlags are the flags of trueup apply.
type applyFlags struct {
	plan                string
	only                []string
	limit               int
	approveFirst, agree bool
	lease               time.Duration
}

func applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [SYNC] --plan HASH",
		Short: "Apply a plan: write its rows, and nothing else",
		Long: `Apply a plan: write its rows, and nothing else. For each row, both sides are read
again, and the target is written only if the decision is still the same, for the
same record, over the same value. If anything changed after the plan was made, the
row is refused and its customer is left as it was. Rows that are held or need a
person are skipped. --approve-first-contact also overwrites values that Trueup did
not write, exactly those that the plan shows.

A sync in mode: watch writes only the customers that --only names, 10 at most: try one,
and see its value before and after in both tools. trueup undo puts the value back; a
field that was empty you empty in the target yourself.

You can apply a plan while trueup run is running. After an interrupt, the rows in
progress finish; run the same command again to continue. Exit 3: some rows were
refused or failed.`,
		Example: `  trueup apply customer-status --plan 1f3a2b4c5d6e
  trueup apply customer-status --plan 1f3a2b4c5d6e --only cus_123 --yes
  trueup apply customer-status --plan 1f3a2b4c5d6e --limit 20
  trueup apply customer-status --plan 1f3a2b4c5d6e --only @ids.txt --json --yes`,
		Args: withSync(1),
		RunE: withStore(onSync(1, f.run)),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.plan, "plan", "", "the plan's `HASH`, or at least its first 8 characters")
	flags.StringArrayVar(&f.only, "only", nil, "only this `CUSTOMER`, by id or email; can be repeated; @FILE or - reads one per line")
	flags.IntVar(&f.limit, "limit", 0, "try at most `N` rows (0 means all)")
	flags.BoolVar(&f.approveFirst, "approve-first-contact", false, "also overwrite values that Trueup did not write, as the plan shows them")
	asFlag(cmd)
	flags.BoolVar(&f.agree, "yes", false, "do not ask for confirmation")
	flags.DurationVar(&f.lease, "lease", 0, "how long this process may work on a customer it has claimed")
	// A test that kills the process would wait a minute for the old lease.
	if err := flags.MarkHidden("lease"); err != nil {
		panic(err)
	}
	jsonFlag(cmd)
	return cmd
}

func (f *applyFlags) run(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	if f.plan == "" {
		return usage("trueup plan "+args[0]+" makes a plan and prints its hash", "--plan is missing")
	}
	if f.plan == "latest" {
		return usage("trueup plan "+args[0]+" --show latest prints the latest plan with its hash", "--plan needs a hash: the latest plan may be one that no one has read")
	}
	rows, asked, err := f.selection(cmd, cfg, db, args[0])
	if err != nil {
		return err
	}
	began, err := db.Now(cmd.Context())
	if err != nil {
		return err
	}
	todo, err := compare.Preview(cmd.Context(), db, rows, asked)
	if err != nil {
		return err
	}
	if len(todo.Missing) > 0 {
		return notInPlan(cmd.Context(), db, rows.Plan, todo.Missing)
	}
	var tried *trial
	if rows.Trial {
		if tried, err = newTrial(cmd, cfg, db, rows); err != nil {
			return err
		}
	}
	if f.limit > 0 {
		todo.Rows = min(todo.Rows, f.limit)
	}
	printHalted(cmd, todo.Halted, args[0], "these rows will still be written and do not count toward the limit")
	if todo.Rows > 0 && !f.agree {
		if yes, err := f.agreed(cmd, cfg.Syncs[args[0]], rows.Plan, todo); err != nil || !yes {
			return err
		}
	}
	beside := func() {
		fmt.Fprintln(cmd.ErrOrStderr(), "another trueup apply of this plan is running (or was just killed); both continue, each row is written by only one of them, and rows that the other has written count as applied before")
	}
	m := newMeter(cmd)
	total, err := app.Apply(cmd.Context(), cfg, db, app.ApplyRequest{Rows: rows, Limit: f.limit, Lease: f.lease, Beside: beside,
		Began: began, Progress: applyProgress(m, todo.Rows)})
	m.end()
	if told := f.tell(cmd, cfg, db, rows, tried, total); told != nil {
		return told
	}
	again := "run the same command again to continue"
	switch {
	case err != nil:
		return &failure{err: fmt.Errorf("apply plan %s of %s: %w", shortHash(rows.Plan.Hash), args[0], err), hint: again, code: exitFailed}
	case cmd.Context().Err() != nil:
		return &failure{err: errors.New("stopped"), hint: again, code: exitFailed}
	case total.Refused+total.Failed > 0:
		return errPerson
	}
	return nil
}

// applyProgress tells how far an application is, and how long the rest may take.
func applyProgress(m *meter, all int) func(compare.ApplyResult) {
	var p pace
	return func(t compare.ApplyResult) {
		done := t.Applied + t.Before + t.Refused + t.Failed
		m.say("%d of %d rows: %d applied, %d refused, %d failed%s", done, all, t.Applied, t.Refused, t.Failed, p.left(done, all, m.now()))
	}
}

// printHalted tells a person that mass_change has halted a sync, and what that
// means here.
func printHalted(cmd *cobra.Command, h store.Halted, sync, means string) {
	if !h.Since.IsZero() {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s has been halted by mass_change %s: %s\n", sync, clockOf(cmd.OutOrStdout()).since(h.Since), means)
	}
}

// selection checks what must hold before the first row, and returns which rows to
// apply and the customers that --only names.
func (f *applyFlags) selection(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync string) (rows compare.Selection, asked map[string]bool, err error) {
	if f.limit < 0 {
		return rows, nil, usage("0 means all rows", "--limit must be 0 or more, not %d", f.limit)
	}
	if f.lease != 0 && f.lease < time.Second {
		return rows, nil, usage("use 1s or more", "--lease %s is too short for a call", f.lease)
	}
	if rows.Plan, err = planNamed(cmd.Context(), db, sync, f.plan); err != nil {
		return rows, nil, err
	}
	err = compare.Applicable(cmd.Context(), db, cfg.Syncs[sync], rows.Plan)
	rows.Trial = errors.Is(err, compare.ErrWatching) && len(f.only) > 0
	if err != nil && !rows.Trial {
		return rows, nil, &failure{
			err:  fmt.Errorf("plan %s of %s cannot be applied: %w", shortHash(rows.Plan.Hash), sync, err),
			hint: hintNotApplicable(err, rows.Plan, cfg.Path), code: exitFailed,
		}
	}
	if _, err := kept(cmd.Context(), db, rows.Plan); err != nil {
		return rows, nil, err
	}
	if f.approveFirst {
		if rows.Approved, err = whoIs(cmd); err != nil {
			return rows, nil, err
		}
	}
	if len(f.only) == 0 {
		return rows, nil, nil
	}
	words, err := f.chosen(cmd)
	if err == nil {
		asked, err = named(cmd.Context(), db, rows.Plan, words)
	}
	rows.Chosen = func(customer string) bool { return asked[customer] }
	return rows, asked, err
}

func hintNotApplicable(err error, plan store.Sweep, path string) string {
	sync := plan.Sync
	switch {
	case errors.Is(err, compare.ErrWatching):
		return "try one customer first: trueup apply " + sync + " --plan " + shortHash(plan.Hash) + " --only CUSTOMER; to write all rows, set mode: live for " + sync + " in " + path +
			"; from then on, new changes are synced, and earlier ones only through the plan"
	case errors.Is(err, compare.ErrSuperseded):
		return "apply the newer plan, or make a new one with trueup plan " + sync + "; trueup plan " + sync + " --show latest prints the newer plan"
	}
	return "make a new plan with trueup plan " + sync
}

// chosen reads the ids of --only.
func (f *applyFlags) chosen(cmd *cobra.Command) (map[string]bool, error) {
	chosen := map[string]bool{}
	for _, word := range f.only {
		var in io.Reader
		switch name, isFile := strings.CutPrefix(word, "@"); {
		case word == "-":
			in = cmd.InOrStdin()
		case isFile:
			file, err := os.Open(name) // #nosec G304 -- the file that the person who runs this names
			if err != nil {
				return nil, err
			}
			defer file.Close()
			in = file
		default:
			chosen[word] = true
			continue
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			if id := strings.TrimSpace(lines.Text()); id != "" {
				chosen[id] = true
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read the customers of --only: %w", err)
		}
	}
	return chosen, nil
}

// notInPlan refuses customers whom the plan does not write.
func notInPlan(ctx context.Context, db *store.DB, plan store.Sweep, missing []string) error {
	hint := "trueup plan " + plan.Sync + " --show " + shortHash(plan.Hash) + " --all prints its rows"
	first := ""
	var told []string
	for _, customer := range missing[:min(len(missing), 5)] {
		row, err := db.PlanRowOf(ctx, plan.ID, customer)
		if err != nil {
			return err
		}
		if row != nil && row.Kind == status.FirstContact {
			first = "add --approve-first-contact to overwrite a value that Trueup did not write; "
		}
		told = append(told, fmt.Sprintf("%s (%s)", customer, compare.WhyNot(row)))
	}
	if n := len(missing) - len(told); n > 0 {
		told = append(told, fmt.Sprintf("and %d more", n))
	}
	return usage(first+hint, "the plan writes nothing for %s", strings.Join(told, ", "))
}

// movesShown is how many kinds of move a question names by themselves.
const movesShown = 20

// agreed shows what is about to be written and asks for confirmation.
func (f *applyFlags) agreed(cmd *cobra.Command, s config.Sync, plan store.Sweep, todo compare.ToDo) (bool, error) {
	out := cmd.ErrOrStderr()
	fmt.Fprintf(out, "plan %s of %s, made %s: write %s in %s\n", shortHash(plan.Hash), s.Name, clockOf(cmd.OutOrStdout()).on(plan.EndedAt),
		status.Plural(todo.Rows, "customer"), s.Target.Connection)
	moves := slices.SortedFunc(maps.Keys(todo.Moves), func(x, y compare.Move) int {
		return cmp.Or(cmp.Compare(todo.Moves[y], todo.Moves[x]), cmp.Compare(x.Before, y.Before), cmp.Compare(x.After, y.After))
	})
	t := newGrid(out, "")
	for i, m := range moves {
		if i == movesShown {
			fmt.Fprintf(t, "  …\t%d other kinds of change\n", len(moves)-i)
			break
		}
		fmt.Fprintf(t, "  %d\t%s → %s\n", todo.Moves[m], cell(m.Before), cell(m.After))
	}
	if f.limit > 0 && f.limit == todo.Rows {
		fmt.Fprintf(t, "  now\tat most %d of them\n", f.limit)
	}
	if err := t.Flush(); err != nil {
		return false, err
	}
	return askYes(cmd, "Write these changes?", "add --yes to apply the plan")
}

// tell prints what became of the rows.
func (f *applyFlags) tell(cmd *cobra.Command, cfg *config.Config, db *store.DB, rows compare.Selection, tried *trial, t compare.ApplyResult) error {
	ctx := context.WithoutCancel(cmd.Context())
	var both []contract.Tried
	if tried != nil {
		var err error
		if both, err = tried.after(cmd, cfg, db, rows.Plan.Sync); err != nil {
			return err
		}
	}
	not := notApplied(db.EachPlanRow(ctx, rows.Plan.ID), rows)
	out := cmd.OutOrStdout()
	if wantsJSON(cmd) {
		head := struct {
			Plan    string           `json:"plan"`
			Sync    string           `json:"sync"`
			Applied int              `json:"applied"`
			Before  int              `json:"applied_before"`
			Refused int              `json:"refused"`
			Failed  int              `json:"failed"`
			Left    int              `json:"left"`
			Tried   []contract.Tried `json:"tried,omitempty"`
		}{rows.Plan.Hash, rows.Plan.Sync, t.Applied, t.Before, t.Refused, t.Failed, t.Left, both}
		return streamJSON(out, head, "rows", not, contract.AppliedRowOf)
	}
	table := newGrid(out, "CUSTOMER\tRECORD\tBEFORE → AFTER\tSTATE\tWHY")
	n := 0
	for r, err := range not {
		if err != nil {
			return err
		}
		if n++; n > shortTable && isTerminal(out) {
			continue
		}
		_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", cell(r.Customer), cell(r.TargetID), move(r), r.State, cell(r.Note))
		if err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if n > shortTable && isTerminal(out) {
		fmt.Fprintf(out, "… and %d more: trueup plan %s --show %s --csv lists them all\n", n-shortTable, rows.Plan.Sync, shortHash(rows.Plan.Hash))
	}
	if tried != nil {
		if err := printTried(out, both); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d applied", t.Applied)
	for _, part := range []struct {
		n    int
		what string
	}{{t.Before, "applied before"}, {t.Refused, "refused"}, {t.Failed, "failed"}, {t.Left, "left"}} {
		if part.n > 0 {
			fmt.Fprintf(out, ", %d %s", part.n, part.what)
		}
	}
	fmt.Fprintln(out)
	if t.Refused > 0 {
		fmt.Fprintf(out, "refused rows changed after the plan was made; make a new plan: trueup plan %s\n", rows.Plan.Sync)
	}
	if tried != nil {
		printAfterTrial(cmd, cfg, rows.Plan, both, t.Applied)
	}
	return nil
}

// notApplied are the selected rows that were refused or failed.
func notApplied(all iter.Seq2[store.PlanRow, error], selected compare.Selection) iter.Seq2[store.PlanRow, error] {
	return func(yield func(store.PlanRow, error) bool) {
		for r, err := range all {
			if (err != nil || selected.Includes(r) && (r.State == store.RowRefused || r.State == store.RowFailed)) && !yield(r, err) {
				return
			}
		}
	}
}
