package sim

import (
	"context"
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// surely is how much later an edit must be for the product to know it: the
// skew it is told, and how far the two clocks really differ.
const surely = skewMs + 1800

// humansWin: a person's edit that is newer than the source's change is not
// written over.
var humansWin = watch{landed: func(w *world, s *sending, r *record) {
	held := r.now()
	if held.valueBy != status.ActorHuman || s.work == nil {
		return
	}
	c := w.source.client(s.work.Customer)
	changed := c.now().at
	if !w.set.valueAt && (!s.work.Base.Known || s.work.Base.RecordID != r.id) { // its first contact: nothing is known of the time before
		changed = max(changed, c.now().restated)
	}
	if w.set.ahead() && (w.set.valueAt || !w.set.readable) {
		// A time that has come cannot be seen to be wrong, be it that of the change
		// or of an older one that was told of late.
		for _, v := range []*version{c.now(), &c.versions[min(s.version, len(c.versions)-1)]} {
			if said := v.at + w.set.sourceClock; said <= s.readAt {
				w.coverage.hit("bounded", "a clock that is ahead, of long ago")
				changed = max(changed, said)
			}
		}
	}
	if held.valueAt <= changed+w.set.surely() {
		return
	}
	if w.ruled(s, r, held) {
		return
	}
	if why := w.excuse(s, r, held); why != "" {
		w.coverage.hit("bounded", why)
		return
	}
	w.fail(3, "humans win", "%s of a person at %.3f s was written over in %s by %s, which the source holds since %.3f s",
		held.value, float64(held.valueAt)/1000, r.id, s.value, float64(changed)/1000)
}}

// ruled reports whether an owner said, after the edit that is written over, that
// this is to be written. What a tool does not tell, he could not be shown.
func (w *world) ruled(s *sending, r *record, held state) bool {
	g := s.work.Ruling
	if g.Kind != store.RuledForSource || g.Desired != s.value || g.Observed != held.value {
		return false
	}
	switch {
	case held.valueAt <= ms(g.At):
		return true
	case s.stale || held.at >= s.readAt && !w.set.class.conditional():
		w.coverage.hit("bounded", "edited while an owner's word was carried out")
		return true
	}
	return false
}

// excuse says why a target of this class could not tell, "" when it could.
func (w *world) excuse(s *sending, r *record, held state) string {
	c := w.set.class
	base, before := s.work.Base, s.work.Observed
	known := base.Known && base.RecordID == r.id
	looked := s.work.Link != nil && s.work.Link.TargetID == r.id && !before.SeenAt.Before(s.work.Link.At)
	// seen is when it was last seen to hold something else: what the target says
	// of the time cannot be earlier.
	seen := int64(-1)
	if known && base.Value != held.value {
		seen = ms(base.SeenAt)
	}
	if looked && before.Value != held.value {
		seen = max(seen, ms(before.SeenAt))
	}
	// returned: a look found another value in the place of the base, which is back.
	returned := known && held.value == base.Value && looked && before.Value != held.value && ms(before.SeenAt) > ms(base.SeenAt)+skewMs
	told := w.set.tells(held.at)
	if c.fieldTime() {
		told = w.set.tells(held.valueAt)
	}
	switch {
	case !c.conditional() && s.late:
		return "a late write"
	case !c.conditional() && held.valueAt >= s.readAt:
		return "edited after it was read"
	case !c.conditional() && s.stale:
		return "stale read"
	case !known && held.value == "" && !filled(s.work) && !w.putBack(s, r, held): // row 2 of the table: an empty field is nobody's word
		return "empty at first contact"
	case !known && w.set.sourceWins && (!c.fieldTime() || !w.set.valueAt) && seen < 0 && !w.putBack(s, r, held): // the rule says so
		return "first contact"
	case w.set.wrongClock() && seen >= 0 && told+skewMs >= seen, w.set.wrongClock() && seen < 0 && !w.putBack(s, r, held):
		return "a wrong clock that contradicts no look"
	case c.fieldTime():
		return ""
	case c.writer() && held.by == status.ActorAutomation && known && base.By == "us" && base.At.IsZero() &&
		told <= ms(base.SeenAt)+skewMs:
		// An automation's edit in the moment of our write is taken for its answer.
		return "covered by an automation in the moment of our write"
	case (held.same || known && held.value == base.Value) && !w.putBack(s, r, held) && !(returned && held.by != status.ActorUs):
		return "set to what it was"
	case (!c.writer() || held.by != status.ActorHuman) && w.sent(s, held):
		return "set to what we sent"
	}
	return ""
}

// sent reports whether a value may be a write of ours that has arrived, in the
// target's own spelling too. What a later one before this took the place of had
// arrived by then, and does not arrive again.
func (w *world) sent(s *sending, held state) bool {
	return slices.ContainsFunc(s.work.Intents, func(i store.Intent) bool {
		replaced := slices.ContainsFunc(s.work.Intents, func(j store.Intent) bool {
			return j.ID > i.ID && j.ID < s.intentID && j.RecordID == i.RecordID && j.Prior == held.value && ms(j.PriorAt) < w.set.tells(held.at)
		})
		return (i.Value == held.value || w.spelled(i.Value) == held.value) && !i.Seen && !replaced
	})
}

// putBack reports whether the edit took back a write of ours that had no answer,
// which shows: the record was edited since the write left.
func (w *world) putBack(s *sending, r *record, held state) bool {
	var taken state // what the edit took back
	for _, st := range r.states {
		if st.at <= held.valueAt && st.valueAt < held.valueAt {
			taken = st
		}
	}
	return taken.landed && slices.ContainsFunc(s.work.Intents, func(i store.Intent) bool {
		// A later write of ours that nobody saw arrive may have put it back as well.
		ours := slices.ContainsFunc(s.work.Intents, func(j store.Intent) bool {
			return j.ID > i.ID && j.RecordID == r.id && j.Value == held.value && ms(j.SentAt) <= held.valueAt &&
				!slices.ContainsFunc(r.states, func(st state) bool {
					return st.landed && st.value == held.value && st.at >= ms(j.SentAt) && st.at < held.valueAt
				})
		})
		return i.RecordID == r.id && !i.Seen && i.Value == taken.value && i.Prior == held.value && ms(i.SentAt) <= taken.valueAt &&
			!i.PriorAt.IsZero() && w.set.tells(held.at) > ms(i.PriorAt) && !ours
	})
}

// filled reports whether the look before found a value in the record that the
// customer is still linked to.
func filled(work *store.Work) bool {
	return work.Observed.Value != "" && work.Link != nil && !work.Observed.SeenAt.Before(work.Link.At)
}

// noTimeTravel: an older state of the source never follows a newer one.
var noTimeTravel = watch{landed: func(w *world, s *sending, r *record) {
	switch {
	case !s.versionKnown:
		w.fail(4, "no time travel", "%s was written without a look at the source", s.value)
	case s.version < r.landed && s.late && !w.set.class.conditional():
		w.coverage.hit("bounded", "a late write")
	case s.version < r.landed && w.tied(s.work.Customer, s.version, r.landed):
		w.coverage.hit("bounded", "events of one second that overtook each other")
	case s.version < r.landed && w.wasForgotten(s.work.Customer, w.source.client(s.work.Customer).versions[r.landed].at-w.set.behind):
		w.coverage.hit("bounded", "told of late, of who was forgotten")
	case s.version < r.landed:
		w.fail(4, "no time travel", "version %d of %s was written after version %d", s.version, s.work.Customer, r.landed)
	}
}}

// tied reports whether nobody can tell that a state is the older one: the source
// cannot be asked, the older came last, and both were told of at one time or by a
// clock that is ahead, so that only the order of arrival counts. A source that is
// asked and answers from a copy tells no more while that is old.
func (w *world) tied(customer string, older, newer int) bool {
	if w.set.readable && w.set.behind == 0 {
		return false
	}
	stored, err := w.db.Events(context.Background(), store.EventFilter{Sync: w.names.sync, Customer: customer, Limit: 10_000})
	w.must(err)
	at, place, came := map[int]int64{}, map[int]int64{}, map[int]int64{} // of what came last of each state
	for _, e := range stored {
		t, err := readTold(string(e.Payload))
		if err == nil && t.value != "" && e.Side == store.SourceSide && e.ReplayOf == 0 && e.Seq > place[t.version] {
			at[t.version], place[t.version], came[t.version] = t.at, e.Seq, ms(e.ReceivedAt)
		}
	}
	if w.set.readable && came[older] > w.source.client(customer).versions[newer].at+w.set.behind {
		return false // by then it answered what is so
	}
	return place[newer] > 0 && place[older] > place[newer] && (w.set.ahead() || at[older] == at[newer])
}

// noIdleWrite: what the target holds already is not written.
var noIdleWrite = watch{landed: func(w *world, s *sending, r *record) {
	held := r.now()
	if held.value != s.value {
		return
	}
	if !w.set.class.conditional() && (s.late || s.stale || held.at >= s.readAt) {
		w.coverage.hit("bounded", "equal by then")
		return
	}
	w.fail(5, "no idle write", "%s holds %s already", r.id, s.value)
}}

// rightRecord: only the customer's own record is written, and of several that
// may be it none.
var rightRecord = watch{stored: func(w *world, t *task, work *store.Work, what string) {
	if what == "a link" && t.found != 1 {
		w.fail(6, "right record", "%s was linked by a search that found %d records", work.Customer, t.found)
	}
}, sent: func(w *world, t *task, record status.TargetRecord, _ string) {
	r := w.target.record(record.ID)
	if r == nil || t.work == nil || r.owner != t.work.Customer {
		w.fail(6, "right record", "%s was written for %s", record.ID, t.customer())
	}
}}

// intentLife is for how long the path holds a write without an answer to be
// possibly on its way.
const intentLife = 600_000

// staleness is how old a stale reading can be.
const staleness = 6000

// baseIsTruth: the target really held what the base says.
var baseIsTruth = watch{settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
	b := s.Base
	if b == nil || !b.Known {
		return
	}
	r := w.target.record(b.RecordID)
	switch {
	case r == nil:
		w.fail(10, "base is truth", "the base of %s names %s, which never was", work.Customer, b.RecordID)
	case !r.held(b.Value, ms(b.SeenAt)-staleness):
		w.fail(10, "base is truth", "the base of %s says %q, which %s has not held since", work.Customer, b.Value, r.id)
	}
}}
