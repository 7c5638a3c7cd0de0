package sim

import (
	"context"
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// converges: after the calm both tools agree, or an exception says why not.
var converges = watch{settled: func(w *world, _ *task, work *store.Work, s store.Settlement) {
	delete(w.facts.dismissed, work.Customer)
	if x, ok := w.facts.asItWas[work.Customer]; ok && s.Park != nil && s.Park.Kind == x.Kind {
		w.coverage.hit("fault", "resolved and found again")
	}
}, ended: func(w *world) {
	all, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Sync: w.names.sync})
	w.must(err)
	var open []store.Exception
	for _, x := range all {
		switch x.State {
		case status.Open, status.Acknowledged:
			open = append(open, x)
		case status.StateIgnored:
			w.facts.dismissed[x.Customer] = true
		}
	}
	for _, c := range w.source.customers {
		if w.facts.dismissed[c.id] || w.resolvedAsItIs(c) {
			continue // a person said that it need not agree
		}
		w.converged(c, slices.DeleteFunc(slices.Clone(open), func(x store.Exception) bool { return x.Customer != c.id }))
		if w.breach != nil {
			return
		}
	}
}}

// resolvedAsItIs reports whether a person has closed the question about what both
// sides hold now.
func (w *world) resolvedAsItIs(c *client) bool {
	x, ok := w.facts.asItWas[c.id]
	row, err := w.db.Customer(context.Background(), w.names.sync, c.id)
	if !ok || err != nil || row.Link == nil {
		return false
	}
	r := w.target.record(row.Link.TargetID)
	if r == nil || r.gone || c.gone || c.now().value != x.SourceValue || r.now().value != x.TargetValue {
		return false
	}
	return true
}

func (w *world) converged(c *client, open []store.Exception) {
	row, err := w.db.Customer(context.Background(), w.names.sync, c.id)
	if err != nil && w.agreesUnknown(c) {
		w.coverage.hit("forgotten", "and both sides agree")
		return
	}
	if err != nil {
		w.fail(11, "converges", "%s was never looked at: %v", c.id, err)
		return
	}
	if row.Outcome == status.Applied || row.Outcome == status.AlreadyEqual {
		if len(open) > 0 && (len(open) > 1 || open[0].Cause != store.WrittenOver) {
			w.fail(11, "converges", "%s was carried, and %s is still open", c.id, open[0].Kind)
		}
	}
	for v, before := range c.versions[:len(c.versions)-1] {
		last := before.value == row.Desired.SourceValue || before.value == "incomplete" && row.Outcome == status.Ignored
		if last && w.tied(c.id, v, len(c.versions)-1) {
			w.coverage.hit("bounded", "events of one second that overtook each other")
			return
		}
	}
	want, ok := w.wanted(c.now().value)
	if len(open) == 1 {
		if why := w.stillMissing(c, open[0]); why != "" {
			w.fail(15, "patient", "%s", why)
		}
	}
	if len(open) > 0 {
		if w.facts.retriedAll {
			w.justified(c, row, open)
		}
		return
	}
	if !ok {
		// A comparison wakes nobody of whom nothing is carried.
		passed := c.now().value == "incomplete" && (row.Outcome == status.Ignored || w.swept(c) && c.untold())
		if !passed {
			w.fail(11, "converges", "%s has the value %q, which is not carried, and ended as %s", c.id, c.now().value, row.Outcome)
		}
		return
	}
	if row.Link == nil {
		w.fail(11, "converges", "%s is not linked, and there is no exception", c.id)
		return
	}
	r := w.target.record(row.Link.TargetID)
	held, last := r.now(), w.facts.looked[c.id]
	switch {
	case r.gone && !w.told(r), held.value == want && !r.gone:
	case row.Outcome == status.Held && row.Ruling.Kind == store.RuledForTarget && row.Ruling.Desired == want: // the owner said so
	case last.stale:
		w.coverage.hit("bounded", "stale read at last")
	case held.valueAt >= last.at && !held.landed && !w.told(r):
		w.coverage.hit("bounded", "edited at last and not told")
	default:
		w.fail(11, "converges", "%s is %q, its record %s holds %q by %s since %.3f s, and there is no exception",
			c.id, c.now().value, r.id, held.value, held.valueBy, float64(held.valueAt)/1000)
	}
}

// told reports whether the target sends webhooks about the record: deletions
// are not announced.
func (w *world) told(r *record) bool { return w.set.targetTells && !r.gone }

// wanted is the target's value for one of the source; false when it is none
// that is carried.
func (w *world) wanted(value string) (string, bool) {
	if value == "past_due" && w.config.changed {
		return "Active", true
	}
	want, ok := map[string]string{"active": "Active", "trialing": "Active", "paused": "Paused", "past_due": "Paused", "canceled": "Churned"}[value]
	return want, ok
}

// justified: after everything was tried again, what is open has a cause that
// is still there.
func (w *world) justified(c *client, row store.Customer, open []store.Exception) {
	records := 0
	for _, r := range w.target.of(c.id) {
		if r.keyed {
			records++
		}
	}
	var linked *record
	if row.Link != nil {
		linked = w.target.record(row.Link.TargetID)
	}
	_, mapped := w.wanted(c.now().value)
	for _, x := range open {
		found := x.Stage
		if x.Kind == status.BrokenLink && x.Stage != status.StageReadSource {
			found = status.StageReadTarget // whichever call it was that noticed
		}
		if slices.ContainsFunc(open, func(y store.Exception) bool { return y.Stage.Before(found) }) {
			continue // it stops before it could find out
		}
		cause := true
		switch x.Kind {
		case status.Unmatched:
			cause = records == 0
		case status.AmbiguousMatch:
			cause = records > 1
		case status.UnmappedStatus:
			cause = !mapped
		case status.BrokenLink:
			cause = linked == nil || linked.gone
		case status.Conflict, status.FirstContact:
			cause = linked != nil && slices.ContainsFunc(linked.states, func(s state) bool { return s.valueBy != status.ActorUs })
		case status.ConnectionFailed:
			cause = false
		case status.WriteFailed: // the target still spells it its own way
			cause = w.set.respells != "" && linked != nil && linked.now().value == w.set.spelling()
		}
		if !cause {
			w.fail(11, "converges", "%s has %s open, and its cause is gone: %s", c.id, x.Kind, x.Reason)
		}
	}
}
