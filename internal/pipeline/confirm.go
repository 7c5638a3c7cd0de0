package pipeline

import (
	"context"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// byUs is Base.By for a value that our own write set.
const byUs = "us"

// confirm makes the write the base, but only with proof (invariant 3): the answer, or a read
// afterwards, shows the value. "Done" is no proof, unless the tool can show nothing more
// (Unverified).
func (a *attempt) confirm(ctx context.Context) verdict {
	accepted := a.unproved == nil
	if accepted && (a.To.Knows.Unverified || a.shown != nil && a.shown.Value == a.desired.Value) {
		failpoint.Hit("confirmed")
		return a.proved(a.intent, reason.Reason{Code: a.decision.Reason})
	}
	if accepted {
		a.noteAccepted()
	}
	began := a.dbEarliest()
	record, err := a.readTargetRecord(ctx)
	switch {
	case err != nil && connector.FailureOf(err).Kind == connector.Gone:
		return a.targetGone(ctx, connector.FailureOf(err))
	case err != nil:
		a.did(reason.DidSendBlind, a.desired.Value, a.To.Name)
		return a.failed(err, a.To.Name, reason.Confirming)
	}
	prior := a.target
	// A spelling of what we sent, edited after what we wrote over, is no old copy, whatever the target's clock says.
	respelled := accepted && a.spelledDifferently(prior, record) && record.EditedAt.After(prior.EditedAt)
	if record.Value != a.desired.Value && a.outdated(record) && !respelled {
		record = prior // a copy from before the last write: it shows nothing of this one, and nobody's edit
	} else {
		a.saw(record, began)
	}
	unproved := a.unproved
	a.unproved = nil
	failpoint.Hit("confirmed")
	switch {
	case accepted && record.Value == a.desired.Value:
		return a.proved(a.intent, reason.Reason{Code: a.decision.Reason})
	case record.Value == a.desired.Value && record.Actor != status.ActorHuman:
		a.did(reason.DidSendRead, a.desired.Value, a.To.Name)
		a.seen = append(a.seen, a.intent.ID)
		return a.applied(a.seenBase(), reason.Reason{Code: a.decision.Reason})
	case accepted && a.spelledDifferently(prior, record):
		return verdict{end: a.otherSpelling()}
	case accepted && (record.Value == prior.Value || a.olderThan(record, a.intent.SentAt)):
		return a.writeNotShown(a.intent)
	case record.Value == prior.Value:
		// It may still arrive: the intent stays open until it expires.
		a.did(reason.DidSendInVain, a.desired.Value, a.To.Name)
		return a.failed(unproved, a.To.Name, reason.Writing)
	}
	return verdict{reread: true}
}

// proved ends the attempt with a write of ours as the base.
func (a *attempt) proved(i store.Intent, why reason.Reason) verdict {
	a.intent = i
	a.closeIntent(i.ID)
	return a.applied(&store.Base{Known: true, RecordID: a.target.ID, Status: a.desired.Status, Value: a.desired.Value,
		By: byUs, SeenAt: i.SentAt, Unverified: a.To.Knows.Unverified}, why)
}

// applied ends the attempt: the target holds what it should, by our write.
func (a *attempt) applied(base *store.Base, why reason.Reason) verdict {
	a.target.Value = a.desired.Value
	done := reason.Written
	if base.Unverified {
		done = reason.WriteAccepted
	}
	return end(ending{outcome: status.Applied, action: actionWrite, base: base, reason: reason.Because(done, reason.Facts{Value: a.desired.Value, Target: a.To.Name}, why)})
}
