package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/status"
	"trueup/internal/store"
)

// ignoreWord says on the command line that a value is carried nowhere.
const ignoreWord = "ignore"

func exceptionsMapCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "map NUMBER STATUS | SYNC CUSTOMER STATUS",
		Short: "Set the meaning of an unmapped value in trueup.yaml",
		Long: `Set the meaning of the value in an unmapped_status exception. STATUS is one of the
sync's statuses, or "ignore" for a value that is never synced. The command shows the
change first, then edits the file in place and keeps its comments. A running trueup
run reads the file again automatically and checks every customer with that value.
If the file cannot be written, the command prints the lines to add.`,
		Example: `  trueup exceptions map 5 paused
  trueup exceptions map 5 ignore --yes`,
		Args: cobra.RangeArgs(2, 3),
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return mapValue(cmd, args, cfg, db, yes)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	asFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func mapValue(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB, yes bool) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	last := len(args) - 1
	id, err := whichException(cmd, cfg, db, args[:last], false)
	if err != nil {
		return err
	}
	x, err := db.Exception(cmd.Context(), id)
	if err != nil {
		return err
	}
	to, err := meaning(cfg, x, args[last])
	if err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(cfg.Path)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := config.AddSourceValue(before, x.Sync, to, x.SourceValue)
	if errors.Is(err, config.ErrByHand) {
		return byHand(fmt.Errorf("%s: %w", path, err), x, to)
	}
	if err != nil {
		return err
	}
	if _, err := parseConfig(cfg.Path, after); err != nil {
		return &failure{err: fmt.Errorf("adding %q under %s would make the file invalid: %w", x.SourceValue, args[last], err), hint: "nothing was changed; if the value is already listed, trueup run syncs its customers automatically", code: exitFailed}
	}
	if !yes {
		if yes, err = agreed(cmd, path, string(before), string(after)); err != nil || !yes {
			return err
		}
	}
	// Listed before, because trueup run may be quick to look at them again.
	siblings, err := db.Exceptions(cmd.Context(), store.ExceptionFilter{Sync: x.Sync, Kind: x.Kind, Cause: x.Cause, States: []status.State{status.Open, status.Acknowledged}})
	if err != nil {
		return err
	}
	err = config.ChangeFile(path, before, after)
	if errors.Is(err, config.ErrFileMoved) {
		return &failure{err: fmt.Errorf("%s was changed by someone else in the meantime", path), hint: "nothing was overwritten; run the command again", code: exitFailed}
	}
	if err != nil {
		return byHand(err, x, to)
	}
	for _, s := range siblings {
		if _, err := db.Act(cmd.Context(), store.Act{Exception: s.ID, Verb: store.MapTo, Who: who, Meaning: args[last]}); err != nil {
			return fmt.Errorf("%s was changed, but exception %d could not record who did it: %w", path, s.ID, err)
		}
	}
	return done(cmd, map[string]any{"file": path, "sync": x.Sync, "value": x.SourceValue, "status": string(to), "customers": len(siblings)},
		fmt.Sprintf("%s now lists %q under %s; %s will be checked again as soon as trueup run has read the file", path, x.SourceValue, args[last], status.Plural(len(siblings), "customer")))
}

// meaning checks the status for the value of an exception.
func meaning(cfg *config.Config, x store.Exception, word string) (status.Status, error) {
	if x.Kind != status.UnmappedStatus {
		return "", &failure{err: fmt.Errorf("exception %d is %s, not unmapped_status", x.ID, x.Kind), hint: "trueup exceptions show lists what you can do about it", code: exitFailed}
	}
	s, ok := cfg.Syncs[x.Sync]
	if !ok {
		return "", checkSync(cfg, x.Sync)
	}
	if word == ignoreWord {
		return "", nil
	}
	if _, ok := s.Statuses[status.Status(word)]; !ok {
		var words []string
		for w := range maps.Keys(s.Statuses) {
			words = append(words, string(w))
		}
		slices.Sort(words)
		return "", usage("valid values: "+strings.Join(append(words, ignoreWord), ", "), "%s has no status %q", x.Sync, word)
	}
	return status.Status(word), nil
}

// byHand tells what to write where the file was not.
func byHand(err error, x store.Exception, to status.Status) error {
	return &failure{err: err, hint: "add these lines by hand; trueup run then reads the file automatically:\n\n" + indented(config.Lines(x.Sync, to, x.SourceValue)), code: exitFailed}
}

func indented(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// agreed shows the change and asks for a yes.
func agreed(cmd *cobra.Command, path, before, after string) (bool, error) {
	fmt.Fprint(cmd.ErrOrStderr(), difference(path, before, after))
	return askYes(cmd, "Make this change?", "add --yes to make this change")
}

// difference shows the lines in which two texts differ. One of them has at most
// a line more.
func difference(path, before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	first := 0
	for first < min(len(was), len(is)) && was[first] == is[first] {
		first++
	}
	last := 0 // counted from the end
	for last < min(len(was), len(is))-first && was[len(was)-1-last] == is[len(is)-1-last] {
		last++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, line %d:\n", path, first+1)
	for _, line := range was[first : len(was)-last] {
		fmt.Fprintf(&b, "- %s\n", strings.TrimSuffix(line, "\r"))
	}
	for _, line := range is[first : len(is)-last] {
		fmt.Fprintf(&b, "+ %s\n", strings.TrimSuffix(line, "\r"))
	}
	return b.String()
}
