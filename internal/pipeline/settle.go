package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// settling limits the calls to the store that must also happen while the service stops: what is
// known must not be lost.
const settling = 10 * time.Second

// settle commits how the attempt ended (invariant 1) and says so in one line.
func (a *attempt) settle(ctx context.Context, e *ending) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	var err error
	if !e.unsettled {
		failpoint.Hit("settling")
		err = a.Store.Settle(ctx, a.work, a.settlement(e))
		failpoint.Hit("settled")
	}
	if errors.Is(err, store.ErrFenced) || e.failure == failureLeaseLost {
		// A person's decision raised the fence and waits for this lease. The attempt has no call in
		// progress, and each write it sent has an intent, so the lease can end now. If another
		// process has claimed the customer, GiveBack changes nothing.
		if err := a.Store.GiveBack(ctx, a.work); err != nil {
			a.Log.Error("give a customer back", slog.String("sync", a.Config.Name), slog.String("customer", a.work.Customer), slog.Any("error", err))
		}
	}
	a.report(ctx, e, err)
	return err
}

// settlement is what an ending changes in the store.
func (a *attempt) settlement(e *ending) store.Settlement {
	if a.undo != nil {
		return a.undoSettlement(e)
	}
	if a.row != nil && a.row.unchanged {
		return a.leave(e)
	}
	e.reason = a.withDecider(e.reason)
	if e.park != nil {
		e.park.Reason = a.withDecider(e.park.Reason)
	}
	s := store.Settlement{
		Base:         e.base,
		Events:       a.outcomes(e),
		CloseIntents: append(a.expired(), a.closed...),
		SeenIntents:  a.seen,
		Accepted:     a.accepted,
		Unsent:       a.unsent,
		Reverts:      a.revertsNow(e),
		Halted:       e.halted || !e.until.IsZero() || e.failure != "" && e.retry > 0, // a retry follows: keep whether the customer waits at a halt
		Park:         e.park,
		Attempts:     e.attempts,
		FirstTry:     e.firstTry,
		Outcome:      e.outcome,
		Reason:       e.reason,
		Email:        a.source.Keys["email"],
		Name:         a.source.Name(),
		Wake:         cmp.Or(e.wake, a.together.left),
		Names:        a.mentioned,
	}
	if a.desired != a.work.Desired {
		s.Desired = &a.desired
	}
	if !a.seenAt.IsZero() {
		s.Observed, s.HumanAt = a.observedNow(e)
		if s.Base == nil {
			s.Base = a.seenAgain()
		}
	}
	s.RetryAt = a.retryAt(e, s.CloseIntents, s.HumanAt)
	s.RulingDone = a.rulingDone(e)
	// Once the owner's choice is written, the edits before it hold nothing, even if the target
	// stores the value in its own spelling.
	reached := e.outcome == status.Applied || e.outcome == status.AlreadyEqual || e.base != nil && e.base.Sent != ""
	s.Overruled = a.work.Ruling.Kind == store.RuledForSource && !s.RulingDone.IsZero() && reached
	if a.row != nil {
		s.Row = a.row.end
		if reached && !a.row.overUndo.IsZero() {
			s.RulingDone = a.row.overUndo
		}
	}
	s.Close = a.closeScope(e)
	if a.work.WrittenOver && e.outcome == status.AlreadyEqual && a.work.Ruling.Kind == "" {
		s.Keep = status.Conflict // the sides agree, but the edit that our write replaced is still lost
	}
	s.Decision = a.line(e, len(s.Events))
	s.LastWrite = a.lastWritten(e)
	if a.watching() && e.outcome != "" && s.LastWrite == nil {
		s.Watched = a.watched(e)
	}
	return s
}

// observedNow is what the record holds at the end of the attempt, and when a person may have edited
// it, zero for never.
func (a *attempt) observedNow(e *ending) (o *store.Observed, humanAt time.Time) {
	o = &store.Observed{Status: a.mapping.Target(a.target.Value), Value: a.target.Value,
		At: a.target.EditedAt, By: a.target.By, SeenAt: a.seenAt}
	switch {
	case e.outcome == status.Applied && slices.Contains(a.seen, a.intent.ID): // the record was read after the write
	case e.outcome == status.Applied: // what it holds is what we wrote
		o.At, o.By = e.base.At, e.base.By
	default:
		o.SeenAt = a.firstSeen()
		humanAt = a.personEditedBy(e)
	}
	return o, humanAt
}

// personEditedBy is the latest time at which a person may have made the edit that the record shows, zero
// for none.
func (a *attempt) personEditedBy(e *ending) time.Time {
	f, i := a.facts(), a.intent
	switch {
	case e.base != nil && e.base.Sent != "": // our own value, in the target's spelling
		if i, ours := a.explains(); !ours || i.Prior != a.target.Value {
			return time.Time{}
		}
		// That spelling was there before the write, and a person may have set it again.
		f.Intents = slices.DeleteFunc(f.Intents, func(i decide.Intent) bool { return i.Value == i.Prior })
	case i.ID != 0 && i.RecordID == a.target.ID && i.Prior == a.target.Value && i.PriorAt.Equal(a.target.EditedAt) && a.decision.Reason == decide.FirstContactSource:
		return time.Time{} // the source wins over what was there at first contact, also in another try
	}
	return f.EditedBy()
}

// retryAt is when the customer is due again, zero for never: a failure's retry first; otherwise when
// the last open intent expires; otherwise when the source must be read again, or a ruling ends. The
// end of a pin or of a wait comes first if it is earlier.
func (a *attempt) retryAt(e *ending, closed []int64, humanAt time.Time) time.Time {
	var at time.Time
	if e.retry > 0 {
		at = a.dbEarliest().Add(e.retry) // the process may have stood still during the claim
		if e.place && !a.work.Due.IsZero() {
			at = a.work.Due
		}
	}
	if at.IsZero() {
		at = a.lastArrival(closed)
	}
	if at.IsZero() && (e.outcome == status.Held || e.outcome == status.AlreadyEqual) {
		at = a.readSourceAgainAt(humanAt)
	}
	if at.IsZero() && e.outcome == status.Held && e.park == nil {
		at = a.ruling().Until // an ignored conflict is due again when its time is over
	}
	if e.pin != nil {
		at = sooner(at, e.pin.Until)
	}
	return sooner(at, e.until)
}

// sooner is the earlier of two times, of which a zero one is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// closeScope says which exceptions of the customer an ending closes.
func (a *attempt) closeScope(e *ending) store.CloseScope {
	switch {
	case e.keepOpen, e.outcome == "" && e.park == nil && !e.halted && e.pin == nil:
		return store.CloseNone
	case e.park != nil, e.halted, e.pin != nil:
		return store.CloseBefore
	case a.work.Writes.Stopped && e.outcome != status.AlreadyEqual:
		return store.CloseBefore // a suspected loop ends only when a person says so or the values agree
	}
	return store.CloseAll
}

// lastWritten is the write that this attempt proved, with the value it replaced; nil for none. A
// value that was only found counts as ours if the target names us as the editor, or if an earlier
// try for the plan's row sent it.
func (a *attempt) lastWritten(e *ending) *store.LastWrite {
	i := a.intent
	switch {
	case e.outcome == status.Applied, e.base != nil && e.base.Sent != "" && i.ID != 0:
	case e.outcome == status.AlreadyEqual && (a.target.Actor == status.ActorUs || a.row != nil && (a.row.Sent || a.sentBefore())):
		var ours bool
		if i, ours = a.explains(); !ours {
			return nil
		}
	default:
		return nil
	}
	l := &store.LastWrite{RecordID: i.RecordID, Before: i.Prior, Sent: i.Value, Value: a.target.Value, At: i.SentAt, Trial: a.watching()}
	if a.row != nil {
		l.Plan = a.row.Plan.ID
	}
	return l
}

// explains is the first of our open writes that accounts for what the record holds.
func (a *attempt) explains() (store.Intent, bool) {
	id, ours := a.facts().Explained()
	for _, i := range a.work.Intents {
		if ours && i.ID == id {
			return i, true
		}
	}
	return store.Intent{}, false
}

// line is the attempt's line in the customer's history.
func (a *attempt) line(e *ending, events int) *store.Decision {
	d := &store.Decision{Sync: a.Config.Name, Customer: a.work.Customer, At: a.dbEarliest(), Action: e.action,
		Reason: e.reason, Row: a.decision.Row, Stage: a.stage, Outcome: e.outcome, Desired: a.desired.Value,
		Observed: a.target.Value, Base: a.work.Base.Value, DesiredAt: a.desired.At, ObservedAt: a.target.EditedAt,
		By: a.target.By, Confidence: a.decision.Confidence, Events: events, Config: a.Digest}
	if e.outcome == status.Applied {
		// The values before our write, on which the decision was made
		d.Observed, d.ObservedAt, d.By = a.intent.Prior, a.intent.PriorAt, a.editedBy
	}
	if a.link != nil {
		d.TargetID = a.link.TargetID
	}
	if e.park != nil {
		d.Kind, d.Confidence = e.park.Kind, e.park.Confidence
	}
	return d
}

// watched is what the attempt found in a sync that only watches. Looked is false if an earlier
// write of ours explains the value.
func (a *attempt) watched(e *ending) *store.Watched {
	w := &store.Watched{Desired: a.desired.Value, Would: e.outcome == status.WouldWrite,
		Observed: a.target.Value, ObservedAt: a.target.EditedAt}
	if a.link != nil {
		w.TargetID = a.link.TargetID
	}
	_, ours := a.facts().Explained()
	w.Looked = !a.seenAt.IsZero() && !ours && a.target.Actor != status.ActorUs
	return w
}

// seenAgain is the base that this read proved (invariant 3), nil for none: the record still holds
// the base, or a write of ours that got no answer. That value must become the base before its
// intent expires; afterwards it would look like a person's edit.
func (a *attempt) seenAgain() *store.Base {
	b := a.work.Base
	if b.Known && b.RecordID == a.target.ID && b.Value == a.target.Value {
		b.SeenAt, b.Unverified = a.lookedAt, false
		if a.target.FieldTime {
			b.By = a.target.By
		}
		if a.target.FieldTime || b.At.IsZero() {
			b.At = a.target.EditedAt
		}
		return &b
	}
	if id, ours := a.facts().Explained(); ours {
		seen := a.seenBase()
		for _, i := range a.work.Intents {
			if i.ID == id && respelling(a.target.Value, i.Value) {
				seen.Sent = i.Value
			}
		}
		return seen
	}
	return nil
}

// outcomes gives each waiting event its outcome: the attempt's for the newest change, superseded
// for the others.
func (a *attempt) outcomes(e *ending) []store.EventOutcome {
	if e.outcome == "" || len(a.work.Events) == 0 {
		return nil
	}
	newest := int64(0)
	for _, event := range a.work.Events {
		if !withoutStatus(event, a.events.asked) {
			newest = event.Seq
		}
	}
	current := true
	if last := a.events.newest; last != nil {
		newest = last.Seq
		current = !a.history
	}
	var all []store.EventOutcome
	for _, event := range a.work.Events {
		switch {
		case withoutStatus(event, a.events.asked):
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: status.Ignored,
				Reason: reason.Reason{Code: reason.EventNoStatus, Facts: reason.Facts{Source: a.From.Name}}})
		case event.Seq == newest && current:
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: e.outcome, Reason: e.reason})
		case current:
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: status.Superseded,
				Reason: reason.Reason{Code: reason.EventSuperseded, Facts: reason.Facts{Count: int(newest)}}})
		default:
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: status.Superseded,
				Reason: reason.Reason{Code: reason.EventOvertaken}})
		}
	}
	return all
}

// expired are the intents that had expired when the target was read: the read shows whether they
// arrived, so they can be closed.
func (a *attempt) expired() []int64 {
	var ids []int64
	for _, i := range a.work.Intents {
		if !a.lookedAt.IsZero() && i.Expires.Before(a.lookedAt) {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// readSourceAgainAt is when to read the source again because of an edit that this attempt found;
// zero for never. If the source still has its value after the edit, its next change is certainly
// newer than the edit. A read from before the edit cannot show that.
func (a *attempt) readSourceAgainAt(edited time.Time) time.Time {
	if first := a.firstSeen(); edited.After(first) {
		edited = first // the target's clock is ahead
	}
	known := edited.Add(2*a.Config.Conflict.ClockSkew + shownWithin)
	if a.From.Source == nil || edited.IsZero() || a.askedAt.After(known) {
		return time.Time{}
	}
	return later(known, a.dbLatest()).Add(time.Second)
}

// lastArrival is when the last open intent expires, zero when none is open. Until then an earlier
// write may still land on top of a later one, so the customer is processed once more.
func (a *attempt) lastArrival(closed []int64) time.Time {
	var last time.Time
	for _, i := range a.work.Intents {
		if !slices.Contains(closed, i.ID) && i.Expires.After(a.dbLatest()) && i.Expires.After(last) {
			last = i.Expires
		}
	}
	if last.IsZero() {
		return last
	}
	return last.Add(time.Millisecond)
}

// report writes the attempt's one wide log line.
func (a *attempt) report(ctx context.Context, e *ending, settled error) {
	took := a.Now().Sub(a.started)
	result := string(e.outcome)
	if result == "" {
		result = e.failure
	}
	level := slog.LevelInfo
	if e.park != nil || settled != nil || e.unsettled {
		level = slog.LevelWarn
	}
	logged := e.reason
	logged.Facts.By = "" // who approved a plan is not for the log
	why := logged.Sentence()
	if e.reason.Has(reason.CustomerPinned) {
		why = reason.CustomerPinned.Sentence() // who pinned whom, and why, is not for the log
	}
	attrs := []slog.Attr{
		slog.String("sync", a.Config.Name), slog.String("customer", a.work.Customer), slog.String("stage", string(a.stage)),
		slog.String("outcome", string(e.outcome)), slog.String("action", e.action), slog.String("reason", why),
		slog.Int("row", a.decision.Row), slog.Int("events", len(a.work.Events)), slog.Int("attempt", a.work.Attempts+1),
		slog.Int64("fence", a.work.Fence), slog.Duration("took", took),
	}
	if a.link != nil {
		attrs = append(attrs, slog.String("target_id", a.link.TargetID))
	}
	if e.retry > 0 {
		attrs = append(attrs, slog.Duration("retry_in", e.retry))
	}
	if e.failure != "" {
		attrs = append(attrs, slog.String("failure", e.failure))
	}
	switch {
	case errors.Is(settled, store.ErrFenced):
		result = failureLeaseLost
		attrs = append(attrs, slog.String("failure", failureLeaseLost))
	case settled != nil:
		result = "unsettled"
		attrs = append(attrs, slog.Any("error", settled))
	case e.outcome != "":
		for _, o := range a.outcomes(e) {
			a.Metrics.Outcomes(a.Config.Name, o.Outcome, 1)
		}
	}
	a.Metrics.Attempt(a.Config.Name, a.stage, result, took)
	a.Log.LogAttrs(ctx, level, "attempt", attrs...)
}
