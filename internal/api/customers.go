package api

import (
	"context"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) customerRoutes() {
	route(s, store.Viewer, get("list-customers", "/customers", "List customers",
		"By sync and the source's id, without their history. Contains no email addresses."), s.listCustomers)
	route(s, store.Viewer, get("get-customer", "/customers/{sync}/{customer}", "Show why a customer has its current status",
		"The same as trueup explain: the three values, the link, and each decision, latest first. An id can contain any character: escape it, with / as %2F."), s.getCustomer)
	route(s, store.Operator, get("compare-customer", "/customers/{sync}/{customer}/compare", "Read a customer in both tools",
		"The same as trueup explain --live: the customer in the source and the linked record in the target, as they are now, and how like each field is. It stores nothing and takes seconds at most; a tool that does not answer is left out, and partial says so. The answer has personal data."), s.compareCustomer)
}

func (s *server) listCustomers(ctx context.Context, in *struct {
	SyncFilter
	Q       string         `query:"q" maxLength:"500" doc:"Only customers with this source id, target id or email address."`
	Search  string         `query:"search" maxLength:"500" doc:"Only customers whose source id or name begins with this, or who have this target id or email address."`
	Outcome status.Outcome `query:"outcome" doc:"Only customers whose last attempt ended so."`
	Page
}) (List[contract.CustomerLine], error) {
	var after store.After
	if err := s.listable(in.Sync, in.Page, &after); err != nil {
		return List[contract.CustomerLine]{}, err
	}
	found, err := s.Store.CustomersAfter(ctx, store.CustomerFilter{Sync: in.Sync, Named: in.Q, Search: in.Search, Outcome: in.Outcome}, after, in.Limit+1)
	if err != nil {
		return List[contract.CustomerLine]{}, err
	}
	return listOf(in.Page, found, contract.CustomerLineOf, func(c store.Customer) any { return store.After{Sync: c.Sync, Customer: c.Customer} })
}

func (s *server) getCustomer(ctx context.Context, in *struct {
	Sync     string `path:"sync"`
	Customer string `path:"customer"`
	History  int    `query:"history" minimum:"0" maximum:"200" default:"20" doc:"How many of the latest decisions to include."`
}) (contract.Customer, error) {
	c, err := s.Store.Customer(ctx, in.Sync, in.Customer)
	if err != nil {
		return contract.Customer{}, err
	}
	decisions, err := s.Store.History(ctx, in.Sync, in.Customer, in.History)
	if err != nil {
		return contract.Customer{}, err
	}
	links, err := s.Store.LinkHistory(ctx, in.Sync, in.Customer, in.History)
	return contract.CustomerOf(c, decisions, links), err
}

func (s *server) compareCustomer(ctx context.Context, in *CustomerPath) (contract.Comparison, error) {
	c, err := s.Store.Customer(ctx, in.Sync, in.Customer)
	if err != nil {
		return contract.Comparison{}, err
	}
	return s.Compare(ctx, exceptions.AboutCustomer(c))
}

// listable checks what every list is asked with, and reads its cursor.
func (s *server) listable(sync string, p Page, place any) error {
	if err := s.checkSync("query.sync", sync); err != nil {
		return err
	}
	return p.place(place)
}
