package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Claimer claims one customer, due or not; it is *store.DB.
type Claimer interface {
	ClaimOne(ctx context.Context, sync, customer string, plan int64, lease time.Duration) (w store.Work, ok bool, err error)
}

// RowRequest is a row of a plan that a person has read and wants applied.
type RowRequest struct {
	Plan    store.Sweep
	Planned store.PlanRow
	// Approved is who says that what the record holds may be overwritten, "" if no one had to be
	// asked.
	Approved string
	// Trial: the sync only watches, but a person wants this one row written.
	Trial bool
	// Named: a person chose this very customer, which overrides an earlier undo.
	Named bool
	// Tries is how often the row was tried before and ran out of time.
	Tries int
	// Sent: an earlier try has sent the row's value, and is why the record now holds it.
	Sent bool
}

// maxLateTries is how often a row is tried when its tools do not answer in time.
const maxLateTries = 3

// RowResult is how a row ended. The zero RowResult means that nothing was tried.
type RowResult struct {
	// State is RowOpen while the row still has to be applied.
	State store.RowState
	Note  string
	// Busy: another attempt has the customer, or took it before this one ended.
	Busy bool
	// OutOfTime: the time for it was over before the tools had answered.
	OutOfTime bool
	// Elsewhere: another process has applied the row.
	Elsewhere bool
	// Rest is how long to wait before the next try: for a connection's rest, or for the tool to
	// show what was Sent.
	Rest time.Duration
	Sent bool
	// Stop is why the other rows would fail too.
	Stop error
}

// StopError says why no row of a plan can be written now, in a sentence for people.
type StopError struct{ Why string }

func (e *StopError) Error() string { return e.Why }

func stopError(why string) error { return &StopError{why} }

// CarryRow takes the customer of a plan's row along the same path as any other, and writes if the
// decision matches the row: the same record, the same value now, and the same new value. Otherwise
// the customer is left as it was. It does not begin while a connection rests (invariant 5).
func (p *Pipeline) CarryRow(ctx context.Context, from Claimer, row RowRequest) (RowResult, error) {
	f, ok := p.flows[row.Plan.Sync]
	if !ok {
		return RowResult{}, fmt.Errorf("no sync %s", row.Plan.Sync)
	}
	if why, err := f.barred(ctx); err != nil || why != "" {
		return RowResult{Stop: stopError(why)}, err
	}
	if rest, err := f.rest(ctx); err != nil || rest > 0 {
		return RowResult{Rest: rest}, err
	}
	if wait, err := f.waitForRoom(ctx); err != nil || wait > 0 {
		return RowResult{Rest: wait}, err
	}
	sent := f.Now()
	w, ok, err := from.ClaimOne(ctx, row.Plan.Sync, row.Planned.Customer, row.Plan.ID, f.Lease)
	var ended *store.RowEndedError
	switch {
	case errors.As(err, &ended):
		return RowResult{State: ended.State, Note: ended.Note, Elsewhere: true}, nil
	case errors.Is(err, store.ErrNotFound):
		return RowResult{State: store.RowRefused, Note: string(reason.NoteRowGone)}, nil
	case err != nil || !ok:
		return RowResult{Busy: err == nil}, err
	}
	a := &attempt{flow: f, work: &w, window: claimWindow{sent: sent, answered: f.Now()}, started: f.Now(),
		lastAction: string(reason.DidReadPlan), row: &rowAttempt{RowRequest: row}, noRetry: true}
	if row.Named && w.Ruling.Kind == store.RuledByUndo {
		a.row.overUndo, w.Ruling = w.Ruling.At, store.Ruling{}
	}
	if row.Approved != "" && w.Ruling.Kind == "" {
		w.Ruling = store.Ruling{Kind: store.RuledForSource, Desired: row.Planned.After, Observed: row.Planned.Before, RecordAt: row.Planned.RecordAt,
			At: row.Plan.EndedAt, By: row.Approved}
		a.row.approval = true
	}
	e := a.withinLease(ctx)
	result := a.endRow(e)
	switch err := a.settle(ctx, e); {
	case errors.Is(err, store.ErrFenced), e.failure == failureLeaseLost:
		return RowResult{Busy: true}, nil // it took too long, or a person decided something else
	case (err != nil || e.unsettled) && a.outOfTime():
		return RowResult{Busy: true}, nil
	case err != nil:
		return RowResult{}, err
	case e.unsettled:
		return RowResult{}, errors.New(e.reason.Sentence())
	}
	return result, nil
}

// rowAttempt is the row of an attempt.
type rowAttempt struct {
	RowRequest
	// unchanged: the customer is left as it was claimed.
	unchanged bool
	// approval: the ruling comes from the approval of the whole plan, not from a decision about
	// this customer.
	approval bool
	end      *store.RowEnd
	// overUndo is the time of the undo that this row overrides, zero for none.
	overUndo time.Time
}

// name is how the history names the plan.
func (r *rowAttempt) name() string {
	name := "plan " + r.hash()
	if r.Approved != "" {
		name += " approved by " + r.Approved
	}
	return name
}

// hash is the plan's hash, shortened.
func (r *rowAttempt) hash() string { return r.Plan.Hash[:min(len(r.Plan.Hash), 12)] }

// plannedRecord ends the attempt if a match rule finds another record than the plan has: no one has
// approved that link.
func (a *attempt) plannedRecord(id string) verdict {
	if a.row == nil || a.row.Planned.TargetID == id {
		return onward
	}
	a.mentions(id, a.row.Planned.TargetID)
	return refuseRow(reason.Reason{Code: reason.OtherMatch, Facts: reason.Facts{Record: id, Survivor: a.row.Planned.TargetID}})
}

// endUnlessPlanned ends the attempt if it would write something else than the plan's row.
func (a *attempt) endUnlessPlanned() verdict {
	if a.row == nil {
		return onward
	}
	if change := a.change(); !change.IsZero() {
		return refuseRow(change)
	}
	if a.decision.Reason == decide.OwnerUsesSource && a.row.Approved != "" && a.decision.Row != firstContactRow {
		return refuseRow(reason.Reason{Code: reason.EditedSincePlan})
	}
	return onward
}

// change says what differs from the plan, as far as it was read; zero for nothing.
func (a *attempt) change() reason.Reason {
	r := a.row.Planned
	switch {
	case a.link != nil && a.link.TargetID != r.TargetID:
		a.mentions(a.link.TargetID, r.TargetID)
		return reason.Reason{Code: reason.OtherLink, Facts: reason.Facts{Record: a.link.TargetID, Survivor: r.TargetID}}
	case a.seenAt.IsZero():
		return reason.Reason{}
	case a.target.Value != r.Before:
		return reason.Reason{Code: reason.TargetChanged, Facts: reason.Facts{Found: a.target.Value, Planned: r.Before}}
	case a.desired.Value != r.After:
		return reason.Reason{Code: reason.SourceChanged, Facts: reason.Facts{Found: a.desired.Value, Planned: r.After}}
	}
	return reason.Reason{}
}

// firstContactRow is the row of the decision table that asks about a record that was never written.
const firstContactRow = 3

func refuseRow(why reason.Reason) verdict {
	return end(ending{action: actionRefuse, misfit: true, reason: why})
}

// orNothing returns value, or "nothing" if it is empty, for a sentence.
func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// endRow says what an ending means for the plan's row. The customer itself is left as it was
// claimed, unless its record was written or may have been: everything else is for an ordinary
// attempt.
func (a *attempt) endRow(e *ending) RowResult {
	r := a.row
	result := RowResult{Note: e.reason.Sentence()}
	switch {
	case e.unsettled:
	case e.outcome == status.Applied, e.outcome == status.AlreadyEqual && (r.Sent || a.sentBefore()):
		result.State = store.RowApplied
	case e.misfit:
		result.State = store.RowRefused
	case e.failure == string(connector.RateLimited):
		result.Rest = e.retry
	case e.failure == failureNotShown && e.park == nil:
		result.Rest, result.Sent = e.retry, true
	case e.failure == string(connector.Unauthorized), e.failure == string(connector.Misconfigured), e.failure == failurePaused:
		result.Stop = stopError(e.reason.Sentence())
	case e.failure == string(connector.Transient) && a.outOfTime() && r.Tries+1 < maxLateTries:
		result.OutOfTime = true
	case e.failure != "", a.acceptedNotShown(e):
		result.State = store.RowFailed
	case e.outcome == status.AlreadyEqual:
		result.State, result.Note = store.RowRefused, "the target holds "+orNothing(a.target.Value)+" already"
	default:
		result.State = store.RowRefused
		if change := a.change(); !change.IsZero() {
			result.Note = change.Sentence() + "; " + result.Note
		}
	}
	r.unchanged = !a.changesCustomer(e, result.State)
	if result.State != store.RowOpen {
		r.end = &store.RowEnd{Sweep: r.Plan.ID, State: result.State, Note: result.Note}
		if result.State == store.RowApplied {
			r.end.By, r.end.Note = r.Approved, "over "+orNothing(r.Planned.Before)+", by "+r.name()
			result.Note = r.end.Note
		}
	}
	if r.unchanged {
		e.outcome, e.park = "", nil
	}
	e.reason = reason.Because(reason.ByPlan, reason.Facts{Plan: r.hash(), By: r.Approved}, e.reason)
	return result
}

// changesCustomer reports whether the attempt changes the customer beside the row: its record was
// written, or may have been, or people must be asked about what a write did.
func (a *attempt) changesCustomer(e *ending, row store.RowState) bool {
	if e.misfit {
		return false
	}
	refused := a.intent.ID != 0 && e.failure == string(connector.Refused)
	suspectsLoop := e.park != nil && e.park.Kind == status.LoopSuspected
	return row == store.RowApplied || refused || suspectsLoop || e.failure == failureNotShown || a.acceptedNotShown(e) || a.ownWriteMayArrive()
}

// acceptedNotShown reports whether the tool accepted the write but shows another value. That must be
// stored, or the value would be sent again.
func (a *attempt) acceptedNotShown(e *ending) bool {
	return e.outcome == status.Parked && e.park != nil && e.park.Kind == status.WriteFailed && a.stage == status.StageConfirm
}

// sentBefore reports whether the record holds what an earlier try for this row sent.
func (a *attempt) sentBefore() bool {
	r := a.row.Planned
	return a.desired.Value == r.After && a.target.ID == r.TargetID &&
		slices.ContainsFunc(a.work.Intents, func(i store.Intent) bool { return i.RecordID == r.TargetID && i.Value == r.After })
}

// ownWriteMayArrive reports whether a write of this attempt may still arrive.
func (a *attempt) ownWriteMayArrive() bool {
	return slices.ContainsFunc(a.work.Intents, func(i store.Intent) bool { return i.ID == a.intent.ID })
}

// leave settles an attempt that changes nothing of its customer but how the row ended. If a write
// may still arrive, the customer is due again when it has expired.
func (a *attempt) leave(e *ending) store.Settlement {
	s := store.Settlement{CloseIntents: a.closed, SeenIntents: a.seen, Accepted: a.accepted, Unsent: a.unsent, Attempts: a.work.Attempts, FirstTry: a.work.FirstTry, Row: a.row.end, Names: a.mentioned}
	s.RetryAt = a.lastArrival(a.closed)
	s.KeepDue = !a.work.NotDue && (len(a.work.Events) > 0 || s.RetryAt.IsZero())
	if s.Row != nil {
		s.Decision = a.line(&ending{action: e.action, reason: e.reason}, 0)
	}
	return s
}
