package sim

import (
	"context"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// durable: what was acknowledged is stored.
var durable = watch{
	acknowledged: func(w *world, connection string, e told, secret string) {
		if secret == "forged" {
			w.fail(1, "durable", "a forged webhook was accepted")
		}
		if w.facts.stored[w.called(connection)+"/"+e.id] == 0 {
			w.fail(1, "durable", "event %s was acknowledged and is not stored", e.id)
		}
		w.facts.acked = append(w.facts.acked, connection+"/"+e.id)
		if e.reused && !w.config.takenForNew { // else it is no repeat under that name
			w.facts.reused = append(w.facts.reused, e)
		}
	},
	ended: func(w *world) {
		stored, err := w.db.Events(context.Background(), store.EventFilter{Sync: w.names.sync, Limit: 10_000})
		w.must(err)
		there, kept := map[string]bool{}, map[string]bool{}
		for _, e := range stored {
			there[w.called(e.Connection)+"/"+e.ID] = true
			if e.Outcome == status.Parked && e.Customer == "" {
				kept[string(e.Payload)] = true
			}
		}
		for _, e := range w.facts.reused {
			if !kept[e.payload()] && !w.wasForgotten(e.customer, 0) {
				w.fail(1, "durable", "event %s of %s was acknowledged and dropped as a repeat of another's", e.id, e.customer)
			}
		}
		for _, e := range w.facts.acked {
			if connection, id, _ := strings.Cut(e, "/"); !there[w.called(connection)+"/"+id] {
				w.fail(1, "durable", "event %s was acknowledged and is gone", e)
			}
		}
	},
}

// once: an event is stored once.
var once = watch{ended: func(w *world) {
	stored, err := w.db.Events(context.Background(), store.EventFilter{Sync: w.names.sync, Limit: 10_000})
	w.must(err)
	seen := map[string]bool{}
	for _, e := range stored {
		if k := e.Connection + "/" + e.ID; seen[k] {
			w.fail(2, "once", "event %s is stored twice", k)
		} else {
			seen[k] = true
		}
	}
}}

// oneOutcome: each event ends once, and what was not carried has an exception.
var oneOutcome = watch{
	settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
		for _, e := range s.Events {
			if before, ok := w.facts.outcomes[e.Seq]; ok && before != e.Outcome {
				w.fail(7, "one outcome", "event %d ended as %s and then as %s", e.Seq, before, e.Outcome)
			}
			if !slices.Contains(status.Outcomes, e.Outcome) {
				w.fail(7, "one outcome", "event %d ended as %q", e.Seq, e.Outcome)
			}
			w.facts.outcomes[e.Seq] = e.Outcome
		}
		kept := (work.Ruling.Kind == store.RuledForTarget || s.Reason.Code == reason.CustomerPinned || s.Reason.Code == decide.ChangeWaits) && s.Outcome == status.Held // a person or the file has said so
		if (s.Outcome == status.Parked || s.Outcome == status.Held) && s.Park == nil && !kept && !waits(s) {
			w.fail(7, "one outcome", "%s ended as %s without an exception", work.Customer, s.Outcome)
		}
		if s.Outcome == "" && s.RetryAt.IsZero() {
			w.fail(7, "one outcome", "%s ended without an outcome and without another try", work.Customer)
		}
	},
	ended: func(w *world) {
		stored, err := w.db.Events(context.Background(), store.EventFilter{Sync: w.names.sync, Limit: 10_000})
		w.must(err)
		for _, e := range stored {
			if e.Outcome == "" {
				w.fail(7, "one outcome", "event %s of %s never ended", e.ID, e.Customer)
			}
			if settled, ok := w.facts.outcomes[e.Seq]; ok && settled != e.Outcome {
				w.fail(7, "one outcome", "event %s was settled as %s and is stored as %s", e.ID, settled, e.Outcome)
			}
			w.coverage.hit("outcome", string(e.Outcome))
		}
	},
}

// fenced: no send, commit or report without the latest claim and its lease,
// and no send without a stored intent.
var fenced = watch{
	claimed: func(w *world, work *store.Work, _ []string) {
		before := w.facts.claims[work.Customer]
		if before.open && before.until > w.now {
			w.fail(9, "fenced", "%s was claimed twice at once", work.Customer)
		}
		if work.Fence <= before.fence {
			w.fail(9, "fenced", "fence %d of %s follows fence %d", work.Fence, work.Customer, before.fence)
		}
		w.facts.claims[work.Customer] = claim{fence: work.Fence, until: w.now + lease.Milliseconds(), open: true, process: w.current.process}
	},
	stored: func(w *world, _ *task, work *store.Work, what string) {
		w.checkClaim(work, what+" was taken")
		if what == "a settlement" {
			c := w.facts.claims[work.Customer]
			c.open = false
			w.facts.claims[work.Customer] = c
		}
	},
	sent: func(w *world, t *task, record status.TargetRecord, value string) {
		if t.work == nil {
			w.fail(9, "fenced", "a write was sent that is nobody's")
			return
		}
		if t.intent != nil && w.wasForgotten(t.work.Customer, t.intentAt) {
			w.coverage.hit("bounded", "forgotten as a write was about to leave")
			t.intent = nil
			return
		}
		w.checkClaim(t.work, "a write was sent")
		if t.intent == nil || t.intent.RecordID != record.ID || t.intent.Value != value {
			w.fail(9, "fenced", "a write for %s was sent without its intent", t.work.Customer)
		}
		t.intent = nil
	},
}

func (w *world) checkClaim(work *store.Work, what string) {
	c := w.facts.claims[work.Customer]
	if c.fence != work.Fence {
		w.fail(9, "fenced", "%s for %s with fence %d, the latest is %d", what, work.Customer, work.Fence, c.fence)
	} else if w.now >= c.until {
		w.fail(9, "fenced", "%s for %s %d ms after the lease", what, work.Customer, w.now-c.until)
	}
}

// fair: who has waited the longest is carried first. That is counted from the
// first event that a customer waits with, whatever the store makes of the later
// ones.
var fair = watch{claimed: func(w *world, work *store.Work, waiting []string) {
	since := w.facts.since[work.Customer]
	for _, other := range waiting {
		if w.facts.since[other] < since {
			w.fail(12, "fair", "%s was claimed before %s, who has waited longer", work.Customer, other)
		}
	}
}}

// turns notes since when customers wait: who waits keeps the earliest time, and
// an attempt uses it up.
func (w *world) turns() {
	for _, c := range w.source.customers {
		stored, err := w.db.Customer(context.Background(), w.names.sync, c.id)
		if err != nil {
			continue // nobody has told of it yet
		}
		claim := w.facts.claims[c.id]
		since, waits := w.facts.since[c.id]
		if due := ms(stored.DueAt); due < 0 {
			delete(w.facts.since, c.id)
		} else if !waits || since > w.now || claim.open && claim.until > w.now || due < since || w.awaited(c.id, due) {
			w.facts.since[c.id] = due
		}
	}
}

// bounded: work comes to an end.
var bounded = watch{
	claimed: func(w *world, work *store.Work, _ []string) {
		if len(work.Intents) > 40 {
			w.fail(13, "bounded", "%s has %d open intents", work.Customer, len(work.Intents))
		}
		if !w.calm {
			return
		}
		if w.attempts[work.Customer]++; w.attempts[work.Customer] > 80 {
			w.fail(13, "bounded", "%s was claimed %d times in the calm", work.Customer, w.attempts[work.Customer])
		}
	},
	ended: func(w *world) {
		due, err := w.db.NextDue(context.Background(), w.names.sync)
		w.must(err)
		if !due.IsZero() {
			w.fail(13, "bounded", "a customer is due at %s and nobody carries it", due)
		}
	},
}

// counted counts what was met.
var counted = watch{
	settled: func(w *world, _ *task, _ *store.Work, s store.Settlement) {
		if d := s.Decision; d != nil {
			w.coverage.hit("stage", string(d.Stage))
			if d.Row > 0 {
				w.coverage.row(d.Row)
			}
		}
		if s.Park != nil {
			w.coverage.hit("exception", string(s.Park.Kind))
		}
	},
}
