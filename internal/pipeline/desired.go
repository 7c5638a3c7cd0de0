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

func byTime(a, b store.Event) int {
	if a.OccurredAt.IsZero() || b.OccurredAt.IsZero() {
		return cmp.Compare(a.Seq, b.Seq)
	}
	return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.ID, b.ID))
}

// isOlder reports whether an event is not newer than the one that was carried
// last: for a source that cannot be asked, that makes it history.
func isOlder(e store.Event, carried store.Desired) bool {
	if carried.Event == "" || e.OccurredAt.IsZero() || carried.EventAt.IsZero() {
		return false
	}
	return cmp.Or(e.OccurredAt.Compare(carried.EventAt), cmp.Compare(e.ID, carried.Event)) <= 0
}

// changedAt returns when the source changed to the value, as early as it can
// have been: a time that is too early lets a person's edit stand, one that is
// too late would write over it. The zero time means that nobody can tell.
func (r reading) changedAt(value string, record status.SourceRecord, stored store.Desired) time.Time {
	if !record.ValueAt.IsZero() {
		return record.ValueAt
	}
	if at, changed := r.lastRun(value); changed && at.After(stored.At) {
		// The events tell of another value in between: it left and came back,
		// or it was another one before.
		return at
	}
	if stored.SourceValue == value && !stored.At.IsZero() {
		return stored.At
	}
	if at, ok := r.firstStatement(value, stored.At); ok {
		return at
	}
	if stored.SourceValue != "" && stored.SourceValue != value && !stored.SeenAt.IsZero() {
		return stored.SeenAt
	}
	return time.Time{}
}

// lastRun returns when the final unbroken run of events with the value began,
// and whether an event with another value came before it.
func (r reading) lastRun(value string) (began time.Time, changed bool) {
	for _, e := range slices.Backward(r.ordered) {
		if !e.HasValue || e.OccurredAt.IsZero() {
			return time.Time{}, false
		}
		if e.Value != value {
			return began, !began.IsZero()
		}
		began = e.OccurredAt
	}
	return time.Time{}, false
}

// firstStatement returns the time of the earliest event after the time that
// may have brought the value.
func (r reading) firstStatement(value string, after time.Time) (time.Time, bool) {
	for _, e := range r.ordered {
		if e.OccurredAt.After(after) && (!e.HasValue || e.Value == value) {
			return e.OccurredAt, true
		}
	}
	return time.Time{}, false
}
