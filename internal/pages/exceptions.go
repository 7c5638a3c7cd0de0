package pages

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func exceptionRoutes() []route {
	return []route{
		{http.MethodGet, "/exceptions", store.Viewer, exceptionList},
		{http.MethodGet, "/exceptions/{id}", store.Viewer, exceptionPage},
		{http.MethodPost, "/exceptions/act", store.Operator, actOnChosen},
		{http.MethodPost, "/exceptions/{id}/act", store.Operator, actOnOne},
		{http.MethodPost, "/exceptions/{id}/map", store.Operator, saveMeaning},
	}
}

const (
	causesShown = 12 // on a page
	rowsShown   = 3  // of a cause
	rowsAlone   = 50 // of a cause that is looked at alone
)

// exceptionsShown is the page of the list.
type exceptionsShown struct {
	Filter   exceptionFilter
	Here     string // its address
	Total    int    // that are open, whatever is chosen
	Title    string // who needs a person, whatever is chosen
	NCauses  int
	States   []stateTab
	Syncs    []string
	Kinds    []option
	Owners   []string
	Names    contract.Names
	Causes   []causeShown
	Flat     bool // the rows are in one list, the latest first
	More     string
	MayAct   bool
	NoneText string
	Source   string // whose change ends an ignoring, for the button
}

// stateTab is one of the states to choose from.
type stateTab struct {
	Word, To string
	N        int
	Counted  bool
	Current  bool
}

// causeShown is a cause with its rows.
type causeShown struct {
	store.Cause
	ID, Title, Value, Text string
	Source, Target         string
	Rows                   []rowShown
	Rest                   int
	RestTo                 string
	// Settle is the page on which the whole cause is settled; Again is the value of
	// the button that checks all of its customers.
	Settle, SettleLabel string
	Again, AgainLabel   string
}

// rowShown is one exception in the list.
type rowShown struct {
	contract.Exception
	Called        string
	KindName      string
	Why           string
	Source        string
	Target        string
	SourceStatus  status.Status
	TargetStatus  status.Status
	Best          string
	Late          bool
	Button        string // "" is none
	Retry, Quiet  bool   // the button checks again; it is not the row's main thing
	Versus, Match bool
}

// exceptionList answers GET /exceptions.
func exceptionList(v *visit) (answer, error) {
	f := filterOf(v.URL.Query())
	p := exceptionsShown{Filter: f, Here: v.URL.RequestURI(), MayAct: v.may(store.Operator), Syncs: slices.Sorted(maps.Keys(v.Syncs())), Source: "the source"}
	for _, kind := range status.Kinds {
		p.Kinds = append(p.Kinds, option{string(kind), reason.KindNames[kind], string(kind) == f.Kind})
	}
	if s, ok := v.Syncs()[cmp.Or(f.Sync, only(p.Syncs))]; ok {
		p.Source = capital(s.Source.Connection)
	}
	if err := p.count(v); err != nil {
		return answer{}, err
	}
	if err := p.fill(v); err != nil {
		return answer{}, err
	}
	p.Owners = ownersOf(v, p.Causes)
	var err error
	if p.Names, err = v.names(append(slices.Clone(p.Owners), p.Filter.Owner)); err != nil {
		return answer{}, err
	}
	if len(p.Causes) == 0 {
		p.NoneText = f.none(p.Total, p.Names)
	}
	return answer{Page: "exceptions", Title: "Exceptions", Nav: "exceptions", Data: p}, nil
}

func only(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return ""
}

// count fills in how many there are of each state under the same filter.
func (p *exceptionsShown) count(v *visit) error {
	f := p.Filter.chosen(v)
	f.States = []status.State{status.Open, status.Acknowledged, status.StateIgnored}
	counts, err := v.Store.ExceptionCounts(v.ctx(), f)
	if err != nil {
		return err
	}
	all, err := v.Store.ExceptionCounts(v.ctx(), store.ExceptionFilter{States: store.NeedPerson})
	if err != nil {
		return err
	}
	p.Total = all[status.Open] + all[status.Acknowledged]
	asked, err := v.Store.Asked(v.ctx())
	if err != nil {
		return err
	}
	p.Title = needPerson(overview.Needing(maps.Values(asked)))
	n := map[string]int{"open": counts[status.Open] + counts[status.Acknowledged], "acknowledged": counts[status.Acknowledged], "ignored": counts[status.StateIgnored]}
	for _, word := range []string{"open", "acknowledged", "ignored", "resolved"} {
		p.States = append(p.States, stateTab{Word: capital(word), To: p.Filter.link("state", word), N: n[word], Counted: word != "resolved", Current: word == p.Filter.State})
	}
	return nil
}

// fillSettled reads a page of those that are resolved, by number. They are the history
// of all that ever was: nobody counts or groups it.
func (p *exceptionsShown) fillSettled(v *visit, f store.ExceptionFilter) error {
	f.Limit = rowsAlone + 1
	if before, err := strconv.ParseInt(v.URL.Query().Get("before"), 10, 64); err == nil {
		f.Before = max(0, before)
	}
	rows, err := v.Store.Exceptions(v.ctx(), f)
	if err != nil || len(rows) == 0 {
		return err
	}
	g := causeShown{ID: "g-1", Title: "Resolved, the latest first", Text: "What an exception was about, and how it ended, is on its page."}
	if len(rows) > rowsAlone {
		rows = rows[:rowsAlone]
		g.RestTo = p.Filter.link("before", fmt.Sprint(rows[rowsAlone-1].ID))
	}
	for _, x := range rows {
		g.Rows = append(g.Rows, v.rowShown(x))
	}
	p.Causes, p.NCauses, p.Flat = []causeShown{g}, 1, true
	return nil
}

// fill reads the causes, and some rows of each.
func (p *exceptionsShown) fill(v *visit) error {
	f := p.Filter.chosen(v)
	if p.Filter.State == string(status.Resolved) {
		return p.fillSettled(v, f)
	}
	var after store.Cause
	if text := v.URL.Query().Get("after"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err == nil {
			err = json.Unmarshal(raw, &after)
		}
		if err != nil {
			return &Refusal{Status: http.StatusBadRequest, Title: "This address is cut off", Text: "Open the list again.", Ways: []Way{{"Go to Exceptions", "/exceptions"}}}
		}
	}
	causes, err := v.Store.Causes(v.ctx(), f, after, causesShown+1)
	if err != nil {
		return err
	}
	if len(causes) > causesShown {
		causes = causes[:causesShown]
		last, err := json.Marshal(causes[causesShown-1])
		if err != nil {
			return err
		}
		p.More = p.Filter.link("after", base64.RawURLEncoding.EncodeToString(last))
	}
	most := rowsShown
	if len(causes) == 1 && p.Filter.Kind != "" {
		most = rowsAlone
	}
	for i, c := range causes {
		shown, err := v.causeShown(c, f, most, p.Filter)
		if err != nil {
			return err
		}
		shown.ID = fmt.Sprintf("g-%d", i+1)
		p.Causes = append(p.Causes, shown)
	}
	p.NCauses = len(p.Causes)
	return nil
}

// causeShown reads some rows of a cause.
func (v *visit) causeShown(c store.Cause, f store.ExceptionFilter, most int, at exceptionFilter) (causeShown, error) {
	s := v.Syncs()[c.Sync]
	g := causeShown{Cause: c, Source: capital(cmp.Or(s.Source.Connection, "the source")), Target: capital(cmp.Or(s.Target.Connection, "the target"))}
	g.Text = reason.CauseText(c.Kind, g.Source, g.Target)
	g.Title = reason.CauseTitle(c.Kind, c.Customers, g.Source, g.Target, c.Sync)
	of := c.Of(f)
	of.Limit = most + 1
	before, err := strconv.ParseInt(cmp.Or(v.URL.Query().Get("before"), "0"), 10, 64)
	if err == nil && most == rowsAlone {
		of.Before = before
	}
	rows, err := v.Store.Exceptions(v.ctx(), of)
	if err != nil {
		return g, err
	}
	to := []string{"sync", c.Sync, "kind", string(c.Kind), "cause", c.Cause, "own", map[bool]string{true: "1"}[c.Cause == ""]}
	if len(rows) > most {
		rows = rows[:most]
		g.Rest = c.Customers - most
		if most == rowsAlone { // how many there are behind this page is not counted
			g.Rest = 0
			to = append(to, "before", fmt.Sprint(rows[most-1].ID))
		}
		g.RestTo = at.link(to...)
	}
	for _, x := range rows {
		g.Rows = append(g.Rows, v.rowShown(x))
	}
	if c.Kind == status.UnmappedStatus && len(rows) > 0 {
		g.Value = rows[0].SourceValue
		if g.Value == "" { // the status has vanished: there is nothing to map
			g.Title = fmt.Sprintf("%s no longer tells the status of %s", g.Source, status.Plural(c.Customers, "customer"))
			g.Text = capital(v.because(c.Sync, rows[0].Reason))
		} else {
			g.Settle, g.SettleLabel = fmt.Sprintf("/exceptions/%d", rows[0].ID), "Add to the map"
		}
	}
	if c.Kind == status.WriteFailed || c.Kind == status.ConnectionFailed || c.Kind == status.UnreadableEvent {
		if len(rows) > 0 {
			g.Text = capital(cut(v.because(c.Sync, rows[0].Reason), 300))
		}
	}
	if c.Kind == status.MassChange {
		g.Settle, g.SettleLabel = "/syncs/"+url.PathEscape(c.Sync), "Look at the sync"
	}
	if again(c.Kind) && at.State == "open" {
		g.Again = strings.Join([]string{c.Sync, string(c.Kind), c.Cause}, "\n")
		g.AgainLabel = "Look again"
		if c.Customers > 1 {
			g.AgainLabel = fmt.Sprintf("Look again at all %s", num(c.Customers))
		}
	}
	return g, nil
}

// again reports whether checking all customers of a cause may settle it.
func again(k status.Kind) bool {
	return slices.Contains([]status.Kind{status.Unmatched, status.WriteFailed, status.ConnectionFailed, status.BrokenLink, status.NeverSticks, status.LoopSuspected}, k)
}

func (v *visit) rowShown(x store.Exception) rowShown {
	s := v.Syncs()[x.Sync]
	words := overview.Words(s)
	r := rowShown{Exception: contract.ExceptionOf(x), Called: cmp.Or(x.Name, x.Customer, "The whole sync"), KindName: reason.KindNames[x.Kind], Source: capital(s.Source.Connection), Target: capital(s.Target.Connection),
		TargetStatus: words.Target(x.TargetValue), Why: v.because(x.Sync, x.Reason)}
	if m, err := words.Source(x.SourceValue); err == nil {
		r.SourceStatus = m.Status
	}
	r.Late = (x.State == status.Open || x.State == status.Acknowledged) && s.RemindAfter > 0 && v.now.Sub(x.WaitsSince) >= s.RemindAfter
	if len(x.Candidates) > 0 {
		r.Best = fmt.Sprintf("%.0f%%", x.Candidates[0].Confidence*100)
	}
	switch layoutOf(x.Kind, x.Reason) {
	case layoutMatch:
		r.Match, r.Button = true, "Find the record"
		if x.Kind == status.AmbiguousMatch || x.Kind == status.LowConfidence {
			r.Button = "Choose"
		}
		if x.Kind == status.Unmatched && len(x.Candidates) == 0 {
			r.Button, r.Retry = "Look again", true
		}
	case layoutVersus:
		r.Versus, r.Button = true, "Decide"
	case layoutMap:
		r.Button, r.Quiet = "Details", true
	default:
		r.Button, r.Quiet = "Details", true
		if x.Customer != "" {
			r.Button, r.Retry, r.Quiet = "Look again", true, false
		}
	}
	if x.State == status.StateIgnored || x.State == status.Resolved {
		r.Button, r.Retry, r.Quiet = "Details", false, true
	}
	return r
}

// ownersOf are the owners that can be chosen: those of the file, of what is shown,
// and who is signed in.
func ownersOf(v *visit, causes []causeShown) []string {
	all := map[string]string{} // an address is the same however it is written
	add := func(owner string) {
		if key := strings.ToLower(owner); owner != "" && all[key] == "" {
			all[key] = owner
		}
	}
	if v.may(store.Operator) {
		add(v.Person.Email)
	}
	for _, sync := range slices.Sorted(maps.Keys(v.Syncs())) {
		for _, kind := range slices.Sorted(maps.Keys(v.Syncs()[sync].Owners)) {
			add(v.Syncs()[sync].Owners[kind])
		}
	}
	for _, c := range causes {
		for _, r := range c.Rows {
			add(r.Owner)
		}
	}
	return slices.Sorted(maps.Values(all))
}
