package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func eventsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List, show and replay received events",
		Example: `  trueup events
  trueup events list --customer cus_123
  trueup events show 17
  trueup events replay 17`,
		Args: cobra.NoArgs,
	}
	list := eventsListCommand()
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	show := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show one event with its payload",
		Long:    "Show one event with its payload as the tool sent it. The payload may contain personal data.",
		Example: "  trueup events show 17 --json",
		Args:    cobra.ExactArgs(1),
		RunE:    withDatabase(showEvent),
	}
	jsonFlag(show)
	cmd.AddCommand(list, show, eventsReplayCommand())
	return cmd
}

func eventsListCommand() *cobra.Command {
	var c chooseEvents
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, latest first",
		Long: `List events, latest first. OUTCOME is how the event ended, and NOW is what has become
of it: a customer who was parked may have been written since.`,
		Example: `  trueup events list --outcome parked --still-open
  trueup events list --waiting --json`,
		Args: cobra.NoArgs,
		RunE: withDatabase(func(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
			f, err := c.filter(cmd, cfg)
			if err != nil {
				return err
			}
			return listEvents(cmd, cfg, db, f)
		}),
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&c.Waiting, "waiting", false, "only those without an outcome yet")
	cmd.Flags().BoolVar(&c.StillOpen, "still-open", false, "only those that ended as would_write, held or parked and are still open")
	cmd.Flags().IntVar(&c.Limit, "limit", 100, "show at most `N`")
	jsonFlag(cmd)
	return cmd
}

func listEvents(cmd *cobra.Command, cfg *config.Config, db *store.DB, f store.EventFilter) error {
	f.WithNow, f.Bare = true, true
	found, err := db.Events(cmd.Context(), f)
	if err != nil {
		return err
	}
	var rows []contract.Event
	for _, e := range found {
		rows = append(rows, contract.EventOf(e))
	}
	at, sync := clockOf(cmd.OutOrStdout()), syncCell(cmd, cfg, rows, func(e contract.Event) string { return e.Sync })
	return list(cmd, rows, "no events", "NUMBER\tRECEIVED\t"+sync("SYNC")+"CUSTOMER\tVALUE\tOUTCOME\tNOW\tREASON", func(e contract.Event) string {
		outcome := string(e.Outcome)
		if outcome == "" {
			outcome = "waiting"
		}
		return fmt.Sprintf("%d\t%s\t%s%s\t%s\t%s\t%s\t%s", e.Seq, at.when(*e.ReceivedAt), sync(e.Sync), orDash(status.Called(e.Customer, e.Name)), orDash(e.Value), outcome, e.NowText, orDash(e.Reason))
	})
}

func showEvent(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	seq, err := number("event", args[0])
	if err != nil {
		return err
	}
	e, err := db.Event(cmd.Context(), seq)
	if err != nil {
		return err
	}
	if wantsJSON(cmd) {
		row, err := contract.EventOf(e).WithPayload(e.Payload)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), row)
	}
	outcome := "waiting"
	if e.Outcome != "" {
		outcome = fmt.Sprintf("%s: %s", e.Outcome, reason.Outcomes[e.Outcome])
	}
	at := clockOf(cmd.OutOrStdout())
	_, err = fmt.Fprintf(cmd.OutOrStdout(), `event %d
  id          %s
  connection  %s (%s of %s)
  customer    %s
  value       %s
  occurred    %s
  received    %s
  outcome     %s
  reason      %s
  now         %s
  payload     %s
%s`, e.Seq, e.ID, e.Connection, e.Side, e.Sync, orDash(status.Called(e.Customer, e.Now.Name)), orDash(e.Value), at.when(e.OccurredAt), at.when(e.ReceivedAt), outcome, orDash(e.Reason.Sentence()), contract.EventOf(e).NowText, e.Payload, replayOf(e))
	return err
}

// replayOf says whose replay an event is, and who asked for it.
func replayOf(e store.Event) string {
	if e.ReplayOf == 0 {
		return ""
	}
	return fmt.Sprintf("  replay of   event %d, by %s\n", e.ReplayOf, e.ReplayedBy)
}

// oneOf checks a word against a closed set; "" is allowed.
func oneOf[S ~string](what, word string, set []S) (S, error) {
	if word == "" {
		return "", nil
	}
	words := ""
	for _, s := range set {
		if string(s) == word {
			return s, nil
		}
		words += " " + string(s)
	}
	return "", usage("valid values:"+words, "%[2]q is not a valid %[1]s", what, word)
}
