package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestAValueThatTheTargetSpellsItsOwnWayIsAskedAboutOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		spells func(string) string
		set    func(*tool)
		line   string
	}{
		"a space behind it":             {func(s string) string { return s + " " }, func(*tool) {}, `to: "Paused "`},
		"lower case":                    {strings.ToLower, func(*tool) {}, `to: "paused"`},
		"lower case, and nobody named":  {strings.ToLower, func(c *tool) { c.actor, c.fieldTime = false, false }, `to: "paused"`},
		"lower case, and no times":      {strings.ToLower, func(c *tool) { c.times, c.actor, c.fieldTime = false, false, false }, `to: "paused"`},
		"lower case, and in the answer": {strings.ToLower, func(c *tool) { c.shows = true }, `to: "paused"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { tt.set(w.crm) })
			agreed(w)
			w.crm.spells = tt.spells
			w.carry("cus_1", "paused")
			x := w.exception(status.WriteFailed)
			if x.Kind != status.WriteFailed || !strings.Contains(x.Reason.Advice(), tt.line) || !strings.Contains(x.Reason.Sentence(), "differs only in case or spaces") {
				t.Errorf("told %s: %s", x.Kind, x.Reason)
			}
			w.pass(time.Minute)
			w.carry("cus_1", "past_due") // another word for the same
			w.retry(x)
			if c := w.stored("cus_1"); len(w.crm.asked) != 1 || c.Outcome != status.Parked {
				t.Errorf("sent %v, ended %s (%s)", w.crm.asked, c.Outcome, c.Reason)
			}
			if open := w.open()["cus_1"]; !slices.Equal(open, []status.Kind{status.WriteFailed}) {
				t.Errorf("open: %v", open)
			}

			// Another value is written over it: nobody else has set it.
			w.crm.spells = nil
			w.pass(time.Minute)
			w.carry("cus_1", "canceled")
			if c := w.stored("cus_1"); c.Outcome != status.Applied || w.crm.value("rec_cus_1") != "Churned" || len(w.open()) != 0 {
				t.Errorf("ended %s (%s), open %v", c.Outcome, c.Reason, w.open())
			}
		})
	}
}

// A clock that is hours behind dates our own write before the base. What was read before the
// write shows that the record was edited since; what was edited no later than that is an old copy.
func TestAnOwnSpellingIsToldFromAnOldCopyByWhatWasReadBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		clock time.Duration
		set   func(*tool)
		old   bool
		want  string // the base after the write
	}{
		"a clock that is behind":                    {-5 * time.Hour, func(*tool) {}, false, "paused"},
		"a clock that is behind, and conditions":    {-5 * time.Hour, func(c *tool) { c.conditional = true }, false, "paused"},
		"a clock that is behind, and in the answer": {-5 * time.Hour, func(c *tool) { c.shows = true }, false, "paused"},
		"an old copy": {0, func(*tool) {}, true, "Active"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.crm.actor, w.crm.fieldTime, w.crm.clock = false, false, tt.clock
				tt.set(w.crm)
			})
			w.customer("cus_1", "active", "paused")
			w.pass(time.Hour)
			before := w.crm.view("rec_cus_1")
			w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			w.crm.spells = strings.ToLower
			w.crm.fail = func(call, id, _ string) error {
				if call == "write" && tt.old {
					w.crm.stale = map[string]status.TargetRecord{id: before}
				}
				return nil
			}
			w.deliver(w.change("cus_1", "paused"))
			w.work()
			if c := w.stored("cus_1"); c.Base.Value != tt.want {
				t.Errorf("after the write the base is %s, want %s (%s)", c.Base.Value, tt.want, c.Reason)
			}
			w.crm.fail, w.crm.stale = nil, nil
			w.finish()
			if open := w.open()["cus_1"]; !slices.Equal(open, []status.Kind{status.WriteFailed}) || len(w.crm.asked) != 1 {
				t.Errorf("open: %v, sent %v, %s", open, w.crm.asked, w.stored("cus_1").Reason)
			}
		})
	}
}

// A slow clock that is no reason to doubt our own spelling is none to write over a person either.
func TestAnEditOnTopOfOurOwnSpellingIsHeldWhateverTheClockSays(t *testing.T) {
	for name, before := range map[string]bool{"before it is read": true, "after it was read": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.crm.actor, w.crm.fieldTime, w.crm.clock = false, false, -5*time.Hour
			})
			agreed(w)
			w.pass(time.Hour)
			w.crm.spells = strings.ToLower
			edited := false
			edit := func() {
				edited = true
				w.crm.edit("rec_cus_1", "Churned", status.ActorHuman)
			}
			w.crm.fail = func(call, id, _ string) error {
				if before && !edited && call == "read" && w.crm.value(id) == "paused" {
					edit()
				}
				return nil
			}
			w.deliver(w.change("cus_1", "paused"))
			w.work()
			w.pass(10 * time.Second)
			if !before {
				edit()
				w.deliver(w.restate("cus_1"))
			}
			w.finish()
			if x := w.exception(status.Conflict); !edited || len(w.crm.asked) != 1 || w.crm.value("rec_cus_1") != "Churned" {
				t.Errorf("edited %t, told %s: %s; sent %v", edited, x.Kind, x.Reason, w.crm.asked)
			}
		})
	}
}

// What was written over is no edit that stays: the record holds our value, in the
// target's spelling.
func TestAnEditThatWasWrittenOverIsNoConflictInTheTargetsOwnSpelling(t *testing.T) {
	for name, set := range map[string]func(*tool){
		"a target that tells everything": func(*tool) {},
		"a target that names nobody":     func(c *tool) { c.actor, c.fieldTime = false, false },
		"a target with conditions":       func(c *tool) { c.conditional = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				set(w.crm)
				w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
			})
			w.customer("cus_1", "canceled", "Paused")
			w.crm.records["rec_cus_1"].actor = status.ActorUnknown
			w.pass(time.Minute)
			w.crm.edit("rec_cus_1", "Lead", status.ActorUnknown)
			w.pass(time.Minute)
			w.crm.spells = strings.ToLower
			w.crm.fail = func(call, _, _ string) error {
				if call == "write" {
					return failure(connector.Transient, 503)
				}
				return nil
			}
			w.billing.valueAt = w.lastChange["cus_1"]
			w.deliver(w.restate("cus_1"))
			w.work() // finds the edit, and cannot write
			w.crm.fail = nil
			w.finish()
			x := w.exception(status.WriteFailed)
			w.pass(time.Minute)
			w.deliver(w.restate("cus_1")) // looks again
			w.finish()
			if open := w.open()["cus_1"]; !slices.Equal(open, []status.Kind{status.WriteFailed}) || len(w.crm.writes) != 1 {
				t.Errorf("told %s; then open: %v, %s; written %v", x.Reason, open, w.stored("cus_1").Reason, w.crm.writes)
			}
		})
	}
}

func TestThePersonWhoWritesTheSpellingIntoTheMapIsDone(t *testing.T) {
	w := newWorld(t, nil)
	agreed(w)
	w.crm.spells = strings.ToLower
	w.carry("cus_1", "paused")
	x := w.exception(status.WriteFailed)
	w.configure = func(s *config.Sync) {
		s.Statuses["paused"] = config.StatusMap{From: []string{"paused", "past_due"}, To: "paused"}
	}
	w.start()
	w.retry(x)
	if c := w.stored("cus_1"); c.Outcome != status.AlreadyEqual || len(w.open()) != 0 || len(w.crm.asked) != 1 {
		t.Errorf("ended %s (%s), open %v, sent %v", c.Outcome, c.Reason, w.open(), w.crm.asked)
	}
}

func TestAnOwnersWordIsCarriedOutAlsoInTheTargetsOwnSpelling(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	w.crm.spells = strings.ToLower
	w.act(store.Act{Exception: x.ID, Verb: store.UseSource, Saw: "Paused", SawSource: "canceled"})
	w.pass(time.Minute)
	w.deliver(w.restate("cus_1")) // looks again
	w.finish()
	if c := w.stored("cus_1"); c.Outcome != status.Parked || !strings.Contains(c.Reason.Sentence(), `keeps "Churned" as "churned"`) || len(w.crm.asked) != 2 {
		t.Errorf("ended %s (%s), sent %v", c.Outcome, c.Reason, w.crm.asked)
	}
	w.state(status.Resolved)
}

// A write that gets no answer, over a record that holds the same spelling already, leaves nothing
// but a later time. Whether it was the write or a person who spelled it so again, it is not sent again.
func TestAWriteWithoutAnAnswerOverItsOwnSpellingIsNotSentAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		clock  time.Duration
		set    func(*tool)
		person bool
	}{
		"the target's clock is right":           {0, func(*tool) {}, false},
		"its clock is ahead":                    {15 * time.Minute, func(*tool) {}, false},
		"its clock is ahead, and conditions":    {15 * time.Minute, func(c *tool) { c.conditional = true }, false},
		"its clock is behind":                   {-5 * time.Hour, func(*tool) {}, false},
		"its clock is ahead, and it names us":   {15 * time.Minute, func(c *tool) { c.actor = true; c.records["rec_cus_1"].editedAt = began.Add(59 * time.Minute) }, false},
		"a person spells it so again":           {0, func(*tool) {}, true},
		"a person does, and the clock is ahead": {15 * time.Minute, func(*tool) {}, true},
		"a person does, and is named":           {0, func(c *tool) { c.actor = true }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.crm.actor, w.crm.fieldTime, w.crm.clock = false, false, tt.clock
				w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
				w.customer("cus_1", "active", "churned")
				tt.set(w.crm)
			})
			w.pass(time.Hour)
			w.deliver(w.change("cus_1", "canceled"))
			if !tt.person {
				w.crm.spells = strings.ToLower
			}
			w.crm.fail = arrivesWithA502(w, 5*time.Second)
			w.work()
			want := status.WriteFailed
			if tt.person {
				w.pass(4 * time.Second)
				w.crm.edit("rec_cus_1", "churned", status.ActorHuman)
				if w.crm.actor {
					want = status.Conflict
				}
			}
			w.finish()
			if x := w.exception(""); x.Kind != want || x.State != status.Open || len(w.crm.writes) != 1 || w.crm.value("rec_cus_1") != "churned" {
				t.Errorf("told %s: %s; written %v", x.Kind, x.Reason, w.crm.writes)
			}
		})
	}
}
