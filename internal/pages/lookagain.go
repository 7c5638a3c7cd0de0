package pages

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// nowPage is one customer as both tools have it now, and what can be written.
type nowPage struct {
	contract.CustomerLine
	Path, Label    string
	Source, Target string
	Trouble        string // why nothing could be read
	Read           contract.Comparison
	Fields         []fieldShown // of the customer
	Record         *recordShown // the linked one
	Same           bool
	Found          string // what both show, in a sentence
	Write          *writeOne
	PlansTo        string
}

// writeOne is what the latest plan would write for the customer.
type writeOne struct {
	rowView
	Plan  contract.Plan
	Short string
	First bool // Trueup has never written the record
	// Refused says why it cannot be written.
	Refused string
	Watches bool
}

// customerNow answers GET …/now: both tools are read, and nothing is stored.
func customerNow(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	s := v.Syncs()[c.Sync]
	p := nowPage{CustomerLine: contract.CustomerLineOf(c), Path: customerPath(c.Sync, c.Customer), Label: cmp.Or(c.Name, c.Customer), PlansTo: plansPath(c.Sync),
		Source: capital(cmp.Or(s.Source.Connection, "the source")), Target: capital(cmp.Or(s.Target.Connection, "the target"))}
	var refused *exceptions.RefusedError
	if p.Read, err = v.Compare(v.ctx(), exceptions.AboutCustomer(c)); errors.As(err, &refused) {
		p.Trouble, err = capital(refused.Why)+". "+capital(refused.Hint)+".", nil
	}
	if err != nil {
		return answer{}, err
	}
	p.found()
	if p.Write, err = v.writeOne(c); err != nil {
		return answer{}, err
	}
	return answer{Page: "now", Title: p.Label + " now", Nav: "customers", Data: p}, nil
}

// found says what both tools show. Of what could not be read nothing is said.
func (p *nowPage) found() {
	for _, r := range p.Read.Candidates {
		if r.Linked {
			p.Record = &recordShown{ComparedRecord: r, Fields: fieldsOf(r, p.Read)}
		}
	}
	from := p.Read.Customer
	p.Fields = fieldsOf(from, p.Read)
	switch {
	case p.Trouble != "":
	case p.Record == nil:
		p.Found = "The customer is not linked to a record of " + p.Target + ", so there is nothing to compare with."
	case from.Error != "" || p.Record.Error != "":
	case from.Status != "" && from.Status == p.Record.Status:
		p.Same, p.Found = true, "Both tools show "+chipWord(from.Status)+"."
	default:
		p.Found = fmt.Sprintf("They differ: %s has %s, %s has %s.", p.Source, valued(from), p.Target, valued(p.Record.ComparedRecord))
	}
}

func chipWord(s status.Status) string { return capital(string(s)) }

// valued is a record's value with what it means.
func valued(r contract.ComparedRecord) string {
	value := cut(cmp.Or(r.Value, "no value"), 80)
	if r.Status == "" {
		return value + ", which has no meaning here"
	}
	return value + " (" + chipWord(r.Status) + ")"
}

// writeOne is the customer's row of the latest plan, nil without one.
func (v *visit) writeOne(c store.Customer) (*writeOne, error) {
	plan, err := v.Store.LatestPlan(v.ctx(), c.Sync)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	row, err := v.Store.PlanRowOf(v.ctx(), plan.ID, c.Customer)
	if err != nil || row == nil {
		return nil, err
	}
	w := &writeOne{rowView: v.rowViews(c.Sync, []store.PlanRow{*row})[0], Plan: contract.PlanOf(plan), Short: short(plan.Hash),
		First: row.Kind == status.FirstContact, Watches: v.Syncs()[c.Sync].Watches()}
	if row.State == store.RowApplied {
		w.Refused = "The plan’s change was written already."
		return w, nil
	}
	var refused *exceptions.RefusedError
	err = v.PlanRefusal(v.ctx(), plan, store.PlanAsk{Hash: plan.Hash, Only: []string{c.Customer}, ApproveFirst: true, Who: v.Person.Email})
	if errors.As(err, &refused) {
		w.Refused, err = capital(refused.Why)+". "+capital(refused.Hint)+".", nil
	}
	return w, err
}
