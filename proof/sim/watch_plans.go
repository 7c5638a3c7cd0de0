package sim

import (
	"context"
	"math/rand/v2"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// asPlanned: whoever applies a plan writes only what it shows, over what it shows,
// and each row once.
var asPlanned = watch{sent: func(w *world, t *task, record status.TargetRecord, value string) {
	r := t.row
	switch {
	case r == nil:
	case !r.carries() || r.plan.step.says("some") && r.Customer == "cus_1":
		w.fail(17, "as planned", "%s is written for a plan that has %s for it", t.customer(), r.Action)
	case record.ID != r.TargetID || value != r.After:
		w.fail(17, "as planned", "%s is sent to %s, the plan has %s for %s", value, record.ID, r.After, r.TargetID)
	case record.Value != r.Before:
		w.fail(17, "as planned", "%s is written over %q in %s, the plan has %q", value, record.Value, record.ID, r.Before)
	case w.endedAs(r) == store.RowApplied || w.endedAs(r) == store.RowRefused:
		w.fail(17, "as planned", "the row of %s is written, and it is %s already", t.customer(), w.endedAs(r))
	}
}, landed: func(w *world, s *sending, r *record) {
	if s.row == nil {
		return
	}
	blind := !w.set.class.conditional() && (s.late || s.stale || r.now().at >= s.readAt)
	switch {
	case r.now().value != s.row.Before && blind:
		w.coverage.hit("bounded", "moved after a planned write had looked")
	case r.now().value != s.row.Before:
		w.fail(17, "as planned", "%s held %q when the plan wrote over it, not %q", r.id, r.now().value, s.row.Before)
	}
	if s.row.landed++; s.row.landed > 1 {
		w.coverage.hit("plan's row", "written again: nobody knew of the write before")
	}
}}

// rowEnded checks what an attempt says of its row.
func (w *world) rowEnded(r *row, s store.Settlement) {
	switch {
	case s.Outcome == status.Applied && (s.Row == nil || s.Row.State != store.RowApplied):
		w.fail(17, "as planned", "%s was written, and its row is not said to be", r.Customer)
	case s.Row != nil && s.Row.Note == "":
		w.fail(17, "as planned", "the row of %s ended as %s without a reason", r.Customer, s.Row.State)
	}
	// At once where another process has the row in hand and waits for its turn.
	twice := r.plan.step.Op == "twice at once"
	if s.Outcome == status.Applied && (twice || r.plan.step.says("put back")) {
		w.after(rand.New(rand.NewPCG(w.seed, uint64(w.now))).Int64N(map[bool]int64{true: 150, false: 1000}[twice]), func() { w.unwritten(r) })
	}
}

// unwritten is an automation that puts back what a plan's row has written over.
func (w *world) unwritten(r *row) {
	if record := w.target.record(r.TargetID); record != nil && !record.gone && record.now().value == r.After && !w.calm {
		w.coverage.hit("fault", "an automation puts back what a plan wrote")
		w.target.edit(record, r.Before, status.ActorAutomation)
	}
}

// endedAs is what the store says of a row, RowOpen of one that it has no more.
func (w *world) endedAs(r *row) store.RowState {
	for stored, err := range w.disk.Product().EachPlanRow(context.Background(), r.plan.ID) {
		w.must(err)
		if stored.Customer == r.Customer {
			return stored.State
		}
	}
	return store.RowOpen
}
