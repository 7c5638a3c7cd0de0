package pages

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func customerRoutes() []route {
	const one = "/customers/{sync}/{customer}"
	return []route{
		{http.MethodGet, "/customers", store.Viewer, customers},
		{http.MethodGet, one, store.Viewer, customerPage},
		{http.MethodGet, one + "/now", store.Operator, customerNow},
		{http.MethodPost, one + "/confirm", store.Operator, confirmLink},
		{http.MethodPost, one + "/unlink", store.Operator, removeLink},
		{http.MethodPost, one + "/undo", store.Operator, undoWrite},
		{http.MethodPost, one + "/pin", store.Operator, pinCustomer},
		{http.MethodPost, one + "/unpin", store.Operator, unpinCustomer},
		{http.MethodGet, one + "/forget", store.Admin, forgetPage},
		{http.MethodPost, one + "/forget", store.Admin, forgetCustomer},
	}
}

// customerPath is the address of a customer's page.
func customerPath(sync, customer string) string {
	return "/customers/" + url.PathEscape(sync) + "/" + url.PathEscape(customer)
}

// customersPage is a search, or all customers by id.
type customersPage struct {
	Q, Sync, Outcome string
	Syncs, Outcomes  []option
	Rows             []customerRow
	Found            string
	More             string
	Searched         bool
	Source, Target   string // the two tools, where all customers are of one sync
}

// customerRow is a customer in a list.
type customerRow struct {
	contract.CustomerLine
	Word  *sourceWord // what the source says, where it asks for no value
	To    string
	Equal bool
	Last  outcomeWord
	Found string // by what the link was found
}

// sourceWord is a value of the source that asks for none of the target's, and why.
type sourceWord struct{ Value, Why string }

// wordOf is what the source says of a customer for whom no value is wanted, nil where
// that is not known.
func (v *visit) wordOf(c store.Customer) *sourceWord {
	if c.Desired.Value != "" || c.Desired.SourceValue == "" {
		return nil
	}
	w := &sourceWord{Value: c.Desired.SourceValue}
	s, known := v.Syncs()[c.Sync]
	switch m, err := overview.Words(s).Source(w.Value); {
	case !known: // the file no longer has the sync
	case err != nil:
		w.Why = "No meaning yet"
	case m.Ignored:
		w.Why = "Ignored"
	}
	return w
}

// outcomeWord is how the latest attempt ended, in a word or two.
type outcomeWord struct{ Word, Class string }

var outcomeWords = map[status.Outcome]outcomeWord{
	"":                  {"Not looked at yet", ""},
	status.Applied:      {"Written", ""},
	status.AlreadyEqual: {"Already equal", ""},
	status.WouldWrite:   {"Would be written", "info"},
	status.Superseded:   {"Overtaken", ""},
	status.Held:         {"Left alone", "warn"},
	status.Parked:       {"Needs a person", "bad"},
	status.Ignored:      {"Nothing to do", ""},
}

// customers answers GET /customers.
func customers(v *visit) (answer, error) {
	p := customersPage{Q: strings.TrimSpace(v.FormValue("q")), Sync: v.FormValue("sync"), Outcome: v.FormValue("outcome")}
	p.Searched = p.Q != "" || p.Sync != "" || p.Outcome != ""
	found, err := v.Store.CustomersAfter(v.ctx(), store.CustomerFilter{Sync: p.Sync, Search: p.Q, Outcome: status.Outcome(p.Outcome)},
		store.After{Sync: v.FormValue("after_sync"), Customer: v.FormValue("after")}, listed+1)
	if err != nil {
		return answer{}, err
	}
	p.Syncs = syncOptions(v, p.Sync)
	p.Source, p.Target = "Source", "Target"
	if s, ok := v.Syncs()[cmp.Or(p.Sync, only(slices.Sorted(maps.Keys(v.Syncs()))))]; ok {
		p.Source, p.Target = capital(s.Source.Connection), capital(s.Target.Connection)
	}
	p.Outcomes = []option{{"", "Any outcome", p.Outcome == ""}}
	for _, o := range status.Outcomes {
		p.Outcomes = append(p.Outcomes, option{string(o), outcomeWords[o].Word, string(o) == p.Outcome})
	}
	if len(found) > listed {
		found = found[:listed]
		last := found[listed-1]
		p.More = "/customers?" + url.Values{"q": {p.Q}, "sync": {p.Sync}, "outcome": {p.Outcome}, "after_sync": {last.Sync}, "after": {last.Customer}}.Encode()
	}
	if p.Q != "" {
		p.Found = fmt.Sprintf("%s “%s”", plural(len(found), "customer matches", "customers match"), cut(p.Q, 80))
		if p.More != "" {
			p.Found = fmt.Sprintf("The first %d customers that match “%s”", listed, cut(p.Q, 80))
		}
	}
	var whos []string
	for _, c := range found {
		whos = append(whos, whosOf(c, nil)...)
	}
	names, err := v.names(whos)
	if err != nil {
		return answer{}, err
	}
	for _, c := range found {
		row := customerRowOf(c, names)
		row.Word = v.wordOf(c)
		p.Rows = append(p.Rows, row)
	}
	return answer{Page: "customers", Title: "Customers", Nav: "customers", Data: p}, nil
}

func customerRowOf(c store.Customer, names contract.Names) customerRow {
	row := customerRow{CustomerLine: contract.CustomerLineOf(c), To: customerPath(c.Sync, c.Customer), Last: outcomeWords[c.Outcome], Found: "Not linked"}
	row.Equal = c.Desired.Value == c.Observed.Value
	if l := row.Link; l != nil {
		row.Found = l.Rule
		if l.By != "rule" && l.By != "" {
			row.Found = names.Of(l.By)
		}
	}
	return row
}
