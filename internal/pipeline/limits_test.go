package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// limitedTo is a world whose sync has limits.
func limitedTo(l config.Limits) func(*world) {
	return func(w *world) { w.configure = func(s *config.Sync) { s.Limits = &l } }
}

func moves(customers int) config.Limits {
	return config.Limits{MassChange: &config.MassChange{To: []status.Status{"paused", "churned"}, Customers: customers, Within: time.Hour}}
}

func writesPer(count int) config.Limits {
	return config.Limits{WritesPerCustomer: &config.WritesPerCustomer{Count: count, Within: 10 * time.Minute}}
}

// look has somebody look at a customer again.
func (w *world) look(customer string) {
	w.Helper()
	w.events++
	w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: fmt.Sprintf("look_%03d", w.events), Customer: w.recordOf[customer]})
	w.finish()
}

func (w *world) written(id string) (n int) {
	w.crm.mu.Lock()
	defer w.crm.mu.Unlock()
	for _, done := range w.crm.writes {
		if done.id == id {
			n++
		}
	}
	return n
}

func (w *world) says(reason string, parts ...string) {
	w.Helper()
	for _, part := range parts {
		if !strings.Contains(reason, part) {
			w.Errorf("it does not say %q: %s", part, reason)
		}
	}
}

func TestASourceThatSuddenlySaysChurnedForEveryoneWritesAtMostTheCap(t *testing.T) {
	w := newWorld(t, limitedTo(moves(5)))
	const customers = 40
	var changes []store.NewEvent
	for n := range customers {
		id := fmt.Sprintf("cus_%02d", n)
		w.customer(id, "active", "Active")
		changes = append(changes, w.change(id, "active"))
	}
	w.deliver(changes...)
	w.finish()
	w.pass(time.Minute)
	changes = nil
	for n := range customers {
		changes = append(changes, w.change(fmt.Sprintf("cus_%02d", n), "canceled"))
	}
	w.deliver(changes...)
	w.finish()
	if n := len(w.crm.writes); n != 5 {
		t.Errorf("%d customers were written", n)
	}
	x := w.exception(status.MassChange)
	if x.Owner != "ops@example.com" || x.State != status.Open || x.Count != 1 || x.Stage != status.StageWrite {
		t.Errorf("the exception is %+v", x)
	}
	w.says(x.Reason.Sentence(), "5 customers moved to paused or churned within 1h", "the limit is 5")
	w.offers(x.Reason, reason.Resume)
	c := w.stored("cus_39")
	if c.Outcome != status.Parked || !c.DueAt.IsZero() {
		t.Errorf("a customer who waits is %+v", c)
	}
	w.says(c.Reason.Sentence(), "Churned is not written", "halted")
	w.offers(c.Reason, reason.Resume)
	for customer, kinds := range w.open() {
		if customer != "" {
			t.Errorf("%s has an exception of its own: %v", customer, kinds)
		}
	}

	// Other writes of the sync go on, and who has changed his mind waits no more.
	w.pass(time.Minute)
	w.crm.edit("rec_cus_38", "Paused", status.ActorAutomation)
	w.carry("cus_38", "active")
	if got := w.crm.value("rec_cus_38"); got != "Active" {
		t.Errorf("a write that does not count leaves %s", got)
	}
	w.pass(2 * time.Hour) // the window is over, and the halt is not
	w.carry("cus_20", "paused")
	if got := w.crm.value("rec_cus_20"); got != "Active" {
		t.Errorf("after the window %s was written", got)
	}

	done, err := w.db.Resume(t.Context(), store.Resume{Sync: syncName, Who: "ana@example.com", Reason: "they have left"})
	if err != nil || done.Through != customers-5-1 {
		t.Errorf("resumed: %+v, %v", done, err)
	}
	w.finish()
	for n := range customers {
		id := fmt.Sprintf("cus_%02d", n)
		want := map[string]string{"cus_38": "Active", "cus_20": "Paused"}[id]
		if want == "" {
			want = "Churned"
		}
		if got := w.crm.value("rec_" + id); got != want {
			t.Errorf("%s holds %s in the end, not %s", id, got, want)
		}
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("open in the end: %v", open)
	}
}

func TestWhoWaitsAtAHaltKeepsWhatIsOpenAboutItsWrites(t *testing.T) {
	w := newWorld(t, limitedTo(moves(1)))
	w.customer("cus_1", "active", "")
	w.customer("cus_2", "active", "")
	w.carry("cus_1", "canceled")
	w.crm.fail = func(call, _, _ string) error {
		if call == "write" {
			return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Detail: "no"}
		}
		return nil
	}
	w.carry("cus_2", "trialing")
	w.pass(time.Minute)
	w.carry("cus_2", "canceled")
	if got := w.open()["cus_2"]; !slices.Equal(got, []status.Kind{status.WriteFailed}) || len(w.open()[""]) != 1 {
		t.Errorf("open are %v", w.open())
	}
}

func TestWatchingHaltsNothing(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.configure = func(s *config.Sync) {
			l := moves(1)
			s.Limits, s.Mode = &l, config.ModeWatch
		}
	})
	for n := range 3 {
		id := fmt.Sprint("cus_", n)
		w.customer(id, "active", "")
		w.carry(id, "canceled")
		w.says(w.stored(id).Reason.Sentence(), "would have written Churned")
	}
	if open := w.open(); len(open) > 0 || len(w.crm.writes) > 0 {
		t.Errorf("open are %v, written was %v", open, w.crm.writes)
	}
}

// flips is a world in which an outside automation answers each write by turning
// the source round, which tells of it.
func flips(t *testing.T, l config.Limits) *world {
	w := newWorld(t, limitedTo(l))
	w.customer("cus_1", "active", "")
	w.crm.beforeWrite = func(string) {
		w.pass(10 * time.Second)
		other := map[string]string{"active": "paused", "paused": "active"}[w.billing.records["cus_1"].value]
		w.deliver(w.change("cus_1", other))
	}
	return w
}

func TestALoopOutsideStopsAtTheCap(t *testing.T) {
	w := flips(t, writesPer(4))
	w.carry("cus_1", "paused")
	if n := w.written("rec_cus_1"); n != 4 {
		t.Errorf("%d writes", n)
	}
	x := w.exception(status.LoopSuspected)
	w.says(x.Reason.Sentence(), "written 4 times in 10m: Paused at 2026-03-02 09:00:00Z, Active at 2026-03-02 09:00:11Z")
	w.offers(x.Reason, reason.Retry)
	if got := w.stored("cus_1").Outcome; got != status.Parked {
		t.Errorf("it ended as %s", got)
	}

	// It stays stopped after the window, also when the source changes.
	w.crm.beforeWrite = nil
	w.pass(time.Hour)
	w.carry("cus_1", "canceled")
	if n := w.written("rec_cus_1"); n != 4 || len(w.open()["cus_1"]) != 1 {
		t.Errorf("an hour later %d writes, open are %v", n, w.open())
	}
	w.says(w.exception(status.LoopSuspected).Reason.Sentence(), "written 4 times")
	w.act(store.Act{Exception: x.ID, Verb: store.Retry})
	if got := w.crm.value("rec_cus_1"); got != "Churned" || len(w.open()) > 0 {
		t.Errorf("after a retry the target holds %s, open are %v", got, w.open())
	}
	for n := range 3 { // the count began anew
		w.pass(time.Minute)
		w.carry("cus_1", []string{"paused", "active", "paused"}[n])
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("before the cap is reached again: %v", open)
	}
}

func TestALoopThatEndsByItselfIsOver(t *testing.T) {
	w := flips(t, writesPer(2))
	w.carry("cus_1", "paused")
	if got := w.open()["cus_1"]; !slices.Equal(got, []status.Kind{status.LoopSuspected}) {
		t.Fatalf("open are %v", got)
	}
	w.crm.beforeWrite = nil
	w.crm.edit("rec_cus_1", "Churned", status.ActorAutomation)
	w.carry("cus_1", "canceled") // the values agree
	if open := w.open(); len(open) > 0 {
		t.Errorf("open are %v", open)
	}
	w.pass(time.Minute)
	w.carry("cus_1", "active")
	if got := w.crm.value("rec_cus_1"); got != "Active" {
		t.Errorf("the target holds %s", got)
	}
}

func TestATargetThatFailsIsNoLoop(t *testing.T) {
	for name, effect := range map[string]connector.Effect{"nobody knows the effect": connector.EffectUnknown, "there is no effect": connector.EffectNone} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, limitedTo(config.Limits{WritesPerCustomer: writesPer(2).WritesPerCustomer, MassChange: moves(1).MassChange}))
			w.customer("cus_1", "active", "")
			w.customer("cus_2", "active", "")
			failing := 0
			w.crm.fail = func(call, _, _ string) error {
				if call != "write" || failing == 7 {
					return nil
				}
				failing++
				return &connector.Failure{Kind: connector.Transient, Effect: effect, Detail: "try later"}
			}
			w.carry("cus_1", "paused")
			if got := w.crm.value("rec_cus_1"); got != "Paused" || failing != 7 || len(w.open()) > 0 {
				t.Errorf("the target holds %s after %d failures, open are %v", got, failing, w.open())
			}
		})
	}
}

// setBack is a target where an automation undoes each write before the next look.
func (w *world) setBack(customer, value string) {
	w.Helper()
	w.pass(time.Minute)
	w.crm.edit(w.recordOf[customer], value, status.ActorAutomation)
	w.look(customer)
}

func TestAValueThatNeverSticksIsWrittenThreeTimes(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "paused")
	for range 6 {
		w.setBack("cus_1", "Active")
	}
	if n := w.written("rec_cus_1"); n != 3 {
		t.Errorf("%d writes", n)
	}
	x := w.exception(status.NeverSticks)
	w.says(x.Reason.Sentence(), "Paused does not stay in crm", "written at 2026-03-02 09:00:00Z, then Active by an automation (automation) at 2026-03-02 09:01:00Z",
		"written at 2026-03-02 09:02:00Z")
	w.offers(x.Reason, reason.Retry)
	if x.Stage != status.StageConfirm || w.stored("cus_1").Outcome != status.Parked {
		t.Errorf("it is %+v", x)
	}
	w.act(store.Act{Exception: x.ID, Verb: store.Retry})
	if got := w.crm.value("rec_cus_1"); got != "Paused" || len(w.open()) > 0 {
		t.Errorf("after a retry the target holds %s, open are %v", got, w.open())
	}
	for range 3 {
		w.setBack("cus_1", "Active")
	}
	if n := w.written("rec_cus_1"); n != 6 || len(w.open()["cus_1"]) != 1 {
		t.Errorf("after the retry %d writes, open are %v", n, w.open())
	}
	w.pass(time.Minute)
	w.carry("cus_1", "canceled")
	if got := w.crm.value("rec_cus_1"); got != "Churned" || len(w.open()) > 0 {
		t.Errorf("after a change of the source the target holds %s, open are %v", got, w.open())
	}
}

func TestAValueThatNeverSticksIsOverWhenSomebodyElseSetsIt(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "paused")
	for range 3 {
		w.setBack("cus_1", "Active")
	}
	if len(w.open()["cus_1"]) != 1 {
		t.Fatalf("open are %v", w.open())
	}
	w.setBack("cus_1", "Paused")
	w.setBack("cus_1", "Active")
	if got := w.crm.value("rec_cus_1"); got != "Paused" || len(w.open()) > 0 {
		t.Errorf("the target holds %s, open are %v", got, w.open())
	}
}

// Not what never sticks, by the rows of the decision's table.
func TestWhatDoesNotCountAsSetBack(t *testing.T) {
	for name, again := range map[string]func(*world, int){
		"a value that stayed for a while before": func(w *world, _ int) {
			w.pass(sticksAfter)
			w.look("cus_1")
			w.setBack("cus_1", "Active")
		},
		"another value of the source each time": func(w *world, n int) {
			w.pass(time.Minute)
			w.carry("cus_1", []string{"active", "paused"}[n%2])
			w.setBack("cus_1", "Churned")
		},
		"the same value of the source, changed to anew": func(w *world, _ int) {
			w.pass(time.Minute)
			there, back := w.change("cus_1", "active"), store.NewEvent{}
			w.pass(time.Second)
			back = w.change("cus_1", "paused")
			w.crm.edit("rec_cus_1", "Churned", status.ActorAutomation)
			w.deliver(there, back)
			w.finish()
		},
		"a person's edit, which is left alone": func(w *world, _ int) {
			w.pass(time.Minute)
			w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
			w.look("cus_1")
			w.act(store.Act{Exception: w.exception(status.Conflict).ID, Verb: store.Retry})
		},
		"a person's edit that an owner writes over": func(w *world, _ int) {
			w.pass(time.Minute)
			w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
			w.look("cus_1")
			w.act(store.Act{Exception: w.exception(status.Conflict).ID, Verb: store.UseSource, Saw: "Active", SawSource: "paused"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "paused")
			for n := range 5 {
				again(w, n)
			}
			w.setBack("cus_1", "Active") // the first, or the second at most
			if slices.Contains(w.open()["cus_1"], status.NeverSticks) {
				t.Errorf("it is %s", w.exception(status.NeverSticks).Reason)
			}
		})
	}
}

// A tool's own notice of our write brings a look that finds the value in place,
// a moment before an automation sets it back.
func TestALookJustAfterTheWriteIsNoProofThatItSticks(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "paused")
	for range 4 {
		w.pass(2 * time.Second)
		w.look("cus_1")
		w.setBack("cus_1", "Active")
	}
	if n := w.written("rec_cus_1"); n != 3 || !slices.Contains(w.open()["cus_1"], status.NeverSticks) {
		t.Errorf("%d writes, open are %v", n, w.open())
	}
}

// offers asks that a reason offers a remedy.
func (w *world) offers(r reason.Reason, verb reason.Verb) {
	w.Helper()
	if !slices.ContainsFunc(r.Remedies(), func(m reason.Remedy) bool { return m.Verb == verb }) {
		w.Errorf("%s does not offer %s: %v", r.Code, verb, r.Remedies())
	}
}
