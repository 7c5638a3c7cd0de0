package overview

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestALadderHasTheNextStepOfEachRung(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		c := config.Sync{Name: "s", Mode: config.ModeWatch, Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm"},
			Statuses: map[status.Status]config.StatusMap{"active": {From: []string{"active"}, To: "Active"}}}
		is := func(when string, c config.Sync, want contract.Ladder) {
			t.Helper()
			s, err := Sync(ctx, db, "s", c)
			must(t, err)
			if diff := cmp.Diff(want, s.Ladder); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		plan := func(hash string, rules string, writes int) {
			t.Helper()
			clock.Move(time.Hour)
			w, err := db.BeginSweep(ctx, store.Sweep{Sync: "s", Purpose: store.ForPlan, Rules: rules}, time.Minute)
			must(t, err)
			w.Phase, w.Hash, w.Summary.Write = store.PhaseDone, hash, writes
			_, err = db.SaveSweep(ctx, w, store.SweepPart{}, time.Minute)
			must(t, err)
		}
		settle := func(l store.LastWrite) {
			t.Helper()
			w, ok, err := db.ClaimOne(ctx, "s", "cus_1", 0, time.Minute)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			must(t, db.Settle(ctx, &w, store.Settlement{LastWrite: &l}))
		}
		a, b, other := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)

		is("at first", c, contract.Ladder{Rung: contract.RungWatching, Next: contract.NextPlan})
		plan(other, "other rules", 1)
		is("with a plan under other rules", c, contract.Ladder{Rung: contract.RungWatching, Next: contract.NextPlan})
		plan(a, rulesHash(c), 0)
		is("with a plan that writes nothing", c, contract.Ladder{Rung: contract.RungPlanned, Next: contract.NextGoLive, Plan: a})
		plan(b, rulesHash(c), 2)
		is("with a plan", c, contract.Ladder{Rung: contract.RungPlanned, Next: contract.NextTryOne, Plan: b})
		trial := store.LastWrite{RecordID: "rec_1", Before: "Paused", Sent: "Active", Value: "Active", Trial: true}
		settle(trial)
		is("when one was tried", c, contract.Ladder{Rung: contract.RungTried, Next: contract.NextGoLive, Plan: b, Tried: 1})
		trial.Undone = clock.Now()
		settle(trial)
		is("when that was undone", c, contract.Ladder{Rung: contract.RungPlanned, Next: contract.NextTryOne, Plan: b})
		c.Mode = config.ModeLive
		is("live", c, contract.Ladder{Rung: contract.RungLive})
	})
}
