package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

// linkPath is the address of a customer's link below Prefix.
func linkPath(sync, customer string) string {
	return "/links/" + url.PathEscape(sync) + "/" + url.PathEscape(customer)
}

// byHand is the rule of a link that a person set.
const byHand = "set"

func (s *server) linkRoutes() {
	const path = "/links/{sync}/{customer}"
	route(s, store.Viewer, get("list-links", "/links", "List links", "By sync and customer."), s.listLinks)
	route(s, store.Viewer, get("get-link", path, "Show a customer's link", ""), s.getLink)
	route(s, store.Viewer, get("get-link-history", path+"/history", "Show how a customer's link has changed",
		"Latest first, at most 200: found by a rule, set, imported, removed, or moved to the surviving record of a merge. Also for a customer without a link now."), s.linkHistory)
	route(s, store.Operator, huma.Operation{OperationID: "set-link", Method: http.MethodPut, Path: path, Summary: "Link a customer to a record",
		Description: "The customer is checked again. A record that is linked to another customer is refused with 409, and so is a record with another customer's key, unless force is true. A record that the target does not have is refused with 422. If the target does not answer, the link is set."}, s.setLink)
	silent(s, store.Operator, huma.Operation{OperationID: "remove-link", Method: http.MethodDelete, Path: path, Summary: "Remove a customer's link",
		Description: "The match rules run again. The customer's history records who removed the link."}, s.removeLink)
}

func (s *server) listLinks(ctx context.Context, in *struct {
	SyncFilter
	Page
}) (List[contract.Link], error) {
	var after store.After
	if err := s.listable(in.Sync, in.Page, &after); err != nil {
		return List[contract.Link]{}, err
	}
	found, err := s.Store.LinksAfter(ctx, in.Sync, after, in.Limit+1)
	if err != nil {
		return List[contract.Link]{}, err
	}
	return listOf(in.Page, found, contract.LinkOf, func(l store.Link) any { return store.After{Sync: l.Sync, Customer: l.Customer} })
}

// CustomerPath is the address of one customer of a sync.
type CustomerPath struct {
	Sync     string `path:"sync"`
	Customer string `path:"customer"`
}

func (s *server) getLink(ctx context.Context, in *CustomerPath) (contract.Link, error) {
	l, err := s.Store.Link(ctx, in.Sync, in.Customer)
	return contract.LinkOf(l), err
}

// LinkHistory is how a customer's link has changed.
type LinkHistory struct {
	Changes []contract.LinkChange `json:"changes"`
}

func (s *server) linkHistory(ctx context.Context, in *CustomerPath) (LinkHistory, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return LinkHistory{}, err
	}
	changes, err := s.Store.LinkHistory(ctx, in.Sync, in.Customer, 200)
	return LinkHistory{contract.LinkChangesOf(changes)}, err
}

// LinkRequest says which record a customer is.
type LinkRequest struct {
	TargetID string `json:"target_id" minLength:"1" maxLength:"500" doc:"The record's id in the target."`
	Force    bool   `json:"force,omitempty" doc:"Link even if the record has another customer's key. A record that is linked to another customer is always refused: remove that link first."`
	As       string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

func (s *server) setLink(ctx context.Context, in *struct {
	CustomerPath
	Body LinkRequest
}) (contract.Link, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.Link{}, err
	}
	l := store.Link{Sync: in.Sync, Customer: in.Customer, TargetID: in.Body.TargetID, Rule: byHand, Confidence: 1, By: who(ctx, in.Body.As)}
	var none *exceptions.MissingRecordError
	if err := s.MayLink(ctx, l.Sync, l.Customer, l.TargetID, in.Body.Force); errors.As(err, &none) {
		return contract.Link{}, unprocessable("body.target_id", none.Why, "give the id of an existing record")
	} else if err != nil {
		return contract.Link{}, err
	}
	if err := s.Store.SetLink(ctx, l); err != nil {
		return contract.Link{}, err
	}
	l, err := s.Store.Link(ctx, in.Sync, in.Customer)
	return contract.LinkOf(l), err
}

func (s *server) removeLink(ctx context.Context, in *struct {
	CustomerPath
	As string `query:"as" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}) error {
	return s.Store.RemoveLink(ctx, in.Sync, in.Customer, who(ctx, in.As))
}
