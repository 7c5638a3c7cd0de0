package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// wroteOver opens a conflict if a late event proves that our last write replaced a newer edit: the
// source had changed before that edit, and the event that made us write was about something else.
// Nothing is written, because the edit may be wanted or not. People are asked once.
func (a *attempt) wroteOver(ctx context.Context) verdict {
	if a.preview || a.row != nil || !a.source.ValueAt.IsZero() { // the time of the value itself needs no event
		return onward
	}
	heldAt, ok := a.earliestStatement()
	if !ok {
		return onward
	}
	history, err := a.Store.History(ctx, a.Config.Name, a.work.Customer, lookBack)
	if err != nil {
		return a.storeFailed(err)
	}
	wrote, ok := a.lastWrite(history)
	if !ok || !a.decidedByTime(wrote, heldAt) {
		return onward
	}
	said, err := a.Store.Events(ctx, store.EventFilter{Sync: a.Config.Name, Customer: a.work.Customer, Connection: a.From.Name,
		Limit: lookBack, Bare: true, Valued: true})
	if err != nil {
		return a.storeFailed(err)
	}
	if slices.ContainsFunc(said, func(e store.Event) bool { return a.contradicts(e, heldAt) }) {
		return onward
	}
	e := a.parked(status.Conflict, reason.Reason{Code: reason.WroteOver, Facts: reason.Facts{Source: a.From.Name, Target: a.To.Name,
		Planned: a.desired.SourceValue, At: heldAt, Value: wrote.Desired, Found: wrote.Observed, To: wrote.ObservedAt}})
	e.outcome, e.action = status.AlreadyEqual, actionNone
	e.base = a.seenBase()
	e.park.Cause = store.WrittenOver
	e.park.Confidence = 0.5 // the record was edited then, and perhaps another field of it
	if a.target.FieldTime {
		e.park.Confidence = 1
	}
	return verdict{end: e}
}

// earliestStatement is the earliest time at which a waiting event shows that the source already had
// the desired value; false unless that is before the known time of the change.
func (a *attempt) earliestStatement() (at time.Time, found bool) {
	at = a.work.Desired.At
	for _, e := range a.events.ordered {
		if said := a.events.dated(e); e.ReplayOf == 0 && a.says(e) && !said.IsZero() && said.Before(at) {
			at, found = said, true
		}
	}
	return at, found
}

// says reports whether an event's value maps to the desired value.
func (a *attempt) says(e store.Event) bool {
	if !e.HasValue {
		return false
	}
	word, err := a.mapping.Source(e.Value)
	return err == nil && !word.Ignored && word.Value == a.desired.Value
}

// lastWrite finds our write that the record still shows, as far as reads since then show, and that
// no one was asked about. history is newest first. If a later attempt proved the write (row 1), the
// decision of the attempt that sent it counts.
func (a *attempt) lastWrite(history []store.Decision) (wrote store.Decision, found bool) {
	provedLater := false
	for _, d := range history {
		ours := d.TargetID == a.target.ID && d.Desired == a.desired.Value
		switch {
		case d.Outcome == status.Applied && d.Row == 1 && ours:
			provedLater = true
		case d.Outcome == status.Applied:
			return d, ours
		case provedLater && d.Row > 1 && d.Outcome == "" && ours:
			return d, true
		case d.Outcome == status.AlreadyEqual && d.Kind == status.Conflict:
			return d, false
		case d.Row > 0 && d.Observed != a.desired.Value:
			return d, false // someone has set it since
		}
	}
	return wrote, false
}

// decidedByTime reports whether a write replaced someone's edit only because the source's change
// was taken for the later one, and the late event shows that it certainly was not.
func (a *attempt) decidedByTime(wrote store.Decision, heldAt time.Time) bool {
	edited, skew := wrote.ObservedAt, a.Config.Conflict.ClockSkew
	if edited.After(wrote.At) {
		edited = wrote.At // the target's clock is ahead
	}
	if edited.IsZero() || wrote.Observed == "" || !edited.Add(skew).Before(wrote.DesiredAt) || !heldAt.Add(skew).Before(edited) {
		return false
	}
	switch wrote.Row {
	case 3, 9:
		return true
	case 7: // with one editor for the whole record, an automation may have touched another field after a person
		return !a.target.FieldTime
	}
	return false
}

// contradicts reports whether an event reports something else of the source after a time: then it
// changed once more, perhaps after the edit.
func (a *attempt) contradicts(e store.Event, heldAt time.Time) bool {
	if e.Side != store.SourceSide || e.ReplayOf > 0 {
		return false
	}
	at := a.events.dated(e)
	if at.IsZero() {
		at = e.ReceivedAt
	}
	return at.After(heldAt) && (!a.says(e) || e.UnchangedAt.After(heldAt))
}
