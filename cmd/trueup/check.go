package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// checked is what trueup check prints as JSON.
type checked struct {
	Config string `json:"config"`
	// Faults are all that is wrong in the file. With one of them nothing else is
	// known.
	Faults      []fault  `json:"faults"`
	Connections int      `json:"connections"`
	Syncs       int      `json:"syncs"`
	Warnings    []string `json:"warnings"`
	// Defaults are the protections that hold because the file leaves them out.
	Defaults []notice `json:"defaults"`
	// Knows is what each sync's target can tell.
	Knows map[string]connector.Knowledge `json:"knows"`
	// Late says how each sync hears of its source's changes, how late that can be, and
	// what it can miss.
	Late map[string]string `json:"late"`
	Live []liveResult      `json:"live,omitempty"`
	// Checks are what --live saw from outside.
	Checks []health.Check `json:"checks,omitempty"`
	// Vocabulary is what the values of each sync mean.
	Vocabulary []contract.Vocabulary `json:"vocabulary,omitempty"`
}

type fault struct {
	Line    int    `json:"line"`
	Path    string `json:"path"` // "" for the file as a whole
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

type notice struct {
	Line int    `json:"line"`
	Path string `json:"path"`
	Text string `json:"text"`
}

type liveResult struct {
	Connection string   `json:"connection"`
	OK         bool     `json:"ok"`
	Said       []string `json:"said"`
	Error      string   `json:"error,omitempty"`
}

func checkCommand() *cobra.Command {
	var running bool
	var address string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check trueup.yaml, and with --live the connections",
		Long: `Check trueup.yaml and report every fault at once, each with its line and what to
write instead. --live also calls each connection, which changes nothing there, and
checks from outside: the database, the port, public_url, clocks, webhooks and the age
of credentials. A fault in the file exits 2, one found by --live 1, and a warning 0. For each sync it then shows the values that the last full comparison found: what each
one means, and which have no meaning yet.

--ready asks the running service instead, whether it can store events and sync customers
now: for the health check of a container, where no other program can ask. It exits 1 when
the service is not ready or does not answer.`,
		Example: `  trueup check
  trueup check --live
  trueup check --ready
  trueup check -c /etc/trueup/trueup.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch live := cmd.Flags().Changed("live"); {
			case running && live:
				return usage("use one of them", "--ready and --live cannot be used together")
			case running:
				return checkReady(cmd, address)
			}
			return check(cmd, args)
		},
	}
	cmd.Flags().Bool("live", false, "also call each connection")
	cmd.Flags().BoolVar(&running, "ready", false, "only ask the running service whether it can work now")
	cmd.Flags().StringVar(&address, "address", "", "with --ready: the `HOST:PORT` of the service (default: listen of the file)")
	jsonFlag(cmd)
	return cmd
}

func check(cmd *cobra.Command, _ []string) error {
	cfg, err := loadConfig(cmd)
	var faults config.Faults
	if errors.As(err, &faults) && wantsJSON(cmd) {
		return errors.Join(err, printFaults(cmd, faults))
	}
	if err != nil {
		return err
	}
	result := checked{Config: cfg.Path, Faults: []fault{}, Connections: len(cfg.Connections), Syncs: len(cfg.Syncs), Warnings: []string{}, Defaults: []notice{}}
	for _, n := range cfg.Notices() {
		if n.Warning {
			result.Warnings = append(result.Warnings, n.String())
			continue
		}
		result.Defaults = append(result.Defaults, notice{Line: n.Line, Path: n.Path, Text: n.Text})
	}
	left, err := leftBehind(cmd.Context(), cfg)
	if errors.As(err, &faults) && wantsJSON(cmd) {
		return errors.Join(err, printFaults(cmd, faults))
	}
	if err != nil {
		return err
	}
	result.Warnings = append(result.Warnings, left...)
	result.Warnings = append(result.Warnings, app.SlowLimits(cfg)...)
	if result.Knows, result.Late, err = app.Capabilities(cfg); err != nil {
		return err
	}
	live, err := cmd.Flags().GetBool("live")
	if err != nil {
		return err
	}
	if live {
		result.Live, result.Checks = probe(cmd, cfg)
		if result.Vocabulary, err = vocabularies(cmd, cfg); err != nil {
			return err
		}
		result.Checks = append(result.Checks, optionChecks(cfg, result.Vocabulary)...)
	}
	if wantsJSON(cmd) {
		err = printJSON(cmd.OutOrStdout(), result)
	} else {
		err = result.print(cmd, cfg)
	}
	if failed := result.failed(); err == nil && failed != "" {
		err = &failure{err: errors.New(failed), hint: "fix the problems above and run trueup check --live again", code: exitFailed}
	}
	return err
}

// failed says what went wrong, "" when nothing did. A warning is none of it.
func (c checked) failed() string {
	switch {
	case slices.ContainsFunc(c.Live, func(l liveResult) bool { return !l.OK }):
		return "some connections failed the check"
	case slices.ContainsFunc(c.Checks, func(c health.Check) bool { return c.Result == health.Fault }):
		return "some checks found a fault"
	}
	return ""
}

// printFaults prints what is wrong in the file in the shape of what is right.
func printFaults(cmd *cobra.Command, faults config.Faults) error {
	result := checked{Warnings: []string{}, Defaults: []notice{}, Knows: map[string]connector.Knowledge{}, Late: map[string]string{}}
	for _, f := range faults {
		result.Config = f.File
		result.Faults = append(result.Faults, fault{Line: f.Line, Path: f.Path, Problem: f.Problem, Remedy: f.Remedy})
	}
	return printJSON(cmd.OutOrStdout(), result)
}

// askingTheDatabase bounds how long a check of the file waits for the database.
const askingTheDatabase = 5 * time.Second

// leftBehind says what the database holds under names that the file does not
// have, as far as the database can be asked. That there is none yet is no fault of
// the file; that nobody can tell whose memory is whose is one.
func leftBehind(ctx context.Context, cfg *config.Config) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askingTheDatabase)
	defer cancel()
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.Reveal()})
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	var found []string
	if err == nil {
		found, err = askNames(ctx, cfg, db)
		err = errors.Join(err, db.Close())
	}
	var unclear *app.NamesError
	switch {
	case errors.As(err, &unclear):
		return nil, unclear
	case err != nil:
		return []string{"could not check whether the customers in the database belong to the syncs of this file: " + err.Error()}, nil
	}
	return found, nil
}

func askNames(ctx context.Context, cfg *config.Config, db *store.DB) (found []string, err error) {
	left, err := overview.Left(ctx, db, cfg)
	for _, h := range left {
		found = append(found, overview.OfLeft(h))
	}
	if err != nil {
		return nil, err
	}
	return found, app.CheckNames(ctx, cfg, db)
}

// probe calls each connection and looks at the service from outside.
func probe(cmd *cobra.Command, cfg *config.Config) (results []liveResult, checks []health.Check) {
	probed, checks := app.Live(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
	for _, r := range probed {
		l := liveResult{Connection: r.Connection, OK: r.Err == nil, Said: r.Said}
		if l.Said == nil {
			l.Said = []string{}
		}
		if r.Err != nil {
			l.Error = r.Err.Error()
		}
		results = append(results, l)
	}
	for _, r := range probed {
		checks = append(checks, r.Checks...)
	}
	return results, checks
}

func (c checked) print(cmd *cobra.Command, cfg *config.Config) error {
	for _, w := range c.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", w)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s is valid: %s, %s\n", c.Config, status.Plural(c.Connections, "connection"), status.Plural(c.Syncs, "sync"))
	for _, n := range c.Defaults {
		fmt.Fprintf(out, "%s:%d: %s: %s\n", c.Config, n.Line, n.Path, n.Text)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		fmt.Fprintf(out, "%s: %s\n", name, c.Late[name])
		target := cfg.Syncs[name].Target.Connection
		for _, weak := range weaknesses(c.Knows[name]) {
			fmt.Fprintf(out, "%s: %s %s\n", name, target, weak)
		}
	}
	for _, l := range c.Live {
		for _, said := range l.Said {
			fmt.Fprintf(out, "%s: %s\n", l.Connection, said)
		}
		if !l.OK {
			fmt.Fprintf(out, "%s: FAILED: %s\n", l.Connection, l.Error)
		}
	}
	if err := printChecks(out, c.Checks); err != nil {
		return err
	}
	for _, v := range c.Vocabulary {
		if err := printVocabulary(out, v); err != nil {
			return err
		}
	}
	return nil
}

// printChecks prints a line for each check, with what to do about it.
func printChecks(out io.Writer, all []health.Check) error {
	g := newGrid(out, "")
	for _, c := range all {
		fmt.Fprintf(g, "%s\t%s\t%s\t%s\n", c.Result, c.Subject, c.Check, c.Sentence())
	}
	return g.Flush()
}

// weaknesses says what a target does not tell and what that means.
func weaknesses(k connector.Knowledge) []string {
	var all []string
	if !k.Actor {
		all = append(all, "does not report who edited a record, so every edit that is not Trueup's counts as a person's")
	} else if !k.FieldTime {
		all = append(all, "reports who edited a record last, but not which field was edited. If an automation edits after a person, only the automation shows, "+
			"so its edit counts like a person's, unless it is certainly older than the source's change or comes from a write of Trueup")
	}
	switch {
	case !k.Order:
		all = append(all, "does not report when a record was edited. If Trueup's last two reads do not show which change is newer, the customer is held")
	case !k.FieldTime:
		all = append(all, "has one edit time for the whole record. If any edit may be newer than the source's change, the customer is held")
	}
	if !k.ConditionalWrite {
		all = append(all, "has no conditional write (if_match), so an edit between Trueup's read and its write is overwritten unnoticed")
	}
	if k.Unverified {
		all = append(all, "cannot show what was written (read_back: false), so a write counts when the tool accepts it, and is never verified")
	}
	return all
}
