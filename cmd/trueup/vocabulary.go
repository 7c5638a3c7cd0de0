package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

// vocabularies says what the values of each sync mean, as far as a comparison
// of both sides has seen them.
func vocabularies(cmd *cobra.Command, cfg *config.Config) (all []contract.Vocabulary, err error) {
	options := app.FieldOptions(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
	names := slices.Sorted(maps.Keys(cfg.Syncs))
	db, err := store.Open(cmd.Context(), store.Options{DSN: cfg.Database.Reveal()})
	switch {
	case errors.Is(err, store.ErrUnreachable):
		return nil, nil // the check of the database says so
	case errors.Is(err, store.ErrMissing), errors.Is(err, store.ErrOlder):
		for _, name := range names {
			all = append(all, overview.NeverCompared(name, cfg.Syncs[name], options[name]))
		}
		return all, nil
	case err != nil:
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, name := range names {
		v, err := overview.Vocabulary(cmd.Context(), db, name, cfg.Syncs[name], options[name])
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func printVocabulary(out io.Writer, v contract.Vocabulary) error {
	if v.SeenAt == nil {
		fmt.Fprintf(out, "%s: values not known yet; trueup plan %s compares both sides and counts them\n", v.Sync, v.Sync)
		return nil
	}
	fmt.Fprintf(out, "%s: values found by the full comparison %s\n", v.Sync, clockOf(out).on(*v.SeenAt))
	t := newGrid(out, "  SIDE\tVALUE\tHELD BY\tMEANING")
	for _, w := range v.Source {
		fmt.Fprintf(t, "  source\t%s\t%d\t%s\n", orEmpty(w.Value), w.Customers, sourceMeaning(w))
	}
	for _, value := range v.Unseen {
		fmt.Fprintf(t, "  source\t%s\t0\tlisted, and no one has it\n", orEmpty(value))
	}
	for _, w := range v.Target {
		fmt.Fprintf(t, "  target\t%s\t%d\t%s\n", orEmpty(w.Value), w.Records, targetMeaning(w))
	}
	return t.Flush()
}

func sourceMeaning(w contract.SourceWord) string {
	switch w.Meaning {
	case contract.WordMapped:
		return fmt.Sprintf("%s, written as %s", w.Status, w.To)
	case contract.WordIgnored:
		return "ignored"
	}
	return "NONE: add it to statuses or ignore"
}

func targetMeaning(w contract.TargetWord) string {
	switch w.Meaning {
	case contract.WordMapped:
		return string(w.Status)
	case contract.WordEmpty:
		return "empty"
	}
	return "FOREIGN: not the value of any status"
}

// quoted lists words for people.
func quoted(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	var all []string
	for _, w := range words {
		all = append(all, fmt.Sprintf("%q", w))
	}
	return strings.Join(all, ", ")
}
