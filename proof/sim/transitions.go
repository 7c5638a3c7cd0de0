package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// word is what the target calls a status.
type word struct {
	status status.Status
	target string
}

var words = []word{{"active", "Active"}, {"paused", "Paused"}, {"churned", "Churned"}}

// drawTransitions draws when a change is written, nil for at once. It draws from
// numbers of its own, so that the rest of a seed stays what it is.
func drawTransitions(seed uint64) *config.Transitions {
	r := rand.New(rand.NewPCG(seed, 48))
	if r.IntN(8) > 0 {
		return nil
	}
	all := &config.Transitions{To: map[status.Status]config.Transition{}}
	for _, word := range words {
		var t config.Transition
		what := one(r, "", "after", "after", "ask", "hours", "after ask", "after hours", "ask hours")
		if strings.Contains(what, "after") {
			t.After = time.Duration(one(r, 10_000, 60_000, 10_000+r.Int64N(590_000))) * time.Millisecond
		}
		if strings.Contains(what, "hours") {
			from := 9*60 + 5 + r.IntN(55) // every history begins at nine
			to := from + 20 + r.IntN(100)
			t.Hours = &config.Hours{From: fmt.Sprintf("%02d:%02d", from/60, from%60), To: fmt.Sprintf("%02d:%02d", to/60, to%60), Zone: "UTC"}
		}
		t.Ask = strings.Contains(what, "ask")
		all.To[word.status] = t
	}
	if r.IntN(3) == 0 {
		from := r.IntN(len(words))
		all.Forbid = []config.ForbiddenChange{{From: words[from].status, To: words[(from+1+r.IntN(2))%3].status}}
	}
	return all
}

// drawBlips draws changes that do not last, and some that do.
func drawBlips(seed uint64, set setting) []Step {
	if set.transitions == nil {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, 49))
	var steps []Step
	for range 1 + r.IntN(4) {
		s := Step{Kind: "source changes", Who: r.IntN(set.customers), At: 3000 + r.Int64N(set.storm-3000), Value: one(r, "active", "paused", "canceled")}
		back := s
		back.At += one(r, 500+r.Int64N(5000), r.Int64N(60_000), r.Int64N(600_000))
		back.Value = one(r, "active", "paused", "canceled")
		again := s
		again.At = back.At + r.Int64N(20_000)
		steps = append(steps, s, back, again)
	}
	return steps
}

// policy is what the watch of transitions remembers.
type policy struct {
	rng *rand.Rand // of the people who are asked
	// asks lets a person decide: isAsked, which a watch cannot name, as it sets off what
	// they watch.
	asks func(customer string)
	// told is when the product surely knew of a version of a customer, by an event that
	// was stored or by a look that was; read is when it was first asked for.
	told, read map[string]map[int]int64
	// said is when a person wanted the source's value to be written.
	said    map[string][]int64
	waiting map[string]string // what for
}

func newPolicy(seed uint64) policy {
	return policy{rng: rand.New(rand.NewPCG(seed, 50)), told: map[string]map[int]int64{}, read: map[string]map[int]int64{}, said: map[string][]int64{}, waiting: map[string]string{}}
}

func first(all map[string]map[int]int64, customer string, version int, now int64) {
	if all[customer] == nil {
		all[customer] = map[int]int64{}
	}
	if _, ok := all[customer][version]; !ok {
		all[customer][version] = now
	}
}

// hears notes what an event that is stored tells of the source.
func (p *policy) hears(e store.NewEvent, now int64) {
	if t, err := readTold(string(e.Payload)); err == nil && e.Side == store.SourceSide && e.HasValue {
		first(p.told, e.Customer, t.version, now)
	}
}

// differ reports whether two of the source's values mean different statuses,
// whichever map a node has.
func differ(a, b string) bool {
	if a == b {
		return false
	}
	means := func(value string, changed bool) string {
		w := &world{config: settings{changed: changed}}
		if word, ok := w.wanted(value); ok {
			return word
		}
		return value
	}
	return means(a, false) != means(b, false) && means(a, true) != means(b, true)
}

// surelySince is the earliest time since when the product may hold that the source
// has what is carried: after the latest other status that it knows of, and not
// before it asked, or before what the source itself says of the time. A change there
// and back of which nothing told is not known.
func (w *world) surelySince(t *task, customer string) int64 {
	c, p := w.source.client(customer), &w.facts.policy
	v := w.newestRead(t, customer)
	claimed := w.facts.claims[customer].until - lease.Milliseconds()
	dated := w.set.valueAt && !w.set.ahead() // also a change of which nothing told shows
	at, read, start, unbroken := int64(math.MinInt64), w.now, v, true
	for k := v; k >= 0; k-- {
		if !differ(c.versions[k].value, c.versions[v].value) {
			if was, ok := p.read[customer][k]; ok && (unbroken || !dated) {
				read = min(read, was)
			}
			if unbroken {
				start = k
			}
			continue
		}
		unbroken = false
		if told, ok := p.told[customer][k]; ok && told < claimed && !w.overtaken(customer, k, told) {
			at = c.versions[k+1].at
			if w.set.valueAt {
				at = min(at, w.set.says(at))
			}
			break
		}
	}
	if w.set.behind > 0 && at > math.MinInt64 {
		return at // it was asked, and answered with the same of an older time
	}
	if w.set.valueAt {
		read = min(read, w.set.says(c.versions[start].at))
	}
	return max(at, read)
}

// newestRead is the version that is carried, or a later one with the same status that
// was read before: its event came first.
func (w *world) newestRead(t *task, customer string) int {
	c, read := w.source.client(customer), w.facts.policy.read[customer]
	v := min(t.version, len(c.versions)-1)
	for k := len(c.versions) - 1; k > v; k-- {
		if _, ok := read[k]; ok {
			if !differ(c.versions[k].value, c.versions[v].value) {
				return k
			}
			break
		}
	}
	return v
}

// overtaken reports whether an earlier version was read after this one was told of,
// and was taken for the newer one: arrival decides between two of one second, and
// where a clock that is ahead dates them after they came. Nobody can know better.
func (w *world) overtaken(customer string, k int, told int64) bool {
	c := w.source.client(customer)
	for j := k - 1; j >= 0; j-- {
		read, ok := w.facts.policy.read[customer][j]
		at := w.set.says(c.versions[k].at)
		// Changes of one millisecond are kept a millisecond apart, and told with one date.
		apart := at - w.set.says(c.versions[j].at)
		if ok && read > told && (at > told || apart <= int64(k-j) && !w.set.seconds || apart == 0) {
			return true
		}
	}
	return false
}

// policed: nothing is written before its time, outside of its hours or without the
// person whom it takes; what waits is written in the end.
var policed = watch{
	stored: func(w *world, t *task, work *store.Work, what string) {
		if w.set.transitions == nil || what != "an intent" {
			return
		}
		at := slices.IndexFunc(words, func(x word) bool { return x.target == t.intent.Value })
		if at < 0 {
			return
		}
		to := words[at].status
		rule := w.set.transitions.To[to]
		since := w.surelySince(t, work.Customer)
		if lasted := w.now - since; lasted < rule.After.Milliseconds() {
			w.fail(24, "policy", "%s of %s was written %d ms after it can have been known, not after %s", to, work.Customer, lasted, rule.After)
		}
		claimed := w.facts.claims[work.Customer].until - lease.Milliseconds()
		if h := rule.Hours; h != nil && !w.opened(h, claimed) && !w.opened(h, w.now) {
			w.fail(24, "policy", "%s of %s was written outside of %s", to, work.Customer, h)
		}
		forbidden := slices.ContainsFunc(w.set.transitions.Forbid, func(c config.ForbiddenChange) bool {
			return c.To == to && slices.Contains(words, word{c.From, t.intent.Prior})
		})
		if !rule.Ask && !forbidden {
			return
		}
		g := work.Ruling
		switch {
		case g.Kind != store.RuledForSource || g.Desired != t.intent.Value || !slices.Contains(w.facts.policy.said[work.Customer], ms(g.At)):
			w.fail(24, "policy", "%s of %s was written, and no person has confirmed it", to, work.Customer)
		case since > ms(g.At)+skewMs && w.changedAfter(t, work.Customer, ms(g.At)+skewMs):
			w.fail(24, "policy", "%s of %s was written, which a person confirmed before the source had changed there and back", to, work.Customer)
		default:
			w.coverage.hit("policy", "written as a person confirmed it")
		}
	},
	settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
		p, customer := &w.facts.policy, work.Customer
		if s.Desired != nil && t.versionKnown {
			first(p.told, customer, t.version, w.now)
		}
		if w.set.transitions == nil {
			return
		}
		switch {
		case s.Reason.Code == decide.ChangeWaits:
			p.waiting[customer] = "its time"
			if s.Reason.Facts.Hours != "" {
				p.waiting[customer] = "its hours"
			}
			w.coverage.hit("policy", "waits for "+p.waiting[customer])
			if s.Outcome != status.Held || s.RetryAt.IsZero() || s.Park != nil {
				w.fail(24, "policy", "a change of %s waits for its time, and ended as %q to be looked at again %s", customer, s.Outcome, s.RetryAt)
			}
			return
		case s.Park != nil && s.Park.Kind == status.ConfirmChange:
			w.coverage.hit("policy", string(s.Reason.Code))
			w.after(500+p.rng.Int64N(90_000), func() { p.asks(customer) })
		case s.Outcome == status.Applied && p.waiting[customer] != "":
			w.coverage.hit("policy", "written after "+p.waiting[customer])
		case s.Outcome == status.AlreadyEqual && p.waiting[customer] == "its time":
			w.coverage.hit("policy", "a change that did not last")
		}
		if s.Outcome != "" {
			delete(p.waiting, customer)
		}
	},
	ended: func(w *world) {
		for i, c := range w.source.customers {
			// Who has another question too stopped before this one.
			if open := w.questions(i); len(open) == 1 && open[0].Kind == status.ConfirmChange {
				w.fail(24, "policy", "%s is still asked about, whom a person has decided about", c.id)
			}
		}
	},
}

// changedAfter reports whether what is carried began after a time.
func (w *world) changedAfter(t *task, customer string, at int64) bool {
	c := w.source.client(customer)
	return c.versions[min(t.version, len(c.versions)-1)].at > at
}

// opened reports whether hours, which are of every day and of UTC, are open.
func (w *world) opened(h *config.Hours, at int64) bool {
	from, to := h.Minutes()
	wall := w.at(at)
	minute := wall.Hour()*60 + wall.Minute()
	return from <= minute && minute < to
}

// isAsked lets a person decide about a change, in the calm always. The page may be
// old: then it is opened again.
func (w *world) isAsked(customer string) {
	p := &w.facts.policy
	at := slices.IndexFunc(w.source.customers, func(c *client) bool { return c.id == customer })
	for _, x := range w.questions(at) {
		if x.Kind != status.ConfirmChange || !w.calm && p.rng.IntN(3) == 0 {
			continue
		}
		a := store.Act{Exception: x.ID, Verb: one(p.rng, store.UseSource, store.UseSource, store.KeepTarget), Who: "ana@example.com", Saw: x.TargetValue, SawSource: x.SourceValue}
		if a.Verb == store.KeepTarget && !w.calm && p.rng.IntN(2) == 0 {
			a.Until = w.at(w.now + 1000 + p.rng.Int64N(600_000))
		}
		changed, err := w.db.Act(context.Background(), a)
		var pinned *store.PinnedError
		if errors.Is(err, store.ErrChanged) || errors.As(err, &pinned) {
			w.coverage.hit("policy", "refused, as the page is old")
			w.act(x, store.Act{Verb: store.Retry})
			continue
		}
		w.must(err)
		w.note("asked "+string(a.Verb), customer, x.TargetValue, 0)
		if changed {
			w.coverage.hit("policy", "a person says "+string(a.Verb))
			w.says(x, a.Verb)
			if a.Verb == store.UseSource && !w.calm && p.rng.IntN(4) > 0 {
				w.wavers(w.source.customers[at])
			}
		}
		w.turns()
	}
}

// wavers lets the source change there and back after a person confirmed the change,
// while the target cannot be read: that is another change, for which he said nothing.
func (w *world) wavers(c *client) {
	p, had := &w.facts.policy, c.now().value
	w.down[opRead] = max(w.down[opRead], w.now+9000)
	w.after(4500+p.rng.Int64N(1000), func() {
		if w.calm || c.now().value != had {
			return
		}
		c.set(map[bool]string{true: "canceled", false: "active"}[had != "canceled"])
		w.after(p.rng.Int64N(30), func() { c.set(had) })
	})
}

// says notes what a person said of a change.
func (w *world) says(x store.Exception, verb store.Verb) {
	if verb == store.UseSource {
		w.facts.policy.said[x.Customer] = append(w.facts.policy.said[x.Customer], w.now)
	}
}

// decidesAll lets people decide, in the calm, what is still open.
func (w *world) decidesAll() {
	if w.set.transitions != nil {
		for _, c := range w.source.customers {
			w.after(1000+w.facts.policy.rng.Int64N(60_000), func() { w.isAsked(c.id) })
		}
	}
}
