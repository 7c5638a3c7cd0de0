package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// waitSteps are troubles that end by themselves, and must not cost more than
// they last: a short outage in which many events of one customer come, records
// that are made after the event that speaks of them, a gateway that answers in a
// tool's place, and a tool that does not say for how long it wants no calls.
var waitSteps = map[string]happens{
	"burst in an outage": {run: func(w *world, s Step) {
		w.coverage.hit("fault", s.Kind)
		for _, op := range []string{opFind, opRead, opWrite} {
			w.down[op] = max(w.down[op], w.now+2500)
		}
		for i := range int64(10) {
			w.after(i*240, func() { w.source.tell(w.source.customers[s.Who], "touched") })
		}
	}},
	"gateway's 404": {draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N, s.Value = one(r, opSourceRead, opFind, opRead, opWrite), 404, one(r, "", "twice")
	}, run: armSome},
	"call 429 without a time": {draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N, s.Value = one(r, opSourceRead, opFind, opRead, opWrite), 429, one(r, "", "twice", "often")
	}, run: armSome},
	"record comes late": {draw: drawLate, run: func(w *world, s Step) {
		w.coverage.hit("fault", s.Kind)
		for _, r := range w.target.of(w.source.customers[s.Who].id) {
			r.late = max(r.late, w.now+s.N)
		}
		w.source.tell(w.source.customers[s.Who], "touched")
	}},
	"customer comes late": {draw: drawLate, run: func(w *world, s Step) {
		w.coverage.hit("fault", s.Kind)
		c := w.source.customers[s.Who]
		c.late = max(c.late, w.now+s.N)
		w.source.tell(c, "touched")
	}},
}

func drawLate(r *rand.Rand, _ setting, s *Step) { s.N = one(r, int64(1500), 4000, 60_000, 1_200_000) }

// drawWaits draws from numbers of its own, so that the rest of a script is the
// same with and without.
func drawWaits(seed uint64, set setting) []Step {
	r := rand.New(rand.NewPCG(seed, 5))
	if r.IntN(3) > 0 {
		return nil
	}
	names := make([]string, 0, len(waitSteps))
	for name := range waitSteps {
		names = append(names, name)
	}
	slices.Sort(names)
	steps := make([]Step, 1+r.IntN(4))
	for i := range steps {
		s := Step{Kind: one(r, names...), Who: r.IntN(set.customers), At: 2000 + r.Int64N(set.storm-2000)}
		if draw := waitSteps[s.Kind].draw; draw != nil {
			draw(r, set, &s)
		}
		steps[i] = s
	}
	return steps
}

// streak is a row of failures of one customer.
type streak struct {
	claimed, since int64 // since is when the first of them was claimed
}

// patient: what ends by itself costs no longer than it lasts, and people are told
// of what is still so.
var patient = watch{
	claimed: func(w *world, work *store.Work, _ []string) {
		s := w.facts.streaks[work.Customer]
		s.claimed = w.now
		w.facts.streaks[work.Customer] = s
	},
	settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
		k := w.facts.streaks[work.Customer]
		if work.Attempts == 0 || s.Attempts == 0 {
			k.since = k.claimed
		}
		w.facts.streaks[work.Customer] = k
		lasted := w.now - k.since
		limited := strings.Contains(s.Decision.Reason.Facts.Detail, "rate limit") // which says for itself how long
		if s.Attempts > work.Attempts && !limited && s.Park == nil && !s.RetryAt.IsZero() && ms(s.RetryAt)-w.now > max(lasted, 1000) {
			w.fail(15, "patient", "%s has trouble since %d ms, and is looked at again in %d ms", work.Customer, lasted, ms(s.RetryAt)-w.now)
		}
		if s.Park == nil {
			return
		}
		if s.Park.Reason.Code == reason.CallStillFails && lasted < 10_000 {
			w.fail(15, "patient", "people were told of a failure of %s after %d ms", work.Customer, lasted)
		}
		if missing := s.Park.Kind == status.Unmatched || s.Park.Kind == status.BrokenLink; missing && t.page {
			w.fail(15, "patient", "%s was parked as %s after a gateway's answer", work.Customer, s.Park.Kind)
		}
	},
}

// stillMissing says what is wrong with an exception that is open although what it
// misses came in time to be found by itself; "" is nothing.
func (w *world) stillMissing(c *client, x store.Exception) string {
	if x.Kind != status.Unmatched || w.swept(c) {
		return ""
	}
	keyed := 0
	for _, r := range w.target.of(c.id) {
		if r.keyed && r.late > 0 && r.late < ms(x.FirstSeen)+1_300_000 {
			keyed++
		}
	}
	if keyed == 1 && len(w.target.of(c.id)) == 1 {
		return fmt.Sprintf("%s is open as %s although its record came", c.id, x.Kind)
	}
	return ""
}
