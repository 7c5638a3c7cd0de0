package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func exceptionsShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show " + which,
		Short: "Show one exception, its history, and what can be done about it",
		Example: `  trueup exceptions show 3 --json
  trueup exceptions show customer-status cus_123`,
		Args: cobra.RangeArgs(1, 2),
		RunE: withDatabase(showException),
	}
	jsonFlag(cmd)
	return cmd
}

func showException(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	id, err := whichException(cmd, cfg, db, args, true)
	if err != nil {
		return err
	}
	full, err := exceptions.InFull(cmd.Context(), db, id)
	if err != nil {
		return err
	}
	one := []contract.Exception{full.Exception}
	if err := people.NameOwners(cmd.Context(), db, cfg.People, one); err != nil {
		return err
	}
	full.Exception = one[0]
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), full)
	}
	editor := ""
	if full.Kind == status.Conflict && full.Customer != "" {
		// Who it was is personal data: it is shown here, and not in the reason.
		c, err := db.Customer(cmd.Context(), full.Sync, full.Customer)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		editor = c.Observed.By
	}
	printException(cmd.OutOrStdout(), full, editor)
	return nil
}

// ignoredUntil says how long an exception stays ignored, "" for one that is not.
func ignoredUntil(ignored string) string {
	return map[string]string{string(store.IgnoredUntilChange): " until the source changes", string(store.IgnoredAlways): " permanently"}[ignored]
}

// printException shows an exception. editor is who edited the record last, "" where that
// is not known or does not matter.
func printException(out io.Writer, x contract.ExceptionInFull, editor string) {
	at := clockOf(out)
	state := string(x.State) + ignoredUntil(x.Ignored)
	fmt.Fprintf(out, `exception %d: %s, %s
  meaning       %s
  sync          %s
  customer      %s
  owner         %s
  reason        %s
  stage         %s
  last action   %s
  source value  %s
  target value  %s
  confidence    %g
  seen          %s, first %s, last %s, open %s
`, x.ID, x.Kind, state, reason.Kinds[x.Kind], x.Sync, orDash(status.Called(x.Customer, x.Name)), orDash(cmp.Or(x.OwnerName, x.Owner)), x.Reason, stageText(x.Stage), orDash(x.LastAction), orDash(x.SourceValue),
		orDash(x.TargetValue), x.Confidence, status.Plural(x.Count, "time"), at.when(*x.FirstSeen), at.when(*x.LastSeen), at.since(*x.OpenedAt))
	if editor != "" {
		fmt.Fprintf(out, "  last edited   by %s\n", editor)
	}
	if x.Siblings > 0 {
		fmt.Fprintf(out, "  cause         %s, shared by %s; add --group to act on all of them\n", x.Cause, status.Plural(x.Siblings, "other exception"))
	}
	for _, c := range x.Candidates {
		fmt.Fprintf(out, "  candidate     %s, has %s (by %s, %.0f%% confidence)", c.TargetID, orDash(c.Value), orDash(c.Rule), c.Confidence*100)
		if x.Kind != status.DuplicateLink { // this record is another customer's, and linking it is refused
			fmt.Fprintf(out, ": trueup exceptions link %d %s", x.ID, c.TargetID)
		}
		fmt.Fprintln(out)
	}
	printRemedies(out, "  to do         ", x.Remedies, x.Sync, x.Customer)
	printOffers(out, x)
	for _, a := range x.History {
		fmt.Fprintf(out, "  %s  %s\n", at.when(*a.At), reason.Happened(reason.Verb(a.Verb), a.Who, a.Note))
	}
}

// stageText is a stage's word with its meaning.
func stageText(s status.Stage) string { return string(s) + ": " + reason.Stages[s] }

// printOffers prints each command that can be given, whole: those that only look
// come first.
func printOffers(out io.Writer, x contract.ExceptionInFull) {
	t := newGrid(out, "")
	offer := func(command, does string) { fmt.Fprintf(t, "  trueup %s\t%s\n", command, does) }
	if x.Customer != "" {
		offer(fmt.Sprintf("exceptions compare %d", x.ID), "see the customer and its record as the tools show them now, with name and email")
	}
	if slices.ContainsFunc(x.Offers, func(o contract.OfferLine) bool { return o.Verb == string(store.LinkTo) }) && x.Kind != status.BrokenLink {
		offer("exceptions suggest --sync "+x.Sync, "find similar records")
	}
	if x.Kind == status.UnreadableEvent {
		offer("events list --sync "+x.Sync+" --outcome parked", "see the events; the unreadable ones have no customer")
	}
	for _, o := range x.Offers {
		command := fmt.Sprintf("exceptions %s %d", exceptions.Command(store.Verb(o.Verb)), x.ID)
		switch store.Verb(o.Verb) {
		case store.LinkTo:
			command += " RECORD"
		case store.Assign:
			command += " OWNER"
		case store.MapTo:
			command += " STATUS"
			o.Does = "give the value a meaning in trueup.yaml, or list it under ignore"
		case store.KeepTarget:
			command += " [--until DATE]"
		case store.Ignore:
			command += " [--forever]"
		case store.ResumeSync:
			command = "resume " + x.Sync + " --reason TEXT"
		}
		offer(command, o.Does)
	}
	t.Flush()
}

func exceptionsGroupsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "groups",
		Short: "List open exceptions by cause, largest group first",
		Long: `List open exceptions by cause, largest group first. Fifty customers with the same
unmapped value are one group: an action with --group on one of them acts on all.`,
		Example: "  trueup exceptions groups --sync customer-status",
		Args:    cobra.NoArgs,
		RunE: withDatabase(func(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
			sync, err := syncOf(cmd, cfg)
			if err != nil {
				return err
			}
			found, err := db.Groups(cmd.Context(), sync)
			if err != nil {
				return err
			}
			var rows []contract.Group
			for _, g := range found {
				rows = append(rows, contract.GroupOf(g))
			}
			at := clockOf(cmd.OutOrStdout())
			return list(cmd, rows, "no open exceptions", "EXCEPTIONS\tSYNC\tKIND\tCAUSE\tOLDEST\tLAST SEEN", func(g contract.Group) string {
				return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s", g.Customers, g.Sync, g.Kind, orDash(g.Cause), at.when(*g.Oldest), at.when(*g.LastSeen))
			})
		}),
	}
	syncFlag(cmd)
	jsonFlag(cmd)
	return cmd
}
