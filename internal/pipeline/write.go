package pipeline

import (
	"context"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// write stores the intent and then sends the write (invariant 2).
func (a *attempt) write(ctx context.Context) verdict {
	sent := a.dbEarliest()
	intent, err := a.Store.BeginWrite(ctx, a.work, store.Intent{RecordID: a.target.ID, Value: a.desired.Value,
		Prior: a.target.Value, PriorAt: a.target.EditedAt, SentAt: sent, Expires: a.dbLatest().Add(intentLife), Ruling: a.undoRuling()}, a.limits())
	if e := a.endIfLimited(err); e != nil {
		return verdict{end: e}
	}
	if e := a.stoppedByPerson(err); e != nil {
		return verdict{end: e}
	}
	if err != nil {
		return a.storeFailed(err)
	}
	a.intent = intent
	a.editedBy = a.target.By
	a.work.Intents = append(a.work.Intents, intent)
	a.did(reason.DidSend, a.desired.Value, a.To.Name)
	failpoint.Hit("intent")
	a.shown, err = a.To.Target.Write(ctx, a.target, a.desired.Value) // ctx ends inside the lease
	failpoint.Hit("sent")
	if err == nil {
		a.Metrics.Call(a.Config.Name, "write", "applied")
		return onward
	}
	f := connector.FailureOf(err)
	if f.Effect == connector.EffectUnknown {
		a.Metrics.Call(a.Config.Name, "write", "unknown")
		a.unproved = err
		return onward
	}
	a.Metrics.Call(a.Config.Name, "write", string(f.Kind))
	// The tool says that nothing was written, so nothing is left to prove.
	a.closeIntent(intent.ID)
	a.unsent = append(a.unsent, intent.ID)
	switch f.Kind {
	case connector.Moved:
		return verdict{reread: true}
	case connector.Gone:
		return a.targetGone(ctx, f)
	}
	return a.failed(err, a.To.Name, reason.Writing)
}

// closeIntent takes an intent off the list of those that may yet have an
// effect; it is closed with the settlement.
func (a *attempt) closeIntent(id int64) {
	a.closed = append(a.closed, id)
	for i, in := range a.work.Intents {
		if in.ID == id {
			a.work.Intents = append(a.work.Intents[:i:i], a.work.Intents[i+1:]...)
			return
		}
	}
}
