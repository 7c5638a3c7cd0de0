package sim

import (
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

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
