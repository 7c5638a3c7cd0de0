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
		Use:   "map NUMBER STATUS",
		Short: "Give an unmapped value a meaning, in trueup.yaml",
		Long: `Give the value of an unmapped_status exception a meaning: STATUS is one of the
sync's statuses, or "ignore" for a value that is carried nowhere. The file is
edited in place, comments stay, and the change is shown first. A trueup run that
uses the file reads it again by itself and looks at every customer with that
value. Where the file cannot be written, the lines to add are printed.`,
		Example: `  trueup exceptions map 5 paused
  trueup exceptions map 5 ignore --yes`,
		Args: cobra.ExactArgs(2),
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return mapValue(cmd, args, cfg, db, yes)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	asFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func mapValue(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB, yes bool) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	id, err := number("exception", args[0])
	if err != nil {
		return err
	}
	x, err := db.Exception(cmd.Context(), id)
	if err != nil {
		return err
	}
	to, err := meaning(cfg, x, args[1])
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
		return &failure{err: fmt.Errorf("with %q under %s the file would not be valid: %w", x.SourceValue, args[1], err), hint: "nothing was changed; the value may be listed already, then trueup run carries its customers by itself", code: exitFailed}
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
	err = changeFile(path, before, after)
	if errors.Is(err, errFileMoved) {
		return &failure{err: fmt.Errorf("%s was changed while this was being done", path), hint: "nothing was written over it; run the command again for a change of what it holds now", code: exitFailed}
	}
	if err != nil {
		return byHand(err, x, to)
	}
	for _, s := range siblings {
		if _, err := db.Act(cmd.Context(), store.Act{Exception: s.ID, Verb: store.MapTo, Who: who, Meaning: args[1]}); err != nil {
			return fmt.Errorf("%s was changed, but exception %d does not say by whom: %w", path, s.ID, err)
		}
	}
	return done(cmd, map[string]any{"file": path, "sync": x.Sync, "value": x.SourceValue, "status": string(to), "customers": len(siblings)},
		fmt.Sprintf("%s now lists %q under %s; %s will be looked at again as soon as trueup run has read it", path, x.SourceValue, args[1], status.Plural(len(siblings), "customer")))
}

// meaning checks the status for the value of an exception.
func meaning(cfg *config.Config, x store.Exception, word string) (status.Status, error) {
	if x.Kind != status.UnmappedStatus {
		return "", &failure{err: fmt.Errorf("exception %d is %s, not unmapped_status", x.ID, x.Kind), hint: "trueup exceptions show says what is offered for it", code: exitFailed}
	}
	s, ok := cfg.Syncs[x.Sync]
	if !ok {
		return "", knownSync(cfg, x.Sync)
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
		return "", usage("it is one of: "+strings.Join(append(words, ignoreWord), ", "), "%s has no status %q", x.Sync, word)
	}
	return status.Status(word), nil
}

// byHand tells what to write where the file was not.
func byHand(err error, x store.Exception, to status.Status) error {
	return &failure{err: err, hint: "write it by hand, and trueup run reads it again by itself:\n\n" + indented(config.Lines(x.Sync, to, x.SourceValue)), code: exitFailed}
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
