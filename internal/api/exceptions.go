package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) exceptionRoutes() {
	route(s, store.Viewer, get("list-exceptions", "/exceptions", "List what needs a person",
		"By number, latest first. Without state, only open and acknowledged exceptions."), s.listExceptions)
	s.downloadExceptions()
	route(s, store.Viewer, get("list-exception-groups", "/exceptions/groups", "List open exceptions by cause",
		"By sync, kind and cause. Fifty customers with the same unmapped value are one group."), s.listGroups)
	route(s, store.Operator, get("compare-exception", "/exceptions/{id}/compare", "Compare an exception's customer with the records that may be it",
		"Reads the customer in the source, and in the target the linked record and at most five candidates, as they are now, and says of each field how like it is. It stores nothing and takes seconds at most; a tool that does not answer is left out, and partial says so. The answer has personal data."), s.compare)
	route(s, store.Viewer, get("get-exception", "/exceptions/{id}", "Show one exception", "With what can be done about it, and what has been done."), s.getException)
}

// ExceptionChoice chooses exceptions.
type ExceptionChoice struct {
	SyncFilter
	Customer string      `query:"customer" doc:"Only this customer (the source's id)."`
	Kind     status.Kind `query:"kind" doc:"Only this kind."`
	Owner    string      `query:"owner" doc:"Only this owner; - is for those without one."`
	Age      string      `query:"age" enum:"day,week,overdue" doc:"Only those open for more than a day, for more than a week, or longer than remind_after of their sync."`
	State    []string    `query:"state" enum:"open,acknowledged,resolved,ignored" default:"open,acknowledged" nullable:"false" doc:"Only these states, separated by commas."`
	Cause    string      `query:"cause" doc:"Only this cause."`
}

func (c ExceptionChoice) filter(syncs map[string]config.Sync) store.ExceptionFilter {
	f := store.ExceptionFilter{Sync: c.Sync, Customer: c.Customer, Kind: c.Kind, Owner: c.Owner, Cause: c.Cause}
	for _, word := range c.State {
		f.States = append(f.States, status.State(word))
	}
	if c.Owner == nobody {
		f.Owner, f.Owners = "", []string{""}
	}
	return overview.OpenFor(f, c.Age, syncs)
}

func (s *server) listExceptions(ctx context.Context, in *struct {
	ExceptionChoice
	Page
}) (List[contract.Exception], error) {
	var before int64
	if err := s.listable(in.Sync, in.Page, &before); err != nil {
		return List[contract.Exception]{}, err
	}
	f := in.filter(s.Syncs())
	f.Before, f.Limit = before, in.Limit+1
	found, err := s.Store.Exceptions(ctx, f)
	if err != nil {
		return List[contract.Exception]{}, err
	}
	l, err := listOf(in.Page, found, contract.ExceptionOf, func(x store.Exception) any { return x.ID })
	return l, errors.Join(err, people.NameOwners(ctx, s.Store, s.Owners(), l.Items))
}

// downloadExceptions answers with CSV. If the database fails on the way, the answer is
// cut off, so that no part of a list looks like the whole.
func (s *server) downloadExceptions() {
	op := get("download-exceptions", "/exceptions.csv", "Download what needs a person", "The same as trueup exceptions --csv, latest first: every chosen exception, one line each. A cell that a spreadsheet would run as a formula starts with a '.")
	op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string"}}}}}
	huma.Register(s.api, completed(op, store.Viewer), func(ctx context.Context, in *ExceptionChoice) (*huma.StreamResponse, error) {
		if err := s.checkSync("query.sync", in.Sync); err != nil {
			return nil, s.problemOf(err)
		}
		named := func(rows []contract.Exception) error { return people.NameOwners(ctx, s.Store, s.Owners(), rows) }
		return &huma.StreamResponse{Body: func(out huma.Context) {
			out.SetHeader("Content-Type", "text/csv; charset=utf-8")
			out.SetHeader("Content-Disposition", `attachment; filename="exceptions.csv"`)
			_, w := humago.Unwrap(out)
			if err := contract.WriteExceptions(contract.Unhurried{ResponseWriter: w}, exceptions.All(ctx, s.Store, in.filter(s.Syncs()), named)); err != nil {
				s.Log.Error("a download was cut off", slog.String("route", op.Path), slog.Any("error", err))
				panic(http.ErrAbortHandler)
			}
		}}, nil
	})
}

// nobody is the owner of what nobody owns.
const nobody = "-"

func (s *server) compare(ctx context.Context, in *ExceptionPath) (contract.Comparison, error) {
	x, err := s.Store.Exception(ctx, in.ID)
	if err != nil {
		return contract.Comparison{}, err
	}
	return s.Compare(ctx, x)
}

func (s *server) listGroups(ctx context.Context, in *struct {
	SyncFilter
	Page
}) (List[contract.Group], error) {
	var after store.Group
	if err := s.listable(in.Sync, in.Page, &after); err != nil {
		return List[contract.Group]{}, err
	}
	found, err := s.Store.GroupsAfter(ctx, in.Sync, after, in.Limit+1)
	if err != nil {
		return List[contract.Group]{}, err
	}
	return listOf(in.Page, found, contract.GroupOf, func(g store.Group) any {
		return map[string]string{"Sync": g.Sync, "Kind": string(g.Kind), "Cause": g.Cause}
	})
}

// ExceptionPath is the address of one exception.
type ExceptionPath struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *server) getException(ctx context.Context, in *ExceptionPath) (contract.ExceptionInFull, error) {
	full, err := exceptions.InFull(ctx, s.Store, in.ID)
	if err != nil {
		return full, err
	}
	one := []contract.Exception{full.Exception}
	err = people.NameOwners(ctx, s.Store, s.Owners(), one)
	full.Exception = one[0]
	return full, err
}
