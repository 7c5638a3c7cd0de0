package compare

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// everyKind fills the tools with one customer of each kind.
func everyKind(w *world) {
	w.customer("agrees", "active", "Active")
	w.customer("differs", "paused", "Active")
	w.customer("empty", "active", "")
	w.customer("ignored", "incomplete", "Active")
	w.customer("none", "", "Active")
	w.customer("nobody", "active", "-")
	w.customer("stranger", "-", "Active")
	w.customer("twice", "active", "Active")
	w.crm.records["rec_twin"] = w.crm.records["rec_twice"]
	w.customer("unknown", "gold", "Active")
}

func TestAPlanSaysOfEachCustomerWhatWouldBeDone(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		s := w.compare(store.ForPlan)
		want := store.Summary{Sources: 8, Targets: 9, Agree: 1, Write: 2, UnmatchedSource: 1, UnmatchedTarget: 3, Ambiguous: 1, Unmapped: 1, NotCarried: 2}
		// Nobody's are the stranger and the two that match one customer: neither
		// of them is his. Those of customers with nothing to carry are not
		// looked for.
		want.UnmatchedTarget += 3
		if d := cmp.Diff(want, s.Summary); d != "" {
			t.Errorf("the figures: %s", d)
		}
		rows := w.rows(s)
		type line struct {
			Action        string
			Kind          status.Kind
			Target        string
			Before, After string
		}
		got := map[string]line{}
		for customer, r := range rows {
			got[customer] = line{r.Action, r.Kind, r.TargetID, r.Before, r.After}
		}
		wantRows := map[string]line{
			"differs": {"write", "", "rec_differs", "Active", "Paused"},
			"empty":   {"write", "", "rec_empty", "", "Active"},
			"nobody":  {"park", status.Unmatched, "", "", "Active"},
			"twice":   {"park", status.AmbiguousMatch, "", "", "Active"},
			"unknown": {"park", status.UnmappedStatus, "", "", ""},
		}
		if d := cmp.Diff(wantRows, got); d != "" {
			t.Errorf("the rows: %s", d)
		}
		if len(s.Hash) != 64 || s.Phase != store.PhaseDone || w.crm.writes != 0 {
			t.Errorf("it ended as %+v", s)
		}
		if again := w.compare(store.ForPlan); again.Hash != s.Hash {
			t.Errorf("the same world has another hash: %s and %s", s.Hash, again.Hash)
		}
		w.crm.set("rec_differs", "Churned")
		if other := w.compare(store.ForPlan); other.Hash == s.Hash {
			t.Error("another world has the same hash")
		}
	})
}

func TestAComparisonThatIsKilledAnywhereGoesOnAndRepeatsNothing(t *testing.T) {
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
		same := func(how string, n int, s store.Sweep) {
			t.Helper()
			if d := cmp.Diff(whole, s, cmpopts.IgnoreUnexported(store.Sweep{}), cmpopts.IgnoreFields(store.Sweep{}, "ID", "BeganAt", "EndedAt")); d != "" {
				t.Errorf("killed at %s %d it came to something else: %s", how, n, d)
			}
		}
		for n := range calls {
			ctx, cancel := context.WithCancel(t.Context())
			left := n
			kill := func(string, string) error {
				if left--; left < 0 {
					cancel()
					return context.Canceled
				}
				return nil
			}
			w.billing.fail, w.crm.fail = kill, kill
			if _, err := Run(ctx, w.options(store.ForPlan)); err == nil {
				t.Fatalf("killed at call %d it came to its end", n)
			}
			w.billing.fail, w.crm.fail = nil, nil
			same("call", n, w.compare(store.ForPlan))
			if got := w.forget(); got != calls+1 { // the one that did not answer
				t.Errorf("killed at call %d it took %d calls instead of %d", n, got, calls+1)
			}
		}
		for n := range steps - 1 {
			ctx, cancel := context.WithCancel(t.Context())
			left, o := n, w.options(store.ForPlan)
			o.Progress = func(Progress) {
				if left--; left < 0 {
					cancel()
				}
			}
			if _, err := Run(ctx, o); err == nil {
				t.Fatalf("killed after step %d it came to its end", n)
			}
			same("step", n, w.compare(store.ForPlan))
			if got := w.forget(); got != calls {
				t.Errorf("killed after step %d it took %d calls instead of %d", n, got, calls)
			}
		}
	})
}

func TestOneNodeComparesAtATime(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		var second error
		w.crm.fail = func(call, cursor string) error {
			if cursor == "3" {
				_, second = Run(t.Context(), w.options(store.ForPlan))
			}
			return nil
		}
		w.compare(store.ForSweep)
		var sweeping *store.SweepingError
		if !errors.As(second, &sweeping) || sweeping.Sweep.Phase != store.PhaseTarget || sweeping.Sweep.Summary.Targets != 3 {
			t.Errorf("the second was told %v", second)
		}
	})
}

func TestOtherRulesBeginAnew(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		ctx, cancel := context.WithCancel(t.Context())
		w.crm.fail = func(_, cursor string) error { cancel(); return context.Canceled }
		if _, err := Run(ctx, w.options(store.ForPlan)); err == nil {
			t.Fatal("it came to its end")
		}
		w.crm.fail = nil
		w.billing.lists = nil
		w.sync.Config.Ignore = []string{"incomplete", "gold"}
		if s := w.compare(store.ForPlan); s.Summary.Unmapped != 0 || len(w.billing.lists) != 3 {
			t.Errorf("it came to %+v with lists %v", s.Summary, w.billing.lists)
		}
	})
}

func TestWhatWasReadIsDropped(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		w.compare(store.ForPlan)
		ctx, cancel := context.WithCancel(t.Context())
		w.crm.fail = func(string, string) error { cancel(); return context.Canceled }
		if _, err := Run(ctx, w.options(store.ForSweep)); err == nil {
			t.Fatal("it came to its end")
		}
		left, err := w.db.SweepUnderWay(t.Context(), syncName, store.ForSweep)
		if err != nil {
			t.Fatal(err)
		}
		if n := w.kept(left); n != 8 {
			t.Fatalf("of the one that was left %d are kept", n)
		}
		w.crm.fail = nil
		w.pass(25 * time.Hour)
		s := w.compare(store.ForPlan)
		for _, id := range []store.Sweep{left, s} {
			if n := w.kept(id); n != 0 {
				t.Errorf("%d are kept", n)
			}
		}
	})
}

func TestADroppedEventIsRepaired(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		const customers = 100
		id := func(i int) string { return fmt.Sprintf("cus_%03d", i) }
		for i := range customers {
			w.customer(id(i), "active", "Active")
		}
		w.pass(time.Minute)
		for i := range customers {
			w.change(id(i), "active", true)
		}
		w.work()
		w.pass(time.Minute)
		for i := range customers {
			w.change(id(i), "paused", i%20 != 7) // 5 % are lost
		}
		w.work()
		w.pass(time.Minute)
		s := w.compare(store.ForSweep)
		if s.Repaired != 5 || s.Drift.LostEvent != 5 || s.Summary.Agree != 95 {
			t.Errorf("the sweep found %+v", s)
		}
		w.work()
		w.pass(time.Minute)
		if s := w.compare(store.ForSweep); s.Summary.Carried() != customers || s.Repaired != 0 || s.Summary.Agree != customers {
			t.Errorf("after the repair it is %+v", s)
		}
	})
}

func TestProgressIsToldWhileWhatWasListedIsPutInOrder(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		var told []string
		o := w.options(store.ForPlan)
		o.Progress = func(p Progress) {
			if p.Indexing {
				told = append(told, fmt.Sprintf("%d of %d", p.Done, p.Total))
			}
		}
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		// A page has three records.
		if d := cmp.Diff([]string{"3 of 17", "6 of 17", "8 of 17", "11 of 17", "14 of 17", "17 of 17"}, told); d != "" {
			t.Error(d)
		}
	})
}
