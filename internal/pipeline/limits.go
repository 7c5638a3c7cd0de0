package pipeline

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// maxReverts is how often in a row a value is set back until it is no longer written.
	maxReverts = 3
	// sticksAfter is how long a value must remain to count as kept. Our write makes most tools send
	// an event, and a read that early nearly always finds the value.
	sticksAfter = 10 * time.Minute
	// revertWithin: an edit that comes later than this, by the field's own time, is no reaction to
	// our write. An hourly automation's is.
	revertWithin = 24 * time.Hour
	// maxNamedWrites is how many writes a reason names at most.
	maxNamedWrites = 10
)

// limits is what bounds the write of the desired value.
func (a *attempt) limits() store.Limits {
	var l store.Limits
	c := a.Config.Limits
	if c == nil || a.undo != nil { // one write, which a person has asked for
		return l
	}
	if p := c.WritesPerCustomer; p != nil {
		l.PerCustomer = store.PerCustomer{Count: p.Count, Within: p.Within}
	}
	// The person who applies a plan has seen how many customers change, and agreed.
	if m := c.MassChange; m != nil && a.row == nil && slices.Contains(m.To, a.desired.Status) {
		l.MassChange = &store.MassChange{Customers: m.Customers, Percent: m.Percent, Within: m.Within, Exception: a.massChange}
	}
	return l
}

// endIfLimited returns the ending if err is a limit's refusal, nil otherwise.
func (a *attempt) endIfLimited(err error) *ending {
	var halted *store.HaltedError
	var tooMany *store.TooManyWritesError
	switch {
	case errors.As(err, &tooMany):
		return a.loopSuspected()
	case errors.As(err, &halted):
		a.Metrics.Refused(a.Config.Name, "mass_change")
		return &ending{outcome: status.Parked, action: actionPark, halted: true, reason: reason.Reason{Code: reason.SyncHalted,
			Facts: reason.Facts{Value: a.desired.Value, Sync: a.Config.Name, Since: halted.Since}}}
	}
	return nil
}

// refusedByHistory returns the ending if this customer was written too often, or in vain; nil lets it go on.
func (a *attempt) refusedByHistory() *ending {
	if a.work.Writes.Stopped {
		return a.loopSuspected()
	}
	a.countReverts()
	if len(a.reverts.Times) >= maxReverts && a.decision.Reason != decide.OwnerUsesSource {
		return a.neverSticks()
	}
	return nil
}

// loopSuspected parks a customer that was written too often.
func (a *attempt) loopSuspected() *ending {
	a.Metrics.Refused(a.Config.Name, "writes_per_customer")
	writes := a.work.Writes.Latest
	f := reason.Facts{Source: a.From.Name, Target: a.To.Name, Count: len(writes)}
	for _, w := range writes[max(0, len(writes)-maxNamedWrites):] {
		f.Writes = append(f.Writes, reason.Write{Value: w.Value, At: w.At})
	}
	if c := a.Config.Limits; c != nil && c.WritesPerCustomer != nil {
		f.Within = c.WritesPerCustomer.Within.String()
	}
	a.stage = status.StageWrite // even if an earlier attempt stopped the customer: the exception closes at this stage
	return a.parked(status.LoopSuspected, reason.Reason{Code: reason.LoopSuspected, Facts: f})
}

// countReverts counts a revert if our last write of this value is gone. A value that a write of ours
// explains, and one that an owner decided about, does not count.
func (a *attempt) countReverts() {
	u := a.work.Reverts
	if u.RecordID != a.target.ID || u.Value != a.desired.Value || !u.Desired.Equal(a.desired.At) {
		u = store.Reverts{RecordID: a.target.ID, Value: a.desired.Value, Desired: a.desired.At}
	}
	if !u.Written.IsZero() && a.decision.Adopted == 0 && a.decision.Reason != decide.OwnerUsesSource {
		at := a.target.EditedAt
		if at.IsZero() {
			at = a.firstSeen()
		} else if a.target.FieldTime && at.Sub(u.Written) >= revertWithin {
			u.Times = nil // it had stayed until then
		}
		u.Times = append(slices.Clone(u.Times), store.Revert{Written: u.Written, Found: a.target.Value, At: at, By: a.editor()})
		u.Written = time.Time{}
	}
	a.reverts = u
}

// editor says who edited the record last. Reasons reach logs and Slack, so it
// names programs and no people.
func (a *attempt) editor() string {
	program := a.target.By != "" && !strings.Contains(a.target.By, "@")
	switch {
	case a.target.Actor == status.ActorHuman:
		return "a person"
	case a.target.Actor == status.ActorUs:
		return "trueup's own account"
	case a.target.Actor == status.ActorAutomation && program:
		return "an automation (" + a.target.By + ")"
	case a.target.Actor == status.ActorAutomation:
		return "an automation"
	}
	return "somebody"
}

// neverSticks parks a customer whose value is set back each time.
func (a *attempt) neverSticks() *ending {
	a.Metrics.Refused(a.Config.Name, "never_sticks")
	f := reason.Facts{Value: a.desired.Value, Target: a.To.Name}
	for _, t := range a.reverts.Times {
		f.Undone = append(f.Undone, reason.Undoing{Written: t.Written, Found: t.Found, At: t.At, By: t.By})
	}
	a.stage = status.StageConfirm
	return a.parked(status.NeverSticks, reason.Reason{Code: reason.NeverSticks, Facts: f})
}

// revertsNow is the count to store with this ending, nil to leave it.
func (a *attempt) revertsNow(e *ending) *store.Reverts {
	u := a.reverts
	switch e.outcome {
	case status.Applied:
		u.Written = a.intent.SentAt
	case status.AlreadyEqual:
		u = a.work.Reverts
		if sent := a.arrived(); !sent.IsZero() && u.Written.IsZero() { // the read proves the write
			if u.RecordID != a.target.ID || u.Value != a.desired.Value || !u.Desired.Equal(a.desired.At) {
				u = store.Reverts{RecordID: a.target.ID, Value: a.desired.Value, Desired: a.desired.At}
			}
			u.Written = sent
			break
		}
		if u.Written.IsZero() || a.lookedAt.Sub(u.Written) >= sticksAfter {
			u = store.Reverts{} // it has stayed, or someone else set it
		}
	default:
		if u.RecordID == "" {
			return nil // the attempt did not get that far
		}
	}
	return &u
}

// arrived is when we sent the last write that this read found, zero for none.
func (a *attempt) arrived() (sent time.Time) {
	if _, ours := a.facts().Explained(); !ours {
		return sent
	}
	for _, i := range a.work.Intents {
		if i.RecordID == a.target.ID && i.Value == a.target.Value && !i.Seen {
			sent = i.SentAt
		}
	}
	return sent
}

// massChange is the exception of a sync that is halted.
func (a *attempt) massChange(h store.Halt) store.NewException {
	m := a.Config.Limits.MassChange
	f := reason.Facts{Source: a.From.Name, Sync: a.Config.Name, Count: h.Moved, Within: m.Within.String(), Most: h.Most, Known: h.Customers, Percent: m.Percent, Limit: m.Customers}
	for _, w := range m.To {
		f.Statuses = append(f.Statuses, string(w))
	}
	x := a.exception(status.MassChange, reason.Reason{Code: reason.MassChange, Facts: f})
	x.Customer, x.TargetValue = "", ""
	return *x
}
