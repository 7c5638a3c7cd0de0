package pipeline

import (
	"context"
	"slices"
	"time"

	"trueup/internal/config"
	"trueup/internal/decide"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// transitions returns the sync's configured transitions by new status.
func transitions(c config.Sync) map[status.Status]decide.Transition {
	if c.Transitions == nil {
		return nil
	}
	all := map[status.Status]decide.Transition{}
	for to, t := range c.Transitions.To {
		one := decide.Transition{After: t.After, Ask: t.Ask}
		if h := t.Hours; h != nil {
			from, until := h.Minutes()
			one.Hours = &decide.Hours{Days: h.Weekdays(), From: from, To: until, Zone: h.Location()}
		}
		all[to] = one
	}
	for _, forbid := range c.Transitions.Forbid {
		one := all[forbid.To]
		one.Forbidden = append(one.Forbidden, forbid.From)
		all[forbid.To] = one
	}
	return all
}

// heldByTransition returns the ending if the write must wait for its time or for a person, nil if it may
// go on. Applying a whole plan confirms nothing about one customer.
func (a *attempt) heldByTransition() *ending {
	to := a.desired.Status
	t := a.changes[to]
	c := decide.Change{Transition: t, From: a.mapping.Target(a.target.Value), Since: a.desired.Since, Now: a.dbEarliest()}
	if a.row == nil || !a.row.approval {
		c.UseSource, c.KeepTarget, _ = a.facts().Ruled()
		// The ruling does not count if the source has changed and changed back since.
		c.UseSource = c.UseSource && !a.desired.Since.After(a.ruling().At.Add(a.Config.Conflict.ClockSkew))
	}
	p := decide.Permit(c)
	why := reason.Reason{Code: p.Reason, Facts: reason.Facts{Source: a.From.Name, Status: to}}
	switch p.Action {
	case decide.Write:
		return nil
	case decide.Park:
		why.Facts.Source = ""
		if p.Reason == decide.ChangeForbidden {
			why.Facts.Found = string(c.From)
		}
		return a.parked(p.Kind, why)
	}
	if p.Until.IsZero() { // the owner keeps what the target has
		return &ending{outcome: status.Held, action: string(p.Action), reason: reason.Reason{Code: p.Reason}}
	}
	lasts := a.desired.Since.Add(t.After)
	why.Facts.Until = p.Until
	if lasts.After(c.Now) {
		why.Facts.Within = t.After.String()
	}
	if t.Hours != nil && !p.Until.Equal(lasts) {
		why.Facts.Hours = a.Config.Transitions.To[to].Hours.String()
	}
	return &ending{outcome: status.Held, action: string(p.Action), reason: why, until: p.Until}
}

// heldSince is since when the source has certainly had the value without a break; never too early.
// It is, in this order:
//   - the source's own time of the value or, if that is later, the time stored before or our last
//     read that showed another value (now, if the source's time is in the future);
//   - the time stored before, if no event has reported another value since (a change there and back
//     without an event stays unknown);
//   - for a customer without any event: when a comparison read the value, or when the source's
//     record was last edited;
//   - now.
func (a *attempt) heldSince(ctx context.Context, value string) (time.Time, error) {
	now, was := a.dbLatest().Truncate(time.Millisecond), a.knownSource()
	same := was.SourceValue == value && !was.Since.IsZero()
	if at := a.source.ValueAt; !at.IsZero() {
		switch {
		case same && was.EventAt.Equal(at):
			return was.Since, nil
		case at.After(now): // by a clock that is ahead: it has changed
			return now, nil
		case was.SourceValue == value:
			return later(at, was.Since), nil
		}
		return later(at, was.SeenAt), nil
	}
	// The read began a little before the stored time: an event in between counts too.
	looked := was.Since
	if !was.SeenAt.IsZero() && was.SeenAt.Before(looked) {
		looked = was.SeenAt
	}
	told := func(tells func(store.Event) bool) bool { return slices.ContainsFunc(a.work.Events, tells) }
	if same && !told(func(e store.Event) bool { return toldOther(e, value, looked) }) {
		if len(a.changes) == 0 {
			return was.Since, nil
		}
		// An event with another value may have ended in an attempt that could not read the source.
		all, err := a.Store.Events(ctx, store.EventFilter{Sync: a.Config.Name, Customer: a.work.Customer, Connection: a.From.Name,
			Since: was.SeenAt, Originals: true, Limit: lookBack, Bare: true})
		if slices.ContainsFunc(all, func(e store.Event) bool { return toldOther(e, value, looked) }) {
			return now, err
		}
		return was.Since, err
	}
	if a.work.Desired.SourceValue == "" && !told(func(e store.Event) bool { return e.Side == store.SourceSide }) { // nothing was ever processed
		switch at := a.source.UpdatedAt; {
		case was.SourceValue == value: // a comparison read it
			return was.SeenAt, nil
		case !at.IsZero() && !at.After(now):
			return later(at, was.SeenAt), nil
		}
	}
	return now, nil
}

// toldOther reports whether an event that arrived after a time reports another value of the source,
// or says itself that it is a change.
func toldOther(e store.Event, value string, since time.Time) bool {
	if e.Side != store.SourceSide || e.ReplayOf > 0 || !e.ReceivedAt.After(since) {
		return false
	}
	return e.HasValue && e.Value != value || !e.UnchangedAt.IsZero() && e.UnchangedAt.Equal(e.OccurredAt)
}
