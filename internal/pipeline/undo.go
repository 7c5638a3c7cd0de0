package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// UndoRequest asks to restore what a record held before our last write.
type UndoRequest struct{ Sync, Customer, By string }

// UndoResult is how it ended. The zero UndoResult means that nothing was tried.
type UndoResult struct {
	// Done: the record holds what it held before, and From was our write.
	Done             bool
	Record, From, To string
	// Why says why nothing was written or, if Sent, why it is not proved.
	Why  reason.Reason
	Sent bool
	// Busy: another attempt has the customer.
	Busy bool
	// Rest is how long a connection rests first.
	Rest time.Duration
}

// Undo puts back what the record of a customer held before our last write, if the record still
// holds what we wrote and no one has edited it since. From then on the same value is not written
// again until the source changes, or a person applies this customer's row of a plan by name.
func (p *Pipeline) Undo(ctx context.Context, from Claimer, r UndoRequest) (UndoResult, error) {
	f, ok := p.flows[r.Sync]
	if !ok {
		return UndoResult{}, errors.New("no sync " + r.Sync)
	}
	if why, err := f.barred(ctx); err != nil || why != "" {
		return UndoResult{Why: reason.Text(why)}, err
	}
	if rest, err := f.rest(ctx); err != nil || rest > 0 {
		return UndoResult{Rest: rest}, err
	}
	sent := f.Now()
	w, ok, err := from.ClaimOne(ctx, r.Sync, r.Customer, 0, f.Lease)
	if err != nil || !ok {
		return UndoResult{Busy: err == nil}, err
	}
	a := &attempt{flow: f, work: &w, window: claimWindow{sent: sent, answered: f.Now()}, started: f.Now(),
		lastAction: string(reason.DidReadLastWrite), undo: &undoAttempt{UndoRequest: r}, noRetry: true}
	e := a.withinLease(ctx)
	result := a.endUndo(e)
	switch err := a.settle(ctx, e); {
	case errors.Is(err, store.ErrFenced), e.failure == failureLeaseLost:
		return UndoResult{Busy: true}, nil
	case err != nil:
		return UndoResult{}, err
	case e.unsettled:
		return UndoResult{}, errors.New(e.reason.Sentence())
	}
	return result, nil
}

// undoAttempt is the undo that an attempt is about.
type undoAttempt struct {
	UndoRequest
	ruled time.Time // when its ruling was stored, zero when it was not
}

// undoPath is the order of the stages of an undo.
var undoPath = []step{
	{status.StageMatch, (*attempt).endUnlessUndoable},
	{status.StageReadTarget, (*attempt).readTarget},
	{status.StageDecide, (*attempt).decideUndo},
	{status.StageWrite, (*attempt).write},
	{status.StageConfirm, (*attempt).confirm},
}

// notUndone ends the attempt: nothing is written.
func (a *attempt) notUndone(code reason.Code, found string) verdict {
	l := a.work.LastWrite
	return end(ending{action: actionNone, reason: reason.Reason{Code: code,
		Facts: reason.Facts{Target: a.To.Name, Value: l.Before, Planned: l.Value, Found: found, Record: l.RecordID, At: l.Undone}}})
}

// endUnlessUndoable ends the attempt if there is nothing to put back.
func (a *attempt) endUnlessUndoable(context.Context) verdict {
	a.link, a.desired = a.work.Link, a.work.Desired
	l := a.work.LastWrite
	switch {
	case a.anyWriteMayArrive():
		return a.notUndone(reason.UndoUnproved, "")
	case l.IsZero() || a.link == nil || a.link.TargetID != l.RecordID:
		return a.notUndone(reason.UndoNothing, "")
	case !l.Undone.IsZero():
		return a.notUndone(reason.UndoneBefore, "")
	case l.Before == "":
		return a.notUndone(reason.UndoEmpty, "")
	case a.To.Knows.Unverified || a.work.Base.Unverified:
		return a.notUndone(reason.UndoUnseen, "")
	}
	return onward
}

// anyWriteMayArrive reports whether any write of ours to this customer may still arrive.
func (a *attempt) anyWriteMayArrive() bool {
	for _, i := range a.work.Intents {
		if !i.Seen && i.Expires.After(a.dbEarliest()) {
			return true
		}
	}
	return false
}

// decideUndo lets the write go on if the record still holds what we wrote and no one has edited it
// since. The decision table knows the second: it is asked as if the source had changed back to the
// earlier value at the moment of our write.
func (a *attempt) decideUndo(context.Context) verdict {
	l, found := a.work.LastWrite, a.target
	f := a.facts()
	f.Ruling, f.Desired = decide.Ruling{}, decide.Desired{Value: l.Before, At: l.At}
	d := decide.Decide(f)
	switch {
	case found.ID != l.RecordID:
		return a.notUndone(reason.UndoNothing, "")
	case found.Value != l.Value:
		return a.notUndone(reason.UndoMoved, found.Value)
	case d.Action != decide.Write || d.Reason != decide.Untouched:
		return a.notUndone(reason.UndoEdited, found.Value)
	}
	a.decision = d
	a.desired = store.Desired{Status: a.mapping.Target(l.Before), Value: l.Before}
	return onward
}

// undoRuling is the ruling of an undo. It is stored with the intent, so the undone value is not
// written again even if this process dies.
func (a *attempt) undoRuling() *store.Ruling {
	if a.undo == nil {
		return nil
	}
	l := a.work.LastWrite
	a.undo.ruled = a.dbEarliest().Truncate(time.Millisecond)
	return &store.Ruling{Kind: store.RuledByUndo, Desired: l.Sent, Observed: l.Before, At: a.undo.ruled, By: a.undo.By}
}

// putBack reports whether an ending has put the value back.
func putBack(e *ending) bool {
	return e.outcome == status.Applied || e.base != nil && e.base.Sent != ""
}

// endUndo says what an ending means for the person who asked.
func (a *attempt) endUndo(e *ending) UndoResult {
	l := a.work.LastWrite
	result := UndoResult{Record: l.RecordID, From: l.Value, To: l.Before}
	switch {
	case e.unsettled:
	case putBack(e):
		result.Done = true
		e.reason = reason.Reason{Code: reason.Undid, Facts: reason.Facts{By: a.undo.By, Target: a.To.Name, Found: l.Value, Value: l.Before}}
	case e.failure == string(connector.RateLimited) && !a.ownWriteMayArrive():
		result.Rest = e.retry
	default:
		result.Sent = a.ownWriteMayArrive()
	}
	result.Why = e.reason
	return result
}

// undoSettlement settles an undo. Waiting events stay for an ordinary attempt.
func (a *attempt) undoSettlement(e *ending) store.Settlement {
	w := a.work
	s := store.Settlement{CloseIntents: a.closed, SeenIntents: a.seen, Accepted: a.accepted, Unsent: a.unsent,
		Attempts: w.Attempts, FirstTry: w.FirstTry, Names: a.mentioned, Halted: true}
	s.RetryAt = a.lastArrival(a.closed)
	s.KeepDue = !w.NotDue && (len(w.Events) > 0 || s.RetryAt.IsZero())
	switch {
	case putBack(e):
		l := w.LastWrite
		l.Undone = a.dbEarliest()
		s.LastWrite, s.Base, s.Reverts = &l, e.base, &store.Reverts{}
		s.Observed = &store.Observed{Status: a.mapping.Target(a.target.Value), Value: a.target.Value, At: e.base.At, By: e.base.By, SeenAt: a.seenAt}
		if !w.Owed { // an owed change keeps its own outcome
			s.Outcome, s.Reason = status.Held, e.reason
		}
		s.Decision = a.line(&ending{action: actionUndo, outcome: status.Applied, reason: e.reason}, 0)
	case !a.undo.ruled.IsZero() && !a.ownWriteMayArrive():
		s.RulingDone = a.undo.ruled // nothing was sent, or the tool did not accept it
	}
	return s
}
