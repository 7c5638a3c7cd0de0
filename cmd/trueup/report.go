package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/report"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func reportCommand() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "report [SYNC]",
		Short: "Show the state of a sync, as one page to mail",
		Long: `Show the state of a sync: agreement now and over time, outcomes, open exceptions by
kind, owner and age, and the meaning of the values on both sides. With --out it is
one HTML page that loads nothing from elsewhere.`,
		Example: `  trueup report customer-status --out report.html
  trueup report customer-status --json`,
		Args: withSync(1),
		RunE: withDatabase(onSync(1, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			var words *config.Sync
			if c, ok := cfg.Syncs[args[0]]; ok {
				words = &c
			}
			r, err := report.Make(cmd.Context(), db, args[0], words, time.Now())
			if err != nil {
				return err
			}
			return writeReport(cmd, r, out)
		})),
	}
	cmd.Flags().StringVar(&out, "out", "", "write the page to this `FILE`")
	jsonFlag(cmd)
	return cmd
}

// headline is the agreement in a few words.
func headline(r report.Report) string {
	if !r.Compared() {
		return "never compared"
	}
	return "agreement " + report.Percent(r.Headline())
}

// agreementOf is the agreement with what it was counted from.
func agreementOf(r report.Report) string {
	switch {
	case !r.Compared():
		return "never compared; run trueup plan " + r.Sync
	case len(r.Sweeps) > 0:
		last := r.Sweeps[0]
		return fmt.Sprintf("%s at the last full comparison, %s ago: %d of %d%s", report.Percent(last.Agreement), status.Age(r.MadeAt.Sub(*last.At)), last.Agree, last.Carried, r.Unproved()+r.Outdated())
	}
	return fmt.Sprintf("%s: %d of %d customers that should be synced%s%s", report.Percent(r.Agreement), r.Agree, r.Carried, r.Unseen(), r.Outdated())
}

func writeReport(cmd *cobra.Command, r report.Report, out string) error {
	if out != "" {
		var page bytes.Buffer
		if err := r.WriteHTML(&page); err != nil {
			return err
		}
		if err := os.WriteFile(out, page.Bytes(), 0o600); err != nil { // it names customers
			return fmt.Errorf("write the report: %w", err)
		}
	}
	switch {
	case wantsJSON(cmd):
		return printJSON(cmd.OutOrStdout(), r)
	case out != "":
		needs := "nothing needs a person"
		if r.Needs != "" {
			needs = "needs a person: " + r.Needs
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s shows the state of %s: %s; %s\n", out, r.Sync, headline(r), needs)
		return nil
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s %s\n  agreement   %s\n  waiting     %d\n", r.Sync, clockOf(w).on(r.MadeAt), agreementOf(r), r.Waiting)
	for _, s := range r.Sweeps {
		fmt.Fprintf(w, "  compared    %s: %s, %d of %d\n", clockOf(w).when(*s.At), report.Percent(s.Agreement), s.Agree, s.Carried)
	}
	for _, o := range r.Outcomes {
		fmt.Fprintf(w, "  %-13s %d\n", o.Name, o.N)
	}
	if r.Needs != "" {
		fmt.Fprintf(w, "  needs a person: %s\n", r.Needs)
	}
	for _, k := range r.ByKind {
		fmt.Fprintf(w, "  %d open %s, the oldest for %s\n", k.Open, k.Kind, status.Age(r.MadeAt.Sub(*k.Oldest)))
	}
	for _, o := range r.ByOwner {
		fmt.Fprintf(w, "  %d owned by %s\n", o.N, o.Name)
	}
	return nil
}
