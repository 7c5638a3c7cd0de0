package api

import (
	"cmp"
	"context"
	"net/http"

	"trueup/internal/contract"
	"trueup/internal/store"
)

func (s *server) planRoutes() {
	route(s, store.Viewer, get("list-plans", "/plans", "List plans",
		"Latest first, without their rows. trueup plan makes plans; trueup apply applies the latest plan of a sync."), s.listPlans)
	show := get("get-plan", "/plans/{hash}", "Show a plan",
		"With its rows by customer, one page at a time: customers that would change or need a person. The rows of older plans are deleted: 410.")
	show.Errors = []int{http.StatusGone}
	route(s, store.Viewer, show, s.getPlan)
}

// planPlace is the number of the comparison that a page of plans ends with.
type planPlace struct {
	Before int64 `json:"before"`
}

func (s *server) listPlans(ctx context.Context, in *struct {
	SyncFilter
	Page
}) (List[contract.Plan], error) {
	var place planPlace
	if err := s.listable(in.Sync, in.Page, &place); err != nil {
		return List[contract.Plan]{}, err
	}
	found, err := s.Store.PlansBefore(ctx, in.Sync, place.Before, in.Limit+1)
	if err != nil {
		return List[contract.Plan]{}, err
	}
	return listOf(in.Page, found, contract.PlanOf, func(w store.Sweep) any { return planPlace{w.ID} })
}

// PlanPage is a plan with a page of its rows.
type PlanPage struct {
	contract.Plan
	Rows []contract.PlanRow `json:"rows"`
	// Next is null on the last page.
	Next *string `json:"next" doc:"The cursor for the next page of rows; null on the last page."`
}

// rowPlace is the row that a page ends with.
type rowPlace struct {
	Customer string `json:"customer"`
}

func (s *server) getPlan(ctx context.Context, in *struct {
	Hash string `path:"hash" minLength:"8" maxLength:"64" doc:"The plan's hash, or a prefix that identifies one plan."`
	Page
}) (PlanPage, error) {
	var place rowPlace
	if err := in.place(&place); err != nil {
		return PlanPage{}, err
	}
	plan, err := s.Store.Plan(ctx, "", in.Hash)
	if err != nil {
		return PlanPage{}, err
	}
	rows, err := s.Store.PlanRows(ctx, plan.ID, place.Customer, in.Limit+1)
	if err != nil {
		return PlanPage{}, err
	}
	if gone, err := s.dropped(ctx, plan, rows, place); err != nil || gone {
		return PlanPage{}, cmp.Or(err, error(problem(http.StatusGone, "the rows of plan "+plan.Hash+" have been deleted", "trueup plan "+plan.Sync+" makes a new one; GET "+Prefix+"/plans lists the result of each")))
	}
	page, err := listOf(in.Page, rows, contract.PlanRowOf, func(r store.PlanRow) any { return rowPlace{r.Customer} })
	return PlanPage{Plan: contract.PlanOf(plan), Rows: page.Items, Next: page.Next}, err
}

// dropped reports whether a page is empty because the rows of its plan are no
// longer kept, or have gone between two pages.
func (s *server) dropped(ctx context.Context, plan store.Sweep, page []store.PlanRow, place rowPlace) (bool, error) {
	if len(page) > 0 || plan.Summary.Carried() == plan.Summary.Agree {
		return false, nil
	}
	if place.Customer == "" {
		return true, nil
	}
	first, err := s.Store.PlanRows(ctx, plan.ID, "", 1)
	return err == nil && len(first) == 0, err
}
