package pipeline

import (
	"context"
	"fmt"

	"trueup/internal/failpoint"
	"trueup/internal/status"
	"trueup/internal/store"
)

// before is what the source was known to say: what was carried last, or else
// what a comparison saw, of which nobody knows since when it was so.
func (a *attempt) before() store.Desired {
	if seen := a.work.Seen; a.work.Desired.SourceValue == "" && !seen.At.IsZero() {
		return store.Desired{SourceValue: seen.Value, SeenAt: seen.At}
	}
	return a.work.Desired
}

// mapValue turns the source's word into our status and the target's word. A
// word that nobody listed is never given a default.
func (a *attempt) mapValue(context.Context) verdict {
	a.desired.At = a.events.changedAt(a.record.Value, a.record, a.before())
	a.desired.SourceValue, a.desired.SeenAt = a.record.Value, a.askedAt
	a.desired.Status, a.desired.Value = "", "" // until the word is known
	if a.record.NoStatus {
		return end(ending{outcome: status.Ignored, action: "none",
			reason: fmt.Sprintf("the customer has no status in %s", a.Source.Name)})
	}
	result, err := a.mapping.Source(a.record.Value)
	switch {
	case err != nil:
		e := a.parked(status.UnmappedStatus, err.Error())
		e.park.Cause = a.record.Value // one word, one question, whoever has it
		return verdict{end: e}
	case result.Ignored:
		return end(ending{outcome: status.Ignored, action: "none", reason: result.Reason})
	}
	a.desired.Status, a.desired.Value = result.Status, result.Value
	a.did("mapped %s to %s", a.record.Value, result.Value)
	failpoint.Hit("mapped")
	return onward
}
