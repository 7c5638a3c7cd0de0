package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// swept is a comparison that ends now.
func (f fixture) swept(agree, differ int) {
	f.Helper()
	w, err := f.beginSweep(store.ForSweep, "rules")
	f.must(err)
	w.Phase, w.Summary.Agree, w.Summary.Write = store.PhaseDone, agree, differ
	_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{}, lease)
	f.must(err)
}

// home is what the first page and the page of a sync show.
var home = map[string]func(*testing.T, Open){
	"the usual pause between events is that of the latest ones, and several at once are one": func(t *testing.T, open Open) {
		f := fresh(t, open)
		usual := func() store.Usual {
			t.Helper()
			u, err := f.db.Usual(f.ctx, sync1, f.clock.Now().Add(-7*24*time.Hour))
			f.must(err)
			return u
		}
		if u := usual(); u != (store.Usual{}) {
			t.Errorf("of nothing: %+v", u)
		}
		f.receive(event("evt_old", "cus_1"))
		f.clock.Move(8 * 24 * time.Hour) // longer ago than what is asked for
		for n, pause := range []time.Duration{0, 0, 500 * time.Millisecond, 4 * time.Minute, time.Minute, 3 * time.Minute, 2 * time.Minute, time.Hour} {
			f.clock.Move(pause)
			e := event(fmt.Sprint("evt_", n), "cus_1")
			e.Listed = n%2 == 1 // asked for or sent, both were heard
			f.receive(e)
		}
		if diff := cmp.Diff(store.Usual{Pauses: 5, Quarter: 2 * time.Minute, ThreeQuarters: 4 * time.Minute}, usual()); diff != "" {
			t.Error(diff)
		}
	},
	"events are counted by hour, the last hour ends now": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n, pause := range []time.Duration{0, time.Hour, 0, time.Hour, 30 * time.Minute} {
			f.clock.Move(pause)
			e := event(fmt.Sprint("evt_", n), "cus_1")
			e.Listed = n == 2
			f.receive(e)
		}
		other := event("evt_other", "rec_1")
		other.Side = store.TargetSide
		f.receive(other)
		counts, err := f.db.EventsByHour(f.ctx, sync1, 3)
		f.must(err)
		if diff := cmp.Diff([]int{1, 2, 2}, counts); diff != "" { // 2:30 ago, 1:30 ago twice, 0:30 ago and now
			t.Error(diff)
		}
		f.clock.Move(time.Hour)
		counts, err = f.db.EventsByHour(f.ctx, sync1, 3)
		f.must(err)
		if diff := cmp.Diff([]int{2, 2, 0}, counts); diff != "" {
			t.Error(diff)
		}
	},
	"the curve has the lowest comparison of each span": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.swept(1, 9)
		f.clock.Move(time.Hour)
		began := f.clock.Now()
		for _, agree := range []int{9, 8, 8, 0, 10} { // 0 of 0: nobody was compared
			f.swept(agree, max(0, 10-agree)*min(agree, 1))
			f.clock.Move(25 * time.Minute)
		}
		curve, err := f.db.Curve(f.ctx, sync1, began, time.Hour)
		f.must(err)
		var agree []int
		for _, w := range curve {
			agree = append(agree, w.Summary.Agree)
		}
		if diff := cmp.Diff([]int{8, 10}, agree); diff != "" {
			t.Error(diff)
		}
		if first := curve[0].EndedAt.Sub(began); first != 25*time.Minute {
			t.Errorf("of two that are equal it has the one after %s", first)
		}
	},
	"the next comparison is due so long after the last one began": func(t *testing.T, open Open) {
		f := fresh(t, open)
		next := func(want, begun time.Time) {
			t.Helper()
			got, began, err := f.db.NextSweep(f.ctx, sync1, 6*time.Hour)
			f.must(err)
			if !got.Equal(want) || !began.Equal(begun) {
				t.Errorf("it is %s, under way since %s; not %s, %s", got, began, want, begun)
			}
		}
		next(f.clock.Now(), time.Time{})
		w, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		began := f.clock.Now()
		f.clock.Move(time.Hour)
		next(began, began)
		w.Phase = store.PhaseDone
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{}, lease)
		f.must(err)
		next(began.Add(6*time.Hour), time.Time{})
	},
	"what halted customers have in common is told with who was written": func(t *testing.T, open Open) {
		f := fresh(t, open)
		common := func() store.Common {
			t.Helper()
			c, err := f.db.Common(f.ctx, sync1, time.Hour)
			f.must(err)
			return c
		}
		f.seen(0, 4)
		first := f.clock.Now()
		limit := massChange(2, 0)
		for n := range 4 {
			w := f.one(fmt.Sprint("cus_", n))
			i, err := f.db.BeginWrite(f.ctx, &w, intent("Churned"), limit)
			s := store.Settlement{Outcome: status.Applied, Close: store.CloseAll, CloseIntents: []int64{i.ID}, Desired: &store.Desired{SourceValue: "canceled", Value: "Churned"},
				Observed: &store.Observed{Value: "Active", SeenAt: f.clock.Now()}, LastWrite: &store.LastWrite{RecordID: "rec", Before: "Active", Value: "Churned", Sent: "Churned", At: f.clock.Now()}}
			if err != nil {
				s = store.Settlement{Outcome: status.Parked, Halted: true, Desired: s.Desired, Observed: &store.Observed{Value: []string{"Active", "Paused"}[n%2], SeenAt: f.clock.Now()}}
			} else if c := common(); c.Written != 0 {
				t.Errorf("it is not halted, and is told to be: %+v", c)
			}
			f.must(f.db.Settle(f.ctx, &w, s))
			f.clock.Move(time.Minute)
		}
		want := store.Common{Written: 2, First: first, Changes: []store.CommonChange{{Before: "Active", After: "Churned", Written: 2, Waiting: 1}, {Before: "Paused", After: "Churned", Waiting: 1}}}
		if diff := cmp.Diff(want, common(), cmpopts.EquateApproxTime(0)); diff != "" {
			t.Error(diff)
		}
	},
	"those who are held and asked about are told from those who are left alone": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 4)
		for n, kind := range []status.Kind{status.Conflict, "", status.FirstContact, status.Conflict} {
			w := f.one(fmt.Sprint("cus_", n))
			s := store.Settlement{Outcome: status.Held}
			if kind != "" {
				x := exception(w.Customer, kind, status.StageDecide)
				s.Park = &x
			}
			f.must(f.db.Settle(f.ctx, &w, s))
		}
		xs, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1, Customer: "cus_3"})
		f.must(err)
		f.act(xs[0].ID, store.Resolve)
		if n, err := f.db.HeldAsked(f.ctx, sync1); err != nil || n != 2 {
			t.Errorf("%d are asked about, %v", n, err)
		}
	},
	"how far the limits are used up is counted as the limits count": func(t *testing.T, open Open) {
		f := fresh(t, open)
		use := func() store.LimitUse {
			t.Helper()
			u, err := f.db.LimitUse(f.ctx, sync1, massChange(50, 10).MassChange, store.PerCustomer{Count: 6, Within: 10 * time.Minute})
			f.must(err)
			return u
		}
		f.seen(0, 3)
		if u := use(); u != (store.LimitUse{Most: 5, Customers: 3}) {
			t.Errorf("at first %+v", u)
		}
		both := massChange(50, 10)
		both.PerCustomer = store.PerCustomer{Count: 6, Within: 10 * time.Minute}
		for n := range 4 { // cus_0 twice
			name := fmt.Sprint("cus_", n%3)
			if n == 3 {
				f.receive(event("evt_again", name))
			}
			w := f.one(name)
			i, err := f.db.BeginWrite(f.ctx, &w, intent(fmt.Sprint("Churned", n)), both)
			f.must(err)
			f.must(f.db.Settle(f.ctx, &w, store.Settlement{Outcome: status.Applied, CloseIntents: []int64{i.ID}, Decision: &store.Decision{Sync: sync1, Customer: name, Action: "write"}}))
			f.clock.Move(time.Minute)
		}
		if u := use(); u != (store.LimitUse{Moved: 3, Most: 5, Customers: 3, Busiest: 2}) {
			t.Errorf("then %+v", u)
		}
		f.clock.Move(time.Hour)
		if u := use(); u != (store.LimitUse{Most: 5, Customers: 3}) {
			t.Errorf("later %+v", u)
		}
	},
	"links are counted by their rule": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n, rule := range []string{"email", "id", "email"} {
			f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: fmt.Sprint("cus_", n), TargetID: fmt.Sprint("rec_", n), Rule: rule, Confidence: 1, By: "ana"}))
		}
		f.must(f.db.SetLink(f.ctx, store.Link{Sync: "other", Customer: "cus_1", TargetID: "rec_1", Rule: "email", Confidence: 1, By: "ana"}))
		got, err := f.db.LinksByRule(f.ctx, sync1)
		f.must(err)
		if diff := cmp.Diff(store.LinkCounts{Rules: []store.LinkCount{{Rule: "email", Links: 2}, {Rule: "id", Links: 1}}}, got); diff != "" {
			t.Error(diff)
		}
	},
	"writes that were not made are listed, the latest first and by what became of them": func(t *testing.T, open Open) {
		f := fresh(t, open)
		since := f.clock.Now()
		f.look("cus_1", would("Active", "Paused"))
		f.look("cus_2", would("Active", "Churned"))
		f.look("cus_1", found("Paused", "Paused"))
		all := func(flt store.WatchedFilter, limit int) (who []string) {
			t.Helper()
			flt.Sync, flt.Since = sync1, since
			found, err := f.db.WatchedWrites(f.ctx, flt, limit)
			f.must(err)
			for _, w := range found {
				who = append(who, w.Customer+" "+w.Before+" "+w.After+" "+string(w.Verdict))
			}
			return who
		}
		if diff := cmp.Diff([]string{"cus_2 Active Churned ", "cus_1 Active Paused same"}, all(store.WatchedFilter{}, 10)); diff != "" {
			t.Error(diff)
		}
		same := store.DidTheSame
		if diff := cmp.Diff([]string{"cus_1 Active Paused same"}, all(store.WatchedFilter{Verdict: &same}, 10)); diff != "" {
			t.Error(diff)
		}
		first, err := f.db.WatchedWrites(f.ctx, store.WatchedFilter{Sync: sync1}, 1)
		f.must(err)
		if diff := cmp.Diff([]string{"cus_1 Active Paused same"}, all(store.WatchedFilter{Before: first[0].ID}, 10)); diff != "" {
			t.Error(diff)
		}
		since = f.clock.Now()
		if got := all(store.WatchedFilter{}, 10); got != nil {
			t.Errorf("since then there are %q", got)
		}
	},
}
