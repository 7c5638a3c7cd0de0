package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// reading is what the waiting events of an attempt amount to.
type reading struct {
	// ordered are the source's events that may be about the status, oldest change first.
	ordered []store.Event
	// newest is the last of them, nil when only the target sent events or a person asked for
	// another try.
	newest *store.Event
	// asked: the source was read, so its events may be about any field. If it cannot be read, an
	// event with a status is a change of the status.
	asked bool
	// askedAt is when the source was read, by the database's clock; skew is how far the source's
	// clock may differ from it.
	askedAt time.Time
	skew    time.Duration
	// unread is the Place of the first event since our last read of the source whose attempt could
	// not read the source, 0 when there is none. The UnchangedAt of a later event is relative to
	// that event, so it does not count. -1 treats every event as later than an unread one.
	unread int64
}

// readEvents sorts the source's events by the time of the change, or by arrival if the tool sends
// no time. Events without a status are left out if the source cannot be read.
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

// withoutStatus reports whether an event has no status and the source cannot be read for it.
func withoutStatus(e store.Event, asked bool) bool {
	return !asked && e.Side == store.SourceSide && !e.HasValue
}

// byTime orders events by the time of the change, then by arrival: many tools count whole seconds.
// A replay takes its original's place.
func (r reading) byTime(a, b store.Event) int {
	arrival := cmp.Or(cmp.Compare(a.Place(), b.Place()), cmp.Compare(a.Seq, b.Seq))
	if a.OccurredAt.IsZero() || b.OccurredAt.IsZero() {
		return arrival
	}
	return cmp.Or(a.HappenedAt(r.skew).Compare(b.HappenedAt(r.skew)), arrival)
}

// isOlder reports whether an event is dated before the one that was processed last. If the source
// cannot be read, such an event is out of date. Of two at the same time the later arrival counts;
// the original of a replay is looked up.
func (r reading) isOlder(e store.Event, carried store.Desired) bool {
	if carried.Event == "" || e.OccurredAt.IsZero() || carried.EventAt.IsZero() {
		return false
	}
	return e.HappenedAt(r.skew).Before(carried.EventAt)
}

// newestValue is the newest event with a value, nil when there is none. Replays are left out: they
// report an old state.
func (r reading) newestValue() *store.Event {
	for i, e := range slices.Backward(r.ordered) {
		if e.HasValue && e.ReplayOf == 0 {
			return &r.ordered[i]
		}
	}
	return nil
}

// lastSaid is the latest time, by the source's own clock, of an event that reports the value, zero
// when none does. The last to arrive need not be it.
func (r reading) lastSaid(value string) (at time.Time) {
	for _, e := range r.ordered {
		if e.HasValue && e.Value == value && e.ReplayOf == 0 {
			at = later(at, e.OccurredAt)
		}
	}
	return at
}

// toldBefore reports whether an event dated by a time may report the value.
func (r reading) toldBefore(value string, at time.Time) bool {
	return slices.ContainsFunc(r.ordered, func(e store.Event) bool {
		return (!e.HasValue || e.Value == value) && !e.OccurredAt.IsZero() && !e.HappenedAt(r.skew).After(at)
	})
}
