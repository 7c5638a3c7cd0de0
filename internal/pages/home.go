package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func homeRoutes() []route {
	return []route{{http.MethodGet, "/{$}", store.Viewer, home}}
}

// homePage is what needs a person, then each sync.
type homePage struct {
	Title, Lead string
	Halts       []haltCard
	Needs       []need
	// All is how many exceptions are open, Customers and Whole how many customers, and
	// syncs as a whole, wait for a person by them. More is how many causes are not among
	// Needs, and MoreCustomers how many customers those have.
	All, Customers, Whole, More, MoreCustomers int
	Next                                       []need // the first of those that are not among Needs
	Calm                                       string
	Syncs                                      []syncCard
	Now                                        time.Time
}

// need is one thing that a person must see to.
type need struct {
	Icon, Class, Title, Value, Why string
	To                             string
	Since                          *time.Time
	Oldest                         bool
	Do, DoTo                       string
}

// needsShown is how many causes the first page shows, nextNamed how many more it names.
const (
	needsShown = 4
	nextNamed  = 2
)

// home answers GET /.
func home(v *visit) (answer, error) {
	s, err := v.Status(v.ctx())
	if err != nil {
		return answer{}, err
	}
	h := homePage{Now: v.now}
	for _, row := range s.Syncs {
		v.namePeople(&row)
		h.Syncs = append(h.Syncs, cardOf(v, row, s.Connections))
		if row.Halted != nil {
			h.Halts = append(h.Halts, haltOf(v, row))
		}
		for _, n := range row.OpenExceptions {
			h.All += n
		}
	}
	h.Customers, h.Whole = overview.Needing(func(yield func(store.Asked) bool) {
		for _, row := range s.Syncs {
			if !yield(row.Asked) {
				return
			}
		}
	})
	causes, err := v.Store.Causes(v.ctx(), store.ExceptionFilter{States: store.NeedPerson}, store.Cause{}, needsShown+100)
	if err != nil {
		return answer{}, err
	}
	told := map[string]bool{} // the syncs of which an alarm tells that a connection fails
	for _, a := range s.Alarms {
		if a.Alarm != status.AlarmHalted && a.Alarm != status.AlarmOverdue {
			h.Needs = append(h.Needs, alarmed(v, a, s.Syncs, causes))
		}
		told[a.Sync] = told[a.Sync] || a.Alarm == status.AlarmConnectionFailed
	}
	if n, ok := fileNeed(v); ok {
		h.Needs = append(h.Needs, n)
	}
	kept, shown := 0, 0
	for _, c := range causes {
		if c.Kind == status.MassChange { // the banner
			continue
		}
		kept++
		if c.Kind == status.ConnectionFailed && told[c.Sync] {
			continue
		}
		if shown++; shown <= needsShown {
			h.Needs = append(h.Needs, needOf(v, c))
		} else {
			h.More++
			if !c.Whole {
				h.MoreCustomers += c.Customers
			}
			if len(h.Next) < nextNamed {
				h.Next = append(h.Next, needOf(v, c))
			}
		}
	}
	h.say(s, kept)
	live := []part{{"needs", "needs", h}}
	for _, c := range h.Syncs {
		live = append(live, part{"sync-" + c.Sync.Sync, "card", c})
	}
	return answer{Page: "home", Title: "Home", Nav: "home", Data: h, Live: live}, nil
}

// say puts the page's head into words.
func (h *homePage) say(s contract.Status, causes int) {
	halted := len(h.Halts)
	overdue, stays := 0, 0
	for _, row := range s.Syncs {
		for _, n := range row.OverdueExceptions {
			overdue += n
		}
		stays += max(0, row.Held-row.HeldAsked)
	}
	silent := ""
	for _, a := range s.Alarms {
		if a.Alarm == status.AlarmSilent {
			silent = capital(a.Connection)
		}
	}
	switch {
	case halted > 0:
		h.Title, h.Lead = plural(halted, "sync is halted", "syncs are halted"), "Nothing is lost. Nothing more is written to the statuses below until someone decides."
		if halted == 1 {
			h.Title = "One sync is halted"
		}
	case silent != "":
		h.Title, h.Lead = silent+" has gone silent", "Nobody needs you besides."
		if h.All > 0 {
			h.Lead = "And " + needPerson(h.Customers, h.Whole) + "."
		}
	case h.All > 0:
		h.Title = needPerson(h.Customers, h.Whole)
		h.Lead = plural(causes, "cause") + " in " + plural(len(s.Syncs), "sync") + "."
		if overdue > 0 {
			h.Lead += " " + plural(overdue, "is overdue.", "are overdue.")
		}
	case len(h.Needs) > 0:
		h.Title, h.Lead = "Something needs you", "No customer waits for a person."
	case len(s.Syncs) == 0:
		h.Title, h.Lead = "No sync yet", "Write one in trueup.yaml, or set one up here."
	default:
		h.Title = "All clear"
	}
	if len(h.Needs) == 0 && h.All == 0 && len(s.Syncs) > 0 {
		h.Calm = "Every exception is settled."
		if stays > 0 {
			h.Calm += " " + plural(stays, "customer differs because a person chose that, and stays so.", "customers differ because a person chose that; those stay.")
		}
	}
}

// alarmed is an alarm as something that a person must see to.
func alarmed(v *visit, a contract.Alarm, syncs []contract.Sync, causes []store.Cause) need {
	n := need{Icon: "warning", Class: "bad", Title: capital(a.Text), Why: a.Sync, To: "/syncs/" + url.PathEscape(a.Sync), Since: a.Since, Do: "Open the sync", DoTo: "/syncs/" + url.PathEscape(a.Sync)}
	switch a.Alarm {
	case status.AlarmPaused:
		n.Icon, n.Class = "pause", ""
	case status.AlarmSilent:
		for _, row := range syncs {
			if row.Sync == a.Sync && row.Silence != nil {
				n.Title = capital(a.Connection) + " has been silent for " + length(v.now.Sub(*row.Silence.Since))
				n.Why = "In the week before it was never silent for longer than " + length(seconds(row.Silence.LongestBefore)) + ". Its webhook may be off"
			}
		}
	case status.AlarmConnectionFailed:
		for _, c := range causes {
			if c.Sync == a.Sync && c.Kind == status.ConnectionFailed {
				n.To = fmt.Sprintf("/exceptions/%d", c.Latest)
				n.Do, n.DoTo = "See what failed", n.To
			}
		}
	}
	if a.Remedy.Verb == reason.Plan {
		n.Why += ": " + a.Remedy.Does
		n.Do, n.DoTo = "Make a plan", plansPath(a.Sync)
	}
	return n
}

// needOf is a cause of exceptions as something that a person must see to.
func needOf(v *visit, c store.Cause) need {
	s := v.Syncs()[c.Sync]
	to := fmt.Sprintf("/exceptions/%d", c.Latest)
	n := need{Icon: "alert", Since: &c.Oldest, Oldest: c.Customers > 1, To: "/exceptions?sync=" + url.QueryEscape(c.Sync) + "&kind=" + url.QueryEscape(string(c.Kind)), DoTo: to}
	source, target := capital(s.Source.Connection), capital(s.Target.Connection)
	n.Title = reason.CauseTitle(c.Kind, c.Customers, source, target, c.Sync)
	n.Why, n.Do = reason.CauseHelp(c.Kind, source, target)
	if c.Kind == status.UnmappedStatus {
		n.Value = c.Cause
	}
	return n
}

// haltCard is the banner of a halted sync.
type haltCard struct {
	Sync                     contract.Sync
	Title, Limit, Common     string
	Changes                  []contract.HaltChange
	May                      bool
	Waiting                  int
	Source, Target, Statuses string
}

// haltOf puts a halt into words.
func haltOf(v *visit, row contract.Sync) haltCard {
	h := haltCard{Sync: row, Waiting: row.Halted.WaitingCustomers, Changes: row.Halted.Changes, Source: capital(row.Source.Connection), Target: capital(row.Target.Connection), May: v.may(store.Operator)}
	c := v.Syncs()[row.Sync]
	h.Title = row.Sync + " is halted"
	to := ""
	for _, change := range row.Halted.Changes {
		switch {
		case change.Written == 0: // those wait
		case to == "" || to == change.After:
			to = change.After
		default:
			to = "several values"
		}
	}
	if n := row.Halted.Written; n > 0 && to != "" && row.Halted.First != nil {
		h.Title += ": " + plural(n, "customer moved", "customers moved") + " to " + to + " in " + length(max(time.Minute, row.Halted.Since.Sub(*row.Halted.First)))
	}
	h.Statuses, h.Limit = massChange(c)
	return h
}

// massChange names the statuses that a halt stops, and the limit.
func massChange(c config.Sync) (statuses, limit string) {
	if c.Limits == nil || c.Limits.MassChange == nil {
		return "what counts toward the limit", ""
	}
	m := c.Limits.MassChange
	var names []string
	for _, s := range m.To {
		names = append(names, capital(string(s)))
	}
	slices.Sort(names)
	within := strings.TrimPrefix(length(m.Within), "1 ")
	if within != length(m.Within) {
		within = "one " + within
	}
	return strings.Join(names, " or "), m.Limit() + " within " + within
}

// syncCard is one sync on the first page.
type syncCard struct {
	Sync           contract.Sync
	Source, Target string
	Mode           modeWord
	Curve          *curve
	Bars           []bar
	Events         int
	Rhythm         string
	NeedPerson     int
	HeldQuiet      int
	Calls          calls
	Watched        string // for how long
	Did            []piece
	Median         string
	Longest        string
	// Share is Agree of Carried: at the last full comparison, as everywhere else, or before
	// the first one at the last look at each customer who was looked at.
	Share          *float64
	Agree, Carried int
	ComparedAt     *time.Time
}

// calls is what is left of a target's calls.
type calls struct {
	Name       string
	RestsUntil *time.Time
	Left, Most int
	Day        bool
	Each       string
	Known      bool
	Bar        string
	Low        bool
}

func cardOf(v *visit, row contract.Sync, all []contract.ConnectionState) syncCard {
	c := syncCard{Sync: row, Source: capital(row.Source.Connection), Target: capital(row.Target.Connection), Mode: modeOf(row.Mode, row.Halted != nil, row.Paused != nil),
		Curve: curveOf(row.AgreementCurve, v.now, row.Target.Connection), Bars: bars(row.EventsByHour), Rhythm: rhythm(row.Rhythm), HeldQuiet: max(0, row.Held-row.HeldAsked)}
	c.Share, c.Agree, c.Carried = row.Agreement.Share, row.Agreement.Agree, row.Agreement.Carried
	if len(row.Sweeps) > 0 && row.Sweeps[0].Agreement != nil && !row.Sweeps[0].Stale {
		last := row.Sweeps[0]
		c.Share, c.Agree, c.Carried, c.ComparedAt = last.Agreement, last.Agree, last.Carried, last.At
	}
	for _, n := range row.EventsByHour {
		c.Events += n
	}
	c.NeedPerson = row.Asked.Customers
	if row.Silence != nil {
		c.Longest = length(seconds(row.Silence.LongestBefore))
	}
	c.Calls = callsOf(row.Target.Connection, all)
	if w := row.Watching; w != nil {
		c.Did = pieces(w.Same, w.Otherwise, w.NotYet+w.Overtaken)
		if w.MedianSeconds != nil {
			c.Median = length(seconds(*w.MedianSeconds))
		}
		if row.ModeSince != nil {
			c.Watched = length(max(time.Minute, v.now.Sub(*row.ModeSince)))
		}
	}
	return c
}

func callsOf(name string, all []contract.ConnectionState) calls {
	c := calls{Name: capital(name)}
	for _, state := range all {
		if state.Connection != name {
			continue
		}
		c.RestsUntil = state.RestsUntil
		if r := state.Rate; r != nil {
			c.Left, c.Most, c.Known = r.Free, r.Requests, true
			c.Each = "within " + length(seconds(r.PerSeconds))
			if r.PerSeconds == 1 {
				c.Each = "each second"
			}
		}
		if b := state.Budget; b != nil {
			c.Left, c.Most, c.Known, c.Day = b.Left, b.Limit, true, true
			left := 100 * float64(b.Left) / float64(max(1, b.Limit))
			c.Bar, c.Low = fmt.Sprintf("%.1f", left), left < 10
		}
	}
	return c
}
