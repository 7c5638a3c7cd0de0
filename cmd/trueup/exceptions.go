package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/status"
	"trueup/internal/store"
)

// exceptionRow is an exception as it is printed; its fields are a public
// contract.
type exceptionRow struct {
	ID          int64              `json:"id"`
	Sync        string             `json:"sync"`
	Customer    string             `json:"customer"`
	Kind        status.Kind        `json:"kind"`
	Stage       status.Stage       `json:"stage"`
	Reason      string             `json:"reason"`
	SourceValue string             `json:"source_value"`
	TargetValue string             `json:"target_value"`
	LastAction  string             `json:"last_action"`
	Confidence  float64            `json:"confidence"`
	Owner       string             `json:"owner"`
	State       status.State       `json:"state"`
	Count       int                `json:"count"`
	FirstSeen   *time.Time         `json:"first_seen"`
	LastSeen    *time.Time         `json:"last_seen"`
	Candidates  []status.Candidate `json:"candidates"`
}

func rowOfException(x store.Exception) exceptionRow {
	r := exceptionRow{ID: x.ID, Sync: x.Sync, Customer: x.Customer, Kind: x.Kind, Stage: x.Stage, Reason: x.Reason, SourceValue: x.SourceValue,
		TargetValue: x.TargetValue, LastAction: x.LastAction, Confidence: x.Confidence, Owner: x.Owner, State: x.State, Count: x.Count,
		FirstSeen: stamp(x.FirstSeen), LastSeen: stamp(x.LastSeen), Candidates: x.Candidates}
	if r.Candidates == nil {
		r.Candidates = []status.Candidate{}
	}
	return r
}

func exceptionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exceptions",
		Short: "List, show and retry what needs a person",
		Example: `  trueup exceptions
  trueup exceptions show 3
  trueup exceptions retry 3`,
		Args: cobra.NoArgs,
	}
	list := exceptionsListCommand()
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	show := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show one exception and what can be done about it",
		Example: "  trueup exceptions show 3 --json",
		Args:    cobra.ExactArgs(1),
		RunE:    withStore(showException),
	}
	jsonFlag(show)
	retry := &cobra.Command{
		Use:   "retry NUMBER...",
		Short: "Look at the customers of these exceptions again",
		Long: `Look at the customers of these exceptions again. trueup run does it, at once
when it runs. An exception closes by itself when its customer is carried.`,
		Example: "  trueup exceptions retry 3 4",
		Args:    cobra.MinimumNArgs(1),
		RunE:    withStore(retryExceptions),
	}
	cmd.AddCommand(list, show, retry)
	return cmd
}

func exceptionsListCommand() *cobra.Command {
	f := store.ExceptionFilter{}
	kind := ""
	all, fail := false, false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open exceptions, the latest first",
		Example: `  trueup exceptions list --kind unmatched
  trueup exceptions list --fail-if-any     # exit 3 when there is one`,
		Args: cobra.NoArgs,
		RunE: withStore(func(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
			var err error
			if f.Sync, err = syncOf(cmd, cfg); err != nil {
				return err
			}
			if f.Kind, err = oneOf("kind", kind, status.Kinds); err != nil {
				return err
			}
			f.States = []status.State{status.Open, status.Acknowledged}
			if all {
				f.States = nil
			}
			return listExceptions(cmd, db, f, fail)
		}),
	}
	syncFlag(cmd)
	cmd.Flags().StringVar(&f.Customer, "customer", "", "only of this `CUSTOMER` (the source's id)")
	cmd.Flags().StringVar(&kind, "kind", "", "only of this `KIND`")
	cmd.Flags().BoolVar(&all, "all", false, "resolved and ignored ones too")
	cmd.Flags().BoolVar(&fail, "fail-if-any", false, "exit 3 when one is open")
	jsonFlag(cmd)
	return cmd
}

func listExceptions(cmd *cobra.Command, db *store.DB, f store.ExceptionFilter, fail bool) error {
	found, err := db.Exceptions(cmd.Context(), f)
	if err != nil {
		return err
	}
	var rows []exceptionRow
	open := 0
	for _, x := range found {
		rows = append(rows, rowOfException(x))
		if x.State == status.Open || x.State == status.Acknowledged {
			open++
		}
	}
	err = list(cmd, rows, "no open exceptions", "NUMBER\tLAST SEEN\tSYNC\tCUSTOMER\tKIND\tSTATE\tTIMES\tOWNER\tREASON", func(x exceptionRow) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s", x.ID, when(*x.LastSeen), x.Sync, orDash(x.Customer), x.Kind, x.State, x.Count, orDash(x.Owner), x.Reason)
	})
	if err == nil && fail && open > 0 {
		err = errPerson
	}
	return err
}

func showException(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	id, err := number("exception", args[0])
	if err != nil {
		return err
	}
	x, err := db.Exception(cmd.Context(), id)
	if err != nil {
		return err
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), rowOfException(x))
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, `exception %d: %s, %s
  sync          %s
  customer      %s
  owner         %s
  reason        %s
  stage         %s
  last action   %s
  source value  %s
  target value  %s
  confidence    %g
  seen          %s, first %s, last %s
`, x.ID, x.Kind, x.State, x.Sync, orDash(x.Customer), orDash(x.Owner), x.Reason, x.Stage, orDash(x.LastAction), orDash(x.SourceValue),
		orDash(x.TargetValue), x.Confidence, plural(x.Count, "time"), when(x.FirstSeen), when(x.LastSeen))
	for _, c := range x.Candidates {
		fmt.Fprintf(out, "  candidate     %s, holds %s (by %s, %g sure): trueup links set %s %s %s\n", c.TargetID, orDash(c.Value), orDash(c.Rule), c.Confidence, x.Sync, x.Customer, c.TargetID)
	}
	return nil
}

func retryExceptions(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	for _, arg := range args {
		id, err := number("exception", arg)
		if err != nil {
			return err
		}
		x, err := db.Exception(cmd.Context(), id)
		if err != nil {
			return err
		}
		if x.Customer == "" {
			return &failure{err: fmt.Errorf("exception %d is about no single customer", id), hint: "it closes when its cause is gone; see trueup exceptions show " + arg, code: exitFailed}
		}
		if _, err := db.Act(cmd.Context(), store.Act{Exception: id, Verb: store.Retry, Who: "somebody"}); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "customer %s of %s will be looked at again; see trueup explain %s %s\n", x.Customer, x.Sync, x.Sync, x.Customer)
	}
	return nil
}
