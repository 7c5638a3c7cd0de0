package pages

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// onePage is one customer: three values, what happens next, the link, the history.
type onePage struct {
	contract.CustomerLine
	Word           *sourceWord // what the source says, where it asks for no value
	Path, Label    string
	Source, Target string // the connections
	Last           outcomeWord
	Equal, Proved  bool // desired and observed, observed and base
	Next           string
	Open           []store.Exception
	Days           []historyDay
	Everything     bool
	Decisions      string // how many there are
	Events         []eventLine
	WriteTo        string // where the latest plan's change can be written, "" without one
	Older          string
	LinkedAt       *time.Time
	ByPerson       string // who set the link
	Names          contract.Names
	// Wrote is Trueup's last write while it can be put back, nil otherwise.
	Wrote         *store.LastWrite
	MayAct, Admin bool
	Forgotten     bool
}

// eventLine is an event, and how it ended.
type eventLine struct {
	store.Event
	Came string
}

// historyDay is what happened on one day.
type historyDay struct {
	Title string
	Lines []historyLine
}

// historyLine is a decision, or a change of the link.
type historyLine struct {
	At         time.Time
	Icon, Tone string
	Title, Why string
	// For a write: what was there, and what is.
	Before, After             string
	BeforeStatus, AfterStatus status.Status
}

// mostHistory is how many decisions a page shows at most.
const mostHistory = 200

// one returns the customer that the address names.
func (v *visit) one() (store.Customer, error) {
	c, err := v.Store.Customer(v.ctx(), v.PathValue("sync"), v.PathValue("customer"))
	if errors.Is(err, store.ErrNotFound) {
		return c, &Refusal{Status: http.StatusNotFound, Title: "No customer with this id",
			Text: "It may have been forgotten, or its sync was renamed. Search for the customer.", Ways: []Way{{"Customers", "/customers"}}}
	}
	return c, err
}

// customerPage answers GET /customers/{sync}/{customer}.
func customerPage(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	most := 20
	if n, err := strconv.Atoi(v.FormValue("history")); err == nil && n > 0 {
		most = min(n, mostHistory)
	}
	decisions, err := v.Store.History(v.ctx(), c.Sync, c.Customer, most)
	if err != nil {
		return answer{}, err
	}
	links, err := v.Store.LinkHistory(v.ctx(), c.Sync, c.Customer, most)
	if err != nil {
		return answer{}, err
	}
	names, err := v.names(whosOf(c, links))
	if err != nil {
		return answer{}, err
	}
	p := onePage{CustomerLine: contract.CustomerLineOf(c), Path: customerPath(c.Sync, c.Customer), Label: cmp.Or(c.Name, c.Customer), Last: outcomeWords[c.Outcome],
		Everything: v.FormValue("only") == "all", MayAct: v.may(store.Operator), Admin: v.may(store.Admin), Forgotten: store.IsForgotten(c.Customer)}
	s := v.Syncs()[c.Sync]
	p.Word = v.wordOf(c)
	p.Source, p.Target = cmp.Or(s.Source.Connection, "the source"), cmp.Or(s.Target.Connection, "the target")
	p.Equal, p.Proved = c.Desired.Value == c.Observed.Value, c.Base.Known && c.Base.Value == c.Observed.Value
	p.Names, p.Next = names, v.nextOf(c, names)
	if p.Open, err = v.Store.Exceptions(v.ctx(), store.ExceptionFilter{Sync: c.Sync, Customer: c.Customer, States: []status.State{status.Open, status.Acknowledged}}); err != nil {
		return answer{}, err
	}
	if c.Outcome == status.Parked && c.Reason.IsZero() && len(p.Open) > 0 {
		p.Next = reason.CauseText(p.Open[0].Kind, capital(p.Source), capital(p.Target))
	}
	if c.Link != nil {
		p.LinkedAt = contract.Stamp(c.Link.At)
		if c.Link.Confidence == 1 && c.Link.By != "rule" && c.Link.By != "trueup" {
			p.ByPerson = names.Of(c.Link.By)
		}
	}
	wrote, err := v.Store.LastWrite(v.ctx(), c.Sync, c.Customer)
	if err != nil {
		return answer{}, err
	}
	if !wrote.IsZero() && wrote.Undone.IsZero() && wrote.Value == c.Observed.Value && c.Link != nil && wrote.RecordID == c.Link.TargetID {
		p.Wrote = &wrote
	}
	if err := v.beside(&p, c); err != nil {
		return answer{}, err
	}
	p.Days = historyDays(v, p, decisions, links, names)
	if len(decisions) == most && most < mostHistory {
		p.Older = fmt.Sprintf("%s?history=%d", p.Path, mostHistory)
		if p.Everything {
			p.Older += "&only=all"
		}
	}
	return answer{Page: "customer", Title: p.Label, Nav: "customers", Data: p}, nil
}

const (
	// eventsBeside is how many of the latest events stand beside the history, and
	// mostCounted how many decisions are counted.
	eventsBeside = 3
	mostCounted  = 1000
)

// beside adds the latest events, how many decisions there are, and whether the latest
// plan would write the customer.
func (v *visit) beside(p *onePage, c store.Customer) (err error) {
	events, err := v.Store.Events(v.ctx(), store.EventFilter{Sync: c.Sync, Customer: c.Customer, Limit: eventsBeside, Bare: true})
	if err != nil {
		return err
	}
	for _, e := range events {
		p.Events = append(p.Events, eventLine{e, outcomeWords[e.Outcome].Word})
	}
	n, err := v.Store.CountHistory(v.ctx(), c.Sync, c.Customer, mostCounted)
	if err != nil {
		return err
	}
	if p.Decisions = num(n); n == mostCounted {
		p.Decisions += " or more"
	}
	if !p.MayAct {
		return nil
	}
	w, err := v.writeOne(c)
	if w != nil && w.Refused == "" {
		p.WriteTo = p.Path + "/now#write"
	}
	return err
}

// whosOf are those whom a customer's page names.
func whosOf(c store.Customer, links []store.LinkChange) (whos []string) {
	if c.Link != nil {
		whos = append(whos, c.Link.By)
	}
	if c.Pin != nil {
		whos = append(whos, c.Pin.By)
	}
	for _, l := range links {
		whos = append(whos, l.Who)
	}
	return whos
}

// nextOf says what will happen next.
func (v *visit) nextOf(c store.Customer, names contract.Names) string {
	why := v.because(c.Sync, c.Reason)
	switch {
	case c.Pin != nil:
		return "By " + names.Of(c.Pin.By) + ": " + c.Pin.Reason + ". Events are stored, and nothing is written."
	case c.Outcome == "":
		return "It has not been looked at yet. It will be as soon as its turn comes."
	case !c.DueAt.IsZero():
		return "It is looked at again automatically. Last time: " + why + "."
	}
	if why != "" {
		return capital(why) + "."
	}
	return reason.Outcomes[c.Outcome]
}

// historyDays merges decisions and changes of the link, the latest first.
func historyDays(v *visit, p onePage, decisions []store.Decision, links []store.LinkChange, names contract.Names) []historyDay {
	var lines []historyLine
	s := v.Syncs()[p.Sync]
	for _, d := range decisions {
		if d.Action == "link" || d.Action == "unlink" || d.Outcome == status.AlreadyEqual && !p.Everything {
			continue // the change of the link tells the same
		}
		l := historyLine{At: d.At, Icon: "dot", Title: outcomeWords[d.Outcome].Word, Why: capital(v.because(p.Sync, d.Reason))}
		switch d.Outcome {
		case status.Applied:
			l.Icon, l.Tone, l.Title, l.Before, l.After = "arrow", "good", "Trueup changed "+capital(p.Target)+":", d.Observed, d.Desired
			l.BeforeStatus, l.AfterStatus = overview.StatusOf(s, d.Observed), overview.StatusOf(s, d.Desired)
		case status.AlreadyEqual:
			l.Icon, l.Tone = "ok", "good"
		case status.Held:
			l.Icon = "person"
		case status.Parked:
			l.Icon, l.Tone = "exceptions", "warn"
		case "":
			l.Title = "Looked at"
		}
		lines = append(lines, l)
	}
	for _, c := range links {
		l := historyLine{At: c.At, Icon: "link", Title: "Linked to the record " + c.NewTarget, Why: "By " + names.Of(c.Who) + ": " + reason.LinkWhy(c.Why)}
		if c.Who == "rule" {
			l.Why = "By the rule " + c.Why
		}
		if c.NewTarget == "" {
			l.Title = "Link to the record " + c.OldTarget + " removed"
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b historyLine) int { return b.At.Compare(a.At) })
	var days []historyDay
	for _, l := range lines {
		title := dayTitle(v, l.At)
		if n := len(days); n == 0 || days[n-1].Title != title {
			days = append(days, historyDay{Title: title})
		}
		days[len(days)-1].Lines = append(days[len(days)-1].Lines, l)
	}
	return days
}

// confirmLink answers POST …/confirm: a person says that the link is right.
func confirmLink(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	if c.Link == nil || c.Link.TargetID != v.PostFormValue("record") {
		return answer{}, moved("The link has changed since you opened the page.", customerPath(c.Sync, c.Customer))
	}
	l := store.Link{Sync: c.Sync, Customer: c.Customer, TargetID: c.Link.TargetID, Rule: "set", Confidence: 1, By: v.Person.Email}
	if err := v.Store.SetLink(v.ctx(), l); err != nil {
		return answer{}, err
	}
	return answer{To: customerPath(c.Sync, c.Customer), Said: "Confirmed: " + cmp.Or(c.Name, c.Customer) + " is the record " + l.TargetID + ". The customer is looked at again."}, nil
}

// moved is the refusal of a form whose page has changed meanwhile.
func moved(what, to string) error {
	return &Refusal{Status: http.StatusConflict, Title: "Nothing was changed", Text: what + " Look at it as it is now, then decide.", Ways: []Way{{"Look again", to}}}
}

// removeLink answers POST …/unlink.
func removeLink(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	to := customerPath(c.Sync, c.Customer)
	if c.Link == nil || c.Link.TargetID != v.PostFormValue("record") {
		return answer{}, moved("The link has changed since you opened the page.", to)
	}
	if err := v.Store.RemoveLink(v.ctx(), c.Sync, c.Customer, v.Person.Email); err != nil && !errors.Is(err, store.ErrNotFound) {
		return answer{}, err
	}
	return answer{To: to, Said: "The link is removed. The value in " + capital(cmp.Or(v.Syncs()[c.Sync].Target.Connection, "the target")) + " stays, and the match rules run again."}, nil
}

// undoWrite answers POST …/undo. Both tools are read first: what a person edited since
// stays.
func undoWrite(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	to := customerPath(c.Sync, c.Customer)
	done, err := v.Undo(v.ctx(), c.Sync, c.Customer, v.Person.Email)
	var refused *exceptions.RefusedError
	if errors.As(err, &refused) {
		return answer{}, &Refusal{Status: http.StatusConflict, Title: "It was not put back", Text: capital(refused.Error()) + ". " + capital(refused.Hint) + ".", Ways: []Way{{"Go back", to}}}
	}
	if err != nil {
		return answer{}, err
	}
	return answer{To: to, Said: "Put back and proved: " + done.From + " → " + cmp.Or(done.To, "empty") + ". The same value is not written again until " + capital(cmp.Or(v.Syncs()[c.Sync].Source.Connection, "the source")) + " changes."}, nil
}

// pinCustomer answers POST …/pin.
func pinCustomer(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	to := customerPath(c.Sync, c.Customer)
	p := store.Pin{Sync: c.Sync, Customer: c.Customer, By: v.Person.Email, Reason: strings.TrimSpace(v.PostFormValue("reason"))}
	if p.Reason == "" {
		return answer{}, &Refusal{Status: http.StatusUnprocessableEntity, Title: "A reason is missing", Text: "Nothing was changed. Say why the customer should be left alone: everyone sees it.", Ways: []Way{{"Go back", to}}}
	}
	if text := v.PostFormValue("until"); text != "" {
		if p.Until, err = time.ParseInLocation(time.DateOnly, text, v.zone); err != nil || !p.Until.After(v.now) {
			return answer{}, &Refusal{Status: http.StatusUnprocessableEntity, Title: "The end is not a day to come", Text: "Nothing was changed. Choose a later day, or leave it empty.", Ways: []Way{{"Go back", to}}}
		}
	}
	if _, err := exceptions.Pin(v.ctx(), v.Store, p); err != nil {
		return answer{}, refusedAct(err)
	}
	return answer{To: to, Said: "Pinned. Events are stored, and nothing is written to the record until someone unpins the customer."}, nil
}

// unpinCustomer answers POST …/unpin.
func unpinCustomer(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	ended, err := v.Store.Unpin(v.ctx(), c.Sync, c.Customer, v.Person.Email)
	if err != nil {
		return answer{}, err
	}
	said := "Unpinned. The customer is looked at again now."
	if ended == nil {
		said = "The customer was not pinned. Nothing was changed."
	}
	return answer{To: customerPath(c.Sync, c.Customer), Said: said}, nil
}
