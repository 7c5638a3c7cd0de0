package sim

import (
	"context"
	"slices"

	"trueup/internal/status"
	"trueup/internal/store"
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

// noFalseConflict: a hold names an edit that somebody really made.
var noFalseConflict = watch{settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
	w.maybePutBack(t, work, s)
	fromStale := false // the look before was a stale one: what it did not see yet looks like an edit since
	if s.Decision != nil {
		id := s.Decision.TargetID
		fromStale = w.facts.staleLook[id]
		w.facts.staleLook[id] = t.stale
		if t.stale || fromStale {
			w.facts.staleAt[id] = w.now
		}
	}
	if k := (seenState{t.read.id, t.read.revision}); s.Observed != nil && w.facts.firstSeen[k] == 0 {
		w.facts.firstSeen[k] = ms(s.Observed.SeenAt)
	}
	if s.Park == nil || s.Park.Kind != status.Conflict {
		return
	}
	read := t.read
	known := w.set.class.fieldTime() // the last editor of a whole record may have touched another field
	foreign := func(by status.Actor, landed bool) bool {
		return by == status.ActorHuman || by == status.ActorAutomation && w.set.skipAutomation || !known && !landed
	}
	if foreign(read.valueBy, read.landed) {
		return
	}
	// Somebody's edit may have been covered since, and have been seen.
	r := w.target.record(s.Decision.TargetID)
	c := w.source.client(work.Customer)
	carried := c.versions[min(t.version, len(c.versions)-1)]
	changed := carried.at
	late, dated := w.facts.datedLate[c.id]
	if !w.set.valueAt || w.set.ahead() || dated && late == t.version {
		// When it changed is told late or never, or is dated after it was asked for:
		// until then it may have been as long ago as anything.
		changed = c.versions[0].at
	}
	if w.set.slow() {
		changed = w.set.says(changed) // by a clock that is behind, any edit is the later one
	}
	undated := false // edited by somebody, however long ago
	for _, st := range r.states {
		by, at := st.valueBy, st.valueAt
		if !w.set.class.fieldTime() {
			by, at = st.by, st.at // of which field is not told
		}
		if w.set.wrongClock() {
			at = max(at, w.facts.firstSeen[seenState{r.id, st.revision}]) // all that our own looks tell
		}
		edited := foreign(by, st.landed)
		if edited && at > changed-w.set.surely()-skewMs {
			return
		}
		undated = undated || edited
	}
	desired := work.Desired
	if s.Desired != nil {
		desired = *s.Desired
	}
	switch {
	case t.stale, fromStale, w.set.wrongClock() && w.facts.staleAt[r.id] > changed-w.set.surely()-skewMs:
		// Where the clock is wrong, only our looks date an edit.
		w.coverage.hit("bounded", "stale read")
		return
	case known && undated && desired.At.IsZero():
		// Somebody really edited it, and what the source tells has no date that can be
		// believed: the edit may as well be the later one.
		w.coverage.hit("bounded", "edited, and the source never told when it changed")
		return
	case w.compares() && desired.At.IsZero() && !w.set.class.fieldTime():
		// A comparison saw the source say so before any event did: nobody knows
		// since when, and the record's last editor may have covered a person's edit.
		w.coverage.hit("bounded", "edited, and the source never told when it changed")
		return
	case !known && w.set.wrongClock() && read.landed && w.facts.firstSeen[seenState{r.id, read.revision}] > read.valueAt+intentLife:
		// Nobody looked while it could arrive, and only our looks date what the
		// record's last editor did.
		w.coverage.hit("bounded", "seen after a write could arrive no more, by a wrong clock")
		return
	case !known && read.landed && read.by != status.ActorUs && read.at > read.valueAt+intentLife:
		// Nobody looked while it could arrive, and then somebody touched
		// another field: the record's only time is later than any write of ours.
		w.coverage.hit("bounded", "touched after a write could arrive no more")
		return
	case !known && w.facts.putBack[r.id] > changed-w.set.surely()-skewMs:
		// It may be that our write arrived, and that somebody has put back what was
		// there before.
		w.coverage.hit("bounded", "touched while a write had no answer")
		return
	case read.landed && read.valueAt < w.facts.accounts.leftAt:
		// With the account's links went what we had written there.
		w.coverage.hit("bounded", "written before the links of the account were removed")
		return
	case !known && read.late:
		// Its value had been read before it arrived, set by somebody else.
		w.coverage.hit("bounded", "a late write")
		return
	}
	w.fail(8, "no false conflict", "%s is held for an edit of %s that nobody made: it held %q by %s", work.Customer, r.id, read.value, read.valueBy)
}}

// maybePutBack notes that a record was touched, nobody knows in which field,
// while a write of another value to it had no answer.
func (w *world) maybePutBack(t *task, work *store.Work, s store.Settlement) {
	read := t.read
	if s.Decision == nil || w.set.class.fieldTime() {
		return
	}
	for _, i := range work.Intents {
		if read.by == status.ActorUs && (w.set.class.writer() || i.Prior != read.value) {
			continue // it was we, unless nobody says who it was and the record holds what it held before
		}
		if i.RecordID == s.Decision.TargetID && !i.Seen && i.Value != read.value && w.set.tells(read.at) > ms(i.PriorAt) {
			at := read.at
			if w.set.wrongClock() || work.Link == nil || work.Observed.SeenAt.Before(work.Link.At) {
				at = w.now // only our looks date it, and those before the link was made again are forgotten
			}
			w.facts.putBack[i.RecordID] = max(at, w.facts.putBack[i.RecordID])
		}
	}
}

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
