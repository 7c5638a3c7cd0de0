package decide

import (
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// This file has the one notion of when the target was edited. An edit lies between two times of our
// own clock: it is later than the last read that found another value, and not later than the read
// that found this one. The target's clock narrows that down, unless it contradicts our reads: then
// it is proved wrong, and is not used.

// arrived reports whether the record's last edit may be the arrival of a write. The target's own
// clock shows whether it was edited since the write was sent.
func (f Facts) arrived(i Intent) bool {
	since, skew := f.since(), f.Policy.ClockSkew
	left := !i.PriorAt.IsZero() && f.Observed.EditedAt.After(i.PriorAt)
	if left {
		since = latest(since, i.SentAt)
	}
	told := f.editTime(since)
	at := told
	if at.IsZero() {
		at = f.Observed.SeenAt
	}
	before := !left && !told.IsZero() && told.Add(skew).Before(i.SentAt)
	return !before && !at.IsZero() && !at.After(i.Expires.Add(skew))
}

// since is the last time that the record was seen to hold another value, zero when it never was:
// the edit that changed it is later.
func (f Facts) since() time.Time {
	if f.Base.Known && f.Base.Value != f.Observed.Value {
		return latest(f.Observed.Since, f.Base.SeenAt)
	}
	return f.Observed.Since
}

// editTime is when the target says that it was edited, zero when it does not say, or when our own
// clock proves that its clock is wrong: the edit is later than since and than our last write before
// it, and not later than it was seen.
func (f Facts) editTime(since time.Time) time.Time {
	at, seen, skew := f.Observed.EditedAt, f.Observed.SeenAt, f.Policy.ClockSkew
	since = latest(since, f.lastWriteBeforeEdit())
	switch {
	case at.IsZero(),
		!since.IsZero() && at.Add(skew).Before(since),
		!seen.IsZero() && at.Add(-skew).After(seen):
		return time.Time{}
	case !seen.IsZero() && at.After(seen):
		return seen
	}
	return at
}

// lastWriteBeforeEdit is when we sent our last write that found the record with an earlier edit time, zero for
// none. The record's last edit is later, or fell between that write's read and its sending;
// ignoring the target's time in that case only holds more.
func (f Facts) lastWriteBeforeEdit() (left time.Time) {
	for _, i := range f.Intents {
		if !i.PriorAt.IsZero() && f.Observed.EditedAt.After(i.PriorAt) {
			left = latest(left, i.SentAt)
		}
	}
	return left
}

// latest is the last of the times.
func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// between returns between which times an edit later than since was made, as far as is known; a zero
// time is unknown. A field's own time is exact. A record's time may be that of another field, later
// than the edit. An edit of unknown time was made before it was seen.
func (f Facts) between(since time.Time) (from, to time.Time) {
	told := f.editTime(since)
	switch {
	case told.IsZero():
		return since, f.Observed.SeenAt
	case f.Observed.FieldTime:
		return told, told
	case told.Before(since): // by less than the clocks may differ
		return since, since
	}
	return since, told
}

// window returns between which times the edit was made that turned the base
// into what is observed.
func (f Facts) window() (from, to time.Time) { return f.between(f.since()) }

// setBack returns between which times someone may have restored an earlier value: the base, after
// our previous read found another value; or the value before a write of ours that arrived without
// an answer. The value alone then looks untouched; the edit times, both by the target's clock, show
// it. Edits that a later proof of the base already covers do not count.
func (f Facts) setBack() (from, to time.Time, ok bool) {
	o := f.Observed
	if _, ours := f.Explained(); ours || o.Actor == status.ActorUs || f.byProgram() {
		return from, to, false
	}
	if b := f.Base; b.Known && b.Value == o.Value && o.Since.After(b.SeenAt.Add(f.Policy.ClockSkew)) { // our previous read found another value
		from, to = f.between(o.Since)
		return from, to, true
	}
	var sent time.Time
	for _, i := range f.Intents {
		before := i.PriorAt
		// There is no previous read after the link was removed and made again.
		if f.Base.Known && i.SentAt.Before(f.Base.SeenAt) && (o.Again || !o.Since.IsZero()) {
			before = o.Before
		}
		if f.Base.Known { // the edit with which the base was proved is no later edit
			before = latest(before, f.Base.At)
		}
		untouched := f.Base.Known && f.Base.Value == o.Value || !f.Base.Known && i.Prior == o.Value
		if untouched && !i.Seen && i.Value != o.Value && !before.IsZero() && o.EditedAt.After(before) {
			if !ok || i.SentAt.Before(sent) {
				sent = i.SentAt
			}
			ok = true
		}
	}
	if !ok {
		return from, to, false
	}
	from, to = f.between(latest(sent, f.Base.SeenAt, o.Since))
	return from, to, ok
}

// setAgain reports whether a person has set the value that was the base already, by the field's own
// time. After a write of ours the base has no time of the target's: any edit of the field by a
// person is later. If a target counts whole seconds, two edits of one second differ by their
// editors.
func (f Facts) setAgain() bool {
	o, b := f.Observed, f.Base
	later := b.At.IsZero() || o.EditedAt.After(b.At) || o.EditedAt.Equal(b.At) && o.By != b.By
	return b.Known && b.Value == o.Value && o.Actor == status.ActorHuman && o.FieldTime && later
}

// setAgainAt is when that was.
func (f Facts) setAgainAt() (from, to time.Time) {
	if f.Base.At.IsZero() {
		return f.between(latest(f.Observed.Since, f.Base.SeenAt))
	}
	return f.between(f.Observed.Since)
}

// PersonsEdit returns between which times the edit was made that a hold leaves alone, as far as the
// facts show; a zero time is unknown.
func (f Facts) PersonsEdit() (from, to time.Time) {
	from, to, found := f.edit()
	switch {
	case found:
		return from, to
	case !f.HumanAt.IsZero(): // an earlier read found it
		return f.HumanAt, f.HumanAt
	}
	return f.window()
}

// EditedBy returns the latest time at which a person may have made the edit that these facts show,
// zero when they show none: someone who is not known to be us or an automation has changed the
// value, or set it again.
func (f Facts) EditedBy() time.Time {
	_, to, _ := f.edit()
	return to
}

// edit returns between which times a person may have made the edit that these
// facts show.
func (f Facts) edit() (from, to time.Time, found bool) {
	o, changed := f.Observed, !f.Base.Known || f.Base.Value != f.Observed.Value
	_, ours := f.Explained()
	from, to, back := f.setBack()
	switch {
	case back:
		return from, to, true
	case f.setAgain():
		from, to = f.setAgainAt()
		return from, to, true
	case !changed, ours, f.byProgram(),
		o.Value == "" && !f.Base.Known && !f.Cleared, // no one chose an empty field
		!f.Base.Known && o.Again && !o.FieldTime,     // nothing shows that it was this field
		f.Base.Known && o.Actor != status.ActorHuman && o.Actor != status.ActorUnknown && f.surelyOurs():
		return time.Time{}, time.Time{}, false
	}
	from, to = f.window()
	return from, to, true
}

// newerThanSource reports whether an edit at the time is certainly newer than the source's change,
// however the clocks differ within the skew.
func (f Facts) newerThanSource(t time.Time) bool {
	return !t.IsZero() && !f.Desired.At.IsZero() && t.Add(-f.Policy.ClockSkew).After(f.Desired.At)
}

// olderThanSource reports whether it is certainly older.
func (f Facts) olderThanSource(t time.Time) bool {
	return !t.IsZero() && !f.Desired.At.IsZero() && t.Add(f.Policy.ClockSkew).Before(f.Desired.At)
}
