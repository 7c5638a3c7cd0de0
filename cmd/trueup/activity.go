package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

func activityCommand() *cobra.Command {
	var f store.ActivityFilter
	about, since := "", ""
	cmd := &cobra.Command{
		Use:   "activity [SYNC]",
		Short: "List who changed what: people, programs and the file",
		Long: `List who changed what, latest first, and by which way: a page, the API, Slack, a
command or the file. It has what people and programs changed: exceptions, links, pins,
plans, the map, the mode and tokens. What Trueup synced is in each customer's history:
trueup explain. It is kept for retention.history.`,
		Example: `  trueup activity
  trueup activity customer-status --who ana@example.com --since 72h
  trueup activity --about mode --json`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&f.Who, "who", "", "only by this person or token, or by a token for this person: an address, or a token's `NAME`; --json lists both")
	cmd.Flags().StringVar(&about, "about", "", "only about this `SUBJECT`: exceptions, customers, map, plans, mode or access")
	cmd.Flags().StringVar(&since, "since", "", "only since this `TIME`: 2026-12-31, 2026-12-31T08:00:00Z, or an age such as 72h")
	cmd.Flags().IntVar(&f.Limit, "limit", 50, "show at most `N`")
	jsonFlag(cmd)
	cmd.RunE = withDatabase(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) (err error) {
		if len(args) > 0 {
			if f.Sync = args[0]; checkSync(cfg, f.Sync) != nil {
				return checkSync(cfg, f.Sync)
			}
		}
		if f.Limit < 1 {
			return usage("write a number from 1", "--limit is %d", f.Limit)
		}
		if f.About, err = oneOf("about", about, reason.Topics); err != nil {
			return err
		}
		if f.Since, err = pastTime("since", since); err != nil {
			return err
		}
		return listActivity(cmd, cfg, db, f)
	})
	return cmd
}

func listActivity(cmd *cobra.Command, cfg *config.Config, db *store.DB, f store.ActivityFilter) error {
	found, err := db.Activities(cmd.Context(), f)
	if err != nil {
		return err
	}
	var whos []string
	for _, a := range found {
		whos = append(whos, a.Who, a.For)
	}
	names, err := people.Names(cmd.Context(), db, cfg.People, whos)
	if err != nil {
		return err
	}
	var rows []contract.Activity
	for _, a := range found {
		rows = append(rows, contract.ActivityOf(a, names))
	}
	at := clockOf(cmd.OutOrStdout())
	return list(cmd, rows, "no one has changed anything", "AT\tWHO\tBY\tSYNC\tWHAT", func(a contract.Activity) string {
		who := a.WhoName
		if a.For != "" {
			who += " for " + a.ForName
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", at.when(*a.At), who, orDash(string(a.Way)), orDash(a.Sync), activityText(a))
	})
}

// activityText is what was done, with its details, in one line.
func activityText(a contract.Activity) string {
	text := a.Text
	var more []string
	for _, c := range a.Changes {
		more = append(more, fmt.Sprintf("%s: %s → %s", c.Path, orDash(c.From), orDash(c.To)))
	}
	for _, c := range a.Customers {
		more = append(more, c.Customer)
	}
	if n := a.Count - len(a.Customers); n > 0 && len(a.Customers) > 0 {
		more = append(more, fmt.Sprintf("and %d more", n))
	}
	if len(more) > 0 {
		text += ": " + strings.Join(more, ", ")
	}
	if a.Reason != "" {
		text += "; reason: " + a.Reason
	}
	return text
}
