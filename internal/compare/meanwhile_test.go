package compare

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A customer whom a watching sync found equal, and whose source changed before it went live.
func TestWatchedAndEqualBeforeIsHistory(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.sync.Config.Mode = "watch"
		if err := w.db.SetMode(t.Context(), syncName, false); err != nil {
			t.Fatal(err)
		}
		w.customer("watched", "active", "Active")
		w.change("watched", "active", true)
		w.work()
		w.pass(time.Hour)
		w.work() // the source is asked once more after the record was seen
		w.change("watched", "paused", true)
		w.pass(time.Minute)
		w.work()
		w.pass(time.Hour)
		w.sync.Config.Mode = "live"
		w.goLive()
		w.pass(time.Hour)
		s := w.compare(store.ForSweep)
		w.work()
		if s.Waiting != 1 || s.Repaired != 0 || w.crm.writes != 0 {
			t.Errorf("waiting %d, repaired %d, written %d", s.Waiting, s.Repaired, w.crm.writes)
		}
	})
}

func TestAHaltedCustomerIsNotWokenBySweeps(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.sync.Config.Limits = &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: 1, Within: time.Hour}}
		for n := range 5 {
			id := fmt.Sprint("cus_", n)
			w.customer(id, "active", "Active")
			w.pass(time.Minute)
			w.change(id, "canceled", true)
		}
		w.work()
		for range 3 {
			w.pass(6 * time.Hour)
			s := w.compare(store.ForSweep)
			w.work()
			if s.Repaired != 0 {
				t.Errorf("%d are looked at again", s.Repaired)
			}
		}
	})
}

// A comparison that takes longer than a day, as a tool's daily budget allows.
func TestAComparisonThatTakesLongerThanADayComesToItsEnd(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		for n := range 9 {
			w.customer(fmt.Sprint("cus_", n), "active", "Paused")
		}
		ctx := t.Context()
		for range 4 {
			o := w.options(store.ForSweep)
			c, cancel := context.WithCancel(ctx)
			o.Progress = func(p Progress) {
				if p.Phase == store.PhaseSource {
					cancel() // stopped after a page
				}
			}
			_, err := Run(c, o)
			cancel()
			if err == nil {
				return
			}
			w.pass(25 * time.Hour)
		}
		t.Error("it never comes to its end")
	})
}

func TestApplyStopsWhenTheSyncOnlyWatches(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		for n := range 30 {
			w.customer(fmt.Sprintf("cus_%02d", n), "paused", "")
		}
		w.pass(time.Hour)
		plan := w.compare(store.ForPlan)
		a := w.applyOptions(plan)
		done := 0
		a.Progress = func(ApplyResult) {
			if done++; done == 1 { // trueup run reads the file again: mode: watch
				if err := w.db.SetMode(t.Context(), syncName, false); err != nil {
					t.Error(err)
				}
			}
		}
		total, err := Apply(t.Context(), a)
		if w.crm.writes > applying+2 { // those that were on their way
			t.Errorf("%d were written, %+v, %v", w.crm.writes, total, err)
		}
	})
}

func TestApprovalOfAnEarlierPlanIsNotOfALaterEdit(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.sync.Config.FirstContact = config.Ask
		w.goLive()
		w.customer("cus_1", "paused", "Active")
		w.crm.set("rec_cus_1", "Active")
		w.pass(time.Hour)
		shown := w.compare(store.ForPlan)
		w.pass(time.Hour)
		w.crm.set("rec_cus_1", "Active") // a person says so again
		w.pass(time.Hour)
		w.compare(store.ForPlan) // somebody else's, or a job's
		named, err := w.db.Plan(t.Context(), syncName, shown.Hash)
		if err != nil || named.ID != shown.ID {
			t.Fatalf("the hash that was read names plan %d, not %d: %v", named.ID, shown.ID, err)
		}
		if err := Applicable(t.Context(), w.db, w.sync.Config, named); !errors.Is(err, ErrSuperseded) {
			t.Errorf("the plan from before the edit may be applied: %v", err)
		}
	})
}

func TestTwoNodesTakeUpALeftSweep(t *testing.T) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			where := dsn(t)
			w := newWorld(t, where)
			// A command beside the service, or another node.
			other, err := store.Open(t.Context(), store.Options{DSN: where, Now: w.clock})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			begin := store.Sweep{Sync: syncName, Purpose: store.ForSweep, Rules: "r"}
			s, err := w.db.BeginSweep(t.Context(), begin, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for range 200 {
				if err := w.db.ReleaseSweep(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				var sweeps [2]store.Sweep
				var errs [2]error
				var beginning sync.WaitGroup
				for i, db := range []*store.DB{w.db, other} {
					beginning.Go(func() { sweeps[i], errs[i] = db.BeginSweep(t.Context(), begin, time.Minute) })
				}
				beginning.Wait()
				var sweeping *store.SweepingError
				switch {
				case errs[0] == nil && errors.As(errs[1], &sweeping):
					s = sweeps[0]
				case errs[1] == nil && errors.As(errs[0], &sweeping):
					s = sweeps[1]
				default:
					t.Fatalf("not one of the two took it: %v, %v", errs[0], errs[1])
				}
			}
		})
	}
}

// Two applications that have both read the row before either was at it.
func TestARowThatWasAppliedStaysApplied(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.customer("cus_1", "paused", "")
		w.pass(time.Hour)
		plan := w.compare(store.ForPlan)
		row := w.rows(plan)["cus_1"]
		a := w.applyOptions(plan)
		w.apply(a)
		c, err := a.Pipeline.CarryRow(t.Context(), w.db, pipeline.RowRequest{Plan: plan, Planned: row})
		if got := w.rows(plan)["cus_1"]; err != nil || got.State != store.RowApplied {
			t.Errorf("the row is %s (%s); the second said %+v, %v", got.State, got.Note, c, err)
		}
	})
}

// Whoever is forgotten while both sides are compared is in what was read, and
// stays in neither it nor what it comes to.
func TestForgettingSomebodyEndsAComparisonAndTheNextBeginsAnew(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		steps := 0
		o := w.options(store.ForPlan)
		o.Progress = func(Progress) { steps++ }
		whole, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		calls := w.forget()
		for n := range steps - 1 {
			left, o := n, w.options(store.ForPlan)
			o.Progress = func(Progress) {
				if left--; left == -1 {
					if _, err := w.db.Forget(t.Context(), syncName, "", "differs"); err != nil {
						t.Error(err)
					}
				}
			}
			s, err := Run(t.Context(), o)
			if !errors.Is(err, store.ErrSweepTaken) || !strings.Contains(err.Error(), "a customer was forgotten; start it again") {
				t.Fatalf("after step %d it ended with %v", n, err)
			}
			if kept := w.kept(s); kept != 0 {
				t.Errorf("after step %d %d records are kept", n, kept)
			}
			w.forget()
			if again := w.compare(store.ForPlan); again.Hash != whole.Hash || again.Summary != whole.Summary {
				t.Errorf("after step %d the next one came to %+v", n, again)
			}
			if got := w.forget(); got != calls {
				t.Errorf("after step %d the next one took %d calls instead of %d", n, got, calls)
			}
		}
	})
}

func TestALinkThatIsTakenAwayMeanwhileIsNotCompared(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.settled("a", "b", "c", "d", "e")
		w.billing.hidden = map[string]bool{"d": true, "e": true}
		o := w.options(store.ForPlan)
		o.Progress = func(p Progress) {
			if p.Phase == store.PhaseCompare && p.Done == 2 {
				if err := w.db.RemoveLink(t.Context(), syncName, "d", "ops"); err != nil {
					t.Error(err)
				}
			}
		}
		s, err := Run(t.Context(), o)
		if err != nil || s.Summary.Agree != 4 || s.Summary.Carried() != 4 || s.Summary.UnmatchedTarget != 1 {
			t.Errorf("it came to %+v, %v", s.Summary, err)
		}
	})
}

// A database may sort texts as people do, and not by their bytes.
func TestEveryCustomerIsComparedHoweverTheDatabaseSorts(t *testing.T) {
	dsn := engines["postgres"](t)
	w := newWorld(t, dsn)
	raw, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, table := range []string{"links", "customers"} {
		if _, err := raw.Exec("alter table " + table + ` alter column customer type text collate "en-x-icu"`); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{"1a", "_b", "2c", "_d", "3e", "_f"}
	w.settled(all...)
	w.billing.hidden = map[string]bool{"_b": true, "2c": true, "_f": true}
	if s := w.compare(store.ForPlan); s.Summary.Agree != len(all) {
		t.Errorf("it came to %+v", s.Summary)
	}
	w.sync.From.SourceList = nil
	if s := w.compare(store.ForPlan); s.Summary.Agree != len(all) {
		t.Errorf("where the source cannot list it came to %+v", s.Summary)
	}
}
