package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// withSync is the check of a command that takes n arguments, the first of which is a
// sync that may be left out. onSync completes them.
func withSync(n int) cobra.PositionalArgs { return cobra.RangeArgs(n-1, n) }

// onSync runs a command with all of its n arguments: where the sync was left out it
// is the only one of the file.
func onSync(n int, run func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error) func(*cobra.Command, []string, *config.Config, *store.DB) error {
	return func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		if len(args) < n {
			if _, ok := cfg.Syncs[first(args)]; ok { // the sync was named, and something else was left out
				return wrongArguments(cmd, args)
			}
			only, err := onlySync(cfg)
			if err != nil {
				return err
			}
			args = append([]string{only}, args...)
		}
		if err := checkSync(cfg, args[0]); err != nil {
			return err
		}
		return run(cmd, args, cfg, db)
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// onlySync is the file's only sync.
func onlySync(cfg *config.Config) (string, error) {
	switch names := slices.Sorted(maps.Keys(cfg.Syncs)); {
	case cfg.Syncs == nil: // see withDatabase
		return "", usage("name the sync, or correct the file", "%s has faults, so its syncs are not known", cfg.Path)
	case len(names) == 1:
		return names[0], nil
	default:
		return "", usage("name one of them: "+strings.Join(names, ", "), "%s has %d syncs, and the command names none", cfg.Path, len(names))
	}
}
