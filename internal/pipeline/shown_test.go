package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// agreed makes a customer whom both tools have as Active, with a base.
func agreed(w *world) {
	w.customer("cus_1", "active", "Active")
	w.carry("cus_1", "active")
	w.pass(time.Minute)
}

func (w *world) retry(x store.Exception) {
	w.Helper()
	if _, err := w.db.Act(w.Context(), store.Act{Exception: x.ID, Verb: store.Retry, Who: "ana@example.com"}); err != nil {
		w.Fatal(err)
	}
	w.finish()
}

func TestAWriteThatTheTargetOnlySaysItDidIsNotApplied(t *testing.T) {
	for name, set := range map[string]func(*tool){
		"and tells everything":      func(*tool) {},
		"and has no times":          func(c *tool) { c.times = false },
		"and names nobody":          func(c *tool) { c.actor, c.fieldTime = false, false },
		"and has conditions":        func(c *tool) { c.conditional = true },
		"and answers with a record": func(c *tool) { c.shows = true },
	} {
		t.Run("a target that lies "+name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { set(w.crm) })
			agreed(w)
			w.crm.lies = true
			w.carry("cus_1", "paused")
			c, x := w.stored("cus_1"), w.exception(status.WriteFailed)
			if c.Outcome != status.Parked || c.Base.Value != "Active" || c.Observed.Value != "Active" {
				t.Errorf("ended %s (%s) with base %s and observed %s", c.Outcome, c.Reason, c.Base.Value, c.Observed.Value)
			}
			if x.Kind != status.WriteFailed || !strings.Contains(x.Reason.Sentence(), "crm accepted Paused but shows Active") {
				t.Errorf("told %s: %s", x.Kind, x.Reason)
			}
			if got := len(w.crm.asked); got != 1 {
				t.Errorf("sent %d times: %v", got, w.crm.asked)
			}
			if s, err := w.db.SyncStanding(t.Context(), syncName, store.Rules{}); err != nil || s.Agree != 0 {
				t.Errorf("it counts as agreeing: %+v, %v", s, err)
			}

			w.crm.lies = false
			w.retry(x)
			if c := w.stored("cus_1"); c.Outcome != status.Applied || c.Base.Value != "Paused" || len(w.open()) != 0 || len(w.crm.asked) != 2 {
				t.Errorf("after the option was added: %s (%s), base %s, open %v, sent %v", c.Outcome, c.Reason, c.Base.Value, w.open(), w.crm.asked)
			}
		})
	}
}

func TestPeopleAreToldOnlyAfterALaggingCopyHadItsTime(t *testing.T) {
	for name, tt := range map[string]struct {
		lag  time.Duration
		told bool
	}{
		"a copy that lags for a moment":        {3 * time.Second, false},
		"a copy that lags for a minute":        {time.Minute, true},
		"a copy that lags for several minutes": {5 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			agreed(w)
			// What the copy shows is what the record was before the write.
			w.crm.lies = true
			sent := w.clock.now()
			w.crm.fail = func(call, id, value string) error {
				if call == "read" && w.clock.now().Sub(sent) >= tt.lag && w.crm.value(id) == "Active" {
					w.crm.mu.Lock()
					w.crm.records[id].value, w.crm.records[id].editedAt, w.crm.records[id].actor = "Paused", sent, status.ActorUs
					w.crm.mu.Unlock()
				}
				return nil
			}
			w.deliver(w.change("cus_1", "paused"))
			w.finish()
			c := w.stored("cus_1")
			if c.Outcome != status.Applied || c.Base.Value != "Paused" || c.Base.By != "us" || len(w.open()) != 0 || len(w.crm.asked) != 1 {
				t.Errorf("ended %s (%s), base %+v, open %v, sent %v", c.Outcome, c.Reason, c.Base, w.open(), w.crm.asked)
			}
			all, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{})
			if err != nil || (len(all) > 0) != tt.told {
				t.Errorf("exceptions that ever were: %+v, %v", all, err)
			}
			want := map[bool]status.Outcome{false: status.Applied, true: status.Parked}[tt.told]
			if got := w.ended("cus_1"); got[len(got)-1] != want {
				t.Errorf("the event ended %s, want %s", got[len(got)-1], want)
			}
		})
	}
}

func TestAnotherChangeDoesNotWaitForAWriteThatIsNotShown(t *testing.T) {
	w := newWorld(t, nil)
	agreed(w)
	w.crm.lies = true
	w.deliver(w.change("cus_1", "paused"))
	w.work()
	w.crm.lies = false
	w.pass(time.Second)
	w.carry("cus_1", "canceled")
	if c := w.stored("cus_1"); c.Base.Value != "Churned" || w.crm.value("rec_cus_1") != "Churned" || len(w.open()) != 0 || len(w.crm.asked) != 2 {
		t.Errorf("ended %s (%s), open %v, sent %v", c.Outcome, c.Reason, w.open(), w.crm.asked)
	}
}

func TestAPersonsEditWhileAWriteIsNotShownIsHeld(t *testing.T) {
	w := newWorld(t, nil)
	agreed(w)
	w.crm.lies = true
	w.deliver(w.change("cus_1", "paused"))
	w.work()
	w.pass(10 * time.Second)
	w.crm.edit("rec_cus_1", "Churned", status.ActorHuman)
	w.finish()
	if x := w.exception(status.Conflict); len(w.crm.asked) != 1 {
		t.Errorf("told %s: %s; sent %v", x.Kind, x.Reason, w.crm.asked)
	}
}

func TestTheAnswerToAWriteSavesALook(t *testing.T) {
	for name, shows := range map[string]bool{"with the record": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.crm.shows = shows })
			agreed(w)
			reads := 0
			w.crm.fail = func(call, _, _ string) error {
				if call == "read" {
					reads++
				}
				return nil
			}
			w.carry("cus_1", "paused")
			if want := map[bool]int{true: 1, false: 2}[shows]; reads != want || w.stored("cus_1").Outcome != status.Applied {
				t.Errorf("the record was read %d times, want %d; ended %s", reads, want, w.stored("cus_1").Outcome)
			}
		})
	}
}

func TestWhatATargetCannotShowIsAppliedAndNotVerified(t *testing.T) {
	w := newWorld(t, func(w *world) { w.knows = connector.Knowledge{Unverified: true} })
	agreed(w)
	w.carry("cus_1", "paused")
	c := w.stored("cus_1")
	if c.Outcome != status.Applied || !c.Base.Unverified || !strings.HasPrefix(c.Reason.Sentence(), "Paused was accepted by crm, not verified: ") {
		t.Errorf("ended %s (%s), unverified %t", c.Outcome, c.Reason, c.Base.Unverified)
	}
	if s, err := w.db.SyncStanding(t.Context(), syncName, store.Rules{}); err != nil || s.Agree != 1 || s.Unverified != 1 {
		t.Errorf("counted %+v, %v", s, err)
	}
	// A look that finds it there verifies it.
	w.pass(time.Minute)
	w.carry("cus_1", "past_due")
	if c := w.stored("cus_1"); c.Outcome != status.AlreadyEqual || c.Base.Unverified {
		t.Errorf("looked at again: %s, unverified %t", c.Outcome, c.Base.Unverified)
	}
}

func TestARowThatIsNotShownIsLookedAtAndNotSentAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		lag  time.Duration
		want store.RowState
	}{
		"a copy that lags": {5 * time.Second, store.RowApplied},
		"a lie":            {time.Hour, store.RowFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			row := w.reviewed()
			w.crm.lies = true
			sent := w.clock.now()
			var c RowResult
			for range 20 {
				if w.clock.now().Sub(sent) >= tt.lag && w.crm.lies {
					w.crm.lies = false
					w.crm.edit("rec_cus_1", "Churned", status.ActorUs)
				}
				if c = w.carryRow(row); c.State != store.RowOpen {
					break
				}
				row.Sent = row.Sent || c.Sent
				w.pass(c.Rest)
			}
			if c.State != tt.want || len(w.crm.asked) != 1 {
				t.Errorf("the row ended %s (%s), sent %v", c.State, c.Note, w.crm.asked)
			}
			if open := len(w.open()["cus_1"]); open != map[store.RowState]int{store.RowApplied: 0, store.RowFailed: 1}[tt.want] {
				t.Errorf("open: %v", w.open())
			}
		})
	}
}

func TestARowThatTheTargetSpellsItsOwnWayFails(t *testing.T) {
	w := newWorld(t, nil)
	row := w.reviewed()
	w.crm.spells = strings.ToLower
	if c := w.carryRow(row); c.State != store.RowFailed || !strings.Contains(c.Note, `"churned"`) {
		t.Errorf("the row ended %s (%s)", c.State, c.Note)
	}
	if x := w.exception(status.WriteFailed); x.State != status.Open {
		t.Errorf("told %+v", x)
	}
}

// The history of a write says what was decided on: who had edited the record
// before, and when, not that we have since.
func TestTheHistoryOfAWriteNamesWhoEditedBefore(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "Churned")
	w.crm.edit("rec_cus_1", "Churned", status.ActorHuman)
	edited := w.clock.now()
	w.pass(time.Hour)
	w.carry("cus_1", "active")
	if got := w.crm.value("rec_cus_1"); got != "Active" {
		t.Fatalf("the target holds %q", got)
	}
	found, err := w.db.History(t.Context(), syncName, "cus_1", 10)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(found, func(d store.Decision) bool { return d.Outcome == status.Applied })
	if i < 0 {
		t.Fatalf("no write in %+v", found)
	}
	if d := found[i]; d.Observed != "Churned" || d.By != string(status.ActorHuman) || !d.ObservedAt.Equal(edited) {
		t.Errorf("decided on %q by %q at %s", d.Observed, d.By, d.ObservedAt)
	}
}
