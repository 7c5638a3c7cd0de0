package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// tells is what a target tells of an edit.
type tells struct {
	name             string
	fieldTime, actor bool
}

var (
	allItTells    = tells{"the field's time and editor", true, true}
	recordsEditor = tells{"the record's time and editor", false, true}
	recordsTime   = tells{"the record's time", false, false}
)

func (x tells) set(w *world) { w.crm.fieldTime, w.crm.actor = x.fieldTime, x.actor }

// arrivesWithA502 lets the next write arrive and its sender be told otherwise.
// Until the time is over every other call fails as well.
func arrivesWithA502(w *world, away time.Duration) func(string, string, string) error {
	var until time.Time
	return func(call, id, value string) error {
		bad := &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Status: 502, Detail: "bad gateway"}
		switch {
		case until.IsZero() && call == "write":
			until = w.clock.now().Add(away)
			if w.crm.spells != nil {
				value = w.crm.spells(value)
			}
			if err := w.crm.put(id, w.crm.view(id).Revision, value); err != nil {
				return err
			}
			return bad
		case w.clock.now().Before(until):
			return bad
		}
		return nil
	}
}

// dies is the store of a process that dies before it settles anything.
type dies struct{ Store }

func (dies) Settle(context.Context, *store.Work, store.Settlement) error {
	return errors.New("the process died")
}

// A person's newer edit is never written over, however little the target tells,
// and whatever its clock says.
func TestAPersonsNewerEditStandsWhateverTheTargetTells(t *testing.T) {
	// late: the source changes, then a person edits, and then the event comes.
	late := func(w *world) {
		w.customer("cus_1", "active", "")
		w.carry("cus_1", "active")
		w.pass(6 * time.Second)
		told := w.change("cus_1", "canceled")
		w.pass(4 * time.Second)
		w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
		w.pass(300 * time.Millisecond)
		w.deliver(told)
		w.finish()
	}
	again := func(w *world) { // the same is told once more, and the edit is hours old by then
		w.pass(7 * time.Hour)
		changed := w.lastChange["cus_1"]
		told := w.change("cus_1", w.billing.records["cus_1"].value)
		told.HasValue, told.OccurredAt, w.lastChange["cus_1"] = false, changed, changed
		w.deliver(told)
		w.finish()
	}
	tests := map[string]struct {
		tells []tells
		set   func(*world)
		story func(*world)
	}{
		"its clock is ten minutes behind": {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = -10 * time.Minute }, late},
		"it sends local time as UTC":      {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = -5 * time.Hour }, late},
		"its clock is two hours ahead":    {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = 2 * time.Hour }, late},
		"it tells whole seconds":          {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.whole = true }, late},
		"its clock is behind, and the person sets what was there": {[]tells{allItTells}, func(w *world) { w.crm.clock = -5 * time.Hour }, func(w *world) {
			w.customer("cus_1", "paused", "")
			w.carry("cus_1", "paused")
			w.pass(time.Minute)
			told := w.change("cus_1", "canceled")
			w.pass(time.Minute)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.deliver(told)
			w.finish()
		}},
		"its clock is behind, and an older event comes late": {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = -5 * time.Hour }, func(w *world) {
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			w.deliver(w.change("cus_1", "paused"))
			older := w.clock.now().Add(30 * time.Minute)
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman) // as the source wants it: the base from now on
			w.finish()
			told := w.change("cus_1", "active")
			told.OccurredAt, w.lastChange["cus_1"] = older, older
			w.deliver(told)
			w.finish()
		}},
		"a write arrives with a 502, and the person sets back what was there": {[]tells{allItTells, recordsEditor, recordsTime}, nil, func(w *world) { setBack(w) }},
		"so does one of a tool whose clock is behind":                         {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = -5 * time.Hour }, func(w *world) { setBack(w) }},
		"so does one of a tool whose clock is ahead":                          {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = time.Hour }, func(w *world) { setBack(w) }},
		"the first write arrives with a 502, and the person empties the field": {[]tells{allItTells, recordsEditor, recordsTime}, nil, func(w *world) {
			w.customer("cus_1", "paused", "")
			w.pass(time.Minute)
			w.crm.fail = arrivesWithA502(w, 5*time.Second)
			w.deliver(w.change("cus_1", "paused"))
			w.work()
			w.pass(4 * time.Second)
			w.crm.edit("rec_cus_1", "", status.ActorHuman)
			w.finish()
		}},
		"a write is never shown, the next one arrives with a 502, and a clock that is behind dates between the two": {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = -10 * time.Minute }, func(w *world) {
			w.customer("cus_1", "active", "")
			w.crm.records["rec_cus_1"].editedAt = began.Add(-time.Hour)
			w.crm.lies = true
			w.deliver(w.change("cus_1", "active"))
			w.work()
			w.pass(9 * time.Minute)
			w.work()
			w.pass(time.Minute - time.Second)
			w.crm.lies, w.crm.fail = false, arrivesWithA502(w, 5*time.Second)
			w.deliver(w.change("cus_1", "paused"))
			w.work()
			w.pass(4 * time.Second)
			w.crm.edit("rec_cus_1", "", status.ActorHuman)
			w.finish()
		}},
		"a write is found and written over, the process dies, and the person sets what was found": {[]tells{allItTells, recordsEditor, recordsTime}, nil, func(w *world) {
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			w.crm.fail = arrivesWithA502(w, 5*time.Second)
			w.deliver(w.change("cus_1", "paused"))
			w.work()
			w.pass(6 * time.Second)
			w.p.Store = dies{w.db}
			w.deliver(w.change("cus_1", "canceled"))
			w.work()
			w.p.Store = w.db
			w.pass(4 * time.Second)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.finish()
		}},
		"a write arrives late, the link is removed, and the person sets what was there before": {[]tells{allItTells, recordsEditor, recordsTime}, nil, func(w *world) {
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			w.crm.fail = func(call, _, _ string) error {
				if call == "write" {
					w.crm.fail = nil
					w.pass(time.Second)
					return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "no answer in time"}
				}
				return nil
			}
			w.deliver(w.change("cus_1", "canceled"))
			w.work()
			w.deliver(w.change("cus_1", "on_hold"))
			w.work()
			if err := w.crm.put("rec_cus_1", "", "Churned"); err != nil {
				w.Fatal(err)
			}
			if err := w.db.RemoveLink(w.Context(), syncName, "cus_1", "ana"); err != nil {
				w.Fatal(err)
			}
			w.work()
			w.pass(time.Hour)
			told := w.change("cus_1", "canceled")
			w.pass(6 * time.Second)
			w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
			w.deliver(told)
			w.finish()
		}},
		"it tells whole seconds, and the person sets the value that our account set in that second": {[]tells{allItTells}, func(w *world) { w.crm.whole, w.cannotAsk = true, true }, func(w *world) {
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			told := w.change("cus_1", "canceled")
			w.pass(6 * time.Second)
			w.crm.edit("rec_cus_1", "Active", status.ActorUs)
			looks := func(id string) {
				w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: id, Customer: "rec_cus_1"})
				w.work()
			}
			looks("edit_1")
			w.pass(200 * time.Millisecond)
			w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
			looks("edit_2")
			w.deliver(told)
			w.finish()
		}},
		"an edit is seen, and later the person sets what was there before it": {[]tells{allItTells, recordsEditor, recordsTime}, nil, func(w *world) {
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: "edit_1", Customer: "rec_cus_1"})
			w.finish()
			w.pass(time.Hour)
			told := w.change("cus_1", "canceled")
			w.pass(6 * time.Second)
			w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
			w.pass(6 * time.Second)
			w.deliver(told)
			w.finish()
		}},
		"an automation touches another field after the person": {[]tells{recordsEditor, recordsTime}, nil, func(w *world) {
			covered(w, status.ActorAutomation)
		}},
		"our account touches another field after the person": {[]tells{recordsEditor, recordsTime}, nil, func(w *world) {
			covered(w, status.ActorUs)
		}},
		"the source wins at first contact, and the edit was seen to happen": {[]tells{allItTells, recordsEditor, recordsTime}, nil, seenToHappen},
		"the same with a clock that is behind":                              {[]tells{allItTells, recordsEditor, recordsTime}, func(w *world) { w.crm.clock = -5 * time.Hour }, seenToHappen},
	}
	for name, tt := range tests {
		for _, x := range tt.tells {
			t.Run(name+"/"+x.name, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					x.set(w)
					if tt.set != nil {
						tt.set(w)
					}
				})
				tt.story(w)
				held := w.crm.records["rec_cus_1"].actor
				again(w)
				if by := w.crm.records["rec_cus_1"].actor; by != held || len(w.crm.overwrote) > 0 {
					t.Errorf("it was written over, to %s: %v", w.crm.value("rec_cus_1"), w.crm.overwrote)
				}
				if len(w.open()["cus_1"]) == 0 {
					t.Error("nobody is asked")
				}
			})
		}
	}
}

// setBack is a write that arrives with a 502, and a person who puts back what
// was there before while the tool is away.
func setBack(w *world) {
	w.customer("cus_1", "paused", "")
	w.carry("cus_1", "paused")
	w.pass(time.Hour)
	w.crm.fail = arrivesWithA502(w, 5*time.Second)
	w.deliver(w.change("cus_1", "canceled"))
	w.work()
	w.pass(4 * time.Second)
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	w.finish()
}

// covered is a person's edit whose record somebody touches in another field
// before anybody looks.
func covered(w *world, by status.Actor) {
	w.customer("cus_1", "paused", "")
	w.carry("cus_1", "paused")
	w.pass(time.Hour)
	told := w.change("cus_1", "canceled")
	w.pass(3 * time.Second)
	w.crm.edit("rec_cus_1", "Active", status.ActorHuman)
	w.pass(200 * time.Millisecond)
	w.crm.edit("rec_cus_1", "Active", by)
	w.deliver(told)
	w.finish()
}

// seenToHappen is a first contact after a time of watching, in which a person
// edited the record.
func seenToHappen(w *world) {
	w.configure = func(s *config.Sync) { s.Mode, s.FirstContact = config.ModeWatch, config.SourceWins }
	w.start()
	w.customer("cus_1", "canceled", "Active")
	w.carry("cus_1", "canceled")
	w.pass(time.Hour)
	told := w.change("cus_1", "canceled")
	w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
	w.start()
	w.pass(10 * time.Second)
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	w.deliver(told)
	w.finish()
}

// What the target's clock says holds nothing for longer than the edit is old by
// our own, and nobody's own repair becomes a question.
func TestAWrongClockHoldsNothingForLong(t *testing.T) {
	for _, x := range []tells{allItTells, recordsEditor, recordsTime} {
		for name, clock := range map[string]time.Duration{"ahead": 2 * time.Hour, "far ahead": 80 * 365 * 24 * time.Hour, "behind": -5 * time.Hour} {
			t.Run(name+"/"+x.name, func(t *testing.T) {
				w := newWorld(t, func(w *world) { x.set(w); w.crm.clock = clock })
				w.customer("cus_1", "active", "")
				w.carry("cus_1", "active")
				w.pass(6 * time.Second)
				told := w.change("cus_1", "canceled")
				w.pass(4 * time.Second)
				w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
				w.deliver(told)
				w.finish()
				if diff := cmp.Diff(map[string][]status.Kind{"cus_1": {status.Conflict}}, w.open()); diff != "" {
					t.Fatal(diff)
				}
				w.pass(time.Minute)
				w.carry("cus_1", "active")
				if got := w.crm.value("rec_cus_1"); got != "Active" || len(w.open()) > 0 {
					t.Errorf("a later change of the source left %s; open are %v", got, w.open())
				}
			})
			t.Run(name+", and the owner said ours/"+x.name, func(t *testing.T) {
				w := newWorld(t, func(w *world) { x.set(w); w.crm.clock = clock })
				w.conflict()
				w.act(store.Act{Exception: w.exception(status.Conflict).ID, Verb: store.UseSource, Saw: "Paused", SawSource: "canceled"})
				if got := w.crm.value("rec_cus_1"); got != "Churned" {
					t.Fatalf("the owner's word left %s", got)
				}
				if at := w.stored("cus_1").HumanAt; !at.IsZero() {
					t.Errorf("what the owner has overruled still counts, from %s", at)
				}
				w.pass(8 * time.Second)
				w.carry("cus_1", "active")
				if got := w.crm.value("rec_cus_1"); got != "Active" || len(w.open()) > 0 {
					t.Errorf("the source's next change left %s; open are %v", got, w.open())
				}
			})
		}
	}
}

// What our own writes bring about is no question, though the record's last
// editor alone does not tell who changed the status.
func TestWhatIsSurelyOursIsNoConflict(t *testing.T) {
	tests := map[string]func(*world){
		"a write that arrived with a 502": func(w *world) {
			w.crm.fail = arrivesWithA502(w, 5*time.Second)
			w.carry("cus_1", "paused")
		},
		"one that arrived with a 502, before the source changed on": func(w *world) {
			w.crm.fail = arrivesWithA502(w, 5*time.Second)
			w.deliver(w.change("cus_1", "paused"))
			w.work()
			w.pass(10 * time.Second)
			w.carry("cus_1", "canceled")
		},
		"a write that was lost": func(w *world) {
			w.crm.fail = times(1, "write", unknown())
			w.carry("cus_1", "canceled")
		},
		"a write that was lost right after another": func(w *world) {
			w.carry("cus_1", "paused")
			w.pass(300 * time.Millisecond)
			w.crm.fail = times(1, "write", unknown())
			w.carry("cus_1", "canceled")
		},
	}
	for name, story := range tests {
		for _, x := range []tells{allItTells, recordsEditor, recordsTime} {
			for clockName, clock := range map[string]time.Duration{"right": 0, "behind": -10 * time.Minute, "ahead": time.Hour} {
				t.Run(name+"/"+x.name+", its clock "+clockName, func(t *testing.T) {
					w := newWorld(t, func(w *world) { x.set(w); w.crm.clock = clock })
					w.customer("cus_1", "active", "")
					w.carry("cus_1", "active")
					w.pass(time.Hour)
					story(w)
					want := map[string]string{"canceled": "Churned", "paused": "Paused"}[w.billing.records["cus_1"].value]
					if got := w.crm.value("rec_cus_1"); got != want || len(w.open()) > 0 {
						t.Errorf("it holds %s, not %s; open are %v", got, want, w.open())
					}
				})
			}
		}
	}
}

// An application makes no tries by itself: what the plan has seen is not doubted.
func TestARowOfATargetWhoseClockIsBehindIsCarriedToAnEnd(t *testing.T) {
	for _, x := range []tells{allItTells, recordsEditor, recordsTime} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { x.set(w); w.crm.clock = -10 * time.Minute })
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Minute)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.pass(time.Minute)
			w.change("cus_1", "canceled")
			w.pass(time.Minute)
			p := w.planned("Paused", "Churned")
			p.Planned.RecordAt = p.Planned.RecordAt.Add(w.crm.clock)
			if c := w.carryRow(p); c.State != store.RowRefused || strings.Contains(c.Note, "older than") {
				t.Errorf("it is %q: %s", c.State, c.Note)
			}
			w.crm.edit("rec_cus_1", "Lead", status.ActorHuman)
			p = w.planned("Paused", "Churned")
			if c := w.carryRow(p); c.State != store.RowFailed {
				t.Errorf("at first it is %q: %s", c.State, c.Note)
			}
			p.Planned.State = store.RowFailed
			if c := w.carryRow(p); c.State == store.RowFailed {
				t.Errorf("the second try is %q: %s", c.State, c.Note)
			}
		})
	}
}

// The look after a write that had no answer finds what the look before it found: the
// edit was there before the source changed meanwhile, and the source's change wins.
func TestASecondLookMakesAnEditNoYounger(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.crm.clock = 2 * time.Hour
		w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
	})
	w.customer("cus_1", "active", "Paused")
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	w.pass(time.Hour)
	var told store.NewEvent
	w.crm.fail = func(call, _, _ string) error {
		if call != "write" || told.Customer != "" {
			return nil
		}
		w.pass(20 * time.Second)
		told = w.change("cus_1", "canceled")
		w.billing.valueAt = w.clock.now()
		w.pass(20 * time.Second)
		return unknown()
	}
	w.carry("cus_1", "active")
	w.deliver(told)
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Churned" || len(w.open()) > 0 {
		t.Errorf("it holds %s; open are %v", got, w.open())
	}
}
