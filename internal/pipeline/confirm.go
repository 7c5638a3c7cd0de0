package pipeline

import (
	"context"
	"fmt"

	"trueup/internal/connector"
	"trueup/internal/failpoint"
	"trueup/internal/status"
	"trueup/internal/store"
)

// confirm makes the write the base, with proof only (invariant 3). A write
// whose answer proves nothing is looked up in the target.
func (a *attempt) confirm(ctx context.Context) verdict {
	if a.unproved == nil {
		failpoint.Hit("confirmed")
		a.closeIntent(a.intent.ID)
		return a.applied(&store.Base{Known: true, RecordID: a.target.ID, Status: a.desired.Status, Value: a.desired.Value,
			By: "us", SeenAt: a.intent.SentAt})
	}
	before := a.earliest()
	record, err := a.look(ctx)
	switch {
	case err != nil && connector.FailureOf(err).Kind == connector.Gone:
		return a.targetGone(ctx, connector.FailureOf(err))
	case err != nil:
		a.did("sent %s to %s; its answer proves nothing and it could not be read again", a.desired.Value, a.Target.Name)
		return a.failed(err, a.Target.Name, "looking whether a write arrived in")
	}
	prior := a.target
	a.target, a.lookedAt, a.seenAt = record, before, a.latest()
	unproved := a.unproved
	a.unproved = nil
	failpoint.Hit("confirmed")
	switch {
	case record.Value == a.desired.Value && record.Actor != status.ActorHuman:
		a.did("sent %s to %s and read it there", a.desired.Value, a.Target.Name)
		a.seen = append(a.seen, a.intent.ID)
		return a.applied(a.seenBase())
	case record.Value == prior.Value:
		// It may still arrive: the intent stays open until it is too old.
		a.did("sent %s to %s; its answer proves nothing and the record is unchanged", a.desired.Value, a.Target.Name)
		return a.failed(unproved, a.Target.Name, a.writing())
	}
	return verdict{lookAgain: true}
}

// applied ends the attempt: the target holds what it should, by our write.
func (a *attempt) applied(base *store.Base) verdict {
	a.target.Value = a.desired.Value
	return end(ending{outcome: status.Applied, action: "write", base: base,
		reason: fmt.Sprintf("%s was written: %s", a.desired.Value, a.decision.Reason.Sentence())})
}
