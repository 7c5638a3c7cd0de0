package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// hashOf is the hash of the plan of a number.
func hashOf(n int) string { return strings.Repeat(fmt.Sprintf("%04x", n), 16) }

// plan makes a plan with rows for customers.
func (w *world) plan(n int, customers ...string) {
	w.Helper()
	s, err := w.db.BeginSweep(w.Context(), store.Sweep{Sync: flow, Purpose: store.ForPlan, Rules: "rules", SourceListed: true, TargetListed: true}, time.Minute)
	w.must(err)
	var p store.SweepPart
	for _, c := range customers {
		p.Rows = append(p.Rows, store.PlanRow{Customer: c, TargetID: "rec_" + c, Action: "park", Kind: status.FirstContact, Reason: reason.Text("we have never written it"), Before: "Active", After: "Paused"})
	}
	s.Phase, s.Hash = store.PhaseDone, hashOf(n)
	s.Summary = store.Summary{Agree: 3, Other: len(customers), UnmatchedTarget: 2, NotCarried: 5}
	_, err = w.db.SaveSweep(w.Context(), s, p, time.Minute)
	w.must(err)
}

func TestAPlanIsReadByPages(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.plan(1, "cus_9")
		customers := numbered("cus_%d", 7)
		w.plan(2, customers...)
		var rows []contract.PlanRow
		var last api.PlanPage
		for next := "?limit=3"; ; next = "?limit=3&cursor=" + url.QueryEscape(*last.Next) {
			w.ask(store.Viewer, "GET", "/plans/"+hashOf(2)[:8]+next, "").ok(&last)
			rows = append(rows, last.Rows...)
			if last.Next == nil {
				break
			}
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Customer)
		}
		if diff := cmp.Diff(customers, got); diff != "" {
			w.Errorf("the rows: %s", diff)
		}
		want := contract.PlanRow{Customer: "cus_0", TargetID: "rec_cus_0", Action: "park", Why: contract.Why{Reason: "we have never written it", ReasonText: "we have never written it"}, Before: "Active", After: "Paused"}
		if diff := cmp.Diff(want, rows[0]); diff != "" {
			w.Errorf("a row: %s", diff)
		}
		if diff := cmp.Diff(contract.PlanSummary{Agree: 3, UnmatchedTarget: 2, Other: 7, NotCarried: 5, Carried: 10, Agreement: 0.3}, last.Summary); diff != "" || last.Hash != hashOf(2) || last.MadeAt == nil {
			w.Errorf("the plan %+v: %s", last.Plan, diff)
		}
	})
}

// An empty list would say that nothing is to be done.
func TestAPlanWhoseRowsAreNotKeptIsGone(t *testing.T) {
	onBothEngines(t, func(w *world) {
		customers := numbered("cus_%d", 7)
		w.plan(1, customers...)
		var first api.PlanPage
		w.ask(store.Viewer, "GET", "/plans/"+hashOf(1)+"?limit=3", "").ok(&first)
		for n := 2; n <= 3; n++ {
			w.plan(n, customers...)
		}
		w.plan(4) // everybody agrees: a plan without rows
		for _, path := range []string{"/plans/" + hashOf(1), "/plans/" + hashOf(1) + "?limit=3&cursor=" + url.QueryEscape(*first.Next)} {
			p := w.ask(store.Viewer, "GET", path, "").refused(410)
			if !strings.Contains(p.Hint, "trueup plan "+flow) {
				w.Errorf("%s: %+v", path, p)
			}
		}
		for _, n := range []int{2, 4} {
			var page api.PlanPage
			w.ask(store.Viewer, "GET", "/plans/"+hashOf(n), "").ok(&page)
		}
	})
}

func TestAPlanThatIsNotThere(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.plan(1)
		for _, hash := range []string{hashOf(2), "' or ''=''", strings.Repeat("%25", 10)} {
			w.ask(store.Viewer, "GET", "/plans/"+url.PathEscape(hash), "").refused(404)
		}
		w.ask(store.Viewer, "GET", "/plans/0001", "").refused(422)
		w.ask(store.Viewer, "GET", "/plans/"+hashOf(1)+"?cursor=%21", "").refused(422)
	})
}
