package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/report"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func statusCommand() *cobra.Command {
	fail := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the status of every sync",
		Long: `Show the status of every sync on one screen: its agreement, what is waiting, the
last event, the alarms that are on, what needs a person, and what a sync in mode: watch would have written.
For each connection, show how many calls it has left and whether it is resting. Also
show which processes use the database.

Agreement is the share of customers that agreed at the last full comparison of both
sides. Before the first comparison, status counts the customers seen so far.`,
		Example: `  trueup status
  trueup status --json
  trueup status --fail-if-any     # exit 3 when something needs a person`,
		Args: cobra.NoArgs,
		RunE: withDatabase(func(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
			s, err := overview.Status(cmd.Context(), db, cfg)
			switch {
			case err != nil:
				return err
			case wantsJSON(cmd):
				err = printJSON(cmd.OutOrStdout(), s)
			default:
				err = printStatus(cmd.OutOrStdout(), s)
			}
			if err == nil && fail && (len(s.NeedsPerson) > 0 || len(s.Alarms) > 0) {
				err = errPerson
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&fail, "fail-if-any", false, "exit 3 if an alarm is on or something else needs a person")
	jsonFlag(cmd)
	return cmd
}

// screen prints how everything stands at a moment.
type screen struct {
	io.Writer
	now time.Time
	at  clock
}

func printStatus(out io.Writer, s contract.Status) error {
	t := newGrid(out, "")
	p := screen{t, *s.MadeAt, clockOf(out)}
	for _, row := range s.Syncs {
		p.sync(row)
	}
	if len(s.Left) > 0 {
		fmt.Fprintln(t, "no longer in the file")
		for _, h := range s.Left {
			p.left(h)
		}
		fmt.Fprintln(t)
	}
	if len(s.Alarms) > 0 {
		fmt.Fprintln(t, "alarms")
		for _, a := range s.Alarms {
			p.alarm(a)
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintln(t, "connections")
	for _, c := range s.Connections {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Connection, c.Type, p.connection(c))
	}
	fmt.Fprintf(t, "\nnodes (%s)\n", s.Engine)
	for _, n := range s.Nodes {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", n.Node, n.Version, p.node(n))
	}
	if !slices.ContainsFunc(s.Nodes, func(n contract.Node) bool { return n.Working }) {
		fmt.Fprintln(t, "  none is running: nothing is received or synced until you start trueup run")
	}
	p.health(s.Health)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if len(s.NeedsPerson) == 0 {
		fmt.Fprintln(out, "nothing needs a person")
	}
	for _, need := range s.NeedsPerson {
		fmt.Fprintf(out, "needs a person: %s\n", need)
	}
	return nil
}

// health prints what was found from outside and did not pass, the worst first.
func (p screen) health(h *contract.Health) {
	if h == nil {
		return
	}
	var bad []contract.Check
	for _, result := range []string{contract.CheckFault, contract.CheckWarning} {
		for _, c := range h.Checks {
			if c.Result == result {
				bad = append(bad, c)
			}
		}
	}
	if len(bad) == 0 {
		fmt.Fprintf(p, "\nchecked from outside %s: all well\n", p.ago(h.CheckedAt))
		return
	}
	fmt.Fprintf(p, "\nchecked from outside %s; after a remedy: trueup check --live\n", p.ago(h.CheckedAt))
	for _, c := range bad {
		fmt.Fprintf(p, "  %s\t%s\t%s\t%s; %s\n", c.Result, c.Subject, c.Check, c.Text, c.Remedy)
	}
}

// line prints a named line of a sync.
func (p screen) line(name, format string, args ...any) {
	fmt.Fprintf(p, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
}

// left says what is held under a name that the file does not have.
func (p screen) left(h contract.Holding) {
	text := status.Plural(h.Events, "event") + fmt.Sprintf(", %d waiting", h.WaitingEvents)
	if h.Kind == store.SyncName {
		text = fmt.Sprintf("%s, %s, %s; %s", status.Plural(h.Customers, "customer"), status.Plural(h.Links, "link"), status.Plural(h.OpenExceptions, "open exception"), text)
	}
	if h.Tokens {
		text += "; tokens"
	}
	p.line(string(h.Kind)+" "+h.Name, "%s", text)
}

// ago is how long something is over.
func (p screen) ago(t *time.Time) string { return status.Age(p.now.Sub(*t)) + " ago" }

func (p screen) sync(s contract.Sync) {
	since := ""
	if s.ModeSince != nil {
		since = " " + p.at.since(*s.ModeSince)
	}
	if s.ModeInUse != "" {
		since = " in the file, but still " + s.ModeInUse + " in use"
	}
	fmt.Fprintf(p, "%s: %s → %s, %s%s\n", s.Sync, s.Source.Connection, s.Target.Connection, s.Mode, since)
	if m := s.ModeChange; m != nil {
		did := map[string]string{config.ModeLive: "taken live", config.ModeWatch: "set to watch"}[s.Mode]
		p.line("mode", "%s by %s %s: %s", did, m.By, p.ago(m.At), m.Reason)
	}
	p.agreement(s)
	waiting := s.WaitingCustomers
	if s.Delayed != nil { // they stand on a line of their own
		waiting = max(0, waiting-s.Delayed.Customers)
	}
	switch {
	case waiting == 0 && s.WaitingEvents == 0:
		p.line("queue", "nothing waiting")
	default:
		text := status.Plural(waiting, "customer") + ", " + status.Plural(s.WaitingEvents, "event")
		if s.WaitingEvents == 0 {
			text = "no events; " + status.Plural(waiting, "customer") + " to check again"
		}
		if s.OldestWaiting != nil {
			text += ", the oldest from " + p.ago(s.OldestWaiting)
		}
		p.line("queue", "%s", text)
	}
	if d := s.Delayed; d != nil {
		p.line("delayed", "%s", p.delayed(d))
	}
	if s.WaitingForLive > 0 && s.Mode == config.ModeWatch {
		p.line("", "%s changed while it was live; they will be checked again when it goes live", status.Plural(s.WaitingForLive, "customer"))
	}
	switch {
	case s.LastEvent == nil:
		p.line("last event", "none yet")
	case s.Silence != nil:
		p.line("last event", "%s; until now, %s was never silent for more than %s", p.ago(s.LastEvent), s.Source.Connection,
			status.Age(time.Duration(s.Silence.LongestBefore*float64(time.Second))))
	default:
		p.line("last event", "%s", p.ago(s.LastEvent))
	}
	p.asking(s)
	for _, m := range s.AccountMoved {
		p.line("stopped", "%s", m.Reason)
		p.line("", "nothing is synced; %s", accountRemedies(s.Sync))
	}
	if on := s.Paused; on != nil {
		p.line("paused", "%s by %s: %s; events are stored and wait", p.ago(on.Since), on.By, on.Reason)
		if on.PlanFirst {
			p.line("", "%s: trueup plan %s", reason.PlanFirst, s.Sync)
		}
		p.line("", "to go on: trueup resume %s --reason TEXT", s.Sync)
	}
	if h := s.Halted; h != nil {
		p.line("halted", "by mass_change %s; waiting: %s; to let them through: trueup resume %s --reason TEXT", p.ago(h.Since), status.Plural(h.WaitingCustomers, "customer"), s.Sync)
	}
	p.line("exceptions", "%s", open(s))
	why := "%d, because someone changed the target, or chose its value"
	if s.Pinned != nil {
		why += ", or pinned the customer"
	}
	p.line("held", "%s", orNone(s.Held, why))
	if pins := s.Pinned; pins != nil {
		p.line("pinned", "%s", p.pins(s.Sync, *pins))
	}
	p.drift(s)
	p.coverage(s)
	p.watching(s)
	p.ladder(s)
	fmt.Fprintln(p)
}

// ladder says what leads a sync that only watches one step closer to live.
func (p screen) ladder(s contract.Sync) {
	l := s.Ladder
	apply := "trueup apply " + s.Sync + " --plan " + shortHash(l.Plan)
	switch l.Next {
	case contract.NextPlan:
		p.line("next step", "compare both sides: trueup plan %s", s.Sync)
	case contract.NextTryOne:
		p.line("next step", "read the plan and try one customer: %s --only CUSTOMER", apply)
	case contract.NextGoLive:
		tried := ""
		if l.Tried > 0 {
			tried = status.Plural(l.Tried, "customer") + " tried; "
		}
		p.line("next step", "%sif it is right, set mode: live for %s, then: %s", tried, s.Sync, apply)
	}
}

// alarm says what is wrong with a sync, since when, and what to do about it.
func (p screen) alarm(a contract.Alarm) {
	fmt.Fprintf(p, "  %s\t%s\t%s: %s\n", a.Alarm, p.ago(a.Since), a.Sync, a.Text)
	fmt.Fprintf(p, "  \t\tto do: %s\n", remedy(a.Remedy, a.Sync, ""))
}

// pins says how many customers are pinned.
func (p screen) pins(sync string, pins contract.Pins) string {
	text := status.Plural(pins.Customers, "customer") + " " + map[bool]string{true: "is", false: "are"}[pins.Customers == 1] + " pinned, and nothing is written to their records"
	if end := pins.NextEnd; end != nil {
		text += "; the next pin ends " + p.at.next(*end)
	}
	return text + "; to list them: trueup pin list " + sync
}

// delayed says how many changes wait for their time, and until when the first does.
func (p screen) delayed(d *contract.Delayed) string {
	waits := "changes wait"
	if d.Customers == 1 {
		waits = "change waits"
	}
	text := fmt.Sprintf("%d %s", d.Customers, waits)
	if d.Next != nil && d.Next.After(p.now) {
		text += " " + p.at.until(*d.Next)
		if d.Customers > 1 {
			text += " or later"
		}
	}
	return text + ", as transitions say"
}

func orNone(n int, format string) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprintf(format, n)
}

func (p screen) agreement(s contract.Sync) {
	if len(s.Sweeps) == 0 {
		p.line("agreement", "never compared; run trueup plan %s", s.Sync)
	} else {
		last := s.Sweeps[0]
		text := fmt.Sprintf("%s at the last full comparison, %s: %d of %d", report.Percent(last.Agreement), p.ago(last.At), last.Agree, last.Carried)
		if len(s.Sweeps) > 1 && last.Agreement != nil && s.Sweeps[1].Agreement != nil {
			text += trend(*last.Agreement - *s.Sweeps[1].Agreement)
		}
		if last.Stale {
			text += "; the file has changed since then; run trueup plan " + s.Sync
		}
		p.line("agreement", "%s", text)
		for _, aside := range last.SetAside.Texts(s.Source.Connection, s.Target.Connection) {
			p.line("", "%s", cell(aside))
		}
	}
	a := s.Agreement
	outdated := report.Outdated(a.Remapped, a.Stale, s.Sync, s.Sweeps)
	switch {
	case len(s.Sweeps) > 0: // which is the figure
		if since := report.Unproved(a.Unverified) + outdated; since != "" {
			p.line("", "%s", strings.TrimPrefix(since, "; "))
		}
	case s.Mode == config.ModeWatch: // who was read is chance, and nothing was written
	case a.Carried == 0:
		p.line("", "no customers seen yet%s", outdated)
	default:
		p.line("", "of %s seen so far, %d agree%s%s", status.Plural(a.Carried, "customer"), a.Agree, report.Unseen(a.Unverified), outdated)
	}
}

// trend says how agreement moved between two comparisons.
func trend(by float64) string {
	const visible = 0.0005 // what is less shows as 0.0
	switch {
	case by >= visible:
		return fmt.Sprintf(" (%.1f points more than before)", by*100)
	case by <= -visible:
		return fmt.Sprintf(" (%.1f points less than before)", -by*100)
	}
	return " (no change)"
}

// open says what is open by kind.
func open(s contract.Sync) string {
	var kinds []string
	all, overdue := 0, 0
	for _, kind := range status.Kinds {
		if n := s.OpenExceptions[kind]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
			all += n
		}
		overdue += s.OverdueExceptions[kind]
	}
	if all == 0 {
		return "none open"
	}
	text := fmt.Sprintf("%d open: %s", all, strings.Join(kinds, ", "))
	if overdue > 0 {
		text += fmt.Sprintf("; %d overdue", overdue)
	}
	return text
}

func (p screen) drift(s contract.Sync) {
	if len(s.Sweeps) == 0 {
		return
	}
	d := s.Sweeps[0].Drift
	var causes []string
	for _, c := range []struct {
		n    int
		noun string
	}{{d.LostEvent, "lost event"}, {d.EditOutside, "outside edit"}, {d.DeletedRecord, "deleted record"}, {d.Vocabulary, "unknown value"}} {
		if c.n > 0 {
			causes = append(causes, status.Plural(c.n, c.noun))
		}
	}
	p.line("drift", "%s", cmp.Or(strings.Join(causes, ", "), "none")+" (at the last comparison)")
	if n := s.Sweeps[0].Waiting; n > 0 {
		p.line("", "%s never synced and not the same; what would be done for them: trueup plan %s", status.Plural(n, "customer"), s.Sync)
	}
}

func (p screen) watching(s contract.Sync) {
	w := s.Watching
	if w == nil {
		return
	}
	if w.Would == 0 {
		p.line("watching", "none of the changes since then would have been written; a plan shows who differed before")
		return
	}
	text := fmt.Sprintf("would have written %s of %s; people did the same for %d", status.Plural(w.Would, "value"), status.Plural(w.Customers, "customer"), w.Same)
	if w.MedianSeconds != nil {
		text += fmt.Sprintf(" (half of them within %s)", status.Age(max(time.Minute, time.Duration(*w.MedianSeconds*float64(time.Second)))))
	}
	p.line("watching", "%s, something different for %d, nothing yet for %d; the source changed first for %d", text, w.Otherwise, w.NotYet, w.Overtaken)
	for _, c := range w.Changes {
		p.line("", "%s → %s: %d (same %d, different %d, none yet %d, source changed first %d)", orEmpty(c.Before), orEmpty(c.After), c.Would, c.Same, c.Otherwise, c.NotYet, c.Overtaken)
	}
}

// orEmpty names a field that holds nothing.
func orEmpty(value string) string { return cmp.Or(value, "(empty)") }

func (p screen) connection(c contract.ConnectionState) string {
	var parts []string
	if c.RestsUntil != nil {
		parts = append(parts, "resting "+p.at.until(*c.RestsUntil))
	}
	if r := c.Rate; r != nil {
		parts = append(parts, fmt.Sprintf("%d of %d calls per %s left", r.Free, r.Requests, time.Duration(r.PerSeconds*float64(time.Second))))
	} else {
		parts = append(parts, "no rate limit")
	}
	if b := c.Budget; b != nil {
		parts = append(parts, fmt.Sprintf("%d of %d left of the daily quota, reported %s", b.Left, b.Limit, p.ago(b.At)))
	} else {
		parts = append(parts, "daily quota unknown")
	}
	if late := time.Duration(c.ListedLate * float64(time.Second)); late > 0 {
		parts = append(parts, fmt.Sprintf("changes appear in its list %s after the time they show: its clock is slow, or the list is late", late.Truncate(time.Second)))
	}
	refused := 0
	for _, n := range c.Refused {
		refused += n
	}
	if refused > 0 {
		parts = append(parts, status.Plural(refused, "webhook")+" refused in the last hour")
	}
	return strings.Join(parts, "; ")
}

func (p screen) node(n contract.Node) string {
	if n.Working {
		text := "running " + p.at.since(*n.StartedAt) + ", last seen " + p.ago(n.SeenAt)
		if len(n.File.Faults) > 0 {
			text += fmt.Sprintf("; the file on disk has %s and is not used", status.Plural(len(n.File.Faults), "fault"))
		}
		if n.File.Differs {
			text += "; its trueup.yaml differs from most nodes'"
		}
		return text
	}
	return "last seen " + status.Age(p.now.Sub(*n.SeenAt)) + " ago; did not shut down cleanly"
}
