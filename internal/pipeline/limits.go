package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"trueup/internal/decide"
	"trueup/internal/status"
	"trueup/internal/store"
)

const (
	// undoings is at which time in a row a write that is gone again is not
	// repeated any more.
	undoings = 3
	// sticksAfter is how long a value has to be there to count as one that
	// stayed. A look that a tool's own notice of our write brings about, a moment
	// after it, finds nearly every value.
	sticksAfter = 10 * time.Minute
	// stayed is after how long an edit of a value, by the field's own time, is no
	// answer to our write any more. An automation that runs once an hour is.
	stayed = 24 * time.Hour
	// namedWrites is how many writes a reason names at most.
	namedWrites = 10
)

// limits is what bounds the write of the desired value.
func (a *attempt) limits() store.Limits {
	var l store.Limits
	c := a.Config.Limits
	if c == nil {
		return l
	}
	if p := c.WritesPerCustomer; p != nil {
		l.PerCustomer = store.PerCustomer{Count: p.Count, Within: p.Within}
	}
	// Whoever applies a plan has seen how many move, and said yes.
	if m := c.MassChange; m != nil && a.row == nil && slices.Contains(m.To, a.desired.Status) {
		l.MassChange = &store.MassChange{Customers: m.Customers, Percent: m.Percent, Within: m.Within, Exception: a.massChange}
	}
	return l
}

// limited ends an attempt whose write a limit refused, nil when something else
// did.
func (a *attempt) limited(err error) *ending {
	var halted *store.HaltedError
	var tooMany *store.TooManyWritesError
	switch {
	case errors.As(err, &tooMany):
		return a.loopSuspected()
	case errors.As(err, &halted):
		a.Metrics.Refused(a.Config.Name, "mass_change")
		return &ending{outcome: status.Parked, action: "park", halted: true, reason: fmt.Sprintf(
			"%s is not written: too many customers changed at once, and %s is halted for it since %s; trueup resume %s lets this one through with the others that wait",
			a.desired.Value, a.Config.Name, stamp(halted.Since), a.Config.Name)}
	}
	return nil
}

// stopped ends an attempt at whose customer writing makes no sense any more,
// nil when it may go on.
func (a *attempt) stopped() *ending {
	if a.work.Writes.Stopped {
		return a.loopSuspected()
	}
	a.countUndone()
	if len(a.undone.Times) >= undoings && a.decision.Reason != decide.OwnerSaysOurs {
		return a.neverSticks()
	}
	return nil
}

// loopSuspected parks a customer who was written too often.
func (a *attempt) loopSuspected() *ending {
	a.Metrics.Refused(a.Config.Name, "writes_per_customer")
	writes := a.work.Writes.Latest
	var lines []string
	for _, w := range writes[max(0, len(writes)-namedWrites):] {
		lines = append(lines, fmt.Sprintf("%s at %s", w.Value, stamp(w.At)))
	}
	limit := ""
	if c := a.Config.Limits; c != nil && c.WritesPerCustomer != nil {
		limit = fmt.Sprintf(" in %s", c.WritesPerCustomer.Within)
	}
	a.stage = status.StageWrite // also when the customer was stopped before: that is where it closes
	return a.parked(status.LoopSuspected, fmt.Sprintf(
		"%s was written %s%s: %s; nothing more is written to this customer; find what else changes %s or %s after each write, end it, then trueup exceptions retry",
		a.Target.Name, status.Plural(len(writes), "time"), limit, strings.Join(lines, ", "), a.Source.Name, a.Target.Name))
}

// countUndone notes that the last write of the same value is gone again. What
// our own writes account for, and what an owner decided, is no undoing.
func (a *attempt) countUndone() {
	u := a.work.Undone
	if u.RecordID != a.target.ID || u.Value != a.desired.Value || !u.Desired.Equal(a.desired.At) {
		u = store.Undone{RecordID: a.target.ID, Value: a.desired.Value, Desired: a.desired.At}
	}
	if !u.Written.IsZero() && a.decision.Adopted == 0 && a.decision.Reason != decide.OwnerSaysOurs {
		at := a.target.EditedAt
		if at.IsZero() {
			at = a.firstSeen()
		} else if a.target.FieldTime && at.Sub(u.Written) >= stayed {
			u.Times = nil // until then it was there
		}
		u.Times = append(slices.Clone(u.Times), store.Undoing{Written: u.Written, Found: a.target.Value, At: at, By: a.editor()})
		u.Written = time.Time{}
	}
	a.undone = u
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
	var lines []string
	for _, t := range a.undone.Times {
		lines = append(lines, fmt.Sprintf("written at %s, then %s by %s at %s", stamp(t.Written), cmp.Or(t.Found, "emptied"), t.By, stamp(t.At)))
	}
	a.stage = status.StageConfirm
	return a.parked(status.NeverSticks, fmt.Sprintf(
		"%s does not stay in %s: %s; it is not written again until the source changes; find what sets the field back, end it, then trueup exceptions retry",
		a.desired.Value, a.Target.Name, strings.Join(lines, "; ")))
}

// undoneNow is what is known of undoings once an attempt has ended so.
func (a *attempt) undoneNow(e *ending) *store.Undone {
	u := a.undone
	switch e.outcome {
	case status.Applied:
		u.Written = a.intent.SentAt
	case status.AlreadyEqual:
		u = a.work.Undone
		if sent := a.arrived(); !sent.IsZero() && u.Written.IsZero() { // the look proves the write
			if u.RecordID != a.target.ID || u.Value != a.desired.Value || !u.Desired.Equal(a.desired.At) {
				u = store.Undone{RecordID: a.target.ID, Value: a.desired.Value, Desired: a.desired.At}
			}
			u.Written = sent
			break
		}
		if u.Written.IsZero() || a.lookedAt.Sub(u.Written) >= sticksAfter {
			u = store.Undone{} // it has stayed, or somebody else set it
		}
	default:
		if u.RecordID == "" {
			return nil // the attempt did not get that far
		}
	}
	return &u
}

// arrived is when the write of ours was sent last that this look has found, zero
// for none.
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
	var words []string
	for _, w := range m.To {
		words = append(words, string(w))
	}
	share := ""
	if h.Known > 0 {
		share = fmt.Sprintf(" (%g%% of %s, or %d if that is fewer)", m.Percent, status.Plural(h.Known, "customer"), m.Customers)
		if m.Customers == 0 {
			share = fmt.Sprintf(" (%g%% of %s)", m.Percent, status.Plural(h.Known, "customer"))
		}
		if float64(h.Most-1) >= float64(h.Known)*m.Percent/100 && h.Most > 1 { // a share of so few says little
			share = fmt.Sprintf(" (%g%% of %s, but not fewer than %d)", m.Percent, status.Plural(h.Known, "customer"), h.Most)
		}
	}
	x := a.exception(status.MassChange, fmt.Sprintf(
		"%s moved to %s within %s, and more want to; at most %d may%s, so %s writes no more of these; see whether %s is right, and if it is: trueup resume %s --reason TEXT",
		status.Plural(h.Moved, "customer"), strings.Join(words, " or "), m.Within, h.Most, share, a.Config.Name, a.Source.Name, a.Config.Name))
	x.Customer, x.TargetValue = "", ""
	return *x
}
