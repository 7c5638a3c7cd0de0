package pipeline

import (
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
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
