package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) pinRoutes() {
	const path = "/customers/{sync}/{customer}/pin"
	route(s, store.Viewer, get("list-pins", "/pins", "List the pinned customers", "All on one page, by sync and customer: who pinned each, why, and until when."), s.listPins)
	route(s, store.Viewer, get("get-pin", path, "Show a customer's pin", "404 if the customer is not pinned."), s.getPin)
	route(s, store.Operator, huma.Operation{OperationID: "pin-customer", Method: http.MethodPut, Path: path, Summary: "Pin a customer: keep its events, write nothing to its record",
		Description: "Events are stored and end as held; both sides are read, and nothing is written, also not by a plan, by a sweep or by a decision in an exception. A write that has already begun is finished. " +
			"A pin that the customer has already is replaced. The customer is the source's id, and need not be known yet."}, s.pin)
	route(s, store.Operator, huma.Operation{OperationID: "unpin-customer", Method: http.MethodDelete, Path: path, Summary: "Unpin a customer",
		Description: "The customer is checked at once, and synced as it is now. If the customer is not pinned, the answer has changed: false."}, s.unpin)
}

// pinPath is the address of a customer's pin below Prefix.
func pinPath(sync, customer string) string {
	return "/customers/" + url.PathEscape(sync) + "/" + url.PathEscape(customer) + "/pin"
}

// PinRequest says why a customer is left alone, and until when.
type PinRequest struct {
	Reason string     `json:"reason" minLength:"1" maxLength:"1000" pattern:"^[^\\x00-\\x08\\x0b-\\x1f\\x7f]*$" doc:"Why the customer should be left alone. It is shown with the customer."`
	Until  *time.Time `json:"until,omitempty" doc:"When the pin ends automatically (default: when it is deleted)."`
	As     string     `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

func (s *server) listPins(ctx context.Context, in *SyncFilter) (List[contract.PinLine], error) {
	if err := s.checkSync("query.sync", in.Sync); err != nil {
		return List[contract.PinLine]{}, err
	}
	found, err := s.Store.Pins(ctx, in.Sync)
	all := List[contract.PinLine]{Items: []contract.PinLine{}}
	for _, p := range found {
		all.Items = append(all.Items, contract.PinLineOf(p))
	}
	return all, err
}

func (s *server) getPin(ctx context.Context, in *CustomerPath) (contract.Pin, error) {
	p, err := s.Store.CustomerPin(ctx, in.Sync, in.Customer)
	if err == nil && p == nil {
		err = problem(http.StatusNotFound, "the customer is not pinned", "")
	}
	if err != nil {
		return contract.Pin{}, err
	}
	return *contract.PinOf(p), nil
}

func (s *server) pin(ctx context.Context, in *struct {
	CustomerPath
	Body PinRequest
}) (contract.PinnedCustomer, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.PinnedCustomer{}, err
	}
	p := store.Pin{Sync: in.Sync, Customer: in.Customer, By: who(ctx, in.Body.As), Reason: in.Body.Reason}
	if in.Body.Until != nil {
		now, err := s.Store.Now(ctx)
		if err == nil && !in.Body.Until.After(now) {
			err = unprocessable("body.until", "this time is in the past", "give a later time")
		}
		if err != nil {
			return contract.PinnedCustomer{}, err
		}
		p.Until = *in.Body.Until
	}
	done, err := exceptions.Pin(ctx, s.Store, p)
	return contract.PinnedCustomerOf(done), err
}

func (s *server) unpin(ctx context.Context, in *struct {
	CustomerPath
	As string `query:"as" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}) (contract.UnpinnedCustomer, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.UnpinnedCustomer{}, err
	}
	ended, err := s.Store.Unpin(ctx, in.Sync, in.Customer, who(ctx, in.As))
	return contract.UnpinnedCustomer{Sync: in.Sync, Customer: in.Customer, Changed: ended != nil, Ended: contract.PinOf(ended)}, err
}
