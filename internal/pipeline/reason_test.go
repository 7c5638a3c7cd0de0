package pipeline

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// auditor is a store that looks at what each attempt has left behind.
type auditor struct {
	*store.DB
	*testing.T
	problems []string
	// met counts the ends that wrote nothing, by outcome and kind.
	met map[string]int
}

// Settle commits, and compares the exceptions before and after: an attempt that
// wrote nothing leaves exactly one exception, or none and a reason.
func (a *auditor) Settle(ctx context.Context, w *store.Work, s store.Settlement) error {
	before := a.exceptions(w)
	if err := a.DB.Settle(ctx, w, s); err != nil {
		return err
	}
	if s.Outcome == status.Applied {
		return nil
	}
	fail := func(format string, args ...any) {
		a.problems = append(a.problems, fmt.Sprintf("%s ended as %q (%s): %s", w.Customer, s.Outcome, s.Decision.Reason, fmt.Sprintf(format, args...)))
	}
	var left []store.Exception // seen by this attempt
	for kind, x := range a.exceptions(w) {
		if x.Count != before[kind].Count {
			left = append(left, x)
		}
	}
	if s.Decision == nil || s.Decision.Reason.IsZero() {
		fail("no reason is recorded")
	}
	for _, e := range s.Events {
		if e.Reason.IsZero() {
			fail("event %d has no reason", e.Seq)
		}
	}
	// An answer holds for what was shown: what has changed since is asked about again.
	answered := s.Outcome == status.Held && w.Ruling.Kind == store.RuledForTarget && s.Park == nil
	halted := s.Outcome == status.Parked && s.Park == nil // the exception is the sync's
	needsPerson := (s.Outcome == status.Parked || s.Outcome == status.Held) && !answered && !halted
	switch {
	case halted && a.haltsOpen(w.Sync) != 1:
		fail("%d exceptions say that the sync is halted", a.haltsOpen(w.Sync))
	case needsPerson && len(left) != 1:
		fail("it leaves %d exceptions", len(left))
	case needsPerson && (left[0].Kind != s.Park.Kind || left[0].Reason.IsZero() || left[0].Count != before[left[0].Kind].Count+1 || left[0].State != status.Open):
		fail("it leaves %+v", left[0])
	case !needsPerson && len(left) > 0:
		fail("it leaves %+v", left)
	case s.Outcome == "" && s.RetryAt.IsZero():
		fail("nobody looks at it again")
	}
	name := string(s.Outcome)
	if halted {
		name += " at a halt"
	}
	if len(left) == 1 {
		name += " " + string(left[0].Kind)
	}
	a.met[name]++
	return nil
}

// haltsOpen is how many exceptions say that a sync is halted.
func (a *auditor) haltsOpen(sync string) int {
	found, err := a.Exceptions(context.Background(), store.ExceptionFilter{Sync: sync, Kind: status.MassChange, States: []status.State{status.Open}})
	if err != nil {
		a.Fatal(err)
	}
	return len(found)
}

// exceptions returns a customer's exceptions by kind.
func (a *auditor) exceptions(w *store.Work) map[status.Kind]store.Exception {
	found, err := a.Exceptions(context.Background(), store.ExceptionFilter{Sync: w.Sync, Customer: w.Customer})
	if err != nil {
		a.Fatal(err)
	}
	by := map[status.Kind]store.Exception{}
	for _, x := range found {
		if _, twice := by[x.Kind]; twice {
			a.problems = append(a.problems, "two rows of one kind")
		}
		by[x.Kind] = x
	}
	return by
}

// failures are what calls can end with.
var failures = []*connector.Failure{failure(connector.Refused, 422), failure(connector.Unauthorized, 401), failure(connector.RateLimited, 429),
	failure(connector.Transient, 503), failure(connector.Misconfigured, 0), failure(connector.Gone, 404), failure(connector.Moved, 412)}

func TestWhatEndsWithoutAWriteLeavesOneExceptionOrAReason(t *testing.T) {
	met := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		a := &auditor{T: t, met: met}
		w := newWorld(t, func(w *world) {
			w.quiet = true
			w.cannotAsk = rapid.Bool().Draw(rt, "the source cannot be asked")
			w.crm.conditional = rapid.Bool().Draw(rt, "conditional writes")
			w.crm.fieldTime, w.crm.actor, w.crm.times = rapid.Bool().Draw(rt, "field time"), rapid.Bool().Draw(rt, "actor"), rapid.Bool().Draw(rt, "times")
			w.configure = func(s *config.Sync) {
				s.Mode = rapid.SampledFrom([]string{config.ModeLive, config.ModeLive, config.ModeWatch}).Draw(rt, "mode")
				s.FirstContact = rapid.SampledFrom([]string{config.Ask, config.SourceWins}).Draw(rt, "first contact")
				s.MinConfidence = rapid.SampledFrom([]float64{0.8, 0.8, 0.8, 0.8, 0.95}).Draw(rt, "min confidence")
				s.Limits = rapid.SampledFrom([]*config.Limits{nil, nil, {WritesPerCustomer: &config.WritesPerCustomer{Count: 1, Within: 24 * time.Hour}},
					{MassChange: &config.MassChange{To: []status.Status{"active", "paused", "churned"}, Customers: 1, Within: 24 * time.Hour}}}).Draw(rt, "limits")
				s.Conflict.AutomationEdits = rapid.SampledFrom([]string{config.AutomationWrite, config.AutomationSkip}).Draw(rt, "automation")
			}
		})
		a.DB = w.db
		w.p.Store, w.f.Store = a, a
		w.populate(rt)
		for range rapid.IntRange(3, 10).Draw(rt, "steps") {
			w.step(rt)
			w.work()
		}
		w.crm.fail, w.billing.fail = nil, nil
		w.finish()
		if len(a.problems) > 0 {
			rt.Fatal(a.problems)
		}
	})
	t.Logf("ends without a write: %v", met)
}

// Whatever call fails in whatever way, and for however long.
func TestAFailureThatEndsWithoutAWriteLeavesOneExceptionOrAReason(t *testing.T) {
	met := map[string]int{}
	for _, call := range []string{"find", "read", "write"} {
		for _, f := range failures {
			for _, n := range []int{1, 8} {
				a := &auditor{T: t, met: met}
				w := newWorld(t, func(w *world) { w.quiet = true })
				a.DB = w.db
				w.p.Store, w.f.Store = a, a
				w.customer("cus_1", "active", "")
				w.crm.fail = times(n, call, f)
				w.carry("cus_1", "paused")
				if len(a.problems) > 0 {
					t.Errorf("%s, %d times %s: %v", call, n, f.Kind, a.problems)
				}
			}
		}
	}
	for _, want := range []string{"", "parked write_failed", "parked connection_failed", "parked broken_link"} {
		if met[want] == 0 {
			t.Errorf("none ended as %q, but as %v", want, met)
		}
	}
}

// wordsOf is mostly values that are carried, so that a life gets somewhere.
func wordsOf(carried []string) []string {
	return slices.Concat(carried, carried, carried, []string{"on_hold", "incomplete", ""})
}

// populate makes a customer whom the target knows once, twice, under another
// customer's link, or not at all.
func (w *world) populate(rt *rapid.T) {
	w.customer("cus_1", "active", rapid.SampledFrom([]string{"", "Active", "Paused"}).Draw(rt, "target"))
	switch rapid.IntRange(0, 14).Draw(rt, "known") {
	case 0:
		delete(w.crm.records, "rec_cus_1")
	case 1:
		w.crm.records["rec_other"] = &record{value: "Active", editedAt: w.clock.now(), keys: keysOf("cus_1")}
	case 2:
		if err := w.db.SetLink(context.Background(), store.Link{Sync: syncName, Customer: "cus_2", TargetID: "rec_cus_1", Rule: "a person", Confidence: 1, By: "ana"}); err != nil {
			w.Fatal(err)
		}
	}
	w.deliver(w.change("cus_1", rapid.SampledFrom(wordsOf(sourceValues)).Draw(rt, "first")))
}

// step is something that happens.
func (w *world) step(rt *rapid.T) {
	w.pass(time.Duration(rapid.IntRange(1, 7200).Draw(rt, "seconds")) * time.Second)
	switch rapid.IntRange(0, 5).Draw(rt, "what") {
	case 0, 1:
		w.deliver(w.change("cus_1", rapid.SampledFrom(wordsOf(sourceValues)).Draw(rt, "value")))
	case 2:
		if w.crm.records["rec_cus_1"] != nil {
			by := rapid.SampledFrom([]status.Actor{status.ActorHuman, status.ActorAutomation}).Draw(rt, "who")
			w.crm.edit("rec_cus_1", rapid.SampledFrom([]string{"Active", "Paused", "Churned", ""}).Draw(rt, "to"), by)
		}
		w.deliver(w.change("cus_1", w.billing.value("cus_1")))
	case 3:
		f := rapid.SampledFrom(failures).Draw(rt, "failure")
		call, n := rapid.SampledFrom([]string{"find", "read", "write"}).Draw(rt, "call"), rapid.IntRange(1, 8).Draw(rt, "times")
		side := rapid.SampledFrom([]*tool{w.crm, w.billing}).Draw(rt, "side")
		side.fail = times(n, call, f)
		w.deliver(w.change("cus_1", rapid.SampledFrom(sourceValues).Draw(rt, "value")))
	case 4:
		delete(w.crm.records, "rec_cus_1")
		w.deliver(w.change("cus_1", rapid.SampledFrom(sourceValues).Draw(rt, "value")))
	case 5:
		w.decideOne(rt)
	}
}

// decideOne is an owner who decides about an open conflict.
func (w *world) decideOne(rt *rapid.T) {
	found, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		w.Fatal(err)
	}
	i := slices.IndexFunc(found, func(x store.Exception) bool { return x.Kind == status.Conflict || x.Kind == status.FirstContact })
	if i < 0 {
		return
	}
	a := store.Act{Exception: found[i].ID, Verb: rapid.SampledFrom([]store.Verb{store.UseSource, store.KeepTarget}).Draw(rt, "verb"), Who: "ana", Saw: found[i].TargetValue, SawSource: found[i].SourceValue}
	if _, err := w.db.Act(context.Background(), a); err != nil {
		rt.Logf("%s: %v", a.Verb, err) // it was changed since
	}
}

// A halt is told once, for the sync, and each customer who waits has a reason.
func TestAHaltLeavesOneExceptionOfTheSyncAndAReasonEach(t *testing.T) {
	a := &auditor{T: t, met: map[string]int{}}
	w := newWorld(t, func(w *world) { w.quiet = true; limitedTo(moves(1))(w) })
	a.DB = w.db
	w.p.Store, w.f.Store = a, a
	var changes []store.NewEvent
	for n := range 4 {
		id := fmt.Sprint("cus_", n)
		w.customer(id, "active", "")
		changes = append(changes, w.change(id, "canceled"))
	}
	w.deliver(changes...)
	w.finish()
	if len(a.problems) > 0 || a.met["parked at a halt"] != 3 {
		t.Errorf("it ends as %v: %v", a.met, a.problems)
	}
}
