package pages

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// ladderStep is one rung of the ladder.
type ladderStep struct {
	Icon, Tone, Name, Does, Came string
	To                           string // where Came leads, "" for nowhere
	Done, Here                   bool
}

// nextStep is what leads on.
type nextStep struct{ Title, Text, Do, To string }

// climbed is what was seen to be done on the way to live.
type climbed struct {
	Watched, Planned, Tried bool
	// For is for how long a sync that is live has watched, 0 where that is not known.
	For  time.Duration
	Plan string
}

// climbed looks for it. Whoever is live may have begun there: that a step comes before
// does not mean that it was done.
func (p *syncPage) climbed(v *visit) (climbed, error) {
	l := p.Sync.Ladder
	if l.Rung != contract.RungLive {
		return climbed{Watched: l.Plan != "" || l.Tried > 0, Planned: l.Plan != "", Tried: l.Tried > 0, Plan: l.Plan}, nil
	}
	c := climbed{}
	modes, err := v.Store.Modes(v.ctx())
	if err != nil {
		return c, err
	}
	if m := modes[p.Name]; !m.Before.IsZero() {
		c.Watched, c.For = true, m.Since.Sub(m.Before)
	}
	switch plan, err := v.Store.LatestPlan(v.ctx(), p.Name); {
	case err == nil:
		c.Planned, c.Plan = true, plan.Hash
	case !errors.Is(err, store.ErrNotFound):
		return c, err
	}
	tried, err := v.Store.Tried(v.ctx(), p.Name)
	if err == nil && tried == 0 { // a later write to the same customer takes the mark away
		c.Tried, err = v.Store.WroteNamed(v.ctx(), p.Name)
	}
	c.Tried = c.Tried || tried > 0
	return c, err
}

// steps are the rungs of the ladder, each with what it came to.
func (p *syncPage) steps(v *visit) error {
	l := p.Sync.Ladder
	live := l.Rung == contract.RungLive
	seen, err := p.climbed(v)
	if err != nil {
		return err
	}
	lasted := ""
	switch w := p.Sync.Watching; {
	case live && seen.For > 0:
		lasted = length(max(time.Minute, seen.For))
	case !live && p.Sync.ModeSince != nil:
		lasted = length(max(time.Minute, v.now.Sub(*p.Sync.ModeSince))) + " so far"
		if w != nil && w.Would > 0 {
			lasted += fmt.Sprintf(", %s of %s the same", num(w.Same), num(w.Would))
		}
	}
	p.Steps = []ladderStep{
		{Name: "Watch", Does: "Decide and record, write nothing", Came: lasted, Done: seen.Watched},
		{Name: "Plan", Does: "Read what would change, row by row", Done: seen.Planned},
		{Name: "One customer", Does: "Write one whom you can check", Done: seen.Tried},
		{Name: "Live", Does: "Sync every change as it comes"},
	}
	if seen.Plan != "" {
		p.Steps[1].Came, p.Steps[1].To = "Plan "+cut(seen.Plan, 8), "/plans/"+seen.Plan
	}
	if l.Tried > 0 {
		p.Steps[2].Came = plural(l.Tried, "customer")
	}
	here := map[contract.Next]int{contract.NextPlan: 1, contract.NextTryOne: 2, contract.NextGoLive: 3}[l.Next]
	if live {
		here = 3
		if p.Sync.ModeSince != nil {
			p.Steps[3].Came = "Since " + p.Sync.ModeSince.In(v.zone).Format("Jan 2, 2006")
		}
		switch {
		case p.Sync.Halted != nil:
			p.Steps[3].Came = "Halted"
		case p.Sync.Paused != nil:
			p.Steps[3].Came = "Paused"
		}
	}
	p.Steps[here].Here = true
	for i, s := range p.Steps {
		p.Steps[i].Icon = "open"
		if s.Done {
			p.Steps[i].Icon, p.Steps[i].Tone = "ok", "good"
		}
	}
	if live {
		p.Steps[3].Icon, p.Steps[3].Tone = p.Mode.Icon, p.Mode.Tone
	}
	at := "/syncs/" + url.PathEscape(p.Name)
	switch l.Next {
	case contract.NextPlan:
		p.Next = &nextStep{"Next step: a plan", "A plan compares both sides in full and lists what would change and why. It writes nothing.", "Make a plan", at + "/plans"}
	case contract.NextTryOne:
		p.Next = &nextStep{"Next step: one customer", "Pick someone in the plan whom you can look up in " + p.Target + ". Trueup writes that one record and goes on watching the others.", "Open the plan", "/plans/" + l.Plan}
	case contract.NextGoLive:
		p.Next = &nextStep{"Next step: live", "From then on each change in " + p.Source + " is written to " + p.Target + " as it comes. Only an admin can take a sync live.", "See what is ready", at + "/live"}
	}
	return nil
}
