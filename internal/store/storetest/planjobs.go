package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// ask asks for a job of sync1.
func (f fixture) ask(j store.PlanJob, key string) store.PlanJob {
	f.Helper()
	j.Sync, j.AskedBy = sync1, "ana@example.com"
	asked, _, err := f.db.AskJob(f.ctx, j, key)
	f.must(err)
	return asked
}

// take takes a job.
func (f fixture) take(j store.PlanJob) store.PlanJob {
	f.Helper()
	taken, ok, err := f.db.TakeJob(f.ctx, j, lease)
	f.must(err)
	if !ok {
		f.Fatalf("somebody has job %d", j.ID)
	}
	return taken
}

// job is a job as it is stored.
func (f fixture) job(id int64) store.PlanJob {
	f.Helper()
	j, err := f.db.PlanJob(f.ctx, id)
	f.must(err)
	return j
}

// planOf makes a plan of sync1 with the given rows.
func (f fixture) planOf(rows ...store.PlanRow) store.Sweep {
	f.Helper()
	w, err := f.beginSweep(store.ForPlan, "rules")
	f.must(err)
	for len(rows) > 0 { // two at a time, as a long plan is stored in parts
		n := min(2, len(rows))
		w, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{Rows: rows[:n]}, lease)
		f.must(err)
		rows = rows[n:]
	}
	w.Phase, w.Hash = store.PhaseDone, fmt.Sprintf("hash of %d", w.ID)
	w, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{}, lease)
	f.must(err)
	return w
}

func write(customer, name, before, after string) store.PlanRow {
	return store.PlanRow{Customer: customer, Name: name, TargetID: "rec_" + customer, Action: "write", Before: before, After: after}
}

func customersOf(rows []store.PlanRow) (all []string) {
	for _, r := range rows {
		all = append(all, r.Customer)
	}
	return all
}

var planJobs = map[string]func(*testing.T, Open){
	"a sync has one open job, and who asks for the same again gets it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		first := f.ask(store.PlanJob{Kind: store.MakeJob}, "")
		if again := f.ask(store.PlanJob{Kind: store.MakeJob}, ""); again.ID != first.ID {
			t.Errorf("it is asked for twice: %d and %d", first.ID, again.ID)
		}
		var other *store.JobOpenError
		_, _, err := f.db.AskJob(f.ctx, store.PlanJob{Sync: sync1, Kind: store.ApplyJob, Plan: 1, AskedBy: "ben"}, "")
		if !errors.As(err, &other) || other.Job.ID != first.ID {
			t.Errorf("another one is told %v", err)
		}
		if _, made, err := f.db.AskJob(f.ctx, store.PlanJob{Sync: "desk-status", Kind: store.MakeJob, AskedBy: "ana"}, ""); err != nil || !made {
			t.Errorf("another sync is told %v", err)
		}
	},
	"a repeated request is one job, also after it has ended": func(t *testing.T, open Open) {
		f := fresh(t, open)
		first := f.ask(store.PlanJob{Kind: store.MakeJob}, "key 1")
		taken := f.take(first)
		taken.Outcome = store.JobDone
		f.must(f.db.EndJob(f.ctx, taken))
		if again := f.ask(store.PlanJob{Kind: store.MakeJob}, "key 1"); again.ID != first.ID || again.Outcome != store.JobDone {
			t.Errorf("it is done twice: %+v", again)
		}
		_, _, err := f.db.AskJob(f.ctx, store.PlanJob{Sync: sync1, Kind: store.ApplyJob, Plan: 3, AskedBy: "ana@example.com"}, "key 1")
		if !errors.Is(err, store.ErrKeyReused) {
			t.Errorf("the key takes something else: %v", err)
		}
		if other := f.ask(store.PlanJob{Kind: store.MakeJob}, "key 2"); other.ID == first.ID {
			t.Error("another request is the same job")
		}
	},
	"one process is at a job, and the next goes on when its lease has ended": func(t *testing.T, open Open) {
		f := fresh(t, open)
		j := f.ask(store.PlanJob{Kind: store.ApplyJob, Plan: 7, Customers: []string{"cus_2", "cus_1", "cus_2"}, ApprovedBy: "ana"}, "")
		first := f.take(j)
		if _, ok, err := f.db.TakeJob(f.ctx, j, lease); ok || err != nil {
			t.Errorf("a second takes it as well: %v", err)
		}
		stop, err := f.db.KeepJob(f.ctx, first, store.PlanProgress{Total: 9, Written: 3, Refused: 1, Failed: 2, Waits: "crm", Until: f.clock.Now().Add(time.Hour)}, lease)
		if stop || err != nil {
			t.Errorf("it is to stop: %t, %v", stop, err)
		}
		got := f.job(j.ID)
		if !got.Working || got.Written != 3 || got.Total != 9 || got.Waits != "crm" || got.BeganAt.IsZero() || got.Plan != 7 || got.ApprovedBy != "ana" {
			t.Errorf("it is %+v", got)
		}
		if diff := cmp.Diff([]string{"cus_1", "cus_2"}, got.Customers); diff != "" {
			t.Error(diff)
		}
		f.clock.Move(lease)
		if f.job(j.ID).Working {
			t.Error("somebody is at it")
		}
		second := f.take(f.job(j.ID))
		if _, err := f.db.KeepJob(f.ctx, first, store.PlanProgress{}, lease); !errors.Is(err, store.ErrJobTaken) {
			t.Errorf("the first keeps it: %v", err)
		}
		first.Outcome = store.JobDone
		if err := f.db.EndJob(f.ctx, first); !errors.Is(err, store.ErrJobTaken) {
			t.Errorf("the first ends it: %v", err)
		}
		f.must(f.db.ReleaseJob(f.ctx, second))
		third := f.take(f.job(j.ID))
		third.Outcome, third.Failure, third.Written = store.JobFailed, "10 rows in a row failed", 4
		f.must(f.db.EndJob(f.ctx, third))
		if got := f.job(j.ID); got.Working || got.EndedAt.IsZero() || got.Outcome != store.JobFailed || got.Failure == "" || got.Written != 4 || got.Waits != "" {
			t.Errorf("it ended as %+v", got)
		}
	},
	"a job that is to stop is told so, and ends at once when nobody is at it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		j := f.take(f.ask(store.PlanJob{Kind: store.MakeJob}, ""))
		for n, want := range []bool{true, false} {
			got, changed, err := f.db.StopJob(f.ctx, j.ID, "ben")
			if err != nil || changed != want || got.StoppedBy != "ben" || !got.EndedAt.IsZero() {
				t.Errorf("%d: %+v, %t, %v", n, got, changed, err)
			}
		}
		if stop, err := f.db.KeepJob(f.ctx, j, store.PlanProgress{}, lease); !stop || err != nil {
			t.Errorf("it is not told: %v", err)
		}
		j.Outcome = store.JobStopped
		f.must(f.db.EndJob(f.ctx, j))
		left := f.ask(store.PlanJob{Kind: store.MakeJob}, "")
		if got, changed, err := f.db.StopJob(f.ctx, left.ID, "ben"); err != nil || !changed || got.Outcome != store.JobStopped || got.EndedAt.IsZero() {
			t.Errorf("it waits for a process: %+v, %v", got, err)
		}
		if _, _, err := f.db.StopJob(f.ctx, 99, "ben"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("one that is not there: %v", err)
		}
	},
	"what a dead process was at is taken back, and its report is refused": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.db.ClaimAs(77)
		j := f.take(f.ask(store.PlanJob{Kind: store.MakeJob}, ""))
		if n, err := f.db.TakeBackFrom(f.ctx, 77); err != nil || n != 1 {
			t.Errorf("%d were taken back, %v", n, err)
		}
		if f.job(j.ID).Working {
			t.Error("it still has it")
		}
		if _, err := f.db.KeepJob(f.ctx, j, store.PlanProgress{}, lease); !errors.Is(err, store.ErrJobTaken) {
			t.Errorf("it goes on: %v", err)
		}
		f.db.ClaimAs(78)
		f.take(f.job(j.ID))
	},
	"jobs are listed by pages, the latest first": func(t *testing.T, open Open) {
		f := fresh(t, open)
		var want []string
		for range 7 {
			j := f.take(f.ask(store.PlanJob{Kind: store.MakeJob}, ""))
			want = append([]string{fmt.Sprint(j.ID)}, want...)
			j.Outcome = store.JobDone
			f.must(f.db.EndJob(f.ctx, j))
		}
		got := walk(f, func(last *store.PlanJob) ([]store.PlanJob, error) {
			before := int64(0)
			if last != nil {
				before = last.ID
			}
			return f.db.PlanJobsBefore(f.ctx, sync1, before, pageSize)
		}, func(j store.PlanJob) string { return fmt.Sprint(j.ID) }, func(int) {})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if open, err := f.db.OpenPlanJobs(f.ctx, ""); err != nil || len(open) != 0 {
			t.Errorf("open are %+v, %v", open, err)
		}
	},
	"the kinds of change of a plan are counted, and each is read by pages": func(t *testing.T, open Open) {
		f := fresh(t, open)
		rows := []store.PlanRow{{Customer: "cus_x", Action: "park", Kind: status.Unmatched, After: "Active"}}
		for _, c := range numbered("cus_%d", 1, 7) {
			rows = append(rows, write(c, "", "Active", "Churned"))
		}
		rows = append(rows, write("cus_8", "", "", "Active"), write("cus_9", "", "", "Active"))
		plan := f.planOf(rows...)
		changes, more, err := f.db.PlanChanges(f.ctx, plan.ID)
		f.must(err)
		var got []string
		for _, c := range changes {
			got = append(got, fmt.Sprintf("%s %s %q to %q: %d", c.Action, c.Kind, c.Before, c.After, c.Customers))
		}
		if diff := cmp.Diff([]string{`write  "Active" to "Churned": 7`, `write  "" to "Active": 2`, `park unmatched "" to "Active": 1`}, got); diff != "" || more {
			t.Error(diff, more)
		}
		pages := walk(f, func(last *store.PlanRow) ([]store.PlanRow, error) {
			after := ""
			if last != nil {
				after = last.Customer
			}
			return f.db.PlanRowsOf(f.ctx, plan.ID, changes[0].ID, after, pageSize)
		}, func(r store.PlanRow) string { return r.Customer }, func(int) {})
		if diff := cmp.Diff(numbered("cus_%d", 1, 7), pages); diff != "" {
			t.Error(diff)
		}
		for range 3 {
			f.planOf()
		}
		if left, _, err := f.db.PlanChanges(f.ctx, plan.ID); err != nil || len(left) > 0 {
			t.Errorf("of an old plan are left %+v, %v", left, err)
		}
	},
	"a row of a plan is found by how it is called, by its id, its record and an address": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: "cus_1", TargetID: "rec_7", Confidence: 1, By: "ana"}))
		plan := f.planOf(write("cus_1", "Halden Optics", "A", "B"), write("cus_2", "ÉLAN Dental", "A", "B"), write("cus_3", "", "A", "B"), write("Cus_4", "100% Halden_x", "A", "B"), write("cus_5", "Halden & Sons", "A", "B"))
		for text, want := range map[string][]string{
			"halden": {"cus_1", "cus_5"}, "HALDEN O": {"cus_1"}, "élan": {"cus_2"}, "Élan dental": {"cus_2"}, "cus_1": {"cus_1"}, "cus": {"cus_3"}, "cus_3": {"cus_3"},
			"Cus_4": {"Cus_4"}, "100%": {"Cus_4"}, "%": nil, "rec_7": {"cus_1"}, "nobody": nil, "optics": nil, "halden_": nil,
		} {
			rows, err := f.db.FindPlanRows(f.ctx, sync1, plan.ID, 0, text, "", 10)
			if diff := cmp.Diff(want, customersOf(rows)); diff != "" || err != nil {
				t.Errorf("%q: %s %v", text, diff, err)
			}
		}
		rows, err := f.db.FindPlanRows(f.ctx, sync1, plan.ID, 0, "halden", "cus_1", 10)
		if diff := cmp.Diff([]string{"cus_5"}, customersOf(rows)); diff != "" || err != nil {
			t.Errorf("the next page: %s %v", diff, err)
		}
	},
	"a forgotten customer is in no job and found by no name": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		plan := f.planOf(write("cus_1", "Halden Optics", "A", "B"), write("cus_11", "", "A", "B"))
		j := f.ask(store.PlanJob{Kind: store.ApplyJob, Plan: plan.ID, Customers: []string{"cus_1", "cus_11"}}, "")
		gone, err := f.db.Forget(f.ctx, sync1, "cus_1", "cus_1")
		f.must(err)
		if diff := cmp.Diff([]string{gone.Pseudonym, "cus_11"}, f.job(j.ID).Customers); diff != "" {
			t.Error(diff)
		}
		if rows, err := f.db.FindPlanRows(f.ctx, sync1, plan.ID, 0, "halden", "", 10); err != nil || len(rows) > 0 {
			t.Errorf("found is %+v, %v", rows, err)
		}
	},
}
