package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/replay"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// chooseEvents is what events list and replay choose by.
type chooseEvents struct {
	store.EventFilter
	outcome      string
	since, until string
}

func (c *chooseEvents) flags(cmd *cobra.Command) {
	syncFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&c.Customer, "customer", "", "only this `CUSTOMER` (the source's id)")
	f.StringVar(&c.Connection, "connection", "", "only from this `CONNECTION`")
	f.StringVar(&c.outcome, "outcome", "", "only with this `OUTCOME`")
	f.StringVar(&c.since, "since", "", "only those received since this `TIME`: 2026-12-31, 2026-12-31T08:00:00Z, or an age such as 72h")
	f.StringVar(&c.until, "until", "", "only those received before this `TIME`")
}

// filter checks what was given.
func (c *chooseEvents) filter(cmd *cobra.Command, cfg *config.Config) (f store.EventFilter, err error) {
	f = c.EventFilter
	if f.Sync, err = syncOf(cmd, cfg); err != nil {
		return f, err
	}
	if f.Outcome, err = oneOf("outcome", c.outcome, status.Outcomes); err != nil {
		return f, err
	}
	if f.Since, err = pastTime("since", c.since); err != nil {
		return f, err
	}
	f.Until, err = pastTime("until", c.until)
	return f, err
}

// pastTime reads a moment: a date, a time, or how long ago; "" is none.
func pastTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, usage("write 2026-12-31, 2026-12-31T08:00:00Z or 72h", "--%s %q is not a valid time", flag, text)
}

// replayFlags are those of trueup events replay.
type replayFlags struct {
	chooseEvents
	key           string
	yes, dry, all bool
	// settled are the events that the walk left out because nothing is left to do.
	settled int
}

func eventsReplayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [NUMBER | FROM-TO]...",
		Short: "Replay events with the current map",
		Long: `Replay events with the current map. The command first shows what it would do for
each event, and asks. Take the numbers from trueup events list. A range or a filter
skips events that are replays themselves.

--outcome would_write, held or parked takes only the events that are still open, such as
those whose customer still needs a person: trueup events list --still-open. Add --all to
take those that have been settled since, too.

A replay is a new event, so it is not dropped as a repeat. If the source can be
read, it is read again, whatever the event contains. If it cannot, an event that is
older than the latest one processed ends as superseded: nothing goes back in time.
An event that could not be read when it arrived is read with the current
configuration.`,
		Example: `  trueup events replay 17
  trueup events replay 100-250 --outcome parked --dry-run
  trueup events replay --customer cus_123 --since 48h --yes --as ana@example.com`,
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return f.run(cmd, args, cfg, db)
		}),
	}
	f.flags(cmd)
	asFlag(cmd)
	cmd.Flags().StringVar(&f.key, "key", "", "an idempotency key: a `TEXT` with which a repeated call takes effect once, even if the first was cut off")
	cmd.Flags().BoolVar(&f.all, "all", false, "with --outcome: also events that have been settled since")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask for confirmation")
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "show what it would do, without asking or doing it")
	jsonFlag(cmd)
	return cmd
}

func (f *replayFlags) run(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	filter, err := f.filter(cmd, cfg)
	if err != nil {
		return err
	}
	spans, err := spansOf(args)
	if err != nil {
		return err
	}
	if len(spans) == 0 && filter == (store.EventFilter{}) {
		return usage("give numbers, a range such as 17-42, or a filter such as --customer or --since", "no events chosen")
	}
	switch ended := filter.Outcome; {
	case !f.all:
		filter.StillOpen = slices.Contains(status.LeftOpen, ended)
	case ended == "":
		return usage("events are only left out with --outcome would_write, held or parked", "--all does nothing without --outcome")
	}
	if f.yes && f.dry {
		return usage("use only one of them", "--yes and --dry-run contradict each other")
	}
	r, end, err := app.Replayer(cfg, db)
	if err != nil {
		return err
	}
	defer end()
	if f.yes {
		return f.replay(cmd, r, spans, filter)
	}
	summary, err := f.show(cmd, r, spans, filter)
	switch {
	case err != nil || f.dry:
		return err
	case summary.Events == 0 && f.settled > 0:
		return nil
	case summary.Replays == 0:
		return errPerson
	case wantsJSON(cmd): // two arrays would be no JSON
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing was replayed; add --yes to replay")
		return errPerson
	}
	if agreed, asked := ask(cmd, fmt.Sprintf("Replay %s?", status.Plural(summary.Replays, "event"))); !agreed {
		if !asked {
			fmt.Fprintln(cmd.ErrOrStderr(), "nothing was replayed; add --yes to replay")
		}
		return errPerson
	}
	return f.replay(cmd, r, spans, filter)
}

// show says what would be done.
func (f *replayFlags) show(cmd *cobra.Command, r replay.Replayer, spans []replay.Span, filter store.EventFilter) (sum replay.Summary, err error) {
	out := stepsTo(cmd)
	f.settled, err = r.Walk(cmd.Context(), spans, filter, func(seq int64) error {
		steps, err := r.Preview(cmd.Context(), seq)
		if err != nil {
			return err
		}
		sum.Add(steps)
		return out.add(steps)
	})
	if err := errors.Join(err, out.end()); err != nil {
		return sum, err
	}
	text := fmt.Sprintf("%s, %d would be replayed, %d cannot be", status.Plural(sum.Events, "event"), sum.Replays, sum.Nothing)
	if sum.Unmapped > 0 {
		text += fmt.Sprintf("; %d of them have a value without a meaning", sum.Unmapped)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), text+f.leftOut())
	return sum, nil
}

// replay does it.
func (f *replayFlags) replay(cmd *cobra.Command, r replay.Replayer, spans []replay.Span, filter store.EventFilter) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	q := replay.Request{Who: who, Nonce: replay.Nonce(f.key)}
	var sum replay.Summary
	m := newMeter(cmd)
	out := stepsTo(cmd)
	out.quiet = !wantsJSON(cmd)
	ctx := store.Together(cmd.Context())
	f.settled, err = r.Walk(ctx, spans, filter, func(seq int64) error {
		steps, err := r.Do(ctx, seq, q)
		if err != nil {
			return err
		}
		sum.Add(steps)
		m.say("%s processed", status.Plural(sum.Events, "event"))
		return out.add(steps)
	})
	m.end()
	err = errors.Join(err, out.end())
	text := fmt.Sprintf("%s, %d replayed, %d cannot be", status.Plural(sum.Events, "event"), sum.Replays-sum.Repeated, sum.Nothing)
	if sum.Repeated > 0 {
		text += fmt.Sprintf(", %d were replayed with this key before", sum.Repeated)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), text+f.leftOut())
	if err != nil {
		return fmt.Errorf("%w; with --key, run the same command again to continue", err)
	}
	if sum.Nothing > 0 || sum.Events+f.settled == 0 {
		return errPerson
	}
	return nil
}

// leftOut says how many events were left out.
func (f *replayFlags) leftOut() string {
	if f.settled == 0 {
		return ""
	}
	return fmt.Sprintf("; %s left out, settled since (--all takes them too)", status.Plural(f.settled, "event"))
}

// stepLines prints steps as they come: a range may be longer than memory.
type stepLines struct {
	out   io.Writer
	json  bool
	quiet bool // only what cannot be replayed
	any   bool
}

func stepsTo(cmd *cobra.Command) *stepLines {
	return &stepLines{out: cmd.OutOrStdout(), json: wantsJSON(cmd)}
}

func (l *stepLines) add(steps []replay.Step) error {
	for _, s := range steps {
		if l.quiet && s.Replays {
			continue
		}
		if err := l.line(s); err != nil {
			return err
		}
		l.any = true
	}
	return nil
}

func (l *stepLines) line(s replay.Step) error {
	if l.json {
		text, err := json.MarshalIndent(s, "  ", "  ")
		if err != nil {
			return err
		}
		before := "[\n  "
		if l.any {
			before = ",\n  "
		}
		_, err = fmt.Fprintf(l.out, "%s%s", before, text)
		return err
	}
	value := orDash(s.Value)
	if s.Status != "" {
		value += fmt.Sprintf(" -> %s (%s)", s.Status, s.Target)
	}
	_, err := fmt.Fprintf(l.out, "event %d of %s: customer %s, %s: %s\n", s.Seq, s.Sync, orDash(s.Customer), value, s.Does)
	return err
}

func (l *stepLines) end() error {
	var err error
	switch {
	case l.json && !l.any:
		_, err = fmt.Fprintln(l.out, "[]")
	case l.json:
		_, err = fmt.Fprintln(l.out, "\n]")
	}
	return err
}

// spansOf reads numbers and ranges.
func spansOf(args []string) ([]replay.Span, error) {
	var spans []replay.Span
	for _, arg := range args {
		from, to, isRange := strings.Cut(arg, "-")
		first, err := number("event", from)
		if err != nil {
			return nil, err
		}
		last := first
		if isRange {
			if last, err = number("event", to); err != nil {
				return nil, err
			}
		}
		if last < first {
			return nil, usage("put the lower number first", "the range %s ends before it begins", arg)
		}
		spans = append(spans, replay.Span{From: first, To: last})
	}
	return spans, nil
}
