package pipeline

import (
	"cmp"
	"slices"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// reading is what the pending events of an attempt amount to.
type reading struct {
	// ordered are the source's events that can tell of the status, oldest change
	// first.
	ordered []store.Event
	// newest is the last of them, nil when only the target had something to
	// say or somebody asked for another try.
	newest *store.Event
	// asked says that the source was: its events only said to look, and may be
	// about anything. Where it cannot be, one that has a status is a change of it.
	asked bool
	// askedAt is when, by our clock, and skew how far another may differ from it.
	askedAt time.Time
	skew    time.Duration
	// unread is the place of the first event since the source was last asked that
	// nobody has read it for, 0 when there is none: what came later says nothing of
	// the time before it.
	unread int64
}

// readEvents orders the source's pending events by when the change happened.
// Where a tool does not say, arrival is the order. An event without a status
// says nothing where nobody can be asked.
func readEvents(events []store.Event, r reading) reading {
	r.ordered, r.newest = nil, nil
	for _, e := range events {
		if e.Side == store.SourceSide && !withoutStatus(e, r.asked) {
			r.ordered = append(r.ordered, e)
		}
	}
	slices.SortFunc(r.ordered, r.byTime)
	if n := len(r.ordered); n > 0 {
		r.newest = &r.ordered[n-1]
	}
	return r
}

// withoutStatus reports whether an event says nothing of the status, and nobody can be
// asked for it.
func withoutStatus(e store.Event, asked bool) bool {
	return !asked && e.Side == store.SourceSide && !e.HasValue
}

// byTime compares two events by when the change happened, and those of one moment
// by when they came: tools count in whole seconds. A replay stands where what it
// carries once more stood: nobody travels in time.
func (r reading) byTime(a, b store.Event) int {
	arrival := cmp.Or(cmp.Compare(a.Place(), b.Place()), cmp.Compare(a.Seq, b.Seq))
	if a.OccurredAt.IsZero() || b.OccurredAt.IsZero() {
		return arrival
	}
	return cmp.Or(a.HappenedAt(r.skew).Compare(b.HappenedAt(r.skew)), arrival)
}

// isOlder reports whether an event is older than the one that was carried last:
// for a source that cannot be asked, that makes it history. One of the same moment
// is not: it came later, unless it is a replay, which is looked up.
func (r reading) isOlder(e store.Event, carried store.Desired) bool {
	if carried.Event == "" || e.OccurredAt.IsZero() || carried.EventAt.IsZero() {
		return false
	}
	return e.HappenedAt(r.skew).Before(carried.EventAt)
}

// changedAt returns when the source changed to the value, as early as it can
// have been: a time that is too early lets a person's edit stand, one that is
// too late would write over it. The zero time means that nobody can tell.
func (r reading) changedAt(value string, record status.SourceRecord, stored store.Desired) time.Time {
	same := stored.SourceValue == value && value != ""
	switch at := record.ValueAt; {
	case at.IsZero():
	case same && stored.EventAt.Equal(at):
		return stored.At // what it came to when it was first read
	case !at.After(r.askedAt):
		return at
	case !at.After(r.askedAt.Add(r.skew)):
		return r.askedAt // it was so by then
	}
	// The change came after the last word about another value.
	after := r.lastOther(value)
	if same && !after.After(stored.At) {
		return stored.At // zero when nobody knows since when: an event may be about anything
	}
	after = later(after, stored.At)
	seen := after
	if r.asked && stored.SourceValue != "" && !same {
		seen = later(seen, stored.SeenAt.Add(-shownWithin)) // it showed another value then
	}
	if at, ok := r.firstStatement(value, after, seen); ok {
		return at
	}
	return seen
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lastOther returns the time of the latest event with another value.
func (r reading) lastOther(value string) time.Time {
	for _, e := range slices.Backward(r.ordered) {
		if at := r.dated(e); e.HasValue && e.Value != value && !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// dated is when an event says that it happened, as far as that can be relied on:
// not after it came, and zero when it says so and the clocks cannot be why.
func (r reading) dated(e store.Event) time.Time {
	switch {
	case e.ReceivedAt.IsZero() || !e.OccurredAt.After(e.ReceivedAt):
		return e.OccurredAt
	case e.OccurredAt.After(e.ReceivedAt.Add(r.skew)):
		return time.Time{}
	}
	return e.ReceivedAt
}

// firstStatement returns since when the value can have been so by the earliest
// event after the given time that may have brought it. seen is until when, as a
// look found, it was another; an event from before that says that the look was
// mistaken.
func (r reading) firstStatement(value string, after, seen time.Time) (time.Time, bool) {
	for _, e := range r.ordered {
		at := r.dated(e)
		if !at.After(after) || e.HasValue && e.Value != value {
			continue
		}
		if (r.asked || !e.UnchangedAt.IsZero()) && !after.IsZero() {
			// It may be about something else, and the change's own event may be
			// on its way still.
			told := at
			if at = after; told.After(seen) {
				at = seen
			}
			changed := e.UnchangedAt.Equal(e.OccurredAt) // it says so itself
			if !e.UnchangedAt.After(told) && (r.unread == 0 || e.Place() <= r.unread || changed) {
				at = later(at, e.UnchangedAt)
			}
		}
		return at, true
	}
	return time.Time{}, false
}

// newestValue is the newest event that says a value, nil when none does. A replay
// says what was so.
func (r reading) newestValue() *store.Event {
	for i, e := range slices.Backward(r.ordered) {
		if e.HasValue && e.ReplayOf == 0 {
			return &r.ordered[i]
		}
	}
	return nil
}

// lastSaid is the latest time, by the source's own clock, of an event that says the
// value, the zero time when none does: an older one may have come later.
func (r reading) lastSaid(value string) (at time.Time) {
	for _, e := range r.ordered {
		if e.HasValue && e.Value == value && e.ReplayOf == 0 {
			at = later(at, e.OccurredAt)
		}
	}
	return at
}

// toldBefore reports whether an event from before a time may have brought the value.
func (r reading) toldBefore(value string, at time.Time) bool {
	return slices.ContainsFunc(r.ordered, func(e store.Event) bool {
		return (!e.HasValue || e.Value == value) && !e.OccurredAt.IsZero() && !e.HappenedAt(r.skew).After(at)
	})
}
