package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/contract"
	"trueup/internal/exceptions"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// happened checks what each message about exceptions says of what happened.
func (w *world) happened(m Message) {
	w.Helper()
	if m.fact("Source value") != "canceled" || m.fact("Stage") != reason.Stages[status.StageMatch] || m.fact("Last action") != "searched" {
		w.Errorf("of what happened it says %+v", m.Facts)
	}
}

func TestAMessageAboutOneCustomerSaysWhatHappened(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.pass(5 * time.Second)
		w.happened(w.one("unmatched").now())
		w.close(status.Unmatched, "cus_1")
		w.pass(time.Minute)
		w.happened(w.one("unmatched").now())
	})
}

func TestAGroupIsOneMessageThatIsKeptUpToDate(t *testing.T) {
	story(t, nil, func(w *world) {
		for n := range 50 {
			w.open(status.UnmappedStatus, fmt.Sprintf("cus_%02d@example.com", n), "on_hold")
		}
		w.pass(5 * time.Second)
		p := w.one("unmapped_status")
		if len(p.said) != 1 || p.channel != "#all" || p.now().Title != "Unknown status value in customer-status: 50 customers" {
			t.Errorf("it was said %d times, last %+v", len(p.said), p.now())
		}
		if got := p.now(); got.Icon != Alarm || got.Owner != (Person{Name: "Ana", ID: "U1"}) || len(got.List) != shown+1 || got.List[shown] != "and 44 more" || got.fact("In common") != "on_hold" {
			t.Errorf("it says %+v", got)
		}
		w.happened(p.now())
		if !strings.Contains(p.now().List[0], "source: canceled") {
			t.Errorf("a customer of the group is %q", p.now().List[0])
		}
		if text := fmt.Sprint(p.now()); strings.Contains(text, "cus_00@") || !strings.Contains(text, "c***@example.com") {
			t.Errorf("addresses are not masked: %s", text)
		}
		for n := range 50 {
			w.close(status.UnmappedStatus, fmt.Sprintf("cus_%02d@example.com", n))
		}
		w.pass(time.Minute)
		if p := w.one("unmapped_status"); p.now().Icon != Done || p.now().fact("State") != "resolved" || len(p.now().Buttons) != 0 || len(p.said) > 3 {
			t.Errorf("after %d updates it says %+v", len(p.said)-1, p.now())
		}
		if w.untold() {
			t.Error("something waits to be told")
		}
	})
}

func TestARelapseIsAMessageOfItsOwn(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.pass(time.Minute)
		w.close(status.Unmatched, "cus_1")
		w.pass(time.Minute)
		w.open(status.Unmatched, "cus_1", "")
		w.pass(time.Minute)
		found := w.room.all("unmatched")
		if len(found) != 2 || found[0].now().Icon != Done || found[1].now().Icon != Alarm {
			t.Errorf("there are %+v", found)
		}
	})
}

func TestWhatWasOverBeforeAnybodyCouldBeToldIsNotTold(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.close(status.Unmatched, "cus_1")
		w.open(status.ConnectionFailed, "", "crm")
		w.close(status.ConnectionFailed, "")
		w.pass(time.Minute)
		// How a sync itself fares is told all the same.
		if got := w.titles(); !cmp.Equal(got, []string{"Connection failed in customer-status"}) {
			t.Errorf("told were %v", got)
		}
	})
}

func TestAConnectionThatFailsAndRecoversIsOneMessageEach(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.ConnectionFailed, "", "crm")
		w.pass(12 * time.Minute)
		w.close(status.ConnectionFailed, "")
		w.pass(time.Minute)
		if p := w.one("connection_failed"); p.now().Icon != Done {
			t.Errorf("it says %+v", p.now())
		}
		if p := w.one("Resolved: Connection failed"); !strings.Contains(p.now().Text, "lasted 12m") {
			t.Errorf("it says %+v", p.now())
		}
	})
}

func TestAKindHasItsChannelAndItsButtons(t *testing.T) {
	for kind, want := range map[status.Kind][]store.Verb{
		status.Conflict:         {store.UseSource, store.KeepTarget, store.Retry, store.Acknowledge, store.Assign},
		status.WriteFailed:      {store.Retry, store.Acknowledge, store.Assign},
		status.UnreadableEvent:  {store.Acknowledge, store.Assign},
		status.ConnectionFailed: {store.Acknowledge, store.Assign}, // about no customer: there is nothing to try again
	} {
		t.Run(string(kind), func(t *testing.T) {
			story(t, nil, func(w *world) {
				customer, channel := "cus_1", "#all"
				if kind == status.ConnectionFailed {
					customer = ""
				}
				if kind == status.Conflict {
					channel = "#conflicts"
				}
				w.open(kind, customer, "")
				w.pass(time.Minute)
				p := w.one(string(kind))
				if diff := cmp.Diff(want, p.now().verbs()); diff != "" || p.channel != channel {
					t.Errorf("in %s: %s", p.channel, diff)
				}
			})
		})
	}
}

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

func TestAFloodIsOneMessage(t *testing.T) {
	story(t, nil, func(w *world) {
		for n := range 200 {
			w.open(status.Unmatched, fmt.Sprintf("cus_%03d", n), "")
		}
		w.pass(2 * time.Minute)
		p := w.one("200 groups")
		if got := w.titles(); len(got) != 1 || p.now().List[0] != "customer-status: No matching record, 200 groups, 200 exceptions open" {
			t.Errorf("told were %v, it says %+v", got, p.now())
		}
		// A group of it that gets worse has a message of its own again.
		w.open(status.Unmatched, "cus_x", "cus_007")
		w.pass(2 * time.Minute)
		if p := w.one("unmatched"); p.now().Title != "No matching record in customer-status: 2 customers" {
			t.Errorf("it says %+v", p.now())
		}
		if w.untold() {
			t.Error("something waits to be told")
		}
	})
}

func TestATrickleThatBecomesAFloodIsFoldedFromThenOn(t *testing.T) {
	story(t, nil, func(w *world) {
		for n := range 40 {
			w.open(status.Unmatched, fmt.Sprintf("cus_%02d", n), "")
			w.pass(2 * time.Second)
		}
		w.pass(time.Minute)
		single, floods := w.room.all("unmatched"), w.room.all("3")
		if len(single) != floodLimit || len(floods) != 1 || !strings.HasPrefix(floods[0].now().Title, "30 groups") {
			t.Errorf("told were %v", w.titles())
		}
	})
}

func TestAChannelGetsLessThanOneMessageASecond(t *testing.T) {
	story(t, func(w *world) { w.workers = 3 }, func(w *world) {
		for round := range 20 {
			for n := range 9 {
				w.open(status.Unmatched, fmt.Sprintf("cus_%d_%d", n, round), fmt.Sprintf("cause_%d", n))
			}
			w.pass(11 * time.Second)
		}
		w.pass(5 * time.Minute)
		if busiest, close := w.room.pace(); busiest > 50 || close {
			t.Errorf("%d calls in a minute, two of them too close: %t", busiest, close)
		}
		if found := w.room.all("unmatched"); len(found) != 9 {
			t.Errorf("told were %v", w.titles())
		}
		if w.untold() {
			t.Error("something waits to be told")
		}
	})
}

func TestNothingIsLostWhileSlackIsDown(t *testing.T) {
	story(t, func(w *world) { w.workers = 2 }, func(w *world) {
		w.open(status.Unmatched, "cus_0", "")
		w.pass(time.Minute)
		w.room.setFail(func() error { return &connector.Failure{Kind: connector.Transient, Detail: "no answer"} })
		w.close(status.Unmatched, "cus_0")
		for n := range 5 {
			w.open(status.WriteFailed, fmt.Sprintf("cus_%d", n), "")
			w.pass(12 * time.Minute)
		}
		waiting, err := w.db.UntoldNotices(w.Context())
		w.must(err)
		if len(w.titles()) != 1 || len(waiting) == 0 || waiting[0].Failure != "no answer" {
			t.Errorf("told were %v, waiting are %+v", w.titles(), waiting)
		}
		calls := len(w.room.calls)
		if calls > 60 {
			t.Errorf("it was tried %d times", calls)
		}
		w.room.setFail(nil)
		w.pass(longestPause + time.Minute)
		if p := w.one("unmatched"); p.now().Icon != Done {
			t.Errorf("the first one says %+v", p.now())
		}
		if found := w.room.all("write_failed"); len(found) != 5 {
			t.Errorf("told were %v", w.titles())
		}
		if w.untold() {
			t.Error("something waits to be told")
		}
	})
}

func TestWhatSlackSaysAboutHowLongToWaitHoldsForTheChannel(t *testing.T) {
	story(t, nil, func(w *world) {
		limited := 0
		w.room.setFail(func() error {
			if limited++; limited == 1 {
				return &connector.Failure{Kind: connector.RateLimited, RetryAfter: 37 * time.Second, Detail: "too often"}
			}
			return nil
		})
		began := time.Now()
		w.open(status.Unmatched, "cus_1", "")
		w.open(status.Unmatched, "cus_2", "")
		w.pass(2 * time.Minute)
		found := w.room.all("unmatched")
		if len(found) != 2 {
			t.Fatalf("told were %v", w.titles())
		}
		for _, p := range found {
			if after := p.at.Sub(began); after < 37*time.Second || after > 50*time.Second {
				t.Errorf("%s was posted after %s", p.now().Title, after)
			}
		}
	})
}

func TestAMessageThatSlackRefusesDoesNotStandInTheWay(t *testing.T) {
	story(t, nil, func(w *world) {
		refused := 0
		w.room.setFail(func() error {
			if refused++; refused == 1 {
				return &connector.Failure{Kind: connector.Refused, Code: "invalid_blocks", Detail: "Slack says invalid_blocks"}
			}
			return nil
		})
		w.open(status.Unmatched, "cus_1", "")
		w.pass(3 * time.Second)
		w.open(status.Unmatched, "cus_2", "")
		w.pass(time.Minute)
		w.one("unmatched")
		w.pass(slowPause)
		if found := w.room.all("unmatched"); len(found) != 2 {
			t.Errorf("told were %v", w.titles())
		}
	})
}

func TestAMessageThatWasDeletedIsPostedAgain(t *testing.T) {
	story(t, nil, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.pass(time.Minute)
		w.room.messages = nil
		w.act(store.Act{Exception: 1, Verb: store.Acknowledge})
		w.pass(time.Minute)
		if p := w.one("unmatched"); p.now().Icon != Seen {
			t.Errorf("it says %+v", p.now())
		}
	})
}

func TestWhatIsOverdueIsRemindedOnce(t *testing.T) {
	story(t, func(w *world) {
		w.workers, w.long = 2, true
		s := w.options.Syncs[syncName]
		s.RemindAfter = 3 * time.Hour
		w.options.Syncs[syncName] = s
	}, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.pass(2*time.Hour + 58*time.Minute)
		if len(w.room.all("Still open")) != 0 {
			t.Error("it is reminded too early")
		}
		w.pass(5 * time.Minute)
		w.happened(w.one("Still open").now())
		if m := w.one("Still open").now(); m.Owner.ID != "U1" || m.Icon != Clock {
			t.Errorf("it says %+v", m)
		}
		w.pass(4 * time.Hour)
		w.one("Still open")
		// A new owner has his own time, and is reminded for himself.
		w.act(store.Act{Exception: 1, Verb: store.Assign, Owner: "cleo@example.com"})
		w.pass(time.Hour)
		w.one("Still open")
		w.pass(3 * time.Hour)
		if found := w.room.all("Still open"); len(found) != 2 || found[1].now().Owner.Name != "cleo@example.com" {
			t.Errorf("told were %v", w.titles())
		}
		w.close(status.Unmatched, "cus_1")
		w.open(status.Unmatched, "cus_1", "")
		w.pass(4 * time.Hour)
		if found := w.room.all("Still open"); len(found) != 3 {
			t.Errorf("told were %v", w.titles())
		}
	})
}

func TestADigestComesOnceADay(t *testing.T) {
	story(t, func(w *world) {
		w.workers, w.long = 2, true
		// 02:30 UTC; the bubble begins on 2000-01-01 at midnight.
		w.digest = &config.Digest{At: "03:30", Zone: "Europe/Berlin"}
	}, func(w *world) {
		w.open(status.Unmatched, "cus_1", "")
		w.open(status.Conflict, "cus_2", "")
		w.pass(2 * time.Hour)
		if len(w.room.all("Trueup on")) != 0 {
			t.Error("it comes too early")
		}
		w.pass(26 * time.Hour)
		found := w.room.all("Trueup on")
		if len(found) != 2 {
			t.Fatalf("told were %v", w.titles())
		}
		for i, p := range found {
			if late := p.at.UTC().Sub(time.Date(2000, 1, 1+i, 2, 30, 0, 0, time.UTC)); late < 0 || late > 2*time.Minute || p.channel != "#all" {
				t.Errorf("%s comes at %s", p.now().Title, p.at)
			}
		}
		if m := found[1].now(); m.fact("Open exceptions") != "2" || m.fact("Overdue") != "2" || len(m.List) != 2 {
			t.Errorf("it says %+v", m)
		}
	})
}

// hear lets an event come.
func (w *world) hear() {
	w.Helper()
	w.heard++
	_, err := w.db.Receive(w.Context(), []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide,
		ID: fmt.Sprint("evt_", w.heard), Customer: "cus_1"}})
	w.must(err)
}

func TestASyncThatHearsNothingIsToldOnceAndAgainWhenItHears(t *testing.T) {
	story(t, func(w *world) { w.workers, w.long = 2, true }, func(w *world) {
		for range rhythmEvents {
			w.hear()
			w.pass(time.Hour)
		}
		w.pass(time.Hour - time.Minute)
		if got := w.titles(); len(got) != 0 {
			t.Errorf("told too early were %v", got)
		}
		w.pass(10 * time.Minute)
		if m := w.one(syncName + " receives no webhooks").now(); !strings.Contains(m.Text, "1h 0m") || m.Owner.ID != "U1" {
			t.Errorf("it says %+v", m)
		}
		w.pass(3 * time.Hour)
		w.hear()
		w.pass(10 * time.Minute)
		if m := w.one(syncName + " receives webhooks again").now(); !strings.Contains(m.Text, "after 5h 9m") {
			t.Errorf("it says %+v", m)
		}
		w.one(syncName + " receives no webhooks")
	})
}

// A changed configuration with a fault is one message, which is kept up to date, and
// another one says when it is used again.
func TestAFileThatIsNotUsedIsToldAndWhenItIsUsedAgain(t *testing.T) {
	story(t, nil, func(w *world) {
		n, err := w.db.EnterNode(w.Context(), "host:8080", "v1")
		w.must(err)
		seen := func(faults ...store.FileFault) {
			n.File = store.NodeFile{ReadAt: time.Now(), Hash: "h", Faults: faults}
			w.must(w.db.SeeNode(w.Context(), n))
			w.pass(10 * time.Second)
		}
		seen()
		if got := w.titles(); len(got) != 0 {
			t.Errorf("told were %v", got)
		}
		seen(store.FileFault{Line: 30, Path: "syncs.s.mode", Text: "it is ana@example.com"})
		seen(store.FileFault{Line: 30, Path: "syncs.s.mode", Text: "it is ana@example.com"}) // nothing new
		seen(store.FileFault{Line: 31, Path: "syncs.s.mode", Text: "it is missing"})
		told := w.one("The changed trueup.yaml is not used")
		first, last := strings.Join(told.said[0].List, ""), strings.Join(told.now().List, "")
		if len(told.said) != 2 || !strings.Contains(first, "host:8080: running with the file read at ") || !strings.Contains(first, "has 1 fault: line 30: syncs.s.mode") ||
			strings.Contains(first, "ana@example.com") || !strings.Contains(last, "line 31") {
			t.Errorf("it says %q, then %q", first, last)
		}
		seen()
		w.one("trueup.yaml is used again")
	})
}

func TestASyncWithAFewEventsHasNoRhythm(t *testing.T) {
	story(t, func(w *world) { w.long = true }, func(w *world) {
		for range rhythmEvents - 1 {
			w.hear()
			w.pass(time.Minute)
		}
		w.pass(10 * time.Hour)
		if got := w.titles(); len(got) != 0 {
			t.Errorf("told were %v", got)
		}
	})
}

func TestARoomThatCannotUpdateIsToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	story(t, func(w *world) { w.options.Notifier, w.options.Buttons = onlyPosts{w.room}, false }, func(w *world) {
		id := w.open(status.UnmappedStatus, "cus_1", "on_hold")
		w.pass(time.Minute)
		w.open(status.UnmappedStatus, "cus_2", "on_hold")
		w.act(store.Act{Exception: id, Verb: store.Acknowledge})
		w.pass(time.Minute)
		w.close(status.UnmappedStatus, "cus_1")
		w.close(status.UnmappedStatus, "cus_2")
		w.pass(time.Minute)
		var icons []Icon
		for _, p := range w.room.all("") {
			icons = append(icons, p.now().Icon)
			if len(p.now().Buttons) > 0 {
				t.Errorf("%s has buttons", p.now().Title)
			}
		}
		if !slices.Equal(icons, []Icon{Alarm, Done}) {
			t.Errorf("told were %v", icons)
		}
		for round := range 3 {
			for n := range 30 {
				w.open(status.Unmatched, fmt.Sprintf("cus_%d_%d", round, n), "")
			}
			w.pass(10 * time.Second)
		}
		w.pass(3 * time.Minute)
		if floods := len(w.titles()) - 2; floods != 2 || w.untold() {
			t.Errorf("told were %v", w.titles())
		}
	})
}

// A source that is also polled brings its changes, and its webhooks may be off
// all the same.
func TestWhatWasPolledIsNoProofThatWebhooksWork(t *testing.T) {
	story(t, func(w *world) { w.long = true }, func(w *world) {
		for range rhythmEvents {
			w.hear()
			w.pass(time.Hour)
		}
		for n := range 3 {
			_, err := w.db.Receive(w.Context(), []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide,
				ID: fmt.Sprint("polled_", n), Customer: "cus_1", Listed: true}})
			w.must(err)
			w.pass(30 * time.Minute)
		}
		w.one(syncName + " receives no webhooks")
		w.hear()
		w.pass(10 * time.Minute)
		w.one(syncName + " receives webhooks again")
	})
}

// Whoever turns webhooks off on purpose, and polls, is left alone.
func TestAConnectionWithoutWebhooksIsNotSilent(t *testing.T) {
	story(t, func(w *world) { w.long, w.deaf = true, true }, func(w *world) {
		for range rhythmEvents {
			w.hear()
			w.pass(time.Hour)
		}
		w.pass(10 * time.Hour)
		_, err := w.db.BeginSilence(w.Context(), syncName, time.Now(), time.Hour) // of the time when it had some
		w.must(err)
		w.pass(10 * time.Minute)
		if s, err := w.db.Silence(w.Context(), syncName); err != nil || !s.Since.IsZero() {
			t.Errorf("it is silent: %+v, %v", s, err)
		}
	})
}

func TestAPauseAndAnOldQueueAreToldWhenTheyBeginAndEnd(t *testing.T) {
	story(t, nil, func(w *world) {
		since := time.Now()
		on := func(alarm status.Alarm, text string) contract.Alarm {
			return contract.Alarm{Alarm: alarm, Sync: syncName, Since: &since, Text: text, Remedy: contract.Remedy{Does: "resume the sync"}}
		}
		w.alarms.Store(&[]contract.Alarm{on(status.AlarmPaused, "paused by ana@example.com"), on(status.AlarmQueueOld, "3 customers waiting"),
			on(status.AlarmHalted, "of which its exception tells"), on(status.AlarmSilent, "of which its own message tells")})
		w.pass(3 * time.Minute)
		m := w.one("Paused in " + syncName).now()
		if m.Icon != Alarm || m.Text != "paused by a***@example.com. What to do: resume the sync" || m.fact("Since") != stamp(since) {
			t.Errorf("it says %+v", m)
		}
		w.one("Customers wait too long in " + syncName)
		if got := w.titles(); len(got) != 2 {
			t.Errorf("told were %v", got)
		}
		w.alarms.Store(&[]contract.Alarm{})
		w.pass(5 * time.Minute)
		if m := w.one("Resolved: Paused in " + syncName).now(); m.Icon != Done || !strings.Contains(m.Text, "lasted 4m 0s") {
			t.Errorf("it says %+v", m)
		}
		w.one("Resolved: Customers wait too long")
		if w.untold() {
			t.Error("something waits to be told")
		}
	})
}

func TestAMessageToAProgramIsGivenUpAfterItsTimeAndTheNextIsTold(t *testing.T) {
	story(t, func(w *world) {
		w.long, w.options.Notifier, w.options.EveryAlarm, w.options.GiveUp = true, onlyPosts{w.room}, true, 6*time.Hour
	}, func(w *world) {
		w.room.setFail(func() error {
			return &connector.Failure{Kind: connector.Transient, Detail: "it answers 500"}
		})
		w.open(status.UnmappedStatus, "cus_1", "on_hold")
		w.pass(5 * time.Hour)
		if !w.untold() {
			t.Error("it was given up too early")
		}
		if calls := w.room.count(); calls > 80 {
			t.Errorf("%d calls in five hours: the pauses do not grow", calls)
		}
		w.pass(2 * time.Hour)
		given, err := w.db.NotDelivered(w.Context(), time.Now().Add(-2*time.Hour))
		w.must(err)
		if w.untold() || len(given) != 1 || given[0].GivenUp != 1 || given[0].Failure != "it answers 500" {
			t.Errorf("given up are %+v", given)
		}
		w.room.setFail(nil)
		w.close(status.UnmappedStatus, "cus_1")
		w.pass(time.Minute)
		w.open(status.UnmappedStatus, "cus_2", "on_hold")
		w.pass(time.Minute)
		if m := w.one("unmapped_status").now(); m.About.Event != config.ExceptionsOpened || m.ID == "" {
			t.Errorf("it says %+v", m)
		}
	})
}
