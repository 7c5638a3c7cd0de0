package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// This file dates the source's value, twice, because the two errors cost differently:
//
//   - desired.At is the earliest time of the change (changedAt, dateChange). Too late would
//     overwrite a person's edit.
//   - desired.Since is the latest start of an unbroken time with this value (heldSince). Too early
//     would end a waiting time too soon.
//
// An event's time is read in two ways: HappenedAt replaces a time that is too far in the future by
// the event's arrival (to order events); dated drops such a time (to date a change).

// dateChange dates the source's change to its present value. An event's UnchangedAt is relative to
// the events before it, so it counts only if the source was read for those. The store is asked for
// an unread one only if that would change the date.
func (a *attempt) dateChange(ctx context.Context) error {
	stored, unsure := a.knownSource(), a.events
	unsure.unread = -1
	at := a.events.changedAt(a.source.Value, a.source, stored)
	if !at.Equal(unsure.changedAt(a.source.Value, a.source, stored)) {
		told, err := a.Store.Events(ctx, store.EventFilter{Sync: a.Config.Name, Customer: a.work.Customer, Connection: a.From.Name,
			Since: stored.SeenAt, Originals: true, Limit: lookBack, Bare: true})
		if err != nil {
			return err
		}
		for _, e := range told {
			if !slices.ContainsFunc(a.work.Events, func(waits store.Event) bool { return waits.Seq == e.Seq }) {
				a.events.unread = e.Seq
				break
			}
		}
		at = a.events.changedAt(a.source.Value, a.source, stored)
	}
	a.desired.At = at
	return nil
}

// changedAt returns the earliest time at which the source can have changed to value, zero when
// unknown. Too early is safe: it keeps a person's edit. Too late would overwrite that edit.
func (r reading) changedAt(value string, record status.SourceRecord, stored store.Desired) time.Time {
	same := stored.SourceValue == value && value != ""
	switch at := record.ValueAt; {
	case at.IsZero():
	case same && stored.EventAt.Equal(at):
		return stored.At // the same change: keep the date from its first read
	case !at.After(r.askedAt):
		return at
	case !at.After(r.askedAt.Add(r.skew)):
		return r.askedAt // the source's clock is ahead
	}
	// The change came after the last event with another value.
	after := r.lastOther(value)
	if same && !after.After(stored.At) {
		return stored.At // may be zero: an event about another field must not date it
	}
	after = later(after, stored.At)
	seen := after
	if r.asked && stored.SourceValue != "" && !same {
		seen = later(seen, stored.SeenAt.Add(-shownWithin)) // our last read showed another value
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

// dated is when the change happened, as far as the event can be trusted: by its arrival at the
// latest, zero if it is dated further ahead than clocks differ.
func (r reading) dated(e store.Event) time.Time {
	switch {
	case e.ReceivedAt.IsZero() || !e.OccurredAt.After(e.ReceivedAt):
		return e.OccurredAt
	case e.OccurredAt.After(e.ReceivedAt.Add(r.skew)):
		return time.Time{}
	}
	return e.ReceivedAt
}

// firstStatement returns the earliest time at which the source can have changed to value, taken
// from the first event dated later than after that may report that change; false when there is
// none. seen is when a read last showed another value. An event dated by then shows that the read
// was stale, so the change may be as early as after.
func (r reading) firstStatement(value string, after, seen time.Time) (time.Time, bool) {
	for _, e := range r.ordered {
		at := r.dated(e)
		if !at.After(after) || e.HasValue && e.Value != value {
			continue
		}
		if (r.asked || !e.UnchangedAt.IsZero()) && !after.IsZero() {
			// The event may be about another field, and the event of this change may still be on
			// its way.
			told := at
			if at = after; told.After(seen) {
				at = seen
			}
			changed := e.UnchangedAt.Equal(e.OccurredAt) // the event says that it is the change
			if !e.UnchangedAt.After(told) && (r.unread == 0 || e.Place() <= r.unread || changed) {
				at = later(at, e.UnchangedAt)
			}
		}
		return at, true
	}
	return time.Time{}, false
}

// heldSince is since when the source has certainly had the value without a break; never too early.
// It is, in this order:
//   - the source's own time of the value or, if that is later, the time stored before or our last
//     read that showed another value (now, if the source's time is in the future);
//   - the time stored before, if no event has reported another value since (a change there and back
//     without an event stays unknown);
//   - for a customer without any event: when a comparison read the value, or when the source's
//     record was last edited;
//   - now.
func (a *attempt) heldSince(ctx context.Context, value string) (time.Time, error) {
	now, was := a.dbLatest().Truncate(time.Millisecond), a.knownSource()
	same := was.SourceValue == value && !was.Since.IsZero()
	if at := a.source.ValueAt; !at.IsZero() {
		switch {
		case same && was.EventAt.Equal(at):
			return was.Since, nil
		case at.After(now): // by a clock that is ahead: it has changed
			return now, nil
		case was.SourceValue == value:
			return later(at, was.Since), nil
		}
		return later(at, was.SeenAt), nil
	}
	// The read began a little before the stored time: an event in between counts too.
	looked := was.Since
	if !was.SeenAt.IsZero() && was.SeenAt.Before(looked) {
		looked = was.SeenAt
	}
	told := func(tells func(store.Event) bool) bool { return slices.ContainsFunc(a.work.Events, tells) }
	if same && !told(func(e store.Event) bool { return toldOther(e, value, looked) }) {
		if len(a.changes) == 0 {
			return was.Since, nil
		}
		// An event with another value may have ended in an attempt that could not read the source.
		all, err := a.Store.Events(ctx, store.EventFilter{Sync: a.Config.Name, Customer: a.work.Customer, Connection: a.From.Name,
			Since: was.SeenAt, Originals: true, Limit: lookBack, Bare: true})
		if slices.ContainsFunc(all, func(e store.Event) bool { return toldOther(e, value, looked) }) {
			return now, err
		}
		return was.Since, err
	}
	if a.work.Desired.SourceValue == "" && !told(func(e store.Event) bool { return e.Side == store.SourceSide }) { // nothing was ever processed
		switch at := a.source.UpdatedAt; {
		case was.SourceValue == value: // a comparison read it
			return was.SeenAt, nil
		case !at.IsZero() && !at.After(now):
			return later(at, was.SeenAt), nil
		}
	}
	return now, nil
}

// toldOther reports whether an event that arrived after a time reports another value of the source,
// or says itself that it is a change.
func toldOther(e store.Event, value string, since time.Time) bool {
	if e.Side != store.SourceSide || e.ReplayOf > 0 || !e.ReceivedAt.After(since) {
		return false
	}
	return e.HasValue && e.Value != value || !e.UnchangedAt.IsZero() && e.UnchangedAt.Equal(e.OccurredAt)
}
