package pages

import (
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/store"
)

func downloadRoutes() []route {
	return []route{
		{http.MethodGet, "/exceptions.csv", store.Viewer, exceptionDownload},
		{http.MethodGet, "/activity.csv", store.Viewer, activityDownload},
		{http.MethodGet, "/plans/{hash}/rows.csv", store.Viewer, planDownload},
	}
}

// download sends a file that is written as it is read. If the database fails on the
// way, it is cut off, so that a part does not look like the whole.
func (v *visit) download(name string, write func(io.Writer) error) (answer, error) {
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	if err := write(contract.Unhurried{ResponseWriter: v.w}); err != nil {
		v.Log.Error("a download was cut off", slog.String("route", v.Pattern), slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	return answer{done: true}, nil
}

// exceptionDownload answers GET /exceptions.csv: all of the list.
func exceptionDownload(v *visit) (answer, error) {
	named := func(rows []contract.Exception) error { return people.NameOwners(v.ctx(), v.Store, v.Owners(), rows) }
	return v.download("exceptions.csv", func(w io.Writer) error {
		return contract.WriteExceptions(w, exceptions.All(v.ctx(), v.Store, filterOf(v.URL.Query()).chosen(v), named))
	})
}

// activityDownload answers GET /activity.csv: all that the page would show, page after
// page.
func activityDownload(v *visit) (answer, error) {
	_, f := activityFilter(v)
	return v.download("activity.csv", func(w io.Writer) error { return contract.WriteActivity(w, v.activities(f)) })
}

// readAtOnce is how many acts of a download are held in memory.
const readAtOnce = 500

// activities are the chosen acts, the latest first.
func (v *visit) activities(f store.ActivityFilter) iter.Seq2[contract.Activity, error] {
	return func(yield func(contract.Activity, error) bool) {
		f.Before, f.Limit = 0, readAtOnce
		for {
			found, err := v.Store.Activities(v.ctx(), f)
			var names contract.Names
			if err == nil {
				names, err = v.names(doersOf(found))
			}
			if err != nil {
				yield(contract.Activity{}, err)
				return
			}
			for _, a := range found {
				f.Before = a.ID
				if !yield(contract.ActivityOf(a, names), nil) {
					return
				}
			}
			if len(found) < readAtOnce {
				return
			}
		}
	}
}

// planDownload answers GET /plans/{hash}/rows.csv: the rows of the chosen kind of
// change, of who is searched for, or all.
func planDownload(v *visit) (answer, error) {
	plan, err := v.planOf()
	if err != nil {
		return answer{}, err
	}
	change, q, err := chosenRows(v)
	if err != nil {
		return answer{}, err
	}
	gone, err := v.rowsGone(plan)
	if err != nil {
		return answer{}, err
	}
	if gone {
		return answer{}, &Refusal{Status: http.StatusGone, Title: "The rows of this plan have been deleted", Text: "Those of the latest three plans are kept. Make a new one to see what would change now.", Ways: []Way{{"Open Plans", plansPath(plan.Sync)}}}
	}
	return v.download("plan-"+short(plan.Hash)+".csv", func(w io.Writer) error {
		if err := contract.WritePlanRows(w, v.Store.EachPlanRowOf(v.ctx(), plan, change, q)); err != nil {
			return err
		}
		gone, err := v.rowsGone(plan)
		if err == nil && gone { // meanwhile
			err = fmt.Errorf("the rows of plan %s have been deleted", plan.Hash)
		}
		return err
	})
}

// rowsGone reports whether the rows of a plan are no longer kept.
func (v *visit) rowsGone(plan store.Sweep) (bool, error) {
	if plan.Summary.Carried() == plan.Summary.Agree {
		return false, nil
	}
	first, err := v.Store.PlanRows(v.ctx(), plan.ID, "", 1)
	return len(first) == 0, err
}
