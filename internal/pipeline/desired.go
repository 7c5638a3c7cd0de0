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
	// ordered are the source's events, oldest change first.
	ordered []store.Event
	// newest is the last of them, nil when only the target had something to
	// say or somebody asked for another try.
	newest *store.Event
}

// readEvents orders the source's pending events by when the change happened.
// Where a tool does not say, arrival is the order.
func readEvents(events []store.Event) reading {
	var r reading
	for _, e := range events {
		if e.Side == store.SourceSide {
			r.ordered = append(r.ordered, e)
		}
	}
	slices.SortFunc(r.ordered, byTime)
	if n := len(r.ordered); n > 0 {
		r.newest = &r.ordered[n-1]
	}
	return r
}

// byTime compares two events by when the change happened. A replay stands where
// what it carries once more stood: nobody travels in time.
func byTime(a, b store.Event) int {
	if a.OccurredAt.IsZero() || b.OccurredAt.IsZero() {
		return cmp.Or(cmp.Compare(a.Place(), b.Place()), cmp.Compare(a.Seq, b.Seq))
	}
	return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(store.OriginalID(a.ID), store.OriginalID(b.ID)), cmp.Compare(a.Seq, b.Seq))
}

// isOlder reports whether an event is older than the one that was carried last:
// for a source that cannot be asked, that makes it history.
func isOlder(e store.Event, carried store.Desired) bool {
	if carried.Event == "" || e.OccurredAt.IsZero() || carried.EventAt.IsZero() {
		return false
	}
	return cmp.Or(e.OccurredAt.Compare(carried.EventAt), cmp.Compare(store.OriginalID(e.ID), store.OriginalID(carried.Event))) < 0
}

// changedAt returns when the source changed to the value, as early as it can
// have been: a time that is too early lets a person's edit stand, one that is
// too late would write over it. The zero time means that nobody can tell.
func (r reading) changedAt(value string, record status.SourceRecord, stored store.Desired) time.Time {
	if !record.ValueAt.IsZero() {
		return record.ValueAt
	}
	// The change came after the last word about another value.
	after := r.lastOther(value)
	if stored.SourceValue == value && value != "" && !after.After(stored.At) {
		return stored.At // zero when nobody knows since when: an event may be about anything
	}
	if stored.At.After(after) {
		after = stored.At
	}
	if at, ok := r.firstStatement(value, after); ok {
		return at
	}
	if stored.SourceValue != "" && stored.SourceValue != value && stored.SeenAt.After(after) {
		after = stored.SeenAt
	}
	return after
}

// lastOther returns the time of the latest event with another value.
func (r reading) lastOther(value string) time.Time {
	for _, e := range slices.Backward(r.ordered) {
		if e.HasValue && e.Value != value && !e.OccurredAt.IsZero() {
			return e.OccurredAt
		}
	}
	return time.Time{}
}

// firstStatement returns the time of the earliest event after the given time
// that may have brought the value.
func (r reading) firstStatement(value string, after time.Time) (time.Time, bool) {
	for _, e := range r.ordered {
		if e.OccurredAt.After(after) && (!e.HasValue || e.Value == value) {
			return e.OccurredAt, true
		}
	}
	return time.Time{}, false
}
