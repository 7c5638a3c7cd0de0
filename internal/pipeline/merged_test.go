package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// merge takes a record away; whoever asks for it is told of the survivor, ""
// when the tool does not tell.
func (t *tool) merge(id, survivor string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.records, id)
	if t.merged == nil {
		t.merged = map[string]string{}
	}
	t.merged[id] = survivor
}

func (w *world) linkHistory(customer string) []string {
	w.Helper()
	found, err := w.db.LinkHistory(context.Background(), syncName, customer, 10)
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for _, c := range slices.Backward(found) {
		all = append(all, fmt.Sprintf("%s>%s: %s, %s", c.OldTarget, c.NewTarget, c.Why, c.Who))
	}
	return all
}

// carried is a world with one customer who was carried once: the record rec_1
// holds Active by our write.
func carried(t *testing.T, set func(*world)) *world {
	w := newWorld(t, set)
	w.customer("1", "past_due", "")
	w.carry("1", "active")
	if w.crm.value("rec_1") != "Active" {
		t.Fatal("the first change was not carried")
	}
	w.pass(time.Hour)
	return w
}

func TestALinkFollowsAMergeThatTheTargetTellsOf(t *testing.T) {
	w := carried(t, nil)
	w.crm.records["rec_9"] = &record{value: "", editedAt: w.clock.now(), keys: map[string]string{}}
	w.crm.merge("rec_1", "rec_9")
	w.pass(time.Hour)
	w.carry("1", "past_due")
	if got := w.crm.value("rec_9"); got != "Paused" {
		t.Errorf("the survivor holds %q", got)
	}
	c := w.stored("1")
	if c.Link.TargetID != "rec_9" || c.Link.Rule != store.SurvivorRule || c.Base.RecordID != "rec_9" || c.Link.Confidence != 0.9 {
		t.Errorf("the link is %+v, the base %+v", c.Link, c.Base)
	}
	want := []string{">rec_1: email = email, rule", "rec_1>rec_9: merged, trueup"}
	if got := w.linkHistory("1"); !slices.Equal(got, want) {
		t.Errorf("the history of the link is %q", got)
	}
}

// The base is about the record that is gone: what the survivor holds was never
// written by us, and is not written over by what we knew of the other.
func TestASurvivorIsANewRecordForTheDecision(t *testing.T) {
	for name, tt := range map[string]struct {
		holds   string
		first   string
		writes  bool
		outcome status.Outcome
		open    []status.Kind
	}{
		"what we proved the other to hold": {"Active", config.Ask, false, status.Parked, []status.Kind{status.FirstContact}},
		"something else":                   {"Churned", config.Ask, false, status.Parked, []status.Kind{status.FirstContact}},
		"something else, source wins":      {"Churned", config.SourceWins, true, status.Applied, nil},
		"what it should":                   {"Paused", config.Ask, false, status.AlreadyEqual, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := carried(t, func(w *world) { w.configure = func(s *config.Sync) { s.FirstContact = tt.first } })
			w.deliver(w.change("1", "past_due"))
			w.pass(time.Hour)
			// Edited after the source changed, by nobody knows whom.
			w.crm.records["rec_9"] = &record{value: tt.holds, editedAt: w.clock.now()}
			w.crm.merge("rec_1", "rec_9")
			w.finish()
			if wrote := len(w.crm.writes) > 1; wrote != tt.writes {
				t.Errorf("written: %v", w.crm.writes)
			}
			if got := w.ended("1"); got[1] != tt.outcome {
				t.Errorf("it ended %s", got[1])
			}
			if got := w.open()["1"]; !slices.Equal(got, tt.open) {
				t.Errorf("open: %v", got)
			}
		})
	}
}

func TestAMergeThatTheTargetDoesNotTellOfIsABrokenLink(t *testing.T) {
	for name, set := range map[string]func(*world){
		"the tool does not tell":   func(w *world) { w.crm.merge("rec_1", "") },
		"the survivor is gone too": func(w *world) { w.crm.merge("rec_1", "rec_8") },
		"the two name each other":  func(w *world) { w.crm.merge("rec_1", "rec_8"); w.crm.merge("rec_8", "rec_1") },
		"it names itself":          func(w *world) { w.crm.merge("rec_1", "rec_1") },
		"merges without an end in reach": func(w *world) {
			for i := range 10 {
				w.crm.merge(fmt.Sprint("rec_m", i), fmt.Sprint("rec_m", i+1))
			}
			w.crm.merge("rec_1", "rec_m0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := carried(t, nil)
			// One who matches by the rules is not taken instead.
			w.crm.records["rec_2"] = &record{value: "", keys: keysOf("1")}
			set(w)
			w.carry("1", "past_due")
			if got := w.open()["1"]; !slices.Equal(got, []status.Kind{status.BrokenLink}) {
				t.Errorf("open: %v", got)
			}
			if len(w.crm.writes) != 1 || w.stored("1").Link.TargetID != "rec_1" || len(w.linkHistory("1")) != 1 {
				t.Errorf("written %v, linked to %s", w.crm.writes, w.stored("1").Link.TargetID)
			}
		})
	}
}

func TestALinkFollowsAMergeOfAMerge(t *testing.T) {
	w := carried(t, nil)
	w.crm.records["rec_9"] = &record{value: ""}
	w.crm.merge("rec_1", "rec_8")
	w.crm.merge("rec_8", "rec_9")
	w.carry("1", "past_due")
	if w.crm.value("rec_9") != "Paused" || len(w.linkHistory("1")) != 2 {
		t.Errorf("rec_9 holds %q; %q", w.crm.value("rec_9"), w.linkHistory("1"))
	}
}

func TestTheSurvivorOfAnotherCustomerIsNotTaken(t *testing.T) {
	w := carried(t, nil)
	w.customer("2", "active", "")
	w.carry("2", "active")
	w.crm.merge("rec_1", "rec_2")
	writes := len(w.crm.writes)
	w.carry("1", "past_due")
	if got := w.open()["1"]; !slices.Equal(got, []status.Kind{status.DuplicateLink}) {
		t.Errorf("open: %v", got)
	}
	if w.crm.value("rec_2") != "Active" || len(w.crm.writes) != writes || w.stored("1").Link.TargetID != "rec_1" {
		t.Errorf("rec_2 holds %s, the link is %+v", w.crm.value("rec_2"), w.stored("1").Link)
	}
}

// The record goes between our read and our write, or between our write and the
// look for it.
func TestAMergeDuringTheAttemptIsFollowedTheSameWay(t *testing.T) {
	t.Run("before the write arrives", func(t *testing.T) {
		w := carried(t, nil)
		w.crm.records["rec_9"] = &record{value: "Churned", editedAt: w.clock.now().Add(time.Minute)}
		w.crm.beforeWrite = func(id string) {
			if id == "rec_1" {
				w.crm.merge("rec_1", "rec_9")
			}
		}
		w.carry("1", "past_due")
		if got := w.open()["1"]; !slices.Equal(got, []status.Kind{status.FirstContact}) || w.crm.value("rec_9") != "Churned" {
			t.Errorf("open: %v, the survivor holds %s", got, w.crm.value("rec_9"))
		}
	})
	t.Run("before a write without an answer is looked for", func(t *testing.T) {
		w := carried(t, nil)
		w.crm.records["rec_9"] = &record{value: "Paused", editedAt: w.clock.now()}
		w.crm.fail = func(call, id, value string) error {
			if call == "write" && id == "rec_1" {
				w.crm.merge("rec_1", "rec_9")
				return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "cut"}
			}
			return nil
		}
		w.carry("1", "past_due")
		if c := w.stored("1"); c.Outcome != status.AlreadyEqual || c.Link.TargetID != "rec_9" {
			t.Errorf("it ended %s: %s, linked to %s", c.Outcome, c.Reason, c.Link.TargetID)
		}
	})
}

func TestAnOwnersWordAboutTheOldRecordIsNotCarriedOutOnTheSurvivor(t *testing.T) {
	w := carried(t, nil)
	w.crm.edit("rec_1", "Churned", status.ActorHuman)
	w.pass(-30 * time.Minute)
	w.deliver(w.change("1", "past_due"))
	w.pass(30 * time.Minute)
	w.finish()
	found, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.Conflict})
	if err != nil || len(found) != 1 {
		t.Fatalf("the conflict was not seen: %v, %v", found, err)
	}
	if _, err := w.db.Act(t.Context(), store.Act{Exception: found[0].ID, Verb: store.UseSource, Who: "ana", Saw: "Churned", SawSource: "past_due"}); err != nil {
		t.Fatal(err)
	}
	// The survivor happens to hold the same, and was not edited since.
	w.crm.records["rec_9"] = &record{value: "Churned", editedAt: w.clock.now().Add(-time.Minute), actor: status.ActorHuman}
	w.crm.merge("rec_1", "rec_9")
	w.finish()
	if got := w.crm.value("rec_9"); got != "Churned" {
		t.Errorf("%s was written over what nobody had decided about", got)
	}
}

func TestACustomerWhoWasMergedInTheSourceWakesTheSurvivor(t *testing.T) {
	w := carried(t, nil)
	w.customer("2", "past_due", "")
	w.billing.merge("1", "2")
	event := w.change("2", "past_due")
	event.Customer, event.Value, event.HasValue = "1", "", false // it tells of the merged one alone
	w.deliver(event)
	w.finish()
	if got := w.open()["1"]; !slices.Equal(got, []status.Kind{status.BrokenLink}) {
		t.Errorf("open: %v", got)
	}
	if c := w.stored("1"); !strings.Contains(c.Reason.Sentence(), "merged into 2 in billing") {
		t.Errorf("the reason is %q", c.Reason)
	}
	if w.crm.value("rec_1") != "Active" || w.crm.value("rec_2") != "Paused" {
		t.Errorf("the records hold %s and %s", w.crm.value("rec_1"), w.crm.value("rec_2"))
	}
}

func TestTwoCustomersWhoNameEachOtherDoNotWakeEachOtherForEver(t *testing.T) {
	w := carried(t, nil)
	w.customer("2", "active", "")
	w.billing.merge("1", "2")
	w.billing.merge("2", "1")
	w.deliver(store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: "evt_m", Customer: "1", OccurredAt: w.clock.now()})
	w.finish()
	if open := w.open(); len(open["1"]) != 1 || len(open["2"]) != 1 {
		t.Errorf("open: %v", open)
	}
}

// A comparison says what would follow from a merge, and lets it follow to the
// path: also beside a worker who has the customer.
func TestTheJudgeFollowsAMergeAndMovesNoLink(t *testing.T) {
	for name, tt := range map[string]struct {
		holds, action string
		taken         bool
	}{
		"an empty survivor":             {"", "write", false},
		"one that holds something else": {"Churned", "park", false},
		"one that is another's":         {"", "park", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := carried(t, nil)
			w.crm.records["rec_9"] = &record{value: tt.holds, editedAt: w.clock.now().Add(time.Hour)}
			w.crm.merge("rec_1", "rec_9")
			if tt.taken {
				if err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "2", TargetID: "rec_9", By: "ana", Confidence: 1}); err != nil {
					t.Fatal(err)
				}
			}
			w.deliver(w.change("1", "past_due"))
			works, at, err := w.f.claim(t.Context(), 1)
			if err != nil || len(works) != 1 {
				t.Fatal(works, err)
			}
			said := w.judged("1")
			if said.Action != tt.action {
				t.Errorf("the judge says %s: %s", said.Action, said.Reason)
			}
			if got := w.linkHistory("1"); len(got) != 1 || w.stored("1").Link.TargetID != "rec_1" {
				t.Errorf("the judge changed the link: %q", got)
			}
			w.f.carry(t.Context(), &works[0], at)
			history, err := w.db.History(t.Context(), syncName, "1", 1)
			if err != nil || history[0].Action != said.Action || history[0].TargetID != said.TargetID() {
				t.Errorf("the judge said %s of %s, the path did %s of %s, %v", said.Action, said.TargetID(), history[0].Action, history[0].TargetID, err)
			}
		})
	}
}
