package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) planRoutes() {
	route(s, store.Viewer, get("list-plans", "/plans", "List plans",
		"Latest first, without their rows. POST /syncs/{sync}/plans and trueup plan make plans; only the latest plan of a sync can be applied."), s.listPlans)
	show := get("get-plan", "/plans/{hash}", "Show a plan",
		"With its rows by customer, one page at a time: customers that would change or need a person. The rows of older plans are deleted: 410. "+
			"The filters read only the rows that they choose, however large the plan is.")
	show.Errors = []int{http.StatusGone}
	route(s, store.Viewer, show, s.getPlan)
	route(s, store.Viewer, get("list-plan-changes", "/plans/{hash}/changes", "Count the kinds of change in a plan",
		"The riskiest first: what would be written before what needs a person; changes to a status that mass_change counts before others; from active before others; then the most customers. "+
			"Up to 500 kinds; more says that there are others."), s.planChanges)
	s.planJobRoutes()
}

// PlanChanges are the kinds of change in a plan.
type PlanChanges struct {
	Items []contract.PlanChange `json:"items"`
	More  bool                  `json:"more" doc:"There are other kinds, with fewer customers. Read their rows without the filter."`
}

func (s *server) planChanges(ctx context.Context, in *PlanPath) (PlanChanges, error) {
	plan, err := s.Store.Plan(ctx, "", in.Hash)
	if err != nil {
		return PlanChanges{}, err
	}
	all, more, err := overview.PlanChanges(ctx, s.Store, s.Syncs()[plan.Sync], plan)
	return PlanChanges{Items: all, More: more}, err
}

// PlanPath is the address of a plan.
type PlanPath struct {
	Hash string `path:"hash" minLength:"8" maxLength:"64" doc:"The plan's hash, or a prefix that identifies one plan."`
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
	PlanPath
	Change     string `query:"change" maxLength:"20" doc:"Only this kind of change: change of GET /plans/{hash}/changes."`
	Q          string `query:"q" maxLength:"500" doc:"Only customers whose name begins like this, or with this source id, target id or email address."`
	NotWritten bool   `query:"not_written" doc:"Only rows that were refused or failed when the plan was applied. Not together with change or q."`
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
	rows, all, err := s.planRows(ctx, plan, in.Change, in.Q, in.NotWritten, place.Customer, in.Limit+1)
	if err != nil {
		return PlanPage{}, err
	}
	if gone, err := s.dropped(ctx, plan, rows, place, all); err != nil || gone {
		return PlanPage{}, cmp.Or(err, error(problem(http.StatusGone, "the rows of plan "+plan.Hash+" have been deleted", "trueup plan "+plan.Sync+" makes a new one; GET "+Prefix+"/plans lists the result of each")))
	}
	page, err := listOf(in.Page, rows, contract.PlanRowOf, func(r store.PlanRow) any { return rowPlace{r.Customer} })
	return PlanPage{Plan: contract.PlanOf(plan), Rows: page.Items, Next: page.Next}, err
}

// planRows reads a page of a plan's rows; all says that nothing was left out.
func (s *server) planRows(ctx context.Context, plan store.Sweep, change, q string, notWritten bool, after string, limit int) (rows []store.PlanRow, all bool, err error) {
	var id int64
	if change != "" {
		if id, err = contract.ChangeID(change); err != nil {
			return nil, false, unprocessable("query.change", "it is not a kind of change", "use a value of change from GET "+Prefix+"/plans/"+plan.Hash+"/changes")
		}
	}
	switch {
	case notWritten && (change != "" || q != ""):
		return nil, false, unprocessable("query.not_written", "it cannot be combined with change or q", "send it alone")
	case notWritten:
		rows, err = s.Store.PlanRowsNotWritten(ctx, plan.ID, after, limit)
	case q != "":
		rows, err = s.Store.FindPlanRows(ctx, plan.Sync, plan.ID, id, q, after, limit)
	case change != "":
		rows, err = s.Store.PlanRowsOf(ctx, plan.ID, id, after, limit)
	default:
		all = true
		rows, err = s.Store.PlanRows(ctx, plan.ID, after, limit)
	}
	return rows, all, err
}

// dropped reports whether a page is empty because the rows of its plan are no
// longer kept, or have gone between two pages.
func (s *server) dropped(ctx context.Context, plan store.Sweep, page []store.PlanRow, place rowPlace, all bool) (bool, error) {
	if len(page) > 0 || plan.Summary.Carried() == plan.Summary.Agree {
		return false, nil
	}
	if place.Customer == "" && all {
		return true, nil
	}
	first, err := s.Store.PlanRows(ctx, plan.ID, "", 1)
	return err == nil && len(first) == 0, err
}
