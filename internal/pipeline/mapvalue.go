package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/mapping"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// knownSource is the last state of the source that was processed or, if there is none, what a comparison
// read, without a time of change. If a waiting event from before that read may report the very
// value that the comparison read, the event counts instead.
func (a *attempt) knownSource() store.Desired {
	seen := a.work.Seen
	if a.work.Desired.SourceValue == "" && !seen.At.IsZero() && !a.events.toldBefore(seen.Value, seen.At) {
		return store.Desired{SourceValue: seen.Value, SeenAt: seen.At}
	}
	return a.work.Desired
}

// statusGone is the common cause of all exceptions about a vanished status.
const statusGone = "no status"

// noStatus ends the attempt because the customer has no status. A customer that never had one is
// ignored. If it had one, a person is asked: usually the field was renamed, and nothing else would
// show that.
func (a *attempt) noStatus() verdict {
	had := a.knownSource().SourceValue
	a.desired = a.work.Desired // what was known stays known
	a.desired.Since = time.Time{}
	if had == "" {
		return end(ending{outcome: status.Ignored, action: actionNone, keepOpen: true,
			reason: reason.Reason{Code: reason.NoStatus, Facts: reason.Facts{Source: a.From.Name}}})
	}
	e := a.parked(status.UnmappedStatus, reason.Reason{Code: reason.StatusVanished,
		Facts: reason.Facts{Value: had, Source: a.From.Name}})
	e.park.Cause = statusGone
	return verdict{end: e}
}

// mapValue turns the source's word into our status and the target's word. There is no default for a
// value that is not listed.
func (a *attempt) mapValue(ctx context.Context) verdict {
	if a.source.NoStatus {
		return a.noStatus()
	}
	if err := a.dateChange(ctx); err != nil {
		return a.storeFailed(err)
	}
	if a.From.Source != nil {
		a.desired.EventAt = a.source.ValueAt
	}
	since, err := a.heldSince(ctx, a.source.Value)
	if err != nil {
		return a.storeFailed(err)
	}
	a.desired.Since = since
	a.desired.SourceValue, a.desired.SeenAt = a.source.Value, a.askedAt
	a.desired.Status, a.desired.Value = "", "" // until the word is known
	result, err := a.mapping.Source(a.source.Value)
	var unmapped *mapping.UnmappedError
	switch {
	case errors.As(err, &unmapped):
		e := a.parked(status.UnmappedStatus, unmapped.Reason())
		e.park.Cause = a.source.Value // the exceptions about one value are one group
		return verdict{end: e}
	case result.Ignored:
		return end(ending{outcome: status.Ignored, action: actionNone, reason: mapping.Ignored(a.source.Value)})
	}
	a.desired.Status, a.desired.Value = result.Status, result.Value
	a.did(reason.DidMap, a.source.Value, result.Value)
	failpoint.Hit("mapped")
	return onward
}
