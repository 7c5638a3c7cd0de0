package overview

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestHowASourceIsHeardAndWhenItIsComparedIsTold(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		c := cfg.Syncs["s"]
		row := func() contract.Sync {
			t.Helper()
			r, err := Sync(ctx, db, "s", c)
			must(t, err)
			return r
		}
		if r := row(); r.Rhythm != nil || len(r.EventsByHour) != 24 || r.NextComparison != nil || len(r.AgreementCurve) != 0 {
			t.Errorf("at first: %+v, %v, %v, %v", r.Rhythm, r.EventsByHour, r.NextComparison, r.AgreementCurve)
		}
		for n := range 5 {
			clock.Move(3 * time.Minute)
			_, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: fmt.Sprint("evt_", n), Customer: "cus_1"}})
			must(t, err)
			if r := row(); (r.Rhythm == nil) != (n < 4) {
				t.Errorf("after %d events: %+v", n+1, r.Rhythm)
			}
		}
		if diff := cmp.Diff(&contract.Rhythm{Quarter: 180, ThreeQuarters: 180, Pauses: 4}, row().Rhythm); diff != "" {
			t.Error(diff)
		}
		if got := row().EventsByHour[23]; got != 5 {
			t.Errorf("in the last hour %d", got)
		}
		c.Sweep = &config.Sweep{Every: 6 * time.Hour}
		if r := row(); !r.NextComparison.Equal(clock.Now()) {
			t.Errorf("never compared, the next one is %s", r.NextComparison)
		}
		for _, agree := range []int{9, 5, 8} {
			w, err := db.BeginSweep(ctx, store.Sweep{Sync: "s", Purpose: store.ForSweep, SourceListed: true, TargetListed: true}, time.Minute)
			must(t, err)
			if r := row(); r.ComparingSince == nil || !r.ComparingSince.Equal(clock.Now()) {
				t.Errorf("under way since %v", r.ComparingSince)
			}
			w.Phase, w.Summary.Agree, w.Summary.Write = store.PhaseDone, agree, 10-agree
			_, err = db.SaveSweep(ctx, w, store.SweepPart{}, time.Minute)
			must(t, err)
		}
		r := row()
		if !r.NextComparison.Equal(clock.Now().Add(6*time.Hour)) || r.ComparingSince != nil {
			t.Errorf("the next one is %s, under way since %v", r.NextComparison, r.ComparingSince)
		}
		var shares []float64
		for _, p := range r.AgreementCurve {
			shares = append(shares, p.Agreement)
		}
		if diff := cmp.Diff([]float64{0.5, 0.8}, shares); diff != "" { // the dip, and what is now
			t.Error(diff)
		}
		clock.Move(31 * 24 * time.Hour)
		if r := row(); len(r.AgreementCurve) != 0 || len(r.Sweeps) != 3 {
			t.Errorf("a month later: %+v", r.AgreementCurve)
		}
	})
}

func TestTheLimitsInUseAreTold(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		c := cfg.Syncs["s"]
		promises := contract.Promises{Target: contract.Knowledge{OptionList: true}}
		details := func() contract.SyncDetails {
			t.Helper()
			d, err := Details(t.Context(), db, "s", c, promises)
			must(t, err)
			return d
		}
		if diff := cmp.Diff(contract.SyncDetails{Sync: "s", Links: []contract.LinksByRule{}, Promises: promises}, details()); diff != "" {
			t.Error(diff)
		}
		must(t, db.SetLink(t.Context(), store.Link{Sync: "s", Customer: "cus_1", TargetID: "rec_1", Rule: "email", Confidence: 1, By: "ana"}))
		c.Limits = &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: 50, Percent: 5, Within: time.Hour},
			WritesPerCustomer: &config.WritesPerCustomer{Count: 6, Within: 10 * time.Minute}}
		want := contract.SyncDetails{Sync: "s", Links: []contract.LinksByRule{{Rule: "email", Links: 1}}, Promises: promises,
			Limits: contract.Limits{MassChange: &contract.MassChangeUse{To: []string{"churned"}, Most: 5, Customers: 50, Percent: 5, Within: 3600},
				WritesPerCustomer: &contract.WritesUse{Most: 6, Within: 600}}}
		if diff := cmp.Diff(want, details()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhomAHaltHasStoppedIsToldWithWhatTheyHaveInCommon(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		c := cfg.Syncs["s"]
		c.Limits = &config.Limits{MassChange: &config.MassChange{Customers: 1, Within: time.Hour}}
		limit := store.Limits{MassChange: &store.MassChange{Customers: 1, Within: time.Hour, Exception: func(store.Halt) store.NewException {
			return store.NewException{Sync: "s", Kind: status.MassChange, Stage: status.StageWrite, Reason: reason.Text("x")}
		}}}
		first := clock.Now()
		for _, name := range []string{"cus_1", "cus_2"} {
			_, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_" + name, Customer: name}})
			must(t, err)
			works, err := db.Claim(ctx, "s", 1, time.Minute)
			must(t, err)
			w := &works[0]
			i, err := db.BeginWrite(ctx, w, store.Intent{RecordID: "rec", Value: "Churned"}, limit)
			s := store.Settlement{Outcome: status.Applied, CloseIntents: []int64{i.ID}, Desired: &store.Desired{Value: "Churned"}, Observed: &store.Observed{Value: "Active", SeenAt: clock.Now()},
				LastWrite: &store.LastWrite{RecordID: "rec", Before: "Active", Value: "Churned", At: clock.Now()}}
			if err != nil {
				s.Outcome, s.Halted, s.LastWrite = status.Parked, true, nil
			}
			must(t, db.Settle(ctx, w, s))
			clock.Move(time.Minute)
		}
		r, err := Sync(ctx, db, "s", c)
		must(t, err)
		since := first.Add(time.Minute)
		want := &contract.Halt{Since: &since, WaitingCustomers: 1, Written: 1, First: &first, Changes: []contract.HaltChange{{Before: "Active", After: "Churned", Written: 1, Waiting: 1}}}
		if diff := cmp.Diff(want, r.Halted); diff != "" {
			t.Error(diff)
		}
	})
}
