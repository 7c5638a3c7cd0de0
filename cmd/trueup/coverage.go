package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// printCoverage says which values a comparison found that the file does not
// list, and what to do about each. An older comparison than the last says nothing.
func printCoverage(ctx context.Context, out io.Writer, cfg *config.Config, db *store.DB, w store.Sweep) error {
	s, ok := cfg.Syncs[w.Sync]
	found, err := overview.Coverage(ctx, db, w.Sync, s)
	if err != nil || !ok || found == nil || !found.SeenAt.Equal(w.EndedAt) {
		return err
	}
	if len(found.Unlisted)+len(found.Foreign)+len(found.Unseen) > 0 {
		fmt.Fprintln(out)
	}
	file := filepath.Base(cfg.Path)
	for _, u := range found.Unlisted {
		near := ""
		if u.Near != "" {
			near = fmt.Sprintf(" (it lists %q, which no one has)", u.Near)
		}
		fmt.Fprintf(out, "%s: %s has %q, which %s does not list%s; add it under statuses or ignore, or: trueup exceptions map NUMBER STATUS\n", status.Plural(u.Customers, "customer"), s.Source.Connection, u.Value, file, near)
	}
	if found.MoreUnlisted > 0 {
		fmt.Fprintf(out, "and %s that it does not list; trueup check --live shows them\n", status.Plural(found.MoreUnlisted, "more value"))
	}
	for _, f := range found.Foreign {
		fmt.Fprintf(out, "%s: %s has %q, which is not the value of any status\n", status.Plural(f.Records, "record"), s.Target.Connection, f.Value)
	}
	if found.MoreForeign > 0 {
		fmt.Fprintf(out, "and %s that no status is written as; trueup check --live shows them\n", status.Plural(found.MoreForeign, "more value"))
	}
	if len(found.Unseen) > 0 {
		fmt.Fprintf(out, "listed, and no one has it: %s\n", quoted(found.Unseen))
	}
	return nil
}

// coverage says which values of the source have no meaning.
func (p screen) coverage(s contract.Sync) {
	if s.Coverage == nil || len(s.Coverage.Unlisted) == 0 {
		return
	}
	first := s.Coverage.Unlisted[0]
	text := fmt.Sprintf("%s has %q (%s)", s.Source.Connection, first.Value, status.Plural(first.Customers, "customer"))
	if more := len(s.Coverage.Unlisted) - 1 + s.Coverage.MoreUnlisted; more > 0 {
		text += " and " + status.Plural(more, "more value")
	}
	p.line("not listed", "%s; write what that means under statuses or ignore, see trueup check --live", text)
}

// valueCheck is the check of the values of a sync.
const valueCheck health.Name = "value"

// optionChecks compares the file with the options that the tools list. What would
// be written and cannot be is a fault. What the source may hold and nobody listed is
// a warning, and so is what is listed and looks like one of these: records may keep
// an option that was renamed.
func optionChecks(cfg *config.Config, all []contract.Vocabulary) (checks []health.Check) {
	for _, v := range all {
		s := cfg.Syncs[v.Sync]
		add := func(result health.Result, text, remedy string) {
			checks = append(checks, health.Check{Check: valueCheck, Subject: v.Sync, Result: result, Text: text, Remedy: remedy})
		}
		for _, word := range v.NoOption {
			remedy := "correct statuses, or add the option there; it has " + quoted(v.Options)
			if near := config.Nearest(word, v.Options); near != "" {
				remedy = fmt.Sprintf("did you mean %q?", near)
			}
			add(health.Fault, fmt.Sprintf("%q would be written, and is not an option of %s", word, s.Target.Connection), remedy)
		}
		missing := slices.Clone(v.NotListed)
		for _, word := range s.SourceSide().Values {
			near := config.Nearest(word, missing)
			if near == "" || slices.Contains(v.SourceOptions, word) {
				continue
			}
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == near })
			add(health.Warning, fmt.Sprintf("%q is listed, and is not an option of %s", word, s.Source.Connection), fmt.Sprintf("did you mean %q?", near))
		}
		for _, word := range missing {
			add(health.Warning, fmt.Sprintf("%s has the option %q, which %s does not list", s.Source.Connection, word, filepath.Base(cfg.Path)), config.WhereToList(s, word))
		}
	}
	return checks
}
