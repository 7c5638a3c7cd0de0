package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// planFlags are the flags of trueup plan.
type planFlags struct {
	show, out string
	csv, all  bool
	inService bool
}

func planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [SYNC]",
		Short: "Compare both sides and show what would change, and why",
		Long: `Compare both sides: read all of the source and all of the target, and list each
customer that would change or needs a person, and why. Nothing is written to either
tool. The plan has a hash; trueup apply applies that plan and nothing else.

You can make a plan while trueup run is running. If it was stopped or killed, run
the same command again to continue. Exit 3: something would change or needs a
person.

With --in-service, trueup run makes the plan, as it does for a person on a page: this
command follows it and prints the plan. Ctrl-C ends the following, not the comparison;
trueup jobs lists it.`,
		Example: `  trueup plan customer-status
  trueup plan customer-status --out plan.html
  trueup plan customer-status --in-service
  trueup plan customer-status --show latest --csv > plan.csv
  trueup plan customer-status --show 1f3a2b4c5d6e --all`,
		Args: withSync(1),
		RunE: withStore(onSync(1, f.run)),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.show, "show", "", "print the plan with this `HASH`, or the latest one, without reading the tools")
	flags.StringVar(&f.out, "out", "", "write a page to this `FILE`")
	flags.BoolVar(&f.inService, "in-service", false, "have trueup run make the plan, and follow it")
	flags.BoolVar(&f.csv, "csv", false, "print CSV; a cell that a spreadsheet would run as a formula starts with a '")
	flags.BoolVar(&f.all, "all", false, fmt.Sprintf("print all rows on a terminal, not only the first %d", shortTable))
	asFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func (f *planFlags) run(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	if f.csv && wantsJSON(cmd) {
		return usage("use only one of them", "--csv and --json cannot be combined")
	}
	if err := writableAt(f.out); err != nil {
		return err
	}
	var plan store.Sweep
	var err error
	switch {
	case f.show != "" && f.inService:
		return usage("use only one of them", "--show and --in-service cannot be combined")
	case f.show != "":
		plan, err = planNamed(cmd.Context(), db, args[0], f.show)
	case f.inService:
		plan, err = planInService(cmd, cfg, db, args[0])
	default:
		plan, err = makePlan(cmd, cfg, db, args[0])
	}
	if err != nil {
		return err
	}
	rows, err := kept(cmd.Context(), db, plan)
	if err != nil {
		return err
	}
	if err := f.print(cmd, cfg, db, plan); err != nil {
		return err
	}
	counts, err := db.Counts(cmd.Context())
	if err != nil {
		return err
	}
	printHalted(cmd, counts[args[0]].Halted, args[0], "the waiting customers are among the rows; trueup resume also lets them through")
	if rows > 0 {
		return errPerson
	}
	return nil
}

func (f *planFlags) print(cmd *cobra.Command, cfg *config.Config, db *store.DB, plan store.Sweep) error {
	rows := db.EachPlanRow(cmd.Context(), plan.ID)
	if f.out != "" {
		if err := writePlanPage(f.out, cfg.Syncs[plan.Sync], plan, rows); err != nil {
			return err
		}
	}
	switch {
	case f.csv:
		return contract.WritePlanRows(cmd.OutOrStdout(), rows)
	case wantsJSON(cmd):
		return printPlanJSON(cmd.OutOrStdout(), plan, rows)
	}
	return printPlan(cmd, cfg, db, plan, f.all)
}

// makePlan compares both sides, or goes on with a comparison that was left.
func makePlan(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync string) (store.Sweep, error) {
	switch left, err := db.SweepUnderWay(cmd.Context(), sync, store.ForPlan); {
	case err == nil && left.Rules == cfg.Syncs[sync].Rules():
		fmt.Fprintf(cmd.ErrOrStderr(), "continuing the comparison that began %s\n", clockOf(cmd.OutOrStdout()).on(left.BeganAt))
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return store.Sweep{}, err
	}
	m := newMeter(cmd)
	plan, err := app.MakePlan(cmd.Context(), cfg, db, sync, planProgress(m, cfg.Syncs[sync]))
	var other *store.SweepingError
	if errors.As(err, &other) {
		plan, err = afterOther(cmd, db, other, func() (store.Sweep, error) {
			return app.MakePlan(cmd.Context(), cfg, db, sync, planProgress(m, cfg.Syncs[sync]))
		})
	}
	m.end()
	switch {
	case errors.As(err, &other):
		return plan, &failure{err: err, hint: "only one comparison of a sync can run at a time", code: exitFailed}
	case err != nil && cmd.Context().Err() != nil:
		return plan, &failure{err: errors.New("stopped before the comparison was complete"), hint: "run the same command again to continue", code: exitFailed}
	}
	return plan, err
}

const (
	// otherTime is longer than a comparison whose process was killed keeps others
	// off.
	otherTime = 150 * time.Second
	otherLook = time.Second
)

// afterOther makes a plan when another process that compares both sides has come to
// its end, and takes the plan where that one made it; or when it is seen to be dead:
// nothing of it has moved for otherTime.
func afterOther(cmd *cobra.Command, db *store.DB, other *store.SweepingError, make func() (store.Sweep, error)) (store.Sweep, error) {
	ctx := cmd.Context()
	if other.Sweep.Purpose == store.ForPlan {
		fmt.Fprintln(cmd.ErrOrStderr(), "another trueup plan is running (or was just killed); waiting")
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "trueup run is comparing both sides of %s, as it does every so often; waiting until it is done\n", other.Sweep.Sync)
	}
	ticker := time.NewTicker(otherLook)
	defer ticker.Stop()
	said, deadline := other.Error(), time.Now().Add(otherTime)
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return store.Sweep{}, ctx.Err()
		}
		if latest, err := db.LatestPlan(ctx, other.Sweep.Sync); err == nil && latest.ID == other.Sweep.ID {
			return latest, nil
		}
		plan, err := make()
		if errors.As(err, &other) && other.Error() != said {
			said, deadline = other.Error(), time.Now().Add(otherTime)
		}
		if !errors.As(err, &other) || time.Now().After(deadline) {
			return plan, err
		}
	}
}

// planProgress tells how far a comparison is.
func planProgress(m *meter, s config.Sync) func(compare.Progress) {
	phase, indexing, since, at := store.Phase(""), false, m.began, 0
	return func(p compare.Progress) {
		if p.Phase != phase || p.Indexing != indexing {
			phase, indexing, since, at = p.Phase, p.Indexing, m.now(), p.Done // what an earlier try did tells nothing of the speed
		}
		what := map[store.Phase]string{store.PhaseSource: "records of " + s.Source.Connection + " read",
			store.PhaseTarget: "records of " + s.Target.Connection + " read", store.PhaseCompare: "customers compared"}[p.Phase]
		if p.Indexing {
			what = "records sorted"
		}
		switch {
		case p.Waits != "":
			m.say("%d %s; %s is at its rate limit or does not answer, waiting until %s", p.Done, what, p.Waits, p.Until.UTC().Format(time.TimeOnly+"Z"))
		case what == "":
		case p.Indexing:
			m.say("%d of %d %s", p.Done, p.Total, what)
		case p.Total > p.Done:
			m.say("%d of about %d %s%s", p.Done, p.Total, what, left(p.Done-at, p.Total-at, m.now().Sub(since)))
		default:
			m.say("%d %s", p.Done, what)
		}
	}
}

// planNamed returns the plan whose hash begins so, or the latest one.
func planNamed(ctx context.Context, db *store.DB, sync, hash string) (plan store.Sweep, err error) {
	if hash == "latest" {
		plan, err = db.LatestPlan(ctx, sync)
	} else {
		if len(hash) < 8 {
			return plan, usage("give at least 8 characters", "plan hash %q is too short", hash)
		}
		plan, err = db.Plan(ctx, sync, hash)
	}
	if errors.Is(err, store.ErrNotFound) {
		return plan, &failure{err: fmt.Errorf("no such plan of %s: %s", sync, hash), hint: "trueup plan " + sync + " makes a new one", code: exitFailed}
	}
	return plan, err
}

// kept returns how many rows a plan has, and an error when they were dropped.
func kept(ctx context.Context, db *store.DB, plan store.Sweep) (int, error) {
	counts, err := db.CountPlanRows(ctx, plan.ID)
	rows := 0
	for _, c := range counts {
		rows += c.N
	}
	if err == nil && rows == 0 && plan.Summary.Carried() > plan.Summary.Agree {
		err = &failure{err: fmt.Errorf("the rows of plan %s have been deleted", shortHash(plan.Hash)), hint: "trueup plan " + plan.Sync + " makes a new one", code: exitFailed}
	}
	return rows, err
}
