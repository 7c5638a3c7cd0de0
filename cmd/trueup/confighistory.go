package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/store"
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
		Short: "Show which configurations were used, and what each changed",
		Long: `Show which configurations trueup run has used, the latest first, and what each one
changed. Secrets show no value: ${NAME} stands as it is written, and a secret that is
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
		rows := contract.ConfigReadingsOf(readings)
		rows = rows[:min(limit, len(rows))]
		if wantsJSON(cmd) {
			return printJSON(cmd.OutOrStdout(), rows)
		}
		if len(rows) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no configuration was used yet: trueup run notes each one")
		}
		at := clockOf(cmd.OutOrStdout())
		for i, r := range rows {
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  read by %s\n", r.Digest, at.on(*r.ReadAt), r.Node)
			switch {
			case len(r.Changes) > 0:
				printChanges(cmd.OutOrStdout(), r.Changes[:min(changesShown, len(r.Changes))])
				if more := len(r.Changes) - changesShown; more > 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "  and %d more: trueup config diff %s %s\n", more, rows[i+1].Digest, r.Digest)
				}
			case i+1 == len(readings):
				fmt.Fprintln(cmd.OutOrStdout(), "  the first that was used")
			default:
				fmt.Fprintln(cmd.OutOrStdout(), "  no setting changed, only comments, layout or a secret")
			}
		}
		return nil
	})
	return cmd
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
