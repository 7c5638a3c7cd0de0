package pages

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// layout is how the page of an exception is laid out.
type layout string

const (
	layoutMatch  layout = "match"  // the customer beside the records that may be it
	layoutMap    layout = "map"    // what each meaning would do, and the file
	layoutVersus layout = "versus" // two values, and what choosing each does
	layoutPlain  layout = "plain"  // what happened, and one main action
)

// layoutOf is the layout for a kind that was opened for a reason.
func layoutOf(k status.Kind, why reason.Reason) layout {
	switch k {
	case status.BrokenLink:
		if customerGone(k, why) {
			return layoutPlain
		}
		return layoutMatch
	case status.Unmatched, status.AmbiguousMatch, status.LowConfidence, status.DuplicateLink:
		return layoutMatch
	case status.UnmappedStatus:
		return layoutMap
	case status.Conflict, status.FirstContact, status.ConfirmChange:
		return layoutVersus
	}
	return layoutPlain
}

// customerGone reports whether the source has no such customer and none in its place, so that
// no record is looked for.
func customerGone(k status.Kind, why reason.Reason) bool {
	return k == status.BrokenLink && why.Has(reason.CustomerGone)
}

// exceptionShown is the page of one exception.
type exceptionShown struct {
	X              contract.ExceptionInFull
	Layout         layout
	Called         string
	Title, Lead    string
	KindName       string
	Why            string
	ListTo         string
	Source, Target string
	MayAct         bool
	Settled        string // "" for one that needs a person
	SawHistory     int64
	History        []happening
	Owners         []string
	Names          contract.Names
	Can            map[string]bool // what is offered, by verb
	Main           string          // of layoutPlain: the verb of the one main action, "" for none
	Advice         []string
	Customer       string // the address of the customer's page
	SyncTo         string

	Match  *matchShown
	Map    *mapShown
	Versus *versusShown
}

// happening is one line of what was done.
type happening struct {
	What, Who string
	At        *time.Time
}

// matchShown is the two sides of a match.
type matchShown struct {
	contract.Comparison
	Fields  []fieldShown // of the customer
	Trouble string       // why nothing could be read
	Rules   []string
	Watches bool     // a link writes nothing
	Aside   []string // records that no one could read: the one that is looked for may be among them
	Records []recordShown
}

// recordShown is a candidate.
type recordShown struct {
	contract.ComparedRecord
	Percent int
	Surest  bool // more than every other, and free
	Fields  []fieldShown
}

// fieldShown is one of its fields, and how like the customer's it is. Where only one of the tools was
// asked for it, Unread says so of the other.
type fieldShown struct {
	Name, Value, Class, Word string
	Unread                   bool
}

// mapShown is the choice of a meaning.
type mapShown struct {
	Value     string
	Customers int
	Meanings  []meaningShown
	Refused   string
	Lines     string
	Who       []rowShown
	AllTo     string
}

type meaningShown struct {
	contract.MapChange
	N      int
	Status status.Status
	Ignore bool
	Lines  []lineShown
	Edits  int
	Why    string // why it cannot be chosen
}

type lineShown struct{ Class, Number, Text string }

// versusShown is two values that disagree.
type versusShown struct {
	SourceStatus, TargetStatus status.Status
	Writes                     string // what would be written
	SourceAt, TargetAt         *time.Time
	By                         string
	Sure                       bool
	Confirm                    bool
	First                      bool // Trueup has never written the record: what it holds may be nobody's edit
	Watches                    bool
	Days                       []momentDay // the latest first
	Apart                      string
}

// exceptionPage answers GET /exceptions/{id}.
func exceptionPage(v *visit) (answer, error) {
	p, err := v.exceptionShown()
	if err != nil {
		return answer{}, err
	}
	return answer{Page: "exception", Title: p.Title, Nav: "exceptions", Data: p}, nil
}

// exceptionID is the number in an address.
func (v *visit) exceptionID() (int64, error) {
	id, err := strconv.ParseInt(v.PathValue("id"), 10, 64)
	if err != nil {
		return 0, noException
	}
	return id, nil
}

var noException = &Refusal{Status: http.StatusNotFound, Title: "There is no such exception", Text: "It may have been deleted with its customer or its sync.", Ways: []Way{{"Go to Exceptions", "/exceptions"}}}

func (v *visit) exceptionShown() (*exceptionShown, error) {
	id, err := v.exceptionID()
	if err != nil {
		return nil, err
	}
	full, err := exceptions.InFull(v.ctx(), v.Store, id)
	if errors.Is(err, store.ErrNotFound) {
		err = noException
	}
	if err != nil {
		return nil, err
	}
	x, err := v.Store.Exception(v.ctx(), id)
	if err != nil {
		return nil, err
	}
	s := v.Syncs()[full.Sync]
	p := &exceptionShown{X: full, Layout: layoutOf(full.Kind, x.Reason), Called: cmp.Or(full.Name, full.Customer, full.Sync), KindName: reason.KindNames[full.Kind], MayAct: v.may(store.Operator),
		Source: capital(cmp.Or(s.Source.Connection, "the source")), Target: capital(cmp.Or(s.Target.Connection, "the target")), Can: map[string]bool{},
		ListTo: "/exceptions?" + url.Values{"kind": {string(full.Kind)}}.Encode(), SyncTo: "/syncs/" + url.PathEscape(full.Sync)}
	if full.Customer != "" {
		p.Customer = "/customers/" + url.PathEscape(full.Sync) + "/" + url.PathEscape(full.Customer)
	}
	p.Title, p.Lead = p.Called+": "+p.KindName, reason.CauseText(full.Kind, p.Source, p.Target)
	if customerGone(full.Kind, x.Reason) {
		p.Lead = p.Source + " has no customer with this id. Nothing is written."
	}
	p.Why = v.because(full.Sync, x.Reason)
	for _, o := range full.Offers {
		p.Can[o.Verb] = true
	}
	for _, m := range full.Remedies {
		p.Advice = append(p.Advice, m.Does)
	}
	why, err := v.closedBecause(x)
	if err != nil {
		return nil, err
	}
	p.history(full, why)
	owners := []causeShown{{Rows: []rowShown{{Exception: full.Exception}}}}
	p.Owners = ownersOf(v, owners)
	whos := slices.Clone(p.Owners)
	for _, h := range p.History {
		whos = append(whos, h.Who)
	}
	if p.Names, err = v.names(append(whos, full.Owner)); err != nil {
		return nil, err
	}
	if full.State == status.Resolved {
		p.Lead = "" // it says what waits for a person
	}
	if full.State == status.Resolved || full.State == status.StateIgnored {
		p.Settled = fmt.Sprintf("It is %s.", full.State)
	}
	switch p.Layout {
	case layoutMatch:
		err = v.fillMatch(p, x, s)
	case layoutMap:
		err = v.fillMap(p, x, s)
	case layoutVersus:
		err = v.fillVersus(p, x, s)
	default:
		if p.Can["retry"] {
			p.Main = "retry"
		}
	}
	return p, err
}

// closedBecause says why Trueup closed an exception, by when: what it decided about the
// customer then.
func (v *visit) closedBecause(x store.Exception) (map[time.Time]string, error) {
	if x.State != status.Resolved || x.Customer == "" {
		return nil, nil
	}
	decisions, err := v.Store.History(v.ctx(), x.Sync, x.Customer, mostHistory)
	why := map[time.Time]string{}
	for _, d := range decisions {
		switch d.Outcome {
		case status.Applied:
			why[d.At] = capital(v.Syncs()[x.Sync].Target.Connection) + " was changed to " + d.Desired
		case status.AlreadyEqual:
			why[d.At] = "both show " + d.Desired
		default:
			why[d.At] = v.because(x.Sync, d.Reason)
		}
	}
	return why, err
}

// did says what was done, by verb.
var did = map[string]string{"suggested": "Looked for similar records"}

func (p *exceptionShown) history(full contract.ExceptionInFull, closedBecause map[time.Time]string) {
	for _, a := range slices.Backward(full.History) {
		p.SawHistory = max(p.SawHistory, a.ID)
		what := did[a.Verb]
		if words, ok := reason.Offers[reason.Verb(a.Verb)]; ok && what == "" {
			what = capital(strings.TrimSuffix(words.Done, ","))
		}
		if a.Verb == "closed" {
			what, a.Note = "Closed: "+cmp.Or(a.Note, closedBecause[*a.At], "its cause is gone"), ""
		}
		if a.Note != "" {
			what += " " + a.Note
		}
		p.History = append(p.History, happening{What: cmp.Or(what, a.Verb), Who: itselfOr(a.Who), At: a.At})
	}
	p.History = append(p.History, happening{What: "Opened", Who: "Trueup", At: full.FirstSeen})
}

func itselfOr(who string) string {
	if who == "trueup" {
		return "Trueup"
	}
	return who
}

func (v *visit) fillMatch(p *exceptionShown, x store.Exception, s config.Sync) error {
	p.Title = fmt.Sprintf("Which %s record is %s?", p.Target, p.Called)
	m := &matchShown{Watches: s.Watches()}
	for _, r := range s.MatchRules() {
		m.Rules = append(m.Rules, r.String())
	}
	p.Match = m
	if !p.MayAct { // the two records are shown to those who settle it
		m.Trouble = "The records are shown to people who can act."
		return nil
	}
	last, err := v.Store.Sweeps(v.ctx(), x.Sync, 1)
	if err != nil {
		return err
	}
	if len(last) > 0 {
		m.Aside = contract.SetAsideOf(last[0]).OfTarget().Texts(p.Source, p.Target)
	}
	c, err := v.Compare(v.ctx(), x)
	var refused *exceptions.RefusedError
	if errors.As(err, &refused) {
		m.Trouble = refused.Why
		return nil
	}
	if err != nil {
		return err
	}
	m.Comparison, m.Fields = c, fieldsOf(c.Customer, c)
	for i, r := range c.Candidates {
		surest := i == 0 && (len(c.Candidates) == 1 || r.Confidence > c.Candidates[1].Confidence)
		shown := recordShown{ComparedRecord: r, Percent: int(r.Confidence*100 + 0.5), Surest: surest && r.LinkedTo == "" && r.Error == ""}
		shown.Fields = fieldsOf(r, c)
		m.Records = append(m.Records, shown)
	}
	return nil
}

// fieldsOf are the fields of a record of a comparison, the customer's own or a candidate's.
func fieldsOf(r contract.ComparedRecord, c contract.Comparison) (all []fieldShown) {
	for i, f := range r.Fields {
		s := fieldShown{Name: f.Field, Value: f.Value}
		switch f.Likeness {
		case identity.Same:
			s.Class, s.Word = "same", "= Same"
		case identity.Close:
			s.Class, s.Word = "near", "≈ Close"
		case identity.Different:
			s.Class, s.Word = "diff", "≠ Different"
		}
		s.Unread = f.Value == "" && !slices.ContainsFunc(c.Candidates, func(o contract.ComparedRecord) bool { return o.Fields[i].Likeness != identity.NotCompared })
		all = append(all, s)
	}
	return all
}

func (v *visit) fillMap(p *exceptionShown, x store.Exception, s config.Sync) error {
	if x.SourceValue == "" || p.Settled != "" || s.Name == "" {
		p.Layout = layoutPlain
		if p.Can["retry"] {
			p.Main = "retry"
		}
		return nil
	}
	p.Title, p.Lead = fmt.Sprintf("What does %s mean?", cut(x.SourceValue, 80)), ""
	m := &mapShown{Value: x.SourceValue, AllTo: "/exceptions?" + url.Values{"sync": {x.Sync}, "kind": {string(x.Kind)}, "cause": {x.Cause}}.Encode()}
	for i, word := range mapchange.Meanings(s) {
		c, err := v.PreviewMeaning(v.ctx(), mapchange.Request{Sync: x.Sync, Value: x.SourceValue, Meaning: word})
		shown := meaningShown{N: i, Ignore: word == mapchange.Ignore, Status: status.Status(word)}
		var refused *mapchange.RefusedError
		switch {
		case errors.As(err, &refused):
			shown.Why = refused.Why
			m.Refused, m.Lines = refused.Hint, refused.Lines
			c.Meaning = word
		case err != nil:
			return err
		default:
			m.Customers = c.Effect.Customers
		}
		shown.MapChange = c
		for _, l := range c.Lines {
			shown.Lines = append(shown.Lines, fileLineOf(l))
			if l.Change == contract.LineAdded {
				shown.Edits++
			}
		}
		m.Meanings = append(m.Meanings, shown)
	}
	who, err := v.Store.Exceptions(v.ctx(), store.ExceptionFilter{Sync: x.Sync, Kind: x.Kind, Cause: x.Cause, States: store.NeedPerson, Limit: 5})
	for _, one := range who {
		m.Who = append(m.Who, v.rowShown(one))
	}
	p.Map = m
	return err
}

func fileLineOf(l contract.FileLine) lineShown {
	s := lineShown{Number: strconv.Itoa(l.Number), Text: l.Text}
	switch l.Change {
	case contract.LineRemoved:
		s.Class, s.Number = "del", s.Number+" −"
	case contract.LineAdded:
		s.Class, s.Number = "add", s.Number+" +"
	}
	return s
}

// momentsRead is how many decisions the order of events is told of.
const momentsRead = 20

func (v *visit) fillVersus(p *exceptionShown, x store.Exception, s config.Sync) error {
	if x.State == status.Resolved { // the values may have changed since
		p.Layout = layoutPlain
		return nil
	}
	words := overview.Words(s)
	w := &versusShown{TargetStatus: words.Target(x.TargetValue), Sure: x.Confidence >= 1, Confirm: x.Kind == status.ConfirmChange, First: x.Kind == status.FirstContact, Watches: s.Watches()}
	if m, err := words.Source(x.SourceValue); err == nil {
		w.SourceStatus, w.Writes = m.Status, m.Value
	}
	switch {
	case w.Confirm:
		p.Title, p.Lead = p.Called+": write this change?", "The sync’s transitions let this change be written only after a person confirms it."
	case w.First:
		p.Title, p.Lead = p.Called+": who is right?", fmt.Sprintf("%s and %s disagree, and Trueup has never written this record, so nobody knows which is right.", p.Source, p.Target)
	case w.Sure:
		p.Title, p.Lead = p.Called+": who is right?", fmt.Sprintf("%s and %s disagree, and a person made the newer change. Trueup left that edit alone.", p.Source, p.Target)
	default:
		p.Title, p.Lead = p.Called+": we can’t tell which change is newer", fmt.Sprintf("%s and %s disagree. Trueup left %s’s value alone.", p.Source, p.Target, p.Target)
	}
	p.Versus = w
	c, err := v.Store.Customer(v.ctx(), x.Sync, x.Customer)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.SourceAt, w.TargetAt, w.By = contract.Stamp(c.Desired.At), contract.Stamp(c.Observed.At), c.Observed.By
	if w.By == string(status.ActorUs) {
		w.By = "Trueup"
	}
	if !w.First {
		w.Apart = apart(w.SourceAt, w.TargetAt)
	}
	decisions, err := v.Store.History(v.ctx(), x.Sync, x.Customer, momentsRead)
	w.Days = v.daysOf(v.timelineOf(x.Sync, decisions))
	return err
}
