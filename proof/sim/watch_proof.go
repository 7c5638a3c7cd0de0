package sim

import (
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// overwritten is a person's value that a write of ours took the place of, since an
// event about something else counted as the source's change.
type overwritten struct {
	record   *record
	revision int // of our value in the record
	version  int // of the customer in the source
	// reported: the attempt lived to say that it wrote. Of another the store keeps
	// only that it may have, and nobody can be asked.
	reported, asked bool
}

// provedLate: when the change's own event comes, which is dated before the edit
// that was written over, people are asked, and about nothing else.
var provedLate = watch{
	acknowledged: func(w *world, _ string, e told, _ string) {
		if c := w.source.client(e.customer); c != nil && !e.reused && e.value != "" {
			c.heard[e.version] = true
		}
	},
	landed: func(w *world, s *sending, r *record) {
		if s.work == nil {
			return
		}
		delete(w.facts.overwritten, s.work.Customer)
		held, c := r.now(), w.source.client(s.work.Customer)
		first := !s.work.Base.Known || s.work.Base.RecordID != r.id
		hidden := s.late || s.stale || held.at >= s.readAt || w.set.wrongClock() || w.set.valueAt || w.set.ahead() || w.set.poll
		if !first || hidden || held.value == "" || held.valueBy != status.ActorHuman || s.work.Ruling.Kind != "" {
			return
		}
		told := w.set.tells(held.at)
		if v := c.now(); w.set.says(v.at)+w.set.surely() < told && told+w.set.surely() < w.set.says(v.restated) && s.value != held.value {
			w.facts.overwritten[s.work.Customer] = &overwritten{record: r, revision: held.revision + 1, version: len(c.versions) - 1}
		}
	},
	settled: func(w *world, _ *task, work *store.Work, s store.Settlement) {
		asks := s.Park != nil && s.Park.Cause == store.WrittenOver
		over, c := w.facts.overwritten[work.Customer], w.source.client(work.Customer)
		if asks && s.Decision != nil {
			w.coverage.hit("fault", "written over, and proved late")
			w.trulyOver(work.Customer, s.Decision.TargetID)
		}
		if over == nil || over.record.now().revision != over.revision || len(c.versions)-1 != over.version {
			return
		}
		over.asked = over.asked || asks
		over.reported = over.reported || s.Outcome == status.Applied
		late := slices.ContainsFunc(work.Events, func(e store.Event) bool {
			return e.Side == store.SourceSide && e.HasValue && e.ReplayOf == 0 && e.Value == c.now().value && ms(e.OccurredAt) == w.set.says(c.now().at)
		})
		switch {
		case !late || over.asked || s.Outcome != status.AlreadyEqual:
		case work.Link == nil || work.Link.TargetID != over.record.id:
			// A person has linked somebody else's record since, or none: what the
			// source says is no word about this one any more.
			w.coverage.hit("bounded", "written over in a record that is the customer's no more")
		case !over.reported:
			w.coverage.hit("bounded", "written over by an attempt that did not live to say so")
		default:
			w.fail(3, "humans win", "%s was written over in %s, the event that proves it came, and nobody is asked", work.Customer, over.record.id)
		}
	},
}

// trulyOver checks that what people are asked about is so by all that was told:
// our value took the place of one in a record that had been edited since the
// source's change.
func (w *world) trulyOver(customer, id string) {
	r, changed := w.target.record(id), w.source.client(customer).changedAsHeard()
	for i := len(r.states) - 1; i > 0; i-- {
		if st := r.states[i]; st.landed && st.valueAt == st.at {
			if before := r.states[i-1]; w.set.tells(before.at) <= w.set.says(changed) {
				w.fail(8, "no false conflict", "%s is asked about %s in %s of %d ms, and the source changed at %d ms", customer, before.value, id, before.at, changed)
			}
			return
		}
	}
	w.fail(8, "no false conflict", "%s is asked about a write over an edit in %s that never was", customer, id)
}

// changedAsHeard is since when the source has had what it has, for whoever heard
// only of some changes: one that nobody has told of yet may lie between two that
// say the same, or be the last one of a source that cannot be read.
func (c *client) changedAsHeard() int64 {
	newest := len(c.versions) - 1
	for newest > 0 && !c.source.world.set.readable && !c.heard[newest] {
		newest--
	}
	at, last := c.versions[newest].at, c.wanted(&c.versions[newest])
	for i := newest - 1; i >= 0; i-- {
		switch v := &c.versions[i]; {
		case c.wanted(v) == last:
			at = v.at
		case c.heard[i] && !(i > 0 && c.wanted(&c.versions[i-1]) == last && c.dated(v) == c.dated(&c.versions[i-1])): // of one second nobody knows the order
			return at
		}
	}
	return at
}

func (c *client) dated(v *version) int64 { return c.source.world.set.says(v.at) }

func (c *client) wanted(v *version) string {
	word, _ := c.source.world.wanted(v.value)
	return word
}
