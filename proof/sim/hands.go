package sim

import (
	"context"
	"math/rand/v2"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// handSteps are people who say that nothing may be written for a while: in the whole
// sync, or of one customer, with an end or until they say otherwise.
var handSteps = map[string]happens{
	"sync paused": {draw: func(r *rand.Rand, _ setting, s *Step) { s.N = one(r, int64(3000), 60_000, 600_000) },
		run: func(w *world, s Step) {
			if w.disk != nil {
				return // what operators run there knows of no pause
			}
			_, changed, err := w.db.PauseSync(context.Background(), w.names.sync, "ana@example.com", "importing contacts")
			w.must(err)
			w.note("paused", "", "", s.N)
			if changed {
				w.facts.hands.paused = true
				w.coverage.hit("hands", "paused")
			}
			w.after(s.N, w.resumePause)
		}},
	"customer pinned": {draw: func(r *rand.Rand, _ setting, s *Step) {
		s.N, s.Op = one(r, int64(3000), 60_000, 600_000), one(r, "unpinned", "runs out")
	}, run: func(w *world, s Step) {
		if w.disk != nil {
			return
		}
		w.pin(w.source.customers[s.Who].id, s)
	}},
}

// drawHands draws from numbers of its own, so that the rest of a seed stays what it
// is. The trouble is that of the moment: the source changes just before.
func drawHands(seed uint64, set setting) []Step {
	r := rand.New(rand.NewPCG(seed, 47))
	if r.IntN(8) > 0 {
		return nil
	}
	var steps []Step
	for range 1 + r.IntN(3) {
		s := Step{Kind: one(r, "sync paused", "customer pinned", "customer pinned"), Who: r.IntN(set.customers), At: 3000 + r.Int64N(set.storm-3000)}
		handSteps[s.Kind].draw(r, set, &s)
		change := Step{Kind: "source changes", Who: s.Who, At: s.At - r.Int64N(3000), Value: one(r, "active", "paused", "canceled")}
		again := Step{Kind: "source changes", Who: s.Who, At: s.At + r.Int64N(s.N), Value: one(r, "active", "paused", "canceled")}
		steps = append(steps, change, s, again)
		if r.IntN(3) == 0 {
			more := s
			more.At += r.Int64N(s.N)
			handSteps[s.Kind].draw(r, set, &more)
			steps = append(steps, more)
		}
	}
	return steps
}

// hands is what the watch of pauses and pins remembers.
type hands struct {
	paused bool
	// pinned is until when a customer is pinned, -1 until a person ends it.
	pinned map[string]int64
	held   map[string]bool // since the pin, and not carried yet
}

func newHands() hands { return hands{pinned: map[string]int64{}, held: map[string]bool{}} }

// off reports whether a customer is pinned.
func (h *hands) off(customer string, now int64) bool {
	until, ok := h.pinned[customer]
	return ok && (until < 0 || now < until)
}

func (w *world) pin(customer string, s Step) {
	p := store.Pin{Sync: w.names.sync, Customer: customer, By: "ana@example.com", Reason: "the contract is disputed"}
	until := int64(-1)
	if s.Op == "runs out" {
		until = w.now + s.N
		p.Until = w.at(until)
	}
	done, err := w.db.PinCustomer(context.Background(), p)
	w.must(err)
	w.note("pinned", customer, s.Op, s.N)
	w.coverage.hit("hands", "pinned")
	if done.Before != nil {
		w.coverage.hit("hands", "pinned again")
	}
	w.facts.hands.pinned[customer] = until
	w.turns()
	if until < 0 {
		w.after(s.N, func() { w.unpin(customer) })
	} else {
		w.after(s.N, w.turns)
	}
}

func (w *world) unpin(customer string) {
	ended, err := w.db.Unpin(context.Background(), w.names.sync, customer, "ben@example.com")
	w.must(err)
	if ended == nil {
		return
	}
	delete(w.facts.hands.pinned, customer)
	w.note("unpinned", customer, "", 0)
	w.coverage.hit("hands", "unpinned")
	w.turns()
}

// resumePause lets a person end the pause. A sync that is halted besides, and only
// watches, cannot be resumed yet.
func (w *world) resumePause() {
	if w.facts.hands.paused && w.letOn() {
		w.after(5000, w.resumePause)
	}
}

func (w *world) resumedPause() {
	w.facts.hands.paused = false
	w.note("goes on", "", "", 0)
	w.coverage.hit("hands", "goes on")
}

// handsOn ends, in the calm, what people had forbidden. A pin with an end runs out.
func (w *world) handsOn() {
	w.resumePause()
	for _, c := range w.source.customers {
		if until, ok := w.facts.hands.pinned[c.id]; ok && until < 0 {
			w.unpin(c.id)
		}
	}
}

// isHalted reports whether mass_change has halted the sync.
func (w *world) isHalted() bool {
	found, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Sync: w.names.sync, Kind: status.MassChange})
	w.must(err)
	return len(found) > 0 && found[0].State != status.Resolved
}

// handsOff: no write begins in a pause, or of who is pinned. That nothing is lost by
// either is for converges to see.
var handsOff = watch{
	stored: func(w *world, _ *task, work *store.Work, what string) {
		h := &w.facts.hands
		switch {
		case what != "an intent":
		case h.paused:
			w.fail(23, "hands off", "a write of %s began in a pause", work.Customer)
		case h.off(work.Customer, w.now):
			w.fail(23, "hands off", "a write of %s began, who is pinned", work.Customer)
		}
	},
	settled: func(w *world, _ *task, work *store.Work, s store.Settlement) {
		h := &w.facts.hands
		if work.Pin != nil && s.Park != nil && s.Park.Cause != store.WrittenOver && (s.Park.Kind == status.Conflict || s.Park.Kind == status.FirstContact) {
			w.fail(23, "hands off", "people are asked to decide about %s, who is pinned", work.Customer)
		}
		switch {
		case s.Decision != nil && s.Decision.Reason.Code == reason.SyncPaused:
			w.coverage.hit("hands", "stopped by a pause")
			if s.Outcome != "" || s.RetryAt.IsZero() {
				w.fail(23, "hands off", "%s was stopped by a pause, and ended as %q", work.Customer, s.Outcome)
			}
		case s.Reason.Code == reason.CustomerPinned:
			w.coverage.hit("hands", "held")
			if work.Pin == nil {
				w.coverage.hit("hands", "pinned after the claim")
			}
			h.held[work.Customer] = true
			if s.Park != nil {
				w.fail(23, "hands off", "an exception of %s was opened, who is pinned", work.Customer)
			}
			if end := s.Reason.Facts.To; !end.IsZero() && (s.RetryAt.IsZero() || s.RetryAt.After(end)) {
				w.fail(23, "hands off", "%s is pinned until %s, and not looked at then", work.Customer, end)
			}
		case s.Outcome == status.Applied && h.held[work.Customer]:
			if until, ok := h.pinned[work.Customer]; ok && until > 0 && until <= w.now {
				w.coverage.hit("hands", "the pin ran out")
			}
			delete(h.held, work.Customer)
			w.coverage.hit("hands", "carried after the pin")
		}
	},
}
