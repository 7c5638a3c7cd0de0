package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

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
	if x.Kind != status.UnmappedStatus {
		return &failure{err: fmt.Errorf("exception %d is %s, not unmapped_status", x.ID, x.Kind), hint: fmt.Sprintf("trueup exceptions show %d lists what you can do about it", x.ID), code: exitFailed}
	}
	if err := checkSync(cfg, x.Sync); err != nil {
		return err
	}
	file := mapchange.File{Path: cfg.Path, Parse: parseConfig, Store: db}
	r := mapchange.Request{Sync: x.Sync, Value: x.SourceValue, Meaning: args[last]}
	change, err := file.Preview(cmd.Context(), r)
	if err != nil {
		return unmappable(err)
	}
	if change.Listed {
		return &failure{err: fmt.Errorf("%s lists %q under %s already", cfg.Path, r.Value, r.Meaning), hint: "nothing was changed; trueup run syncs its customers automatically", code: exitFailed}
	}
	if !yes {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s%s\n", difference(change.MapChange), change.Effect.Summary)
		if yes, err = askYes(cmd, "Make this change?", "add --yes to make this change"); err != nil || !yes {
			return err
		}
	}
	change, changed, err := file.Save(cmd.Context(), r, mapchange.Seen{Who: who, Digest: change.Digest})
	if err != nil && !changed {
		return unmappable(err)
	}
	if err != nil {
		return err
	}
	waited := change.Effect.Customers
	return done(cmd, map[string]any{"file": change.File, "sync": x.Sync, "value": x.SourceValue, "status": storedStatus(r.Meaning), "customers": waited},
		fmt.Sprintf("%s now lists %q under %s; %s will be checked again as soon as trueup run has read the file", change.File, x.SourceValue, args[last], status.Plural(waited, "customer")))
}

// storedStatus is a meaning as the JSON of before had it: nothing for ignore.
func storedStatus(meaning string) string {
	if meaning == mapchange.Ignore {
		return ""
	}
	return meaning
}

// unmappable turns a refused change into words for a terminal.
func unmappable(err error) error {
	var refused *mapchange.RefusedError
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Unknown:
		return usage(refused.Hint, "%s", refused.Why)
	case refused.Lines != "":
		return &failure{err: err, hint: refused.Hint + ":\n\n" + indented(refused.Lines), code: exitFailed}
	}
	return &failure{err: err, hint: refused.Hint, code: exitFailed}
}

func indented(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// difference shows the lines that change.
func difference(c contract.MapChange) string {
	var b strings.Builder
	for _, line := range c.Lines {
		switch {
		case line.Change == contract.LineSame:
			continue
		case b.Len() == 0:
			fmt.Fprintf(&b, "%s, line %d:\n", c.File, line.Number)
		}
		fmt.Fprintf(&b, "%s %s\n", map[string]string{contract.LineRemoved: "-", contract.LineAdded: "+"}[line.Change], line.Text)
	}
	return b.String()
}
