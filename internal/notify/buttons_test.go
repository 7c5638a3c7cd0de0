package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestTheButtonsOfAConflictNameTheConnections(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.Conflict, "cus_1", "")
		w.pass(time.Minute)
		labels := map[store.Verb]string{}
		for _, b := range w.one("conflict").now().Buttons {
			labels[b.Verb] = b.Label
		}
		for verb, want := range map[store.Verb]string{store.UseSource: "Use billing's value", store.KeepTarget: "Keep crm's value"} {
			if labels[verb] != want {
				t.Errorf("the button %s is labeled %q, not %q", verb, labels[verb], want)
			}
		}
	})
}

func TestAButtonThatIsPressedTwiceIsPressedOnce(t *testing.T) {
	story(t, nil, func(w *world) {
		id := w.open(status.WriteFailed, "cus_1", "")
		w.open(status.WriteFailed, "cus_2", "cus_1")
		w.must(seen(w, "cus_1", "cus_2"))
		w.pass(time.Minute)
		m := w.one("write_failed").now()
		for range 2 {
			for _, verb := range []store.Verb{store.Acknowledge, store.Assign, store.Retry} {
				if answer := w.press(w.button(m, verb)); answer != "" {
					t.Errorf("%s is answered %q", verb, answer)
				}
			}
		}
		w.pass(2 * time.Second) // it does not wait for the message's next turn
		x, err := w.db.Exception(w.Context(), id)
		w.must(err)
		if x.State != status.Acknowledged || x.Owner != "ana@example.com" || !x.Assigned {
			t.Errorf("it is %+v", x)
		}
		history, err := w.db.Actions(w.Context(), id)
		w.must(err)
		if len(history) != 3 || history[0].Who != "ana@example.com" {
			t.Errorf("done was %v", history)
		}
		now := w.one("write_failed").now()
		if now.Icon != Seen || len(now.Buttons) != 0 || !strings.Contains(strings.Join(now.Notes, "\n"), "checked again by Ana") {
			t.Errorf("the message says %+v", now)
		}
		// What does not help can be tried again later.
		w.pass(lookFor + lookAgain)
		if diff := cmp.Diff([]store.Verb{store.Retry}, w.one("write_failed").now().verbs()); diff != "" {
			t.Error(diff)
		}
	})
}

// seen stores customers, so that they can be looked at again.
func seen(w *world, customers ...string) error {
	var events []store.NewEvent
	for _, c := range customers {
		events = append(events, store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: "evt_" + c, Customer: c})
	}
	_, err := w.db.Receive(w.Context(), events)
	return err
}

func TestSomebodyWhoIsNotAmongThePeopleIsKnownByHisID(t *testing.T) {
	story(t, nil, func(w *world) {
		id := w.open(status.Unmatched, "cus_1", "")
		w.pass(time.Minute)
		p := w.button(w.one("unmatched").now(), store.Assign)
		p.UserID, p.UserName = "U9", "zoe"
		w.press(p)
		w.pass(time.Minute)
		x, err := w.db.Exception(w.Context(), id)
		w.must(err)
		history, err := w.db.Actions(w.Context(), id)
		w.must(err)
		if x.Owner != "slack:U9" || history[0].Who != "slack:zoe (U9)" {
			t.Errorf("the owner is %s, named by %s", x.Owner, history[0].Who)
		}
		if m := w.one("unmatched").now(); m.Owner != (Person{Name: "U9", ID: "U9"}) || !strings.Contains(m.Notes[0], "by zoe") {
			t.Errorf("it says %+v", m)
		}
	})
}

// conflict is a customer whose source says one value and whose target holds
// another, and the exception that asks about it.
func (w *world) conflict(source, target string) int64 {
	w.Helper()
	w.heard++
	_, err := w.db.Receive(w.Context(), []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: fmt.Sprint("evt_conflict_", w.heard), Customer: "cus_1"}})
	w.must(err)
	works, err := w.db.Claim(w.Context(), syncName, 100, time.Minute)
	w.must(err)
	for i := range works {
		s := store.Settlement{Outcome: status.Applied}
		if works[i].Customer == "cus_1" {
			s = store.Settlement{Outcome: status.Held, Desired: &store.Desired{SourceValue: source, Value: source}, Observed: &store.Observed{Value: target, SeenAt: time.Now()},
				Park: &store.NewException{Sync: syncName, Customer: "cus_1", Kind: status.Conflict, Stage: status.StageDecide, SourceValue: source, TargetValue: target}}
		}
		w.must(w.db.Settle(w.Context(), &works[i], s))
	}
	found, err := w.db.Exceptions(w.Context(), store.ExceptionFilter{Kind: status.Conflict})
	w.must(err)
	return found[0].ID
}

// undecided sees to it that nobody has decided about the customer.
func (w *world) undecided() {
	w.Helper()
	if c, err := w.db.Customer(w.Context(), syncName, "cus_1"); err != nil || c.Ruling.Kind != "" {
		w.Errorf("decided was %+v, %v", c.Ruling, err)
	}
}

// A message whose values are not those of now decides nothing; it is brought up
// to date, and then its buttons decide about what it shows.
func TestAPersonDecidesOnWhatTheMessageShowed(t *testing.T) {
	for name, now := range map[string]struct{ source, target string }{
		"another value of the target": {"canceled", "Lead"},
		"another value of the source": {"past_due", "Active"},
	} {
		for _, verb := range []store.Verb{store.UseSource, store.KeepTarget} {
			t.Run(string(verb)+", "+name, func(t *testing.T) {
				story(t, nil, func(w *world) {
					w.conflict("canceled", "Active")
					w.pass(time.Minute)
					old := w.button(w.one("conflict").now(), verb)
					w.conflict(now.source, now.target)
					if answer := w.press(old); !strings.Contains(answer, "Nothing was changed") || !strings.Contains(answer, "check it again") {
						t.Errorf("it is answered %q", answer)
					}
					w.undecided()
					w.pass(time.Minute)
					m := w.one("conflict").now()
					if m.fact("Source value") != now.source || m.fact("Target value") != now.target {
						t.Errorf("the message shows %+v", m.Facts)
					}
					fresh := w.button(m, verb)
					fresh.ID = "another press"
					if answer := w.press(fresh); answer != "" {
						t.Errorf("it is answered %q", answer)
					}
					if c, err := w.db.Customer(w.Context(), syncName, "cus_1"); err != nil || c.Ruling.Kind == "" || c.Ruling.Observed != now.target {
						t.Errorf("decided was %+v, %v", c.Ruling, err)
					}
				})
			})
		}
	}
}

// The exception may say what the message showed while the customer has moved on.
func TestWhatMovedOnSinceTheMessageIsNotDecided(t *testing.T) {
	story(t, nil, func(w *world) {
		id := w.conflict("canceled", "Active")
		w.pass(time.Minute)
		w.must(w.db.Settle(w.Context(), w.dueAgain(), store.Settlement{Desired: &store.Desired{SourceValue: "past_due"}}))
		answer := w.press(w.button(w.one("conflict").now(), store.UseSource))
		if !strings.Contains(answer, `the source says "past_due", not "canceled"`) {
			t.Errorf("it is answered %q", answer)
		}
		w.undecided()
		w.close(status.Conflict, "cus_1")
		if answer := w.press(w.button(w.one("conflict").now(), store.KeepTarget)); !strings.Contains(answer, "already resolved") {
			t.Errorf("it is answered %q", answer)
		}
		if history, err := w.db.Actions(w.Context(), id); err != nil || len(history) != 1 || history[0].Verb != "closed" {
			t.Errorf("done was %v, %v", history, err)
		}
	})
}

// dueAgain claims cus_1 after another event.
func (w *world) dueAgain() *store.Work {
	w.Helper()
	_, err := w.db.Receive(w.Context(), []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: "evt_again", Customer: "cus_1"}})
	w.must(err)
	works, err := w.db.Claim(w.Context(), syncName, 1, time.Minute)
	w.must(err)
	return &works[0]
}

// What a target's field holds may be anything, an address too. Whoever reads
// the channel can read what a button carries.
func TestAButtonCarriesNoValue(t *testing.T) {
	story(t, nil, func(w *world) {
		w.conflict("ana@example.com", "vip: ana@example.com")
		w.pass(time.Minute)
		m := w.one("conflict").now()
		for _, b := range m.Buttons {
			if strings.Contains(b.Value, "ana") || strings.Contains(b.Value, "vip") || strings.Contains(b.Confirm, "ana@") {
				t.Errorf("%s carries %s and asks %s", b.Verb, b.Value, b.Confirm)
			}
		}
		if answer := w.press(w.button(m, store.UseSource)); answer != "" {
			t.Errorf("it is answered %q", answer)
		}
		if c, err := w.db.Customer(w.Context(), syncName, "cus_1"); err != nil || c.Ruling.Kind != store.RuledForSource {
			t.Errorf("decided was %+v, %v", c.Ruling, err)
		}
	})
}

// A button of a version that carried the value itself decides nothing.
func TestAButtonOfAnEarlierVersionDecidesNothing(t *testing.T) {
	story(t, nil, func(w *world) {
		id := w.conflict("canceled", "Active")
		w.pass(time.Minute)
		p := Press{ID: "p", UserID: "U1", Verb: store.UseSource, Value: fmt.Sprintf(`{"x":%d,"saw":"Active"}`, id)}
		if answer := w.press(p); !strings.Contains(answer, "Nothing was changed") {
			t.Errorf("it is answered %q", answer)
		}
		w.undecided()
	})
}

func TestNothingIsDecidedToBeWrittenWhereASyncOnlyWatches(t *testing.T) {
	story(t, func(w *world) {
		s := w.options.Syncs[syncName]
		s.Mode = config.ModeWatch
		w.options.Syncs[syncName] = s
	}, func(w *world) {
		w.conflict("canceled", "Active")
		w.pass(time.Minute)
		m := w.one("conflict").now()
		if answer := w.press(w.button(m, store.UseSource)); !strings.Contains(answer, "is in mode: watch") || !strings.Contains(answer, "set mode: live") {
			t.Errorf("it is answered %q", answer)
		}
		w.undecided()
		if answer := w.press(w.button(m, store.KeepTarget)); answer != "" {
			t.Errorf("keeping is answered %q", answer)
		}
	})
}

// A group that is larger than what is done at once is done as a whole.
func TestAPressIsAboutTheWholeGroup(t *testing.T) {
	story(t, nil, func(w *world) {
		for n := range exceptions.GroupLimit + 2 {
			w.open(status.Unmatched, fmt.Sprintf("cus_%03d", n), "one")
		}
		w.pass(time.Minute)
		if answer := w.press(w.button(w.one("unmatched").now(), store.Acknowledge)); answer != "" {
			t.Errorf("it is answered %q", answer)
		}
		left, err := w.db.Exceptions(w.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
		w.must(err)
		if len(left) != 0 {
			t.Errorf("%d are not acknowledged", len(left))
		}
	})
}

func TestWhatWasNotDoneOfAGroupIsSaid(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.WriteFailed, "cus_1", "one")
		w.open(status.WriteFailed, "cus_2", "one") // nobody has seen it
		w.must(seen(w, "cus_1"))
		w.pass(time.Minute)
		answer := w.press(w.button(w.one("write_failed").now(), store.Retry))
		if !strings.Contains(answer, "1 of 2 not changed") || !strings.Contains(answer, "is not known yet") {
			t.Errorf("it is answered %q", answer)
		}
	})
}

func TestWhatIsPressedShowsAtOnce(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.pass(time.Minute)
		m := w.one("unmatched").now()
		for verb, note := range map[store.Verb]string{store.Acknowledge: "acknowledged by Ana", store.Assign: "assigned to Ana by Ana"} {
			w.press(w.button(m, verb))
			w.pass(2 * time.Second)
			if now := w.one("unmatched").now(); !strings.Contains(strings.Join(now.Notes, "\n"), note) {
				t.Errorf("after %s it says %v", verb, now.Notes)
			}
		}
	})
}

func TestWhoActedOnAPageIsCalledByName(t *testing.T) {
	story(t, nil, func(w *world) {
		_, err := w.db.AddPerson(w.Context(), store.Person{Name: "Zoe Ito", Email: "zoe@example.com", Role: store.Operator})
		w.must(err)
		id := w.open(status.Unmatched, "cus_1", "")
		w.pass(time.Minute)
		_, err = w.db.Act(w.Context(), store.Act{Exception: id, Verb: store.Acknowledge, Who: "zoe@example.com"})
		w.must(err)
		w.pass(time.Minute)
		if now := w.one("unmatched").now(); !strings.Contains(now.Notes[0], "acknowledged by Zoe Ito") {
			t.Errorf("the message says %v", now.Notes)
		}
		_, err = w.db.Act(w.Context(), store.Act{Exception: id, Verb: store.Assign, Owner: "ana@example.com", Who: "gone@example.com"})
		w.must(err)
		w.pass(time.Minute)
		if now := w.one("unmatched").now(); !strings.Contains(now.Notes[1], "by g***@example.com") {
			t.Errorf("of a person who is gone, the message says %v", now.Notes)
		}
	})
}

func TestAButtonThatIsNotOursDoesNothing(t *testing.T) {
	story(t, nil, func(w *world) {
		id := w.open(status.Unmatched, "cus_1", "")
		for _, p := range []Press{
			{Verb: store.Acknowledge, Value: "x"},
			{Verb: store.Resolve, Value: value{Exception: id}.text()},
			{Verb: store.UseSource, Value: value{Exception: id}.text()}, // not offered for its kind
			{Verb: store.Acknowledge, Value: value{Exception: 99}.text()},
		} {
			if answer := w.press(p); answer == "" {
				t.Errorf("%+v is not answered", p)
			}
		}
		if history, err := w.db.Actions(w.Context(), id); err != nil || len(history) > 0 {
			t.Errorf("done was %v, %v", history, err)
		}
	})
}
