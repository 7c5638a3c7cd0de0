package sim

import (
	"context"
	"math/rand/v2"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// drawForget draws by which name a customer is forgotten, and in the middle of what.
// Some are forgotten early, when nothing was carried for them yet.
func drawForget(r *rand.Rand, _ setting, s *Step) {
	s.Op, s.Value, s.N = one(r, "id", "record", "address"), one(r, "", "attempt", "attempt", "comparison", "linked again"), r.Int64N(1500)
	if r.IntN(3) == 0 {
		s.At = r.Int64N(4000)
	}
}

// forgetAmid lets an operator forget a customer in the middle of something. During
// an attempt the customer may change at once, and the node stand still: it goes on
// when another carries who is new then.
func (w *world) forgetAmid(s Step) {
	c := w.source.customers[s.Who]
	switch s.Value {
	case "attempt":
		w.facts.atClaim[c.id] = func(n *node) {
			w.after(s.N%300, func() {
				if s.N%2 == 0 {
					n.paused = max(n.paused, w.now+2000+10*s.N)
				}
				w.forget(s)
				c.set(one(w.rng, "active", "paused", "canceled"))
			})
		}
	case "comparison":
		if w.compares() && !w.refused() {
			w.command(func() {}, func(n *node, t *task) {
				_, err := n.compare(store.ForSweep)
				w.note("compared", "", outcomeOf(err), 0)
			})
		}
		w.after(s.N%400, func() { w.forget(s) })
	case "linked again":
		w.linkAgain(c)
		w.after(15_000+s.N, func() { w.forget(s) })
	default:
		w.forget(s)
	}
}

// linkAgain lets a person take away a customer's link by mistake: the target tells
// of a record that is nobody's, until the link is found anew.
func (w *world) linkAgain(c *client) {
	row, err := w.db.Customer(context.Background(), w.names.sync, c.id)
	if err != nil || row.Link == nil {
		return
	}
	r := w.target.record(row.Link.TargetID)
	w.facts.letGo[c.id] = true
	w.must(w.db.RemoveLink(context.Background(), w.names.sync, c.id, "person"))
	if r != nil && !r.gone {
		w.target.touch(r, status.ActorAutomation)
	}
	w.after(10_000, func() { w.source.tell(c, "touched") })
}

// forget lets an operator forget a customer, as the command does.
func (w *world) forget(s Step) {
	if w.disk == nil || w.calm {
		return
	}
	ctx, db, c := context.Background(), w.disk.Product(), w.source.customers[s.Who]
	names := []string{c.id}
	if row, err := db.Customer(ctx, w.names.sync, c.id); err == nil && row.Link != nil {
		names = append(names, row.Link.TargetID)
	}
	named := map[string]string{"id": c.id, "record": names[len(names)-1], "address": keysOf(c.id)["email"]}[s.Op]
	found, err := db.Customers(ctx, w.names.sync, named)
	w.must(err)
	customer := ""
	if len(found) > 0 {
		customer = found[0].Customer
	}
	plan, err := db.ForgetPlan(ctx, w.names.sync, customer, named)
	w.must(err)
	if len(found) > 1 || customer == "" && len(plan.Rows) == 0 {
		w.coverage.hit("forgotten", "nobody")
		return
	}
	if _, err := db.SweepUnderWay(ctx, w.names.sync, store.ForSweep); err == nil {
		w.coverage.hit("forgotten", "during a comparison")
	}
	done, err := db.Forget(ctx, w.names.sync, customer, named)
	w.must(err)
	w.note("forgotten", c.id, s.Op, int64(done.Waiting))
	if done.Customer == "" { // what was left of a name
		w.coverage.hit("forgotten", "who was only mentioned")
		w.standsNowhere(named)
		return
	}
	w.coverage.hit("forgotten", "by "+s.Op)
	if old := w.facts.claims[done.Customer]; old.open && old.until > w.now {
		w.coverage.hit("forgotten", "during an attempt")
	}
	w.standsNowhere(names...)
	w.newcomer(c)
	for _, wait := range []int64{1000, 15_000, 70_000} {
		at := w.now
		w.after(wait, func() {
			// A comparison that began since has found the customer in the source.
			if w.facts.forgotten[c.id] == at && !w.facts.renewed[c.id] && w.facts.comparedAt < at {
				w.coverage.hit("forgotten", "and still is")
				w.standsNowhere(c.id)
			}
		})
	}
}

// standsNowhere: nothing is left of who was forgotten.
func (w *world) standsNowhere(names ...string) {
	left, err := w.disk.Standing(names...)
	w.must(err)
	if len(left) > 0 {
		w.fail(18, "forgotten", "%s was forgotten and stands in %s", names[0], strings.Join(left, "; "))
	}
}

// newcomer lets the watches know nothing of a customer any more, as the product
// does. What was claimed before is nobody's.
func (w *world) newcomer(c *client) {
	f := &w.facts
	f.forgotten[c.id], f.renewed[c.id] = w.now, false
	old := f.claims[c.id]
	old.open, old.until = false, min(old.until, w.now)
	f.claims[c.id] = old
	delete(f.since, c.id)
	delete(f.streaks, c.id)
	delete(f.dismissed, c.id)
	delete(f.asItWas, c.id)
	delete(f.taken, c.id)
	delete(f.based, c.id)
	delete(f.overwritten, c.id)
	delete(f.modes.promised, c.id)
	delete(f.modes.passed, c.id)
	delete(f.modes.history, c.id)
	delete(f.limits.waiting, c.id)
	delete(f.limits.passing, c.id)
	f.limits.since[c.id] = w.now
	c.unknown = true
}

// came notes that somebody who was forgotten is told of. What had come before, and
// what a list tells of the time before, is no news.
func (w *world) came(e store.NewEvent, how store.Arrival) {
	at, forgotten := w.facts.forgotten[e.Customer]
	switch {
	case !forgotten || e.Side != store.SourceSide || how == store.Repeat:
		return
	case how == store.Fresh && w.facts.stored[w.called(e.Connection)+"/"+e.ID] > 1:
		w.fail(18, "forgotten", "event %s had come before, and brings %s back", e.ID, e.Customer)
	case e.Listed && !e.OccurredAt.IsZero() && ms(e.OccurredAt) < at-5000:
		w.fail(18, "forgotten", "event %s of a list, from before the forgetting, brings %s back", e.ID, e.Customer)
	}
	if !w.facts.renewed[e.Customer] {
		w.coverage.hit("forgotten", "and came again by "+map[bool]string{true: "a list", false: "an event"}[e.Listed])
	}
	w.facts.renewed[e.Customer] = true
}

// wasForgotten reports whether a customer was forgotten at that time or since.
func (w *world) wasForgotten(customer string, since int64) bool {
	at, ok := w.facts.forgotten[customer]
	return ok && at >= since
}

// agreesUnknown reports whether both sides agree on somebody who was forgotten and
// whom no event has told of since: a comparison then finds nothing to do.
func (w *world) agreesUnknown(c *client) bool {
	all := w.target.of(c.id)
	want, carried := w.wanted(c.now().value)
	return w.wasForgotten(c.id, 0) && w.swept(c) && (!carried || len(all) == 1 && all[0].now().value == want)
}

// amid does what was to be done in the middle of an attempt.
var amid = watch{claimed: func(w *world, work *store.Work, _ []string) {
	if do := w.facts.atClaim[work.Customer]; do != nil {
		delete(w.facts.atClaim, work.Customer)
		do(w.current.node)
	}
}}
