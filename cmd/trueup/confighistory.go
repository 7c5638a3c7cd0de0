package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// mostReadings is how far back the history of the configuration is searched.
	mostReadings = 1000
	// changesShown is how many changes of one reading the history shows.
	changesShown = 5
)

func configHistoryCommand() *cobra.Command {
	limit := 0
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show which configurations were used or refused, and what each changed",
		Long: `Show which configurations trueup run has read, the latest first: those it used, with
what each one changed, and those it refused, with the line and the key of each fault.
What is older than retention.history shows its digest only. Secrets show no value: ${NAME} stands as it is written, and a secret that is
written in the file shows as (secret). trueup explain --json names for each decision the
configuration it was made under.`,
		Example: `  trueup config history
  trueup config history --limit 3 --json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many, the latest first: `N`")
	jsonFlag(cmd)
	cmd.RunE = withDatabase(func(cmd *cobra.Command, _ []string, _ *config.Config, db *store.DB) error {
		if limit < 1 {
			return usage("write a number from 1", "--limit is %d", limit)
		}
		readings, err := db.ConfigReadings(cmd.Context(), mostReadings)
		if err != nil {
			return err
		}
		refusals, err := db.ConfigRefusals(cmd.Context(), mostReadings)
		if err != nil {
			return err
		}
		all := contract.ConfigReadingsOf(readings, refusals)
		rows := all[:min(limit, len(all))]
		if wantsJSON(cmd) {
			return printJSON(cmd.OutOrStdout(), rows)
		}
		if len(rows) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no configuration was used yet: trueup run notes each one")
		}
		at := clockOf(cmd.OutOrStdout())
		for i, r := range rows {
			if !r.Used {
				printRefusal(cmd.OutOrStdout(), r, at)
				continue
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  used by %s\n", r.Digest, at.on(*r.ReadAt), r.Node)
			before := usedBefore(all[i+1:])
			switch {
			case len(r.Changes) > 0:
				printChanges(cmd.OutOrStdout(), r.Changes[:min(changesShown, len(r.Changes))])
				if more := len(r.Changes) - changesShown; more > 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "  and %d more: trueup config diff %s %s\n", more, before.Digest, r.Digest)
				}
			case r.SettingsDeleted:
				fmt.Fprintln(cmd.OutOrStdout(), "  its settings are older than retention.history and were deleted")
			case before == nil:
				fmt.Fprintln(cmd.OutOrStdout(), "  the first that was used")
			case before.SettingsDeleted:
				fmt.Fprintln(cmd.OutOrStdout(), "  what it changed is not known: the settings before it were deleted")
			default:
				fmt.Fprintln(cmd.OutOrStdout(), "  no setting changed, only comments, layout or a secret")
			}
		}
		return nil
	})
	return cmd
}

// usedBefore is the latest configuration that was used, nil for none.
func usedBefore(rows []contract.ConfigReading) *contract.ConfigReading {
	if i := slices.IndexFunc(rows, func(r contract.ConfigReading) bool { return r.Used }); i >= 0 {
		return &rows[i]
	}
	return nil
}

// printRefusal says where a configuration that was not used is wrong.
func printRefusal(out io.Writer, r contract.ConfigReading, at clock) {
	fmt.Fprintf(out, "%s  %s  refused by %s, and the one before stayed in use\n", r.Digest, at.on(*r.ReadAt), r.Node)
	for _, f := range r.Faults {
		switch {
		case f.Line == 0:
			fmt.Fprintf(out, "  ! %s\n", cmp.Or(f.Path, "the file as a whole"))
		default:
			fmt.Fprintf(out, "  ! line %d: %s\n", f.Line, cmp.Or(f.Path, "not readable as YAML"))
		}
	}
	if len(r.Faults) == 0 {
		fmt.Fprintln(out, "  the log of trueup run says why")
	}
}

func configDiffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD [NEW]",
		Short: "Show what differs between two configurations that were used",
		Long: `Show what differs between two configurations that trueup run has used. OLD and NEW are
digests from trueup config history, or their beginnings; without NEW it is the latest.`,
		Example: `  trueup config diff 3f2a9c1b
  trueup config diff 3f2a9c1b 77e0d2aa --json`,
		Args: cobra.RangeArgs(1, 2),
	}
	jsonFlag(cmd)
	cmd.RunE = withDatabase(func(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
		readings, err := db.ConfigReadings(cmd.Context(), mostReadings)
		if err != nil {
			return err
		}
		from, err := readingOf(readings, args[0])
		if err != nil {
			return err
		}
		to := 0
		if len(args) == 2 {
			if to, err = readingOf(readings, args[1]); err != nil {
				return err
			}
		}
		if from < to {
			return usage("write the older one first", "%s was used before %s", args[1], args[0])
		}
		for _, r := range []store.ConfigReading{readings[to], readings[from]} {
			if r.Deleted {
				return &failure{err: fmt.Errorf("the settings of %s were deleted", r.Digest), hint: "they are kept for as long as retention.history says", code: exitFailed}
			}
		}
		changes := contract.SettingChangesOf(readings[to : from+1])
		if wantsJSON(cmd) {
			return printJSON(cmd.OutOrStdout(), changes)
		}
		if len(changes) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no setting differs")
		}
		printChanges(cmd.OutOrStdout(), changes)
		return nil
	})
	return cmd
}

// readingOf finds the latest reading whose digest begins so.
func readingOf(readings []store.ConfigReading, digest string) (int, error) {
	found := -1
	for i, r := range readings {
		switch {
		case !strings.HasPrefix(r.Digest, digest):
		case found < 0:
			found = i
		case readings[found].Digest != r.Digest:
			return 0, usage("write more of it", "more than one configuration begins with %s", digest)
		}
	}
	if found < 0 {
		return 0, usage("see trueup config history", "no configuration %s was used", digest)
	}
	return found, nil
}

func printChanges(out io.Writer, changes []contract.SettingChange) {
	for _, c := range changes {
		switch {
		case c.From == "":
			fmt.Fprintf(out, "  + %s: %s\n", c.Path, c.To)
		case c.To == "":
			fmt.Fprintf(out, "  - %s: %s\n", c.Path, c.From)
		default:
			fmt.Fprintf(out, "  ~ %s: %s → %s\n", c.Path, c.From, c.To)
		}
	}
}
