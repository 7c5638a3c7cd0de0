package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A person's newer edit survives, in every row of the decision table that says
// so, and an older one does not stand in the way.
func TestAPersonsEditStandsWhereTheTableSaysSo(t *testing.T) {
	hourLater := func(w *world) { w.pass(time.Hour) }
	// late is the story of most rows: the source changes, an hour later
	// somebody edits the target, and only then does the event arrive.
	late := func(to string, by status.Actor) func(*world) {
		return func(w *world) {
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			hourLater(w)
			told := w.change("cus_1", "canceled")
			hourLater(w)
			w.crm.edit("rec_cus_1", to, by)
			w.deliver(told)
			w.finish()
		}
	}
	// early is the other way round: the edit, and an hour later the change.
	early := func(w *world) {
		w.customer("cus_1", "active", "")
		w.carry("cus_1", "active")
		hourLater(w)
		w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
		hourLater(w)
		w.carry("cus_1", "canceled")
	}
	tests := map[string]struct {
		set   func(*world)
		story func(*world)
		// want is what the target holds at the end; kind is the exception.
		want string
		kind status.Kind
		// says is how the reason of the exception ends.
		says string
	}{
		"row 3: an unknown value at first contact is asked about": {
			story: func(w *world) {
				w.customer("cus_1", "active", "Churned")
				w.carry("cus_1", "active")
			},
			want: "Churned", kind: status.FirstContact,
		},
		"row 3: a field that was seen filled and is emptied is an edit, and stays one": {
			story: func(w *world) {
				w.customer("cus_1", "active", "Churned")
				w.carry("cus_1", "active")
				w.crm.edit("rec_cus_1", "", status.ActorHuman)
				w.deliver(w.change("cus_1", "active")) // the state is the same, and as old
				w.work()
				w.deliver(w.change("cus_1", "active"))
				w.work()
			},
			want: "", kind: status.FirstContact,
		},
		"row 3: a source that changed after the field was emptied is written": {
			story: func(w *world) {
				w.customer("cus_1", "active", "Churned")
				w.carry("cus_1", "active")
				w.crm.edit("rec_cus_1", "", status.ActorHuman)
				w.deliver(w.change("cus_1", "active"))
				w.work()
				hourLater(w)
				w.carry("cus_1", "paused")
			},
			want: "Paused",
		},
		"row 2: a field that was empty from the start is written": {
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
			},
			want: "Active",
		},
		"row 3: a source that changed later than the record is written at first contact": {
			story: func(w *world) {
				w.customer("cus_1", "active", "Churned")
				hourLater(w)
				w.carry("cus_1", "active")
			},
			want: "Active",
		},
		"row 3: the source may be said to win, but not over a person's newer edit": {
			set: func(w *world) {
				w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
			},
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				told := w.change("cus_1", "active")
				hourLater(w)
				w.crm.edit("rec_cus_1", "Churned", status.ActorHuman)
				w.deliver(told)
				w.finish()
			},
			want: "Churned", kind: status.Conflict,
		},
		"row 4: a person who set the base's value anew, later than the source": {
			story: late("Active", status.ActorHuman),
			want:  "Active", kind: status.Conflict,
		},
		"row 4: a person's edit that was seen equal before": {
			// The source changes to paused and back; its last change was made
			// before the person's.
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
				hourLater(w)
				w.deliver(w.change("cus_1", "paused"))
				hourLater(w)
				w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
				w.finish()
				late := w.change("cus_1", "active")
				late.OccurredAt = w.clock.now().Add(-30 * time.Minute)
				w.lastChange["cus_1"] = late.OccurredAt
				w.deliver(late)
				w.finish()
			},
			want: "Paused", kind: status.Conflict,
		},
		"row 5: our own write that timed out is adopted, and the next change written": {
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
				hourLater(w)
				w.crm.fail = timesOutAfterTheEffect(w, 1)
				w.deliver(w.change("cus_1", "paused"))
				w.work()
				w.pass(3 * time.Second)
				w.carry("cus_1", "canceled")
			},
			want: "Churned",
		},
		"row 6: an older write of ours is put right": {
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
				hourLater(w)
				w.crm.edit("rec_cus_1", "Paused", status.ActorUs)
				w.carry("cus_1", "canceled")
			},
			want: "Churned",
		},
		"row 7: an automation's edit is written over": {
			story: late("Paused", status.ActorAutomation),
			want:  "Churned",
		},
		"row 7 turned round: an automation's edit counts like a person's": {
			set: func(w *world) {
				w.configure = func(s *config.Sync) { s.Conflict.AutomationEdits = config.AutomationSkip }
			},
			story: late("Paused", status.ActorAutomation),
			want:  "Paused", kind: status.Conflict,
		},
		"row 7: an automation that touched another field does not cover a person who was seen": {
			set: func(w *world) { w.crm.fieldTime = false },
			story: func(w *world) {
				late("Paused", status.ActorHuman)(w)
				hourLater(w)
				w.crm.edit("rec_cus_1", "Paused", status.ActorAutomation)
				changed := w.lastChange["cus_1"]
				look := w.change("cus_1", "canceled")
				look.HasValue, look.OccurredAt = false, changed
				w.lastChange["cus_1"] = changed
				w.deliver(look)
				w.finish()
			},
			want: "Paused", kind: status.Conflict,
		},
		"row 8: a person's edit that is newer": {
			story: late("Paused", status.ActorHuman),
			want:  "Paused", kind: status.Conflict,
			says: ". A person edited crm at 2026-03-02 11:00:00Z; billing changed to canceled at 2026-03-02 10:00:00Z or later",
		},
		"row 8: somebody's edit, where the target does not say whose": {
			set:   func(w *world) { w.crm.actor = false },
			story: late("Paused", status.ActorHuman),
			want:  "Paused", kind: status.Conflict,
			says: ". Someone edited crm at 2026-03-02 11:00:00Z; billing changed to canceled at 2026-03-02 10:00:00Z or later",
		},
		"row 9: a person's edit that is older": {
			story: early,
			want:  "Churned",
		},
		"row 10: a person's edit within the skew": {
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
				hourLater(w)
				w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
				w.pass(skew - time.Millisecond)
				w.lastChange["cus_1"] = w.clock.now()
				w.carry("cus_1", "canceled")
			},
			want: "Paused", kind: status.Conflict,
		},
		"row 10: a record-wide time that cannot tell": {
			set:   func(w *world) { w.crm.fieldTime, w.crm.actor = false, false },
			story: late("Paused", status.ActorHuman),
			want:  "Paused", kind: status.Conflict,
			says: ". Someone edited crm between 2026-03-02 09:00:00Z and 2026-03-02 11:00:00Z; billing changed to canceled at 2026-03-02 10:00:00Z or later",
		},
		"row 10: no time at all": {
			set:   func(w *world) { w.crm.times, w.crm.fieldTime, w.crm.actor = false, false, false },
			story: early,
			want:  "Paused", kind: status.Conflict,
		},
		"a hold ends when the source changes again later than the edit": {
			set: func(w *world) { w.crm.times, w.crm.fieldTime, w.crm.actor = false, false, false },
			story: func(w *world) {
				early(w)
				hourLater(w)
				w.carry("cus_1", "active")
			},
			want: "Active",
		},
		"a hold ends when the values agree": {
			story: func(w *world) {
				late("Paused", status.ActorHuman)(w)
				hourLater(w)
				w.crm.edit("rec_cus_1", "Churned", status.ActorHuman)
				look := w.change("cus_1", "canceled")
				w.deliver(look)
				w.finish()
			},
			want: "Churned",
		},
		"an edit of another field is no conflict": {
			set: func(w *world) { w.crm.fieldTime = false },
			story: func(w *world) {
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
				hourLater(w)
				told := w.change("cus_1", "canceled")
				hourLater(w)
				w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
				w.crm.sourceChanged = nil // the status itself was not touched
				w.deliver(told)
				w.finish()
			},
			want: "Churned",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.set)
			tt.story(w)
			if got := w.crm.value("rec_cus_1"); got != tt.want {
				t.Errorf("the target holds %q, not %q", got, tt.want)
			}
			want := map[string][]status.Kind{}
			if tt.kind != "" {
				want["cus_1"] = []status.Kind{tt.kind}
			}
			if diff := cmp.Diff(want, w.open()); diff != "" {
				t.Errorf("open exceptions: %s", diff)
			}
			if len(w.crm.overwrote) > 0 {
				t.Errorf("a person's newer edit was written over: %v", w.crm.overwrote)
			}
			if reason := w.stored("cus_1").Reason.Sentence(); !strings.HasSuffix(reason, tt.says) {
				t.Errorf("the reason does not end with %q: %s", tt.says, reason)
			}
		})
	}
}

// What the target holds after our write is ours, not whoever edited it before.
func TestAfterOurWriteTheTargetWasEditedByUs(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	hour := w.clock.now()
	w.pass(time.Hour)
	w.carry("cus_1", "active")
	if c := w.stored("cus_1"); c.Outcome != status.Applied || c.Observed.By != "us" || c.Observed.At.Equal(hour) {
		t.Errorf("%s, observed %+v", c.Outcome, c.Observed)
	}
}

// Between our read and our write a person edits the record: the target refuses
// the write, and the edit is seen.
func TestAnEditBetweenReadAndWriteIsCaught(t *testing.T) {
	w := newWorld(t, func(w *world) { w.crm.conditional = true })
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	var edited time.Time
	w.crm.beforeWrite = func(id string) {
		w.crm.beforeWrite = nil
		w.pass(time.Minute)
		w.crm.edit(id, "Paused", status.ActorHuman)
		edited = w.clock.now()
	}
	w.carry("cus_1", "canceled")
	if got := w.crm.value("rec_cus_1"); got != "Paused" {
		t.Errorf("the person's edit became %s", got)
	}
	if diff := cmp.Diff(map[string][]status.Kind{"cus_1": {status.Conflict}}, w.open()); diff != "" {
		t.Error(diff)
	}
	if got := w.ended("cus_1"); got[1] != status.Held {
		t.Errorf("the event ended as %s", got[1])
	}
	if at := w.stored("cus_1").HumanAt; !at.Equal(edited) {
		t.Errorf("the person's edit is remembered as of %s", at)
	}
}

// Our write has no answer, and before we look a person sets the same value: it
// is the person's.
func TestAPersonWhoSetsTheSameValueIsNotTakenForUs(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.crm.fail = func(call, id, value string) error {
		if call != "write" {
			return nil
		}
		w.crm.fail = nil
		w.crm.edit(id, value, status.ActorHuman)
		return unknown()
	}
	w.carry("cus_1", "canceled")
	if c := w.stored("cus_1"); c.Outcome != status.AlreadyEqual || c.HumanAt.IsZero() || c.Base.By != string(status.ActorHuman) {
		t.Errorf("stored: %+v", c)
	}
}

func TestARecordThatMovesUnderEveryTryIsTriedLater(t *testing.T) {
	w := newWorld(t, func(w *world) { w.crm.conditional = true })
	w.customer("cus_1", "active", "")
	moves := 0
	w.crm.beforeWrite = func(id string) {
		if moves++; moves <= maxRedecisions+1 {
			w.crm.edit(id, "", status.ActorAutomation)
		}
	}
	w.carry("cus_1", "paused")
	if got := w.crm.value("rec_cus_1"); got != "Paused" || len(w.open()) != 0 {
		t.Errorf("the target holds %q, open are %v", got, w.open())
	}
}

func TestWatchingDecidesAndWritesNothing(t *testing.T) {
	w := newWorld(t, func(w *world) { w.configure = func(s *config.Sync) { s.Mode = config.ModeWatch } })
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "paused")
	if len(w.crm.writes) != 0 {
		t.Errorf("written: %v", w.crm.writes)
	}
	c := w.stored("cus_1")
	if c.Outcome != status.WouldWrite || c.Base.Known || c.Desired.Value != "Paused" {
		t.Errorf("stored: %+v", c)
	}
}

func TestAnEventOfTheTargetLooksAtItsCustomer(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.crm.edit("rec_cus_1", "Churned", status.ActorAutomation)
	w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: "edit_1", Customer: "rec_cus_1"})
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Active" {
		t.Errorf("the target holds %s", got)
	}
	if got := w.ended("cus_1"); got[1] != status.Applied {
		t.Errorf("the event ended as %s", got[1])
	}
}

func TestWhatIsDecidedDuringAnAttemptIsCarriedOutRightAfterIt(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.crm.records["rec_9"] = &record{editedAt: w.clock.now(), keys: keysOf("somebody else")}
	w.deliver(w.change("cus_1", "paused"))
	w.crm.beforeWrite = func(string) {
		w.crm.beforeWrite = nil
		err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_9", By: "ana", Confidence: 1})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.work() // no time passes
	if got := w.crm.value("rec_9"); got != "Paused" {
		t.Errorf("the record that ana has chosen holds %q", got)
	}
}
