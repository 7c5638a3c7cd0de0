package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"trueup/internal/failpoint"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// settling bounds the last transaction of an attempt, which also runs when the
// service stops: what is known must not be lost.
const settling = 10 * time.Second

// settle commits how the attempt ended (invariant 1) and says so in one line.
func (a *attempt) settle(ctx context.Context, e *ending) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	var err error
	if !e.lost {
		failpoint.Hit("settling")
		err = a.Store.Settle(ctx, a.work, a.settlement(e))
		failpoint.Hit("settled")
	}
	if errors.Is(err, store.ErrFenced) || e.failure == leaseLost {
		// Somebody decided anew, and waits for it to be carried out. No call of
		// this attempt is on its way any more; what it sent has its intent.
		if err := a.Store.GiveBack(ctx, a.work); err != nil {
			a.Log.Error("give a customer back", slog.String("sync", a.Config.Name), slog.String("customer", a.work.Customer), slog.Any("error", err))
		}
	}
	a.report(ctx, e, err)
	return err
}

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
		Undone:       a.undoneNow(e),
		Halted:       e.halted || !e.until.IsZero() || e.failure != "" && e.retry > 0, // tried again by itself: the mark of a halt stays
		Park:         e.park,
		Attempts:     e.attempts,
		FirstTry:     e.firstTry,
		Outcome:      e.outcome,
		Reason:       e.reason,
		Email:        a.record.Keys["email"],
		Name:         a.record.Name(),
		Wake:         cmp.Or(e.wake, a.together.left),
		Names:        a.named,
	}
	if a.desired != a.work.Desired {
		s.Desired = &a.desired
	}
	if !a.seenAt.IsZero() {
		s.Observed = &store.Observed{Status: a.mapping.Target(a.target.Value), Value: a.target.Value,
			At: a.target.EditedAt, By: a.target.By, SeenAt: a.seenAt}
		switch {
		case e.outcome == status.Applied && slices.Contains(a.seen, a.intent.ID): // the record was read after the write
		case e.outcome == status.Applied: // what it holds is what we wrote
			s.Observed.At, s.Observed.By = e.base.At, e.base.By
		default:
			s.Observed.SeenAt = a.firstSeen()
			if e.base == nil || e.base.Sent == "" { // else it is our own, in the target's spelling
				s.HumanAt = a.facts().EditedBy()
			}
		}
		if s.Base == nil {
			s.Base = a.seenAgain()
		}
	}
	if e.retry > 0 {
		s.RetryAt = a.dbNotBefore().Add(e.retry) // the process may have stood still during the claim
		if e.place && !a.work.Due.IsZero() {
			s.RetryAt = a.work.Due
		}
	}
	if s.RetryAt.IsZero() {
		s.RetryAt = a.lastArrival(s.CloseIntents)
	}
	if s.RetryAt.IsZero() && (e.outcome == status.Held || e.outcome == status.AlreadyEqual) {
		s.RetryAt = a.surelyBefore(s.HumanAt)
	}
	if until := a.ruling().Until; e.outcome == status.Held && e.park == nil && s.RetryAt.IsZero() {
		s.RetryAt = until // what the owner left alone for a time is looked at again
	}
	if p := e.pin; p != nil && !p.Until.IsZero() && (s.RetryAt.IsZero() || p.Until.Before(s.RetryAt)) {
		s.RetryAt = p.Until
	}
	if !e.until.IsZero() && (s.RetryAt.IsZero() || e.until.Before(s.RetryAt)) {
		s.RetryAt = e.until
	}
	s.RulingDone = a.rulingDone(e)
	// What an owner has ruled over holds nothing any more, also where the target
	// keeps what he said in a spelling of its own.
	carried := e.outcome == status.Applied || e.outcome == status.AlreadyEqual || e.base != nil && e.base.Sent != ""
	s.Overruled = a.work.Ruling.Kind == store.RuledForSource && !s.RulingDone.IsZero() && carried
	if a.row != nil {
		s.Row = a.row.end
		if carried && !a.row.overUndo.IsZero() {
			s.RulingDone = a.row.overUndo
		}
	}
	switch {
	case e.keepOpen:
		s.Close = store.CloseNone
	case e.park != nil, e.halted, e.pin != nil:
		s.Close = store.CloseBefore
	case e.outcome != "" && a.work.Writes.Stopped && e.outcome != status.AlreadyEqual:
		s.Close = store.CloseBefore // that nothing is to be carried now ends no loop
	case e.outcome != "":
		s.Close = store.CloseAll
	}
	if a.work.WrittenOver && e.outcome == status.AlreadyEqual && a.work.Ruling.Kind == "" {
		s.Keep = status.Conflict // that both sides agree brings nothing back
	}
	s.Decision = a.line(e, len(s.Events))
	s.LastWrite = a.lastWritten(e)
	if a.watching() && e.outcome != "" && s.LastWrite == nil {
		s.Watched = a.watched(e)
	}
	return s
}

// lastWritten is the write that this attempt has proved, with what it took the place
// of, nil for none. A value that was only found is ours where the target says so, or
// where the row of a plan was sent before.
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
	d := &store.Decision{Sync: a.Config.Name, Customer: a.work.Customer, At: a.dbNotBefore(), Action: e.action,
		Reason: e.reason, Row: a.decision.Row, Stage: a.stage, Outcome: e.outcome, Desired: a.desired.Value,
		Observed: a.target.Value, Base: a.work.Base.Value, DesiredAt: a.desired.At, ObservedAt: a.target.EditedAt,
		By: a.target.By, Confidence: a.decision.Confidence, Events: events, Config: a.Digest}
	if e.outcome == status.Applied {
		// What was decided on, not what we made of it.
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

// watched is what a look of a sync that only watches found. What an earlier
// write of ours has brought about, nobody else did.
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

// seenAgain is the base that this look has proved (invariant 3), nil when it
// proved none: the record still holds the base, or a write of ours that had no
// answer. An intent is forgotten when it can arrive no more; what it has
// brought about must be the base by then, or it would look like somebody's edit.
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
			if i.ID == id && alike(a.target.Value, i.Value) {
				seen.Sent = i.Value
			}
		}
		return seen
	}
	return nil
}

// outcomes gives each pending event its end: the newest change gets the
// attempt's, the others were overtaken by it.
func (a *attempt) outcomes(e *ending) []store.EventOutcome {
	if e.outcome == "" || len(a.work.Events) == 0 {
		return nil
	}
	counts := int64(0)
	for _, event := range a.work.Events {
		if !withoutStatus(event, a.events.asked) {
			counts = event.Seq
		}
	}
	carried := true
	if newest := a.events.newest; newest != nil {
		counts = newest.Seq
		carried = !a.history
	}
	var all []store.EventOutcome
	for _, event := range a.work.Events {
		switch {
		case withoutStatus(event, a.events.asked):
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: status.Ignored,
				Reason: reason.Reason{Code: reason.EventNoStatus, Facts: reason.Facts{Source: a.From.Name}}})
		case event.Seq == counts && carried:
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: e.outcome, Reason: e.reason})
		case carried:
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: status.Superseded,
				Reason: reason.Reason{Code: reason.EventSuperseded, Facts: reason.Facts{Count: int(counts)}}})
		default:
			all = append(all, store.EventOutcome{Seq: event.Seq, Outcome: status.Superseded,
				Reason: reason.Reason{Code: reason.EventOvertaken}})
		}
	}
	return all
}

// expired are the intents that can arrive no more and, when the target was
// looked at after that, had not.
func (a *attempt) expired() []int64 {
	var ids []int64
	for _, i := range a.work.Intents {
		if !a.lookedAt.IsZero() && i.Expires.Before(a.lookedAt) {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// surelyBefore is when to look once more at a source that was asked before an
// edit was over that this look has found, zero when it was asked later: that it
// still says the same then makes its next change surely the newer one.
func (a *attempt) surelyBefore(edited time.Time) time.Time {
	if first := a.firstSeen(); edited.After(first) {
		edited = first // the target's clock is ahead
	}
	known := edited.Add(2*a.Config.Conflict.ClockSkew + shownWithin)
	if a.From.Source == nil || edited.IsZero() || a.askedAt.After(known) {
		return time.Time{}
	}
	return later(known, a.dbNotAfter()).Add(time.Second)
}

// lastArrival is from when on none of the intents that stay open can arrive any
// more, zero when none is open. Until then a write that was sent earlier may
// still land on top of a later one, so the customer is looked at once more.
func (a *attempt) lastArrival(closed []int64) time.Time {
	var last time.Time
	for _, i := range a.work.Intents {
		if !slices.Contains(closed, i.ID) && i.Expires.After(a.dbNotAfter()) && i.Expires.After(last) {
			last = i.Expires
		}
	}
	if last.IsZero() {
		return last
	}
	return last.Add(time.Millisecond)
}

// pause lets a connection rest, for all nodes, and returns for how long. When the
// others do not know of it, all is false.
func (a *attempt) pause(connection string, asked time.Duration) (wait time.Duration, all bool) {
	wait = a.paces[connection].cut(a.Now(), asked)
	until := a.dbNotAfter().Add(wait)
	ctx, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	err := a.Store.Pause(ctx, connection, until)
	if err != nil {
		a.Log.Error("pause a connection", slog.String("connection", connection), slog.Any("error", err))
	}
	if a.Paused != nil {
		a.Paused(connection, wait)
	}
	return wait, err == nil
}

// report writes the attempt's one wide log line.
func (a *attempt) report(ctx context.Context, e *ending, settled error) {
	took := a.Now().Sub(a.started)
	result := string(e.outcome)
	if result == "" {
		result = e.failure
	}
	level := slog.LevelInfo
	if e.park != nil || settled != nil || e.lost {
		level = slog.LevelWarn
	}
	why := e.reason.Sentence()
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
		result = leaseLost
		attrs = append(attrs, slog.String("failure", leaseLost))
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
