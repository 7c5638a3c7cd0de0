package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// example writes the file from an example. If its tokens are in the environment, the
// tools are read, and the values that its map does not list are marked.
func (o *initOptions) example(cmd *cobra.Command, path string) error {
	text, ok := docs.Examples[o.from]
	if !ok {
		return usage("available examples: "+strings.Join(slices.Sorted(maps.Keys(docs.Examples)), ", "), "no example %q", o.from)
	}
	for _, flag := range []string{"source", "target", "source-name", "target-name", "set", "means", "to", "match"} {
		if cmd.Flags().Changed(flag) {
			return usage("change the file afterwards, or leave out --from", "--from and --%s cannot be used together", flag)
		}
	}
	text = o.adapt(text)
	cfg, err := parseConfig(path, []byte(text))
	var faults config.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	result := inited{Config: path, Gaps: []initGap{}}
	if len(faults) == 0 && !o.noLive {
		text, result.Gaps = markGaps(cmd.Context(), newTalk(cmd), cfg, text)
	}
	if err := setup.Place(path, []byte(text), o.force); err != nil {
		return err
	}
	return tellInit(cmd, result, faults)
}

var (
	exampleURL    = regexp.MustCompile(`(?m)^public_url: .*$`)
	exampleListen = regexp.MustCompile(`(?m)^listen: .*$`)
	exampleData   = regexp.MustCompile(`(?m)^database: .*$`)
	exampleSync   = regexp.MustCompile(`(?m)^  customer-status:`)
	exampleOwner  = regexp.MustCompile(`(?m)^    owners: \{default: ops@example\.com(.*)\}`)
)

// adapt puts what the flags say into an example.
func (o *initOptions) adapt(text string) string {
	literal := func(re *regexp.Regexp, with string) {
		text = re.ReplaceAllLiteralString(text, with)
	}
	if o.publicURL != "" {
		literal(exampleURL, "public_url: "+config.Scalar(o.publicURL)+"   # where the tools reach Trueup")
	} else {
		literal(exampleURL, "# public_url: https://sync.example.com   # where the tools reach Trueup")
	}
	if o.listen != "" {
		literal(exampleListen, "listen: "+config.Scalar(o.listen))
	}
	if o.database != "" {
		literal(exampleData, "database: "+config.Scalar(o.database))
	}
	literal(exampleSync, "  "+o.direction.Sync+":")
	if o.direction.Owner != "" {
		text = exampleOwner.ReplaceAllString(text, "    owners: {default: "+strings.ReplaceAll(config.Scalar(o.direction.Owner), "$", "$$")+"$1}")
	}
	return text
}

// markGaps reads both tools of each sync, and marks the values of the source that the
// map does not list.
func markGaps(ctx context.Context, t *talk, cfg *config.Config, text string) (string, []initGap) {
	lines := strings.Split(text, "\n")
	gaps, added := []initGap{}, 0
	for _, name := range slices.SortedFunc(maps.Keys(cfg.Syncs), func(a, b string) int { return cfg.Line("syncs."+a) - cfg.Line("syncs."+b) }) {
		s := cfg.Syncs[name]
		ctx, cancel := context.WithTimeout(ctx, readingTools)
		from, to := setup.Count(ctx, cfg, name, setup.Source), setup.Count(ctx, cfg, name, setup.Target)
		cancel()
		for connection, v := range map[string]setup.Survey{s.Source.Connection: from, s.Target.Connection: to} {
			if v.Err != nil {
				t.say("%s: FAILED: %v\n", connection, v.Err)
				continue
			}
			t.counted(connection, v)
		}
		var marks []string
		for _, value := range from.ByCount() {
			if listed(s, value) {
				continue
			}
			gaps = append(gaps, initGap{value, from.Values[value]})
			marks = append(marks, fmt.Sprintf("      # no meaning yet: %q (%s)", value, status.Plural(from.Values[value], "customer")))
		}
		// The line below statuses, of the file as it was read.
		at := cfg.Line("syncs."+name+".statuses") + added
		lines, added = slices.Insert(lines, at, marks...), added+len(marks)
	}
	return strings.Join(lines, "\n"), gaps
}

// listed reports whether a sync gives a value a meaning.
func listed(s config.Sync, value string) bool {
	for _, m := range s.Statuses {
		if slices.Contains(m.From, value) {
			return true
		}
	}
	return slices.Contains(s.Ignore, value)
}
