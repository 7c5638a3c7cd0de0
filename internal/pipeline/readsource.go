package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"trueup/internal/connector"
	"trueup/internal/failpoint"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// readSource asks the source for the customer as it is now; the events only
// said to look. A source that cannot be asked is read from its newest event.
func (a *attempt) readSource(ctx context.Context) verdict {
	a.desired = a.work.Desired
	a.askedAt = a.dbNotBefore()
	waiting, err := a.asReceived(ctx)
	if err != nil {
		return a.storeFailed(err)
	}
	a.events = readEvents(waiting, reading{asked: a.From.Source != nil, askedAt: a.askedAt, skew: a.Config.Conflict.ClockSkew})
	if a.From.Source == nil {
		return a.readFromEvents(ctx)
	}
	record, err := a.From.Source.Read(ctx, a.work.Customer)
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone {
			return a.foldSeveral(ctx, f)
		}
		return a.failed(err, a.From.Name, reason.ReadingCustomer)
	}
	a.record = inMilliseconds(record)
	if v := a.notYetShown(ctx); v.end != nil {
		return v
	}
	a.did(reason.DidReadSource, a.From.Name)
	failpoint.Hit("source_read")
	return a.foldSeveral(ctx, nil)
}

// asReceived returns the waiting events. A replay is dated as what it carries once
// more: only when that came tells whether its time can be right.
func (a *attempt) asReceived(ctx context.Context) ([]store.Event, error) {
	events := slices.Clone(a.work.Events)
	for i, e := range events {
		if e.ReplayOf == 0 || e.Side != store.SourceSide {
			continue
		}
		was, err := a.Store.Event(ctx, e.ReplayOf)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		events[i].OccurredAt, events[i].ReceivedAt = was.OccurredAt, was.ReceivedAt // none, when it is not kept any more
	}
	return events, nil
}

// shownWithin is for how long after an event its source may show what was before.
const shownWithin = 15 * time.Second

// notYetShown waits for a source that answers from a copy, which is a moment old:
// its newest event says another value, whether that waits or was carried. The
// pauses grow with the time since that came. What goes on being so is believed.
func (a *attempt) notYetShown(ctx context.Context) verdict {
	newest, said, r := a.events.newestValue(), a.events.newest, a.record
	pending, recent := newest, a.events
	if (pending == nil || r.Value != a.work.Desired.SourceValue) && !a.believesStale { // something else says to look, soon after what was told, or a newer event has ended already
		told, err := a.Store.Events(ctx, store.EventFilter{Sync: a.Config.Name, Customer: a.work.Customer, Connection: a.From.Name,
			Since: a.askedAt.Add(-shownWithin), Limit: lookBack, Bare: true})
		if err != nil {
			return a.storeFailed(err)
		}
		lately := readEvents(slices.DeleteFunc(told, func(e store.Event) bool { return e.Outcome == status.Ignored && !e.HasValue }), a.events)
		newest, said, recent = lately.newestValue(), cmp.Or(said, lately.newest), lately
		if pending != nil && (newest == nil || a.events.byTime(*newest, *pending) < 0) {
			newest = pending
		}
	}
	if newest == nil {
		return a.recordBeforeEvent(said)
	}
	if newest.ReplayOf > 0 || newest.Value == r.Value || a.believesStale {
		return onward
	}
	told, shows := later(newest.OccurredAt, recent.lastSaid(newest.Value)), later(r.ValueAt, r.UpdatedAt) // by one clock
	since := a.askedAt.Sub(newest.ReceivedAt)
	if !told.IsZero() && shows.After(told) || since >= shownWithin {
		return onward
	}
	return a.readAgain(since)
}

// recordBeforeEvent is notYetShown for a source whose events say only that something
// has changed: its record is dated before that. It may also be that the tool does
// not date such a change, so nobody who brings something new waits for it, unless
// that may be what was before the last look.
func (a *attempt) recordBeforeEvent(newest *store.Event) verdict {
	r := a.record
	if newest == nil || newest.ReplayOf > 0 || a.believesStale {
		return onward
	}
	told, shows, known := a.events.dated(*newest), later(r.ValueAt, r.UpdatedAt), a.before()
	since := a.askedAt.Sub(newest.ReceivedAt)
	if told.IsZero() || shows.IsZero() || !shows.Add(a.events.skew).Before(told) || since >= shownWithin {
		return onward
	}
	if known.SourceValue != "" && known.SourceValue != r.Value && a.askedAt.Sub(known.SeenAt) >= shownWithin {
		return onward
	}
	return a.readAgain(since)
}

// readAgain ends an attempt whose source may have answered from a copy; since is
// how long ago its event came. It may as well have told the truth: then the value
// that is known was not there all the time.
func (a *attempt) readAgain(since time.Duration) verdict {
	if a.record.Value != a.work.Desired.SourceValue {
		a.desired.Since = time.Time{}
	}
	return end(ending{action: "wait", retry: max(a.Retry.First, since), attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: string(connector.Transient),
		reason: reason.Reason{Code: reason.AnswerOutdated, Facts: reason.Facts{Source: a.From.Name}}})
}

// readFromEvents takes the newest event for the source's state, unless a newer
// one was carried before.
func (a *attempt) readFromEvents(ctx context.Context) verdict {
	newest := a.events.newest
	if newest == nil || a.events.isOlder(*newest, a.work.Desired) || newest.ReplayOf > 0 {
		// Somebody asked for another look, or all of this is history: the
		// event that was carried last still tells the state.
		stored, err := a.latestChange(ctx)
		if err != nil {
			return a.storeFailed(err)
		}
		if stored == nil {
			return a.noEventYet(ctx)
		}
		a.history = newest != nil && (a.events.isOlder(*newest, a.work.Desired) || newest.Place() != stored.Place() && a.events.byTime(*newest, *stored) < 0)
		newest = stored
	}
	event, err := a.Store.Event(ctx, newest.Seq)
	if err != nil {
		return a.storeFailed(err)
	}
	record, err := a.From.EventSource.Record(event.Payload)
	if err != nil {
		return a.failed(err, a.From.Name, reason.ReadingEvent)
	}
	a.record = inMilliseconds(record)
	a.desired.Event, a.desired.EventAt = newest.ID, newest.HappenedAt(a.events.skew)
	a.did(reason.DidReadEvent, a.From.Name)
	failpoint.Hit("source_read")
	return onward
}

// noEventYet ends the attempt at a customer of whom the source's connection has
// never told. It closes nothing: that nobody knows anything is no success. What
// another connection told is not read with this one's expressions, and it is
// known: a person must say whether the two are one.
func (a *attempt) noEventYet(ctx context.Context) verdict {
	told, err := a.latestOf(ctx, "")
	if err != nil {
		return a.storeFailed(err)
	}
	if told == nil {
		return end(ending{outcome: status.Ignored, action: "none", keepOpen: true,
			reason: reason.Reason{Code: reason.NotToldYet, Facts: reason.Facts{Source: a.From.Name}}})
	}
	e := a.parked(status.ConnectionFailed, reason.Reason{Code: reason.ToldByAnother,
		Facts: reason.Facts{Connection: told.Connection, Source: a.From.Name, Sync: a.Config.Name}})
	e.park.Cause = told.Connection
	return verdict{end: e}
}

// lookBack is how many stored events are searched for the newest change, by
// arrival and by their times: however many old ones were replayed since.
const lookBack = 200

// latestChange returns the stored event that tells the source's last known
// state, nil when there is none. It carries out a replay as well, whose
// original may have been overtaken.
func (a *attempt) latestChange(ctx context.Context) (*store.Event, error) {
	return a.latestOf(ctx, a.From.Name)
}

// latestOf is latestChange of one connection, "" for any.
func (a *attempt) latestOf(ctx context.Context, connection string) (*store.Event, error) {
	f := store.EventFilter{Sync: a.Config.Name, Customer: a.work.Customer, Connection: connection, Limit: lookBack, Bare: true, Valued: true, Skew: a.events.skew}
	arrived, err := a.Store.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	f.LatestChange = true
	changed, err := a.Store.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	stored := slices.DeleteFunc(append(arrived, changed...), func(e store.Event) bool { return e.Side != store.SourceSide })
	if len(stored) == 0 {
		return nil, nil
	}
	newest := slices.MaxFunc(stored, a.events.byTime)
	return &newest, nil
}

// storeFailed ends an attempt that the database did not let go on. Nothing is
// settled; the lease runs out and the customer is tried again.
func (a *attempt) storeFailed(err error) verdict {
	lost := errors.Is(err, store.ErrFenced)
	return end(ending{lost: true, reason: reason.Reason{Code: reason.DatabaseFailed, Facts: reason.Facts{Detail: err.Error()}}, failure: map[bool]string{true: leaseLost, false: "database"}[lost]})
}

// leaseLost is the failure of an attempt whose claim is not the latest any more.
const leaseLost = "lease_lost"

// inMilliseconds cuts a source's times to what the store keeps, as those of a
// target are: compared with what was stored, a time must not be later than
// itself.
func inMilliseconds(r status.SourceRecord) status.SourceRecord {
	r.ValueAt, r.UpdatedAt = r.ValueAt.Truncate(time.Millisecond), r.UpdatedAt.Truncate(time.Millisecond)
	return r
}
