package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"trueup/internal/failpoint"
	"trueup/internal/mapping"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// before is what the source was known to say: what was carried last, or else
// what a comparison saw, of which nobody knows since when it was so. A comparison
// that saw what an event was on its way to tell takes nothing from that.
func (a *attempt) before() store.Desired {
	seen := a.work.Seen
	if a.work.Desired.SourceValue == "" && !seen.At.IsZero() && !a.events.toldBefore(seen.Value, seen.At) {
		return store.Desired{SourceValue: seen.Value, SeenAt: seen.At}
	}
	return a.work.Desired
}

// statusGone is what the customers have in common whose status has vanished.
const statusGone = "no status"

// noStatus ends the attempt at a customer who has no status. One who never had
// any is none of ours. One who had is a question: more often than not the field
// has got another name, and nobody else would say so.
func (a *attempt) noStatus() verdict {
	had := a.before().SourceValue
	a.desired = a.work.Desired // what was known stays known
	a.desired.Since = time.Time{}
	if had == "" {
		return end(ending{outcome: status.Ignored, action: "none", keepOpen: true,
			reason: reason.Reason{Code: reason.NoStatus, Facts: reason.Facts{Source: a.From.Name}}})
	}
	e := a.parked(status.UnmappedStatus, reason.Reason{Code: reason.StatusVanished,
		Facts: reason.Facts{Value: had, Source: a.From.Name}})
	e.park.Cause = statusGone
	return verdict{end: e}
}

// dateChange says when the source changed to what it holds. That it stood
// unchanged until an event's UnchangedAt is known relative to what had been told by then.
// Where that makes a difference, the store is asked whether some of it was never read:
// its attempt ended while the source did not answer.
func (a *attempt) dateChange(ctx context.Context) error {
	stored, unsure := a.before(), a.events
	unsure.unread = -1
	at := a.events.changedAt(a.record.Value, a.record, stored)
	if !at.Equal(unsure.changedAt(a.record.Value, a.record, stored)) {
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
		at = a.events.changedAt(a.record.Value, a.record, stored)
	}
	a.desired.At = at
	return nil
}

// mapValue turns the source's word into our status and the target's word. A
// word that nobody listed is never given a default.
func (a *attempt) mapValue(ctx context.Context) verdict {
	if a.record.NoStatus {
		return a.noStatus()
	}
	if err := a.dateChange(ctx); err != nil {
		return a.storeFailed(err)
	}
	if a.From.Source != nil {
		a.desired.EventAt = a.record.ValueAt
	}
	since, err := a.saidSince(ctx, a.record.Value)
	if err != nil {
		return a.storeFailed(err)
	}
	a.desired.Since = since
	a.desired.SourceValue, a.desired.SeenAt = a.record.Value, a.askedAt
	a.desired.Status, a.desired.Value = "", "" // until the word is known
	result, err := a.mapping.Source(a.record.Value)
	var unmapped *mapping.UnmappedError
	switch {
	case errors.As(err, &unmapped):
		e := a.parked(status.UnmappedStatus, unmapped.Reason())
		e.park.Cause = a.record.Value // one word, one question, whoever has it
		return verdict{end: e}
	case result.Ignored:
		return end(ending{outcome: status.Ignored, action: "none", reason: mapping.Ignored(a.record.Value)})
	}
	a.desired.Status, a.desired.Value = result.Status, result.Value
	a.did(reason.DidMap, a.record.Value, result.Value)
	failpoint.Hit("mapped")
	return onward
}
