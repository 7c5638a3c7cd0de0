package sim

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// businessSteps are what happens in the source.
var businessSteps = map[string]happens{
	"source changes": {weight: 40,
		draw: func(r *rand.Rand, _ setting, s *Step) { s.Value = one(r, sourceValues...) },
		run:  func(w *world, s Step) { w.source.customers[s.Who].set(s.Value) }},
	"source flips": {weight: 8,
		draw: func(r *rand.Rand, _ setting, s *Step) { s.Value, s.N = one(r, sourceValues...), 1+r.Int64N(4000) },
		run: func(w *world, s Step) {
			c := w.source.customers[s.Who]
			before := c.now().value
			c.set(s.Value)
			if w.set.seconds {
				s.N %= 700 // mostly in one second
			}
			w.after(s.N, func() { c.set(before) })
		}},
	"source restates": {weight: 4, run: func(w *world, s Step) {
		if c := w.source.customers[s.Who]; !c.gone {
			w.source.tell(c, "touched")
		}
	}},
	"source deletes": {weight: 1, run: func(w *world, s Step) {
		c := w.source.customers[s.Who]
		c.gone = true
		w.after(60_000, func() { // it was a mistake
			c.gone = false
			w.source.tell(c, "touched")
		})
	}},
}

// peopleSteps are what people and automations do in the target and in Trueup.
var peopleSteps = map[string]happens{
	"person edits":      {weight: 14, draw: drawTargetValue, run: editing(status.ActorHuman)},
	"automation edits":  {weight: 5, draw: drawTargetValue, run: editing(status.ActorAutomation)},
	"our account edits": {weight: 2, draw: drawTargetValue, run: editing(status.ActorUs)}, // somebody else has our token
	"person edits and returns": {weight: 3, draw: drawTargetValue, run: func(w *world, s Step) {
		if r := w.someRecord(s.Who); r != nil {
			before := r.now().value
			w.target.edit(r, s.Value, status.ActorHuman)
			w.after(1500, func() {
				if !r.gone {
					w.target.edit(r, before, status.ActorHuman)
				}
			})
		}
	}},
	// The source's change is told late, and meanwhile a person edits. Then
	// somebody may touch another field.
	"person edits meanwhile": {weight: 6, draw: func(r *rand.Rand, _ setting, s *Step) {
		drawTargetValue(r, setting{}, s)
		s.Op = string(one(r, "", "", status.ActorAutomation, status.ActorHuman))
	}, run: func(w *world, s Step) {
		arm(w, Step{Kind: "webhook delayed", Op: opWebhook, N: 15_000 + 1000*s.N})
		c := w.source.customers[s.Who]
		c.set(one(w.rng, "active", "paused", "canceled"))
		w.after(6000, func() {
			r := w.someRecord(s.Who)
			if r == nil {
				return
			}
			w.target.edit(r, s.Value, status.ActorHuman)
			if s.Op != "" {
				w.after(200, func() {
					if !r.gone {
						w.target.touch(r, status.Actor(s.Op))
					}
				})
			}
		})
	}},
	"person sets the same": {weight: 3, run: func(w *world, s Step) {
		if r := w.someRecord(s.Who); r != nil {
			w.target.edit(r, r.now().value, status.ActorHuman)
		}
	}},
	"person touches":     {weight: 4, run: touching(status.ActorHuman)},
	"automation touches": {weight: 4, run: touching(status.ActorAutomation)},
	"records merge": {weight: 2, run: func(w *world, s Step) {
		// The survivor is the younger one.
		if all := w.target.of(w.source.customers[s.Who].id); len(all) > 1 {
			all[0].gone = true
			w.target.touch(all[1], status.ActorHuman)
			w.coverage.hit("fault", "merge")
		}
	}},
	"record deleted": {weight: 2, run: func(w *world, s Step) {
		if r := w.someRecord(s.Who); r != nil {
			r.gone = true
			w.note("target deleted", r.id, "", 0)
			w.coverage.hit("fault", "delete")
		}
	}},
	"record created": {weight: 3, draw: drawTargetValue, run: func(w *world, s Step) {
		owner := w.source.customers[s.Who].id
		if again := len(w.target.of(owner)) == 0; again || s.N == 0 {
			r := w.target.add(owner, s.Value, w.now)
			w.note("target created", r.id, s.Value, 0)
			w.target.tell(r)
			w.coverage.hit("fault", "create")
		}
	}},
	"person links": {weight: 3, draw: drawTargetValue, run: func(w *world, s Step) {
		if all := w.target.of(w.source.customers[s.Who].id); len(all) > 0 {
			r := all[int(s.N)%len(all)]
			// It may be another's already: then it is refused.
			_ = w.db.SetLink(context.Background(), store.Link{Sync: w.names.sync, Customer: r.owner, TargetID: r.id, By: "person", Confidence: 1})
			w.turns()
		}
	}},
	"person unlinks": {weight: 1, run: func(w *world, s Step) {
		w.facts.letGo[w.source.customers[s.Who].id] = true
		w.forgetLooks(w.source.customers[s.Who].id)
		// There may be none.
		_ = w.db.RemoveLink(context.Background(), w.names.sync, w.source.customers[s.Who].id, "person")
		w.turns()
	}},
	"person retries": {weight: 3, run: func(w *world, s Step) {
		open, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Sync: w.names.sync, Customer: w.source.customers[s.Who].id})
		w.must(err)
		for _, x := range open {
			w.act(x, store.Act{Verb: store.Retry})
		}
	}},
}

// ownerSteps are what owners say about what was left to them.
var ownerSteps = map[string]happens{
	"owner applies ours": {weight: 5, run: ruling(store.UseSource)},
	"owner keeps theirs": {weight: 4, run: ruling(store.KeepTarget), draw: func(r *rand.Rand, _ setting, s *Step) {
		if r.IntN(2) == 0 {
			s.N = 1000 + r.Int64N(600_000)
		}
	}},
	"owner acts": {weight: 4, run: func(w *world, s Step) {
		for _, x := range w.questions(s.Who) {
			if store.Verb(s.Value) == store.Resolve {
				w.facts.dismissed[x.Customer] = true
				if store.AboutTwoSides(x.Kind) {
					w.facts.asItWas[x.Customer] = x
				}
			}
			if store.Verb(s.Value) == store.Rematch {
				w.forgetLooks(x.Customer)
			}
			w.act(x, store.Act{Verb: store.Verb(s.Value), Ignored: store.Ignored(s.Op), Owner: "ana@example.com", Who: "ana@example.com"})
		}
	}, draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Value = string(one(r, store.Acknowledge, store.Assign, store.Ignore, store.Resolve, store.Reopen, store.Rematch))
		s.Op = string(store.IgnoredUntilChange)
	}},
}

// forgetLooks: what our looks at a customer's records told goes with the link.
func (w *world) forgetLooks(customer string) {
	for _, r := range w.target.records {
		if r.owner == customer {
			maps.DeleteFunc(w.facts.firstSeen, func(k seenState, _ int64) bool { return k.record == r.id })
		}
	}
}

// questions are the open exceptions of a customer.
func (w *world) questions(customer int) []store.Exception {
	open, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Sync: w.names.sync, Customer: w.source.customers[customer].id,
		States: []status.State{status.Open, status.Acknowledged}})
	w.must(err)
	return open
}

// ruling lets the owner of a conflict decide. The page he looks at may be old:
// then he is refused.
func ruling(verb store.Verb) func(*world, Step) {
	return func(w *world, s Step) {
		for _, x := range w.questions(s.Who) {
			if x.Kind != status.Conflict && x.Kind != status.FirstContact {
				continue
			}
			a := store.Act{Exception: x.ID, Verb: verb, Who: "ana@example.com", Saw: x.TargetValue, SawSource: x.SourceValue}
			if s.N > 0 {
				a.Until = w.at(w.now + s.N)
			}
			changed, err := w.db.Act(context.Background(), a)
			var pinned *store.PinnedError
			if errors.Is(err, store.ErrChanged) || errors.As(err, &pinned) {
				continue
			}
			w.must(err)
			w.note("owner "+string(verb), x.Customer, x.TargetValue, s.N)
			if changed {
				w.says(x, verb)
				w.coverage.hit("fault", "ruling "+string(verb))
			}
		}
	}
}

func drawTargetValue(r *rand.Rand, _ setting, s *Step) {
	s.Value, s.N = one(r, append([]string{""}, targetValues...)...), r.Int64N(3)
}

// someRecord is the first record of a customer that is there, nil when none is.
func (w *world) someRecord(customer int) *record {
	if all := w.target.of(w.source.customers[customer].id); len(all) > 0 {
		return all[0]
	}
	return nil
}

func editing(by status.Actor) func(*world, Step) {
	return func(w *world, s Step) {
		if r := w.someRecord(s.Who); r != nil {
			w.target.edit(r, s.Value, by)
			w.coverage.hit("fault", "edit by "+string(by))
		}
	}
}

func touching(by status.Actor) func(*world, Step) {
	return func(w *world, s Step) {
		if r := w.someRecord(s.Who); r != nil {
			w.target.touch(r, by)
		}
	}
}
