package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func exceptionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exceptions",
		Short: "List and settle what needs a person",
		Long: `List and settle what needs a person. An exception closes automatically when its
customer is in sync, and reopens if the problem comes back. Each action is recorded
with the person who did it: your user name, or the name given with --as.

Name an exception by its number, or by a sync and a customer: the customer's open
exception. The customer is the source's id, the target's id, or the email address.`,
		Example: `  trueup exceptions
  trueup exceptions show 3
  trueup exceptions groups
  trueup exceptions use-source 3
  trueup exceptions keep-target customer-status cus_123
  trueup exceptions map 5 paused
  trueup exceptions retry 3 --group`,
		Args: cobra.NoArgs,
	}
	list := exceptionsListCommand()
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, exceptionsShowCommand(), exceptionsGroupsCommand(), exceptionsMapCommand(), exceptionsSuggestCommand(), exceptionsCompareCommand())
	cmd.AddCommand(exceptionsActCommands()...)
	return cmd
}

func exceptionsListCommand() *cobra.Command {
	f := store.ExceptionFilter{}
	kind, age := "", ""
	var states []string
	all, fail, csv, each := false, false, false, false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open exceptions by cause, last seen first",
		Long: `List open exceptions, one line per cause, last seen first: fifty customers with the same
unmapped value are one line. --each lists them one by one, and so do --customer,
--state and --all. JSON and CSV always have each exception.`,
		Example: `  trueup exceptions list --kind unmatched
  trueup exceptions list --owner ana@example.com
  trueup exceptions list --state ignored,resolved
  trueup exceptions list --age overdue
  trueup exceptions list --csv > exceptions.csv
  trueup exceptions list --fail-if-any     # exit 3 when there is one`,
		Args: cobra.NoArgs,
		RunE: withDatabase(func(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
			var err error
			if f.Sync, err = syncOf(cmd, cfg); err != nil {
				return err
			}
			if f.Kind, err = oneOf("kind", kind, status.Kinds); err != nil {
				return err
			}
			if f.States, err = wanted(states, all); err != nil {
				return err
			}
			if _, err = oneOf("age", age, overview.Ages); err != nil {
				return err
			}
			f := overview.OpenFor(f, age, cfg.Syncs)
			empty := "no open exceptions"
			if all || states != nil {
				empty = "no such exceptions"
			}
			each = each || all || states != nil || f.Customer != ""
			return listExceptions(cmd, cfg, db, f, fail, csv, each, empty)
		}),
	}
	syncFlag(cmd)
	cmd.Flags().StringVar(&f.Customer, "customer", "", "only this `CUSTOMER` (the source's id)")
	cmd.Flags().StringVar(&kind, "kind", "", "only this `KIND`")
	cmd.Flags().StringVar(&f.Owner, "owner", "", "only this `OWNER`")
	cmd.Flags().StringVar(&age, "age", "", "only those open for more than a `TIME`: day, week, or overdue, which is past their sync's remind_after")
	cmd.Flags().BoolVar(&csv, "csv", false, "print CSV; a cell that a spreadsheet would run as a formula starts with a '")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only these `STATES`, separated by commas (default: open and acknowledged)")
	cmd.Flags().BoolVar(&all, "all", false, "also resolved and ignored ones")
	cmd.Flags().BoolVar(&each, "each", false, "list each exception, not each cause")
	cmd.Flags().BoolVar(&fail, "fail-if-any", false, "exit 3 if one is open")
	jsonFlag(cmd)
	return cmd
}

// wanted are the states to list, nil for all.
func wanted(states []string, all bool) ([]status.State, error) {
	switch {
	case all && states != nil:
		return nil, usage("use only one of them", "--all lists every state, and --state only some")
	case all:
		return nil, nil
	case states == nil:
		return []status.State{status.Open, status.Acknowledged}, nil
	}
	var found []status.State
	for _, word := range states {
		s, err := oneOf("state", word, status.States)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, nil
}

func listExceptions(cmd *cobra.Command, cfg *config.Config, db *store.DB, f store.ExceptionFilter, fail, csv, each bool, empty string) error {
	found, err := db.Exceptions(cmd.Context(), f)
	if err != nil {
		return err
	}
	var rows []contract.Exception
	open := 0
	for _, x := range found {
		rows = append(rows, contract.ExceptionOf(x))
		if x.State == status.Open || x.State == status.Acknowledged {
			open++
		}
	}
	if err := people.NameOwners(cmd.Context(), db, cfg.People, rows); err != nil {
		return err
	}
	switch {
	case csv:
		err = contract.WriteExceptions(cmd.OutOrStdout(), func(yield func(contract.Exception, error) bool) {
			for _, x := range rows {
				if !yield(x, nil) {
					return
				}
			}
		})
	case each || wantsJSON(cmd):
		err = tabulate(cmd, cfg, rows, empty)
	default:
		err = listCauses(cmd, cfg, found, empty)
	}
	if err == nil && fail && open > 0 {
		err = errPerson
	}
	return err
}

func tabulate(cmd *cobra.Command, cfg *config.Config, rows []contract.Exception, empty string) error {
	at, sync := clockOf(cmd.OutOrStdout()), syncCell(cmd, cfg, rows, func(x contract.Exception) string { return x.Sync })
	return list(cmd, rows, empty, "NUMBER\tLAST SEEN\t"+sync("SYNC")+"CUSTOMER\tKIND\tSTATE\tTIMES\tOWNER\tREASON", func(x contract.Exception) string {
		return fmt.Sprintf("%d\t%s\t%s%s\t%s\t%s\t%d\t%s\t%s", x.ID, at.when(*x.LastSeen), sync(x.Sync), orDash(status.Called(x.Customer, x.Name)), x.Kind, x.State, x.Count, orDash(cmp.Or(x.OwnerName, x.Owner)), x.Reason)
	})
}
