package compare

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// applyOptions applies a plan to the world, with a pipeline of its own.
func (w *world) applyOptions(plan store.Sweep) ApplyOptions {
	return ApplyOptions{Store: w.db, Selection: Selection{Plan: plan},
		Pipeline: pipeline.New(pipeline.Options{Store: w.db, Syncs: []pipeline.Sync{w.sync}, Now: w.clock})}
}

// apply applies a plan, and takes an error for the test's end.
func (w *world) apply(a ApplyOptions) ApplyResult {
	w.Helper()
	total, err := Apply(w.Context(), a)
	if err != nil {
		w.Fatal(err)
	}
	return total
}

// listen notes the records that are written, and lets fail answer the call.
func (w *world) listen(fail func(id string) error) (writes func() []string) {
	var mu sync.Mutex
	var all []string
	w.crm.fail = func(call, id string) error {
		if call != "write" {
			return nil
		}
		if fail != nil {
			if err := fail(id); err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, id)
		return nil
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(slices.Values(all))
	}
}

func optionGone() error {
	return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Status: 422, Detail: "there is no such option"}
}

// What is written is the plan's rows of action write, less those whose world
// has moved, each once; and nothing else.
func TestWhatIsWrittenIsThePlan(t *testing.T) {
	values := rapid.SampledFrom([]string{"", "Active", "Paused", "Churned", "Lead"})
	words := rapid.SampledFrom([]string{"", "active", "paused", "canceled", "incomplete", "gold"})
	on(t, func(t *testing.T, w *world) {
		lives := 0
		rapid.Check(t, func(rt *rapid.T) {
			lives++
			w.sync.Config.Name = fmt.Sprintf("sync-%d", lives)
			w.billing.records, w.crm.records = map[string]record{}, map[string]record{}
			w.listen(nil)
			n := rapid.IntRange(1, 8).Draw(rt, "customers")
			id := func(i int) string { return fmt.Sprintf("cus_%d", i) }
			for i := range n {
				w.customer(id(i), words.Draw(rt, "source"), values.Draw(rt, "target"))
				if rapid.Bool().Draw(rt, "linked") {
					if err := w.db.SetLink(t.Context(), store.Link{Sync: w.sync.Config.Name, Customer: id(i), TargetID: "rec_" + id(i), Confidence: 1, By: "ana@example.com"}); err != nil {
						rt.Fatal(err)
					}
				}
			}
			w.pass(time.Hour)
			plan := w.compare(store.ForPlan)
			rows := w.rows(plan)
			moved := map[string]bool{}
			refused := map[string]bool{}
			w.crm.records["rec_other"] = record{value: "Active", keys: map[string]string{"email": "other@example.com"}}
			for i := range n {
				r, ok := rows[id(i)]
				if !ok || rapid.IntRange(0, 1).Draw(rt, "it moves") == 0 {
					continue
				}
				moved[id(i)] = true
				w.pass(time.Minute)
				switch rapid.IntRange(0, 5).Draw(rt, "how") {
				case 0: // a person edits the record
					w.crm.set("rec_"+id(i), rapid.SampledFrom([]string{"Vip", r.After}).Filter(func(v string) bool { return v != "" }).Draw(rt, "to"))
				case 1: // the source changes
					w.billing.set(id(i), map[string]string{"Active": "paused"}[r.After]+"gold")
				case 2: // the record is deleted
					delete(w.crm.records, "rec_"+id(i))
				case 3: // the customer is deleted
					delete(w.billing.records, id(i))
				case 4: // another link
					if err := w.db.SetLink(t.Context(), store.Link{Sync: w.sync.Config.Name, Customer: id(i), TargetID: "rec_other", Confidence: 1, By: "ben@example.com"}); err != nil {
						delete(moved, id(i)) // another customer has it
					}
				case 5: // the option is gone
					refused["rec_"+id(i)] = true
				}
			}
			writes := w.listen(func(id string) error {
				if refused[id] {
					return optionGone()
				}
				return nil
			})
			before := maps.Clone(w.crm.records)
			total := w.apply(w.applyOptions(plan))
			var want []string
			for customer, r := range rows {
				if r.Action == "write" && !moved[customer] {
					want = append(want, r.TargetID)
				}
			}
			slices.Sort(want)
			if got := writes(); !slices.Equal(got, want) {
				rt.Fatalf("written were %v, of the plan's rows %v are as they were: %+v", got, want, rows)
			}
			for customer, r := range w.rows(plan) {
				wants := map[bool]store.RowState{true: store.RowApplied, false: store.RowRefused}[!moved[customer]]
				switch {
				case r.Action != "write":
					wants = store.RowOpen
				case refused[r.TargetID]:
					wants = store.RowFailed
				}
				if r.State != wants || r.State != store.RowOpen && r.Note == "" {
					rt.Fatalf("the row of %s is %q and not %q: %s", customer, r.State, wants, r.Note)
				}
			}
			for id, r := range w.crm.records {
				if r.value != before[id].value && !slices.Contains(want, id) {
					rt.Fatalf("%s holds %q, and held %q", id, r.value, before[id].value)
				}
			}
			if total.Applied != len(want) || total.Left != 0 {
				rt.Fatalf("it came to %+v", total)
			}
			if again := w.apply(w.applyOptions(plan)); again.Applied != 0 || again.Before != len(want) || !slices.Equal(writes(), want) {
				rt.Fatalf("applied again it came to %+v, written were %v", again, writes())
			}
		})
	})
}

// many fills the tools with customers who are all to be written.
func (w *world) many(n int) {
	for i := range n {
		w.customer(fmt.Sprintf("cus_%03d", i), "paused", "")
	}
}

func TestAStoppedApplyContinuesWithWhatIsLeft(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		const customers = 60
		w.many(customers)
		plan := w.compare(store.ForPlan)
		var first ApplyResult
		ctx, cancel := context.WithCancel(t.Context())
		var once sync.Once
		began := 0
		writes := w.listen(func(string) error {
			if began++; began == 20 { // the tool's lock is held
				once.Do(cancel)
			}
			return nil
		})
		first, err := Apply(ctx, w.applyOptions(plan))
		if err != nil || first.Applied < 20 || first.Applied >= customers || first.Left != customers-first.Applied || first.Failed+first.Refused > 0 {
			t.Fatalf("it came to %+v, %v", first, err)
		}
		if got := len(writes()); got != first.Applied {
			t.Errorf("%d were written, %d rows are applied", got, first.Applied)
		}
		second := w.apply(w.applyOptions(plan))
		if second.Before != first.Applied || second.Applied != customers-first.Applied || second.Left > 0 {
			t.Errorf("then it came to %+v", second)
		}
		if got := writes(); len(got) != customers || len(slices.Compact(got)) != customers {
			t.Errorf("%d writes", len(got))
		}
	})
}

// The rows are in memory when one of their customers is forgotten.
func TestWhoIsForgottenMeanwhileIsNotWritten(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.many(40)
		w.change("cus_039", "paused", true)
		w.work()
		w.change("cus_039", "canceled", false)
		w.pass(time.Hour)
		plan := w.compare(store.ForPlan)
		began, forgotten := false, make(chan struct{})
		writes := w.listen(func(string) error {
			if began { // the tool's lock is held
				w.mutexed(func() { <-forgotten }) // or another write would come to the customer first
				return nil
			}
			began = true
			w.mutexed(func() {
				defer close(forgotten)
				if _, err := w.db.Forget(t.Context(), syncName, "cus_039", "cus_039"); err != nil {
					t.Error(err)
				}
			})
			return nil
		})
		if got := w.apply(w.applyOptions(plan)); got.Applied != 39 || got.Refused != 1 {
			t.Errorf("it came to %+v", got)
		}
		if got := writes(); slices.Contains(got, "rec_cus_039") {
			t.Errorf("the forgotten customer was written: %v", got)
		}
		if c, err := w.db.Customer(t.Context(), syncName, "cus_039"); err == nil {
			t.Errorf("the customer is back: %+v", c)
		}
	})
}

func TestOnlyWhatIsChosenIsTried(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.many(6)
		plan := w.compare(store.ForPlan)
		writes := w.listen(nil)
		a := w.applyOptions(plan)
		a.Chosen = func(customer string) bool { return customer == "cus_004" }
		if total := w.apply(a); total != (ApplyResult{Applied: 1}) || !slices.Equal(writes(), []string{"rec_cus_004"}) {
			t.Errorf("it came to %+v, written were %v", total, writes())
		}
		a = w.applyOptions(plan)
		a.Limit = 2
		var told ApplyResult
		a.Began, a.Progress = w.clock(), func(t ApplyResult) { told = t }
		if total := w.apply(a); total != (ApplyResult{Applied: 2, Before: 1, Left: 3}) || len(writes()) != 3 {
			t.Errorf("it came to %+v, written were %v", total, writes())
		}
		if told != (ApplyResult{Applied: 2}) {
			t.Errorf("of the rows that it tried it told %+v", told)
		}
	})
}

func TestRowsThatAllFailEndApply(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.many(60)
		plan := w.compare(store.ForPlan)
		writes := w.listen(func(string) error { return optionGone() })
		total, err := Apply(t.Context(), w.applyOptions(plan))
		if err == nil || !strings.Contains(err.Error(), "no such option") || total.Failed < failuresInRow || total.Failed > failuresInRow+applying || total.Left != 60-total.Failed {
			t.Errorf("it came to %+v, %v", total, err)
		}
		w.listen(nil)
		if total := w.apply(w.applyOptions(plan)); total.Applied != 60 || len(writes()) != 0 {
			t.Errorf("with the option back it came to %+v", total)
		}
	})
}

func TestARefusedTokenEndsApply(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.many(60)
		plan := w.compare(store.ForPlan)
		w.crm.fail = func(call, _ string) error {
			return &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Status: 401, Detail: "the token is not valid"}
		}
		total, err := Apply(t.Context(), w.applyOptions(plan))
		if err == nil || !strings.Contains(err.Error(), "the token is not valid") || total.Left != 60 || total.Failed > 0 {
			t.Errorf("it came to %+v, %v", total, err)
		}
	})
}

// Beside a running service, to which the source tells of the same customers and
// of others: nobody is written twice, and no event is lost.
func TestApplyBesideARunningService(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		const customers = 60
		w.many(customers)
		plan := w.compare(store.ForPlan)
		for i := range 20 {
			w.customer(fmt.Sprintf("new_%03d", i), "active", "")
		}
		writes := w.listen(nil)
		service := pipeline.New(pipeline.Options{Store: w.db, Syncs: []pipeline.Sync{w.sync}, Now: w.clock})
		ctx, stop := context.WithCancel(t.Context())
		var running, telling sync.WaitGroup
		running.Go(func() { service.Run(t.Context(), ctx) })
		telling.Go(func() {
			for i := range 20 {
				w.change(fmt.Sprintf("cus_%03d", 3*i), "paused", true) // what the plan has
				w.change(fmt.Sprintf("cus_%03d", 3*i+1), "active", true)
				w.change(fmt.Sprintf("new_%03d", i), "active", true)
				service.Wake(syncName)
			}
		})
		total := w.apply(w.applyOptions(plan))
		telling.Wait()
		waiting := func() bool {
			counts, err := w.db.Counts(t.Context())
			return err != nil || counts[syncName].WaitingEvents > 0
		}
		for deadline := time.Now().Add(time.Minute); waiting() && time.Now().Before(deadline); {
			w.pass(10 * time.Millisecond) // for who was looked at just now
			service.Wake(syncName)
		}
		stop()
		running.Wait()
		if waiting() {
			t.Fatal("an event is lost")
		}
		if total.Failed > 0 || total.Left > 0 || total.Applied+total.Refused != customers {
			t.Errorf("it came to %+v", total)
		}
		times := map[string]int{}
		for _, id := range writes() {
			times[id]++
		}
		for i := range customers {
			id := fmt.Sprintf("rec_cus_%03d", i)
			want, most := "Paused", 1
			if i < 60 && i%3 == 1 { // paused by the plan before active by its event, or not
				want, most = "Active", 2
			}
			if w.crm.records[id].value != want || times[id] < 1 || times[id] > most {
				t.Errorf("%s holds %s after %d writes", id, w.crm.records[id].value, times[id])
			}
		}
		for i := range 20 {
			if id := fmt.Sprintf("rec_new_%03d", i); times[id] != 1 || w.crm.records[id].value != "Active" {
				t.Errorf("%s holds %s after %d writes", id, w.crm.records[id].value, times[id])
			}
		}
	})
}

func TestAFirstContactIsWrittenIfSomebodyApprovesIt(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.sync.Config.FirstContact = config.Ask
		w.customer("shown", "paused", "Active")
		w.customer("edited", "paused", "Active")
		w.customer("empty", "paused", "")
		w.customer("nobody", "paused", "-")
		w.pass(time.Hour)
		plan := w.compare(store.ForPlan)
		w.pass(time.Hour)
		w.crm.set("rec_edited", "Active") // somebody says so again
		writes := w.listen(nil)
		if total := w.apply(w.applyOptions(plan)); total != (ApplyResult{Applied: 1}) || !slices.Equal(writes(), []string{"rec_empty"}) {
			t.Errorf("unapproved it came to %+v, written were %v", total, writes())
		}
		a := w.applyOptions(plan)
		a.Approved = "ana@example.com"
		if total := w.apply(a); total != (ApplyResult{Applied: 1, Before: 1, Refused: 1}) || !slices.Equal(writes(), []string{"rec_empty", "rec_shown"}) {
			t.Errorf("approved it came to %+v, written were %v", total, writes())
		}
		h, err := w.db.History(t.Context(), syncName, "shown", 1)
		if err != nil || !strings.Contains(h[0].Reason.Sentence(), "approved by ana@example.com") || !strings.Contains(h[0].Reason.Sentence(), plan.Hash[:12]) {
			t.Errorf("the history says %+v, %v", h, err)
		}
	})
}

// A customer whose row was refused is as unheard of as before: a sweep does not
// write for it what only a plan does.
func TestARefusedRowIsNotRepairedByTheNextSweep(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer("cus_1", "paused", "")
		w.pass(time.Hour)
		plan := w.compare(store.ForPlan)
		w.goLive()
		w.pass(time.Hour)
		w.crm.set("rec_cus_1", "Lead")
		writes := w.listen(nil)
		if total := w.apply(w.applyOptions(plan)); total != (ApplyResult{Refused: 1}) {
			t.Fatalf("it came to %+v", total)
		}
		if s := w.compare(store.ForSweep); s.Repaired > 0 || s.Waiting != 1 {
			t.Errorf("the sweep found %+v", s)
		}
		w.work()
		if len(writes()) > 0 {
			t.Errorf("written were %v", writes())
		}
	})
}

func TestAPlanThatIsNotApplied(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.many(2)
		plan := w.compare(store.ForPlan)
		refused := func(plan store.Sweep, s config.Sync, want error) {
			t.Helper()
			if err := Applicable(t.Context(), w.db, s, plan); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("it is told %v, not %v", err, want)
			}
		}
		refused(plan, w.sync.Config, nil)
		watching := w.sync.Config
		watching.Mode = config.ModeWatch
		refused(plan, watching, ErrWatching)
		other := w.sync.Config
		other.Statuses = map[status.Status]config.StatusMap{"paused": {From: []string{"paused"}, To: "On hold"}}
		refused(plan, other, ErrOtherRules)
		w.compare(store.ForSweep) // is no plan
		refused(plan, w.sync.Config, nil)
		w.crm.set("rec_cus_000", "Active")
		later := w.compare(store.ForPlan)
		refused(plan, w.sync.Config, ErrSuperseded)
		refused(later, w.sync.Config, nil)
	})
}

// asRead is a store whose plans are as somebody read them who was overtaken.
type asRead struct {
	*store.DB
	rows []store.PlanRow
}

func (s asRead) EachPlanRow(context.Context, int64) iter.Seq2[store.PlanRow, error] {
	return func(yield func(store.PlanRow, error) bool) {
		for _, r := range s.rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestRowsThatAnotherApplyHasWrittenAreNotRefused(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		for i := range 5 {
			w.customer(fmt.Sprintf("cus_%d", i), "canceled", "Active")
		}
		w.customer("cus_moved", "canceled", "Active")
		w.pass(time.Hour)
		plan := w.compare(store.ForPlan)
		var read []store.PlanRow
		for _, r := range w.rows(plan) {
			read = append(read, r)
		}
		w.crm.set("rec_cus_moved", "Vip")
		writes := w.listen(nil)
		if got, want := w.apply(w.applyOptions(plan)), (ApplyResult{Applied: 5, Refused: 1}); got != want {
			t.Fatalf("the first came to %+v", got)
		}
		second := w.applyOptions(plan)
		second.Store = asRead{w.db, read}
		if got, want := w.apply(second), (ApplyResult{Before: 5, Refused: 1}); got != want {
			t.Errorf("the second came to %+v, not %+v", got, want)
		}
		if got := writes(); len(got) != 5 {
			t.Errorf("written were %v", got)
		}
		for id, r := range w.rows(plan) {
			if (r.State == store.RowApplied) != (id != "cus_moved") {
				t.Errorf("%s is %s: %s", id, r.State, r.Note)
			}
		}
	})
}

func TestASecondApplyIsToldOfTheFirst(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer("cus_1", "canceled", "Active")
		plan := w.compare(store.ForPlan)
		w.db.ClaimAs(7)
		if other, err := w.db.BeginApply(t.Context(), plan, false); other || err != nil {
			t.Errorf("the first is told of another: %t, %v", other, err)
		}
		w.db.ClaimAs(0)
		if other, err := w.db.BeginApply(t.Context(), plan, false); other || err != nil {
			t.Errorf("it is told of one that is gone: %t, %v", other, err)
		}
		beside, err := store.Open(t.Context(), store.Options{DSN: w.dsn, Now: w.clock})
		if err != nil {
			t.Fatal(err)
		}
		defer beside.Close()
		if other, err := beside.BeginApply(t.Context(), plan, false); !other || err != nil {
			t.Errorf("the second is not told: %t, %v", other, err)
		}
	})
}
