package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// readSource reads the customer from the source as it is now; the events only said that it may have
// changed. For a source that cannot be read, the newest event tells its state.
func (a *attempt) readSource(ctx context.Context) verdict {
	a.desired = a.work.Desired
	a.askedAt = a.dbEarliest()
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
	a.source = inMilliseconds(record)
	if v := a.sourceLags(ctx); v.end != nil {
		return v
	}
	a.did(reason.DidReadSource, a.From.Name)
	failpoint.Hit("source_read")
	return a.foldSeveral(ctx, nil)
}

// asReceived returns the waiting events, each replay with its original's times: whether a time is
// plausible depends on when the original arrived.
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
		events[i].OccurredAt, events[i].ReceivedAt = was.OccurredAt, was.ReceivedAt // zero if the original was deleted
	}
	return events, nil
}

// shownWithin is how long after an event its source may still show the old value.
const shownWithin = 15 * time.Second

// sourceLags ends the attempt with a short wait if the source seems to answer from a stale copy:
// its newest event, waiting or already processed, has another value. Each pause is as long as the
// event is old. After shownWithin the answer counts.
func (a *attempt) sourceLags(ctx context.Context) verdict {
	newest, said, r := a.events.newestValue(), a.events.newest, a.source
	pending, recent := newest, a.events
	// No waiting event has a value, or the record has a new one: an event that has already ended may be newer than the waiting ones.
	if (pending == nil || r.Value != a.work.Desired.SourceValue) && !a.believesStale {
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
		return a.recordLags(said)
	}
	if newest.ReplayOf > 0 || newest.Value == r.Value || a.believesStale {
		return onward
	}
	told, shows := later(newest.OccurredAt, recent.lastSaid(newest.Value)), later(r.ValueAt, r.UpdatedAt) // by one clock
	since := a.askedAt.Sub(newest.ReceivedAt)
	if !told.IsZero() && shows.After(told) || since >= shownWithin {
		return onward
	}
	return a.retrySource(since)
}

// recordLags is sourceLags for events without a value: it waits if the record is dated before the
// event. Some tools do not date such a change, so a record with a new value is accepted, unless our
// last read is so recent that the "new" value may be the old one, from a stale copy.
func (a *attempt) recordLags(newest *store.Event) verdict {
	r := a.source
	if newest == nil || newest.ReplayOf > 0 || a.believesStale {
		return onward
	}
	told, shows, known := a.events.dated(*newest), later(r.ValueAt, r.UpdatedAt), a.knownSource()
	since := a.askedAt.Sub(newest.ReceivedAt)
	if told.IsZero() || shows.IsZero() || !shows.Add(a.events.skew).Before(told) || since >= shownWithin {
		return onward
	}
	if known.SourceValue != "" && known.SourceValue != r.Value && a.askedAt.Sub(known.SeenAt) >= shownWithin {
		return onward
	}
	return a.retrySource(since)
}

// retrySource ends the attempt with a short wait, because the source may have answered from a stale
// copy. since is the age of its event. If the answer is true after all, the known value was
// interrupted, so its Since is cleared.
func (a *attempt) retrySource(since time.Duration) verdict {
	if a.source.Value != a.work.Desired.SourceValue {
		a.desired.Since = time.Time{}
	}
	return end(ending{action: Wait, retry: max(a.Retry.First, since), attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: string(connector.Transient),
		reason: reason.Reason{Code: reason.AnswerOutdated, Facts: reason.Facts{Source: a.From.Name}}})
}

// readFromEvents takes the newest event for the source's state, unless a newer one was processed
// before.
func (a *attempt) readFromEvents(ctx context.Context) verdict {
	newest := a.events.newest
	if newest == nil || a.events.isOlder(*newest, a.work.Desired) || newest.ReplayOf > 0 {
		// A person asked for another try, or the waiting events are old: the event that was
		// processed last still tells the state.
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
	a.source = inMilliseconds(record)
	a.desired.Event, a.desired.EventAt = newest.ID, newest.HappenedAt(a.events.skew)
	a.did(reason.DidReadEvent, a.From.Name)
	failpoint.Hit("source_read")
	return onward
}

// noEventYet ends the attempt of a customer without an event from the source's connection. It
// closes no exception: knowing nothing is no success. If another connection sent events, a person
// must say whether both are the same account, because this one's expressions may not fit them.
func (a *attempt) noEventYet(ctx context.Context) verdict {
	told, err := a.latestOf(ctx, "")
	if err != nil {
		return a.storeFailed(err)
	}
	if told == nil {
		return end(ending{outcome: status.Ignored, action: actionNone, keepOpen: true,
			reason: reason.Reason{Code: reason.NotToldYet, Facts: reason.Facts{Source: a.From.Name}}})
	}
	e := a.parked(status.ConnectionFailed, reason.Reason{Code: reason.ToldByAnother,
		Facts: reason.Facts{Connection: told.Connection, Source: a.From.Name, Sync: a.Config.Name}})
	e.park.Cause = told.Connection
	return verdict{end: e}
}

// lookBack is how many stored events are read to find the newest change: so many by arrival and so
// many by time, so that replays of old events cannot hide it.
const lookBack = 200

// latestChange returns the stored event with the source's last known state, nil when there is none.
// A replay needs it too, because a newer event may have overtaken its original.
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

// inMilliseconds cuts a source's times to what the store keeps, as those of a target are: compared
// with a stored time, a time must not be later than itself.
func inMilliseconds(r status.SourceRecord) status.SourceRecord {
	r.ValueAt, r.UpdatedAt = r.ValueAt.Truncate(time.Millisecond), r.UpdatedAt.Truncate(time.Millisecond)
	return r
}
