package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// delayedWorld is a world whose sync has transitions: churned lasts ten minutes,
// paused is asked about, and nobody comes back from churned to active.
func delayedWorld(t *testing.T, set func(*world), c config.Transitions) *world {
	return newWorld(t, func(w *world) {
		w.configure = func(s *config.Sync) { s.Transitions = &c }
		if set != nil {
			set(w)
		}
	})
}

func after(to status.Status, d time.Duration) config.Transitions {
	return config.Transitions{To: map[status.Status]config.Transition{to: {After: d}}}
}

var (
	churnedLasts = after("churned", 10*time.Minute)
	officeHours  = config.Transitions{To: map[status.Status]config.Transition{
		"churned": {Hours: &config.Hours{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "09:00", To: "17:00", Zone: "America/New_York"}}}}
	asksForPaused    = config.Transitions{To: map[status.Status]config.Transition{"paused": {Ask: true}}}
	noWayBackForFree = config.Transitions{Forbid: []config.ForbiddenChange{{From: "churned", To: "active"}}}
)

// tells changes the source, tells of it, and does what is due now.
func (w *world) tells(id, value string) {
	w.Helper()
	w.deliver(w.change(id, value))
	w.work()
}

// later does what is due after a time.
func (w *world) later(d time.Duration) {
	w.Helper()
	w.pass(d)
	w.work()
}

// carried is a customer who is active on both sides, and was so for an hour.
func (w *world) carried() {
	w.customer("cus_1", "active", "")
	w.tells("cus_1", "active")
	w.later(time.Hour)
	w.crm.writes = nil
}

// finds checks what the target shows.
func (w *world) finds(want string) {
	w.Helper()
	if got := w.crm.value("rec_cus_1"); got != want {
		w.Errorf("the target holds %q, not %q", got, want)
	}
}

// waitsUntil checks that the customer waits by transitions.
func (w *world) waitsUntil(want time.Time) {
	w.Helper()
	c := w.stored("cus_1")
	if c.Outcome != status.Held || c.Reason.Code != decide.ChangeWaits || !c.DueAt.Equal(want) || !c.Reason.Facts.Until.Equal(want) {
		w.Errorf("it is %s, %s, until %s: %s", c.Outcome, c.DueAt, c.Reason.Facts.Until, c.Reason)
	}
}

func TestAChangeIsWrittenOnceItHasLasted(t *testing.T) {
	for name, set := range map[string]func(*world){
		"by a source that is asked":                        nil,
		"by a source that only sends events":               func(w *world) { w.cannotAsk = true },
		"by a source that shows when a record was edited":  func(w *world) { w.billing.tellsUpdated = true },
		"in a target that tells neither times nor editors": func(w *world) { w.crm.times, w.crm.actor = false, false },
	} {
		t.Run(name, func(t *testing.T) {
			w := delayedWorld(t, set, churnedLasts)
			w.carried()
			began := w.clock.now()
			w.tells("cus_1", "canceled")
			w.waitsUntil(began.Add(10 * time.Minute))
			if diff := cmp.Diff([]status.Outcome{status.Applied, status.Held}, w.ended("cus_1")); diff != "" {
				t.Error(diff)
			}
			w.later(10*time.Minute - time.Millisecond)
			w.finds("Active")
			w.start() // as after a restart
			w.later(time.Millisecond)
			w.finds("Churned")
			if len(w.crm.writes) != 1 || len(w.open()) > 0 {
				t.Errorf("written %v, open %v", w.crm.writes, w.open())
			}
		})
	}
}

func TestABlipIsNeverWritten(t *testing.T) {
	for name, set := range map[string]func(*world){
		"by a source that is asked":          nil,
		"by a source that only sends events": func(w *world) { w.cannotAsk = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := delayedWorld(t, set, churnedLasts)
			w.carried()
			w.tells("cus_1", "canceled")
			w.later(2 * time.Minute)
			w.tells("cus_1", "active")
			w.later(5 * time.Minute)
			w.tells("cus_1", "canceled")
			again := w.clock.now()
			w.waitsUntil(again.Add(10 * time.Minute)) // the time begins anew
			w.later(2 * time.Minute)
			w.tells("cus_1", "active")
			w.later(time.Hour)
			w.finds("Active")
			if len(w.crm.writes) > 0 {
				t.Errorf("written: %v", w.crm.writes)
			}
		})
	}
}

// Both changes are there when the customer is looked at: the look alone sees the
// same as the one before.
func TestAFlapThatOnlyEventsTellOfBeginsAnew(t *testing.T) {
	w := delayedWorld(t, nil, churnedLasts)
	w.carried()
	w.tells("cus_1", "canceled")
	w.pass(8 * time.Minute)
	w.deliver(w.change("cus_1", "active"))
	w.pass(time.Second)
	w.tells("cus_1", "canceled")
	w.waitsUntil(w.clock.now().Add(10 * time.Minute))
	w.later(5 * time.Minute)
	w.finds("Active")
	again := w.restate("cus_1")
	again.UnchangedAt = time.Time{} // that it is said again is no change
	w.deliver(again)
	w.work()
	w.later(5 * time.Minute)
	w.finds("Churned")
}

// The source's answer is older than its event, or it is not: either way it had
// another value after it was canceled.
func TestAnAnswerThatIsNotBelievedBeginsAnewToo(t *testing.T) {
	w := delayedWorld(t, nil, churnedLasts)
	w.carried()
	w.tells("cus_1", "canceled")
	w.pass(8 * time.Minute)
	again := w.restate("cus_1")
	again.UnchangedAt = time.Time{}
	w.change("cus_1", "active") // of which nothing tells
	w.deliver(again)
	w.work()
	w.change("cus_1", "canceled")
	w.later(5 * time.Second)
	w.waitsUntil(w.clock.now().Add(10 * time.Minute))
	w.later(5 * time.Minute)
	w.finds("Active")
	w.later(5 * time.Minute)
	w.finds("Churned")
}

// The answer is dated when it arrives, and what is told before that may be of a later
// change.
func TestWhatIsToldWhileAnAnswerIsOnItsWayBeginsAnewToo(t *testing.T) {
	w := delayedWorld(t, nil, churnedLasts)
	w.carried()
	w.billing.onTheWay = func() {
		w.pass(6 * time.Second)
		w.deliver(w.change("cus_1", "paused"), w.change("cus_1", "canceled"))
		w.pass(2 * time.Second)
		w.crm.fail = func(string, string, string) error { // nothing fails: it takes a while
			w.pass(3 * time.Second)
			w.crm.fail = nil
			return nil
		}
	}
	w.tells("cus_1", "canceled")
	w.later(store.BetweenLooks)
	w.waitsUntil(w.clock.now().Add(10 * time.Minute))
	w.later(10*time.Minute - time.Second)
	w.finds("Active")
	w.later(time.Second)
	w.finds("Churned")
}

func TestWhatTheSourceSaysOfTheValueItselfCounts(t *testing.T) {
	w := delayedWorld(t, nil, churnedLasts)
	w.carried()
	w.billing.valueAt = w.clock.now()
	w.pass(9 * time.Minute) // the event is late
	w.tells("cus_1", "canceled")
	w.waitsUntil(w.clock.now().Add(time.Minute))

	// A clock that is wrong by hours is no proof against what was seen.
	w = delayedWorld(t, nil, churnedLasts)
	w.carried()
	w.deliver(w.restate("cus_1"))
	w.work()
	w.billing.valueAt = w.clock.now().Add(-5 * time.Hour)
	seen := w.clock.now()
	w.pass(time.Minute)
	w.tells("cus_1", "canceled")
	w.waitsUntil(seen.Add(10 * time.Minute))
}

func TestOutsideOfItsHoursAChangeWaits(t *testing.T) {
	w := delayedWorld(t, nil, officeHours)
	w.carried() // it is 10:00 in London, 5:00 in New York
	w.tells("cus_1", "canceled")
	nine := time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)
	w.waitsUntil(nine)
	if want := "waits until 2026-03-02 14:00:00Z: churned is written only in its hours (mon, tue, wed, thu, fri 09:00-17:00 America/New_York)"; w.stored("cus_1").Reason.Sentence() != want {
		t.Errorf("it says %q", w.stored("cus_1").Reason)
	}
	counts, err := w.db.Counts(t.Context())
	if d := counts[syncName].Delayed; err != nil || d.Customers != 1 || !d.Next.Equal(nine) {
		t.Errorf("counted as %+v, %v", d, err)
	}
	w.clock.set(nine)
	w.work()
	w.finds("Churned")
	if counts, err = w.db.Counts(t.Context()); err != nil || counts[syncName].Delayed.Customers != 0 {
		t.Errorf("written, it is counted as %+v, %v", counts[syncName].Delayed, err)
	}
}

func TestAPersonConfirmsAChange(t *testing.T) {
	confirm := func(w *world) {
		x := w.exception(status.ConfirmChange)
		w.act(store.Act{Exception: x.ID, Verb: store.UseSource, Saw: "Active", SawSource: "paused"})
	}
	keep := func(w *world) {
		x := w.exception(status.ConfirmChange)
		w.act(store.Act{Exception: x.ID, Verb: store.KeepTarget, Saw: "Active", SawSource: "paused"})
	}
	tests := map[string]struct {
		story func(*world)
		want  string
		state status.State
	}{
		"until then nothing is written":            {func(*world) {}, "Active", status.Open},
		"then it is":                               {confirm, "Paused", status.Resolved},
		"or keeps what the target has":             {keep, "Active", status.Resolved},
		"it closes when the source goes back":      {func(w *world) { w.tells("cus_1", "active") }, "Active", status.Resolved},
		"who resolves it has confirmed nothing":    {func(w *world) { w.act(store.Act{Exception: w.exception(status.ConfirmChange).ID, Verb: store.Resolve}) }, "Active", status.Resolved},
		"what is kept stays when it is said again": {func(w *world) { keep(w); w.later(time.Hour); w.deliver(w.restate("cus_1")); w.finish() }, "Active", status.Resolved},
		"the next change is asked about once more": {func(w *world) {
			confirm(w)
			w.later(time.Hour)
			w.tells("cus_1", "active")
			w.later(time.Hour)
			w.tells("cus_1", "paused")
			w.later(time.Hour)
		}, "Active", status.Open},
		"what is kept is asked about once more when the source has changed": {func(w *world) {
			keep(w)
			w.later(time.Hour)
			w.tells("cus_1", "active")
			w.later(time.Hour)
			w.tells("cus_1", "paused")
			w.later(time.Hour)
		}, "Active", status.Open},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := delayedWorld(t, nil, asksForPaused)
			w.carried()
			w.tells("cus_1", "paused")
			if x := w.exception(status.ConfirmChange); x.Stage != status.StageDecide || x.SourceValue != "paused" || x.TargetValue != "Active" {
				t.Errorf("it asks with %+v", x)
			}
			w.later(time.Hour)
			tt.story(w)
			w.finds(tt.want)
			if x := w.exception(status.ConfirmChange); x.State != tt.state {
				t.Errorf("the question is %s, not %s", x.State, tt.state)
			}
		})
	}
}

// The answer was given at night, and the source changed there and back before the
// morning in which it would be written.
func TestAConfirmationDoesNotOutliveTheChange(t *testing.T) {
	asks := config.Transitions{To: map[status.Status]config.Transition{"paused": {Ask: true, Hours: &config.Hours{From: "20:00", To: "21:00", Zone: "UTC"}}}}
	for name, tt := range map[string]struct {
		meanwhile func(*world)
		want      string
	}{
		"nothing happens meanwhile":                        {func(*world) {}, "Paused"},
		"it changes there and back, and each look sees it": {func(w *world) { w.tells("cus_1", "active"); w.later(time.Minute); w.tells("cus_1", "paused") }, "Active"},
		"it changes there and back between two looks": {func(w *world) {
			w.deliver(w.change("cus_1", "active"))
			w.pass(time.Minute)
			w.tells("cus_1", "paused")
		}, "Active"},
		"somebody edits the target": {func(w *world) {
			w.crm.edit("rec_cus_1", "Lead", status.ActorAutomation)
			w.deliver(w.restate("cus_1"))
			w.work()
		}, "Lead"},
	} {
		t.Run(name, func(t *testing.T) {
			w := delayedWorld(t, nil, asks)
			w.carried()
			w.tells("cus_1", "paused")
			w.later(time.Hour)
			x := w.exception(status.ConfirmChange)
			if _, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.UseSource, Who: "ana@example.com", Saw: "Active", SawSource: "paused"}); err != nil {
				t.Fatal(err)
			}
			w.work()
			w.waitsUntil(time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC))
			if x := w.exception(status.ConfirmChange); x.State != status.Resolved {
				t.Errorf("answered, the question is %s", x.State)
			}
			w.later(time.Hour)
			tt.meanwhile(w)
			w.clock.set(time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC))
			w.work()
			w.finds(tt.want)
			if x := w.exception(status.ConfirmChange); (x.State == status.Open) != (tt.want != "Paused") {
				t.Errorf("the question is %s", x.State)
			}
		})
	}
}

func TestWhoIsAskedAgainCanGiveTheSameAnswerAgain(t *testing.T) {
	asks := config.Transitions{To: map[status.Status]config.Transition{"paused": {Ask: true, Hours: &config.Hours{From: "20:00", To: "21:00", Zone: "UTC"}}}}
	w := delayedWorld(t, nil, asks)
	w.carried()
	w.tells("cus_1", "paused")
	w.later(time.Hour)
	confirm := func() {
		x := w.exception(status.ConfirmChange)
		changed, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.UseSource, Who: "ana@example.com", Saw: "Active", SawSource: "paused"})
		if err != nil || !changed {
			t.Fatalf("the answer changed something: %t, %v", changed, err)
		}
		w.work()
	}
	confirm()
	w.later(time.Hour)
	w.deliver(w.change("cus_1", "active"))
	w.pass(time.Minute)
	w.tells("cus_1", "paused")
	w.later(time.Hour)
	confirm()
	w.clock.set(time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC))
	w.work()
	w.finds("Paused")
}

func TestAForbiddenChangeNeedsAPerson(t *testing.T) {
	w := delayedWorld(t, nil, noWayBackForFree)
	w.carried()
	w.tells("cus_1", "canceled")
	w.finds("Churned")
	w.later(time.Hour)
	w.tells("cus_1", "active")
	w.later(time.Hour)
	w.finds("Churned")
	x := w.exception(status.ConfirmChange)
	if want := "a change from churned to active is forbidden by transitions, unless a person decides otherwise"; x.Reason.Sentence() != want || x.Reason.Code != reason.ChangeForbidden {
		t.Errorf("it says %q", x.Reason)
	}
	w.act(store.Act{Exception: x.ID, Verb: store.UseSource, Saw: "Churned", SawSource: "active"})
	w.finds("Active")
}

func TestAPlanConfirmsNothing(t *testing.T) {
	paused := config.Transitions{To: map[status.Status]config.Transition{"churned": {Ask: true}}}
	for name, tt := range map[string]struct {
		transitions config.Transitions
		approved    string
		note        string
	}{
		"of a change that asks":                          {paused, "", "only after a person confirms it"},
		"nor does who approves its first contacts":       {paused, "ana@example.com", "only after a person confirms it"},
		"of a change that is forbidden":                  {config.Transitions{Forbid: []config.ForbiddenChange{{From: "active", To: "churned"}}}, "ana@example.com", "is forbidden by transitions"},
		"and it does not write what waits for its hours": {officeHours, "ana@example.com", "waits until 2026-03-02 14:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			w := delayedWorld(t, nil, tt.transitions)
			w.customer("cus_1", "canceled", "Active")
			w.pass(time.Hour)
			row := w.planned("Active", "Churned")
			if tt.approved == "" {
				w.crm.records["rec_cus_1"].value = ""
				row = w.planned("", "Churned")
			}
			row.Approved = tt.approved
			c := w.carryRow(row)
			if c.State != store.RowRefused || len(w.crm.writes) > 0 || !strings.Contains(c.Note, tt.note) {
				t.Errorf("the row is %q (%s), written %v", c.State, c.Note, w.crm.writes)
			}
		})
	}
}

func TestThePreviewShowsWhatWaitsAndWhatAsks(t *testing.T) {
	w := delayedWorld(t, nil, churnedLasts)
	w.carried()
	w.change("cus_1", "canceled") // its event is lost
	if o := w.judged("cus_1"); o.Action != string(decide.Hold) || o.Reason.Code != decide.ChangeWaits || !o.ByTransitions() {
		t.Errorf("it would %s: %s", o.Action, o.Reason)
	}
	w = delayedWorld(t, nil, asksForPaused)
	w.carried()
	w.change("cus_1", "paused")
	if o := w.judged("cus_1"); o.Action != string(decide.Park) || o.Kind != status.ConfirmChange || !o.ByTransitions() {
		t.Errorf("it would %s: %s", o.Action, o.Reason)
	}
}

// A customer of whom no event ever came: a plan has to be able to write it.
func TestWhatWasSoForLongNeedsNoEventToHaveLasted(t *testing.T) {
	w := delayedWorld(t, func(w *world) { w.billing.tellsUpdated = true }, churnedLasts)
	w.customer("cus_1", "canceled", "")
	w.pass(time.Hour)
	if c := w.carryRow(w.planned("", "Churned")); c.State != store.RowApplied {
		t.Errorf("the row is %q: %s", c.State, c.Note)
	}
}

func TestAnotherPolicyMakesThoseDueWhoWait(t *testing.T) {
	w := delayedWorld(t, nil, officeHours)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	looks := store.Looks{Rules: "r", Target: "t", Policy: "old"}
	must(w.db.NoteLooks(t.Context(), syncName, looks))
	w.carried()
	w.tells("cus_1", "canceled")
	must(w.db.NoteLooks(t.Context(), syncName, looks))
	w.waitsUntil(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)) // the same one changes nothing
	since, err := w.db.Looks(t.Context(), syncName)
	must(err)
	w.configure = func(*config.Sync) {}
	w.start()
	looks.Policy = ""
	must(w.db.NoteLooks(t.Context(), syncName, looks))
	if now, err := w.db.Looks(t.Context(), syncName); err != nil || !now.Since.Equal(since.Since) {
		t.Errorf("looks count since %s, not %s: %v", now.Since, since.Since, err)
	}
	w.work()
	w.finds("Churned")
}

// What a person let through at a halt does not halt the sync again in the morning.
func TestWhatWasLetThroughAtAHaltIsStillWhenItsTimeComes(t *testing.T) {
	w := newWorld(t, nil)
	w.configure = func(s *config.Sync) {
		s.Limits = &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: 1, Within: 24 * time.Hour}}
	}
	w.start()
	for _, id := range []string{"cus_1", "cus_2", "cus_3"} {
		w.customer(id, "active", "")
		w.tells(id, "active")
	}
	w.later(time.Hour)
	for _, id := range []string{"cus_3", "cus_2", "cus_1"} {
		w.tells(id, "canceled")
	}
	if counts, err := w.db.Counts(t.Context()); err != nil || counts[syncName].Halted.Waiting != 2 {
		t.Fatalf("halted: %+v, %v", counts[syncName].Halted, err)
	}
	limits := w.configure
	w.configure = func(s *config.Sync) { limits(s); c := officeHours; s.Transitions = &c }
	w.start()
	if _, err := w.db.Resume(t.Context(), store.Resume{Sync: syncName, Who: "ana@example.com", Reason: "checked"}); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.waitsUntil(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC))
	w.clock.set(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC))
	w.work()
	w.finds("Churned")
	if got := w.crm.value("rec_cus_2"); got != "Churned" {
		t.Errorf("the other holds %q", got)
	}
}
