package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// settled is a customer whom the path has carried once.
func (w *world) settled(ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.customer(id, "active", "Active")
	}
	w.pass(time.Minute)
	for _, id := range ids {
		w.change(id, "active", true)
	}
	w.work()
	w.pass(time.Minute)
}

func TestWhatHasComeApartIsCountedByCause(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.settled("lost", "edited", "gone", "word", "fine", "waits")
		w.change("lost", "paused", false)
		w.crm.set("rec_edited", "Churned")
		delete(w.crm.records, "rec_gone")
		w.billing.set("word", "gold")
		w.pass(time.Minute)
		w.change("waits", "paused", true) // its event is on its way
		s := w.compare(store.ForSweep)
		if want := (store.Drift{LostEvent: 1, EditOutside: 1, DeletedRecord: 1, Vocabulary: 1}); s.Drift != want {
			t.Errorf("the drift is %+v", s.Drift)
		}
		if s.Repaired != 4 {
			t.Errorf("%d are looked at again", s.Repaired)
		}
		w.work()
		w.pass(time.Minute)
		if got := w.compare(store.ForSweep); got.Repaired != 0 {
			t.Errorf("persons were told, and %d are looked at again: %+v", got.Repaired, got)
		}
		// The person takes the edit back; the exception closes by itself.
		w.crm.set("rec_edited", "Active")
		if got := w.compare(store.ForSweep); got.Repaired != 1 {
			t.Errorf("the one that agrees again is not looked at: %+v", got)
		}
		w.work()
		open, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{Customer: "edited", States: []status.State{status.Open}})
		if err != nil || len(open) != 0 {
			t.Errorf("still open are %v, %v", open, err)
		}
	})
}

func TestHistoryWaitsForAPlan(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer("old_1", "paused", "Active")
		w.customer("old_2", "active", "-")
		w.customer("old_same", "active", "Active")
		w.customer("watched", "active", "Active")
		w.pass(time.Minute)
		w.sync.Config.Mode = "watch"
		w.change("watched", "paused", true)
		w.work()
		w.sync.Config.Mode = "live"
		w.pass(time.Hour)
		w.goLive()
		w.customer("new", "paused", "Active") // its event was lost
		w.pass(time.Minute)
		s := w.compare(store.ForSweep)
		if s.Waiting != 3 || s.Repaired != 1 || s.Drift.LostEvent != 1 {
			t.Errorf("the sweep found %+v", s)
		}
		w.work()
		if got := w.crm.records["rec_new"].value; got != "Paused" || w.crm.writes != 1 {
			t.Errorf("it wrote %d, the new one holds %s", w.crm.writes, got)
		}
		// Nothing is live that watches: all of it waits.
		if err := w.db.SetMode(t.Context(), syncName, false); err != nil {
			t.Fatal(err)
		}
		w.customer("later", "paused", "Active")
		if s := w.compare(store.ForSweep); s.Waiting != 4 || s.Repaired != 0 {
			t.Errorf("while it watches, the sweep found %+v", s)
		}
	})
}

func TestALookThatIsYoungerThanTheListIsNotUndone(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.settled("a", "b", "c", "d")
		w.crm.fail = func(call, cursor string) error {
			if call == "list" && cursor == "3" {
				w.mutexed(func() {
					w.pass(time.Minute)
					w.change("a", "paused", true)
					w.pass(time.Minute)
					w.work() // after both sides of it were listed
				})
			}
			return nil
		}
		s := w.compare(store.ForSweep)
		if s.Summary.Agree != 4 || s.Repaired != 0 || w.crm.records["rec_a"].value != "Paused" {
			t.Errorf("the sweep found %+v", s)
		}
	})
}

func TestRecordsThatComeTwiceCountOnce(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		once := w.compare(store.ForPlan)
		w.billing.again, w.crm.again = true, true
		if twice := w.compare(store.ForPlan); twice.Summary != once.Summary || twice.Hash != once.Hash {
			t.Errorf("once %+v, twice %+v", once, twice)
		}
	})
}

func TestARecordThatTheListPassesOverIsAskedFor(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.settled("a", "b", "c")
		w.billing.hidden = map[string]bool{"a": true}
		w.crm.hidden = map[string]bool{"rec_b": true}
		if s := w.compare(store.ForPlan); s.Summary.Agree != 3 {
			t.Errorf("the plan says %+v", s.Summary)
		}
		// A customer who is gone from the source is parked, and not asked for
		// once a person was told.
		w.goLive()
		delete(w.billing.records, "c")
		if s := w.compare(store.ForSweep); s.Summary.Other != 1 || s.Drift.DeletedRecord != 1 || s.Repaired != 1 {
			t.Errorf("the sweep says %+v", s)
		}
		w.work()
		w.billing.calls = map[string]int{}
		if s := w.compare(store.ForSweep); s.Summary.Other != 1 || w.billing.calls["read"] != 1 { // for a
			t.Errorf("after that %d are read: %+v", w.billing.calls["read"], s)
		}
	})
}

// told reads records out of events.
type told struct{}

func (told) Record(payload []byte) (r status.SourceRecord, err error) {
	return r, json.Unmarshal(payload, &r)
}

func TestSidesThatCannotList(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.settled("a", "b")
		w.customer("never_told", "paused", "Active")
		w.change("a", "paused", false)
		w.pass(time.Minute)
		both := w.sync
		for name, without := range map[string]func(){
			"the target": func() { w.sync.To.TargetList = nil },
			"the source": func() { w.sync.From.SourceList = nil },
			"both":       func() { w.sync.From.SourceList, w.sync.To.TargetList = nil, nil },
		} {
			w.sync = both
			without()
			s := w.compare(store.ForPlan)
			known := 3
			if !s.SourceListed {
				known = 2 // of the third one nobody has told
			}
			if s.Summary.Sources != known || s.Summary.Agree != 1 || s.Summary.Write != known-1 || s.Drift.LostEvent != known-1 {
				t.Errorf("without %s it is %+v", name, s)
			}
			if !s.TargetListed && s.Summary.UnmatchedTarget != 0 {
				t.Errorf("without %s it says whose the target's records are", name)
			}
		}
	})
}

func TestASourceThatCannotBeAskedIsReadFromItsEvents(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.sync.From.Source, w.sync.From.SourceList, w.sync.From.EventSource = nil, nil, told{}
		w.customer("a", "paused", "")
		payload, err := json.Marshal(status.SourceRecord{ID: "a", Value: "paused", Keys: map[string]string{"email": "a@example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.db.Receive(t.Context(), []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: "evt", Customer: "a",
			Value: "paused", HasValue: true, OccurredAt: w.clock(), Payload: payload}})
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		w.pass(time.Hour)
		w.crm.set("rec_a", "Active")
		if s := w.compare(store.ForSweep); s.Summary.Held != 1 || s.Drift.EditOutside != 1 {
			t.Errorf("it found %+v", s)
		}
	})
}

// words is a field with options.
type words struct{ known []string }

func (o *words) Options(context.Context) ([]string, error) { return o.known, nil }

func TestARenamedOptionIsToldBeforeAWriteFails(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		field := &words{[]string{"Active", "On hold", "Left"}}
		w.sync.To.Options = field
		w.settled("a")
		open := func() []store.Exception {
			found, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{Sync: syncName, States: []status.State{status.Open}})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		w.compare(store.ForSweep)
		if x := open(); len(x) != 1 || x[0].Customer != "" || x[0].Kind != status.WriteFailed || !strings.Contains(x[0].Reason.Sentence(), `"Churned", "Paused"`) {
			t.Errorf("open are %+v", x)
		}
		field.known = []string{"Active", "Paused", "Churned"}
		w.compare(store.ForSweep)
		if x := open(); len(x) != 0 {
			t.Errorf("still open are %+v", x)
		}
	})
}

func TestTheWordsOfBothSidesAreKept(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		w.compare(store.ForPlan)
		found, err := w.db.Vocabulary(t.Context(), syncName)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, word := range found {
			got = append(got, fmt.Sprintf("%s %q %d", word.Side, word.Value, word.Customers))
		}
		want := []string{`source "active" 4`, `source "gold" 1`, `source "incomplete" 1`, `source "paused" 1`, `target "Active" 8`, `target "" 1`}
		if !slices.Equal(got, want) {
			t.Errorf("the words are %v", got)
		}
	})
}

func TestTheRowsOfThreePlansAreKept(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		var plans []store.Sweep
		for i := range 5 {
			w.customer(fmt.Sprint("more_", i), "paused", "Active")
			plans = append(plans, w.compare(store.ForPlan))
		}
		for i, p := range plans {
			if kept := len(w.rows(p)) > 0; kept != (i >= 2) {
				t.Errorf("of plan %d of 5 the rows are kept: %v", i+1, kept)
			}
		}
	})
}

func TestAFailureThatTimeDoesNotMendEndsIt(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		everyKind(w)
		w.crm.fail = func(string, string) error {
			return &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Status: 401, Detail: "the token is refused"}
		}
		s, err := Run(t.Context(), w.options(store.ForPlan))
		if err == nil || !strings.Contains(err.Error(), "the token is refused") {
			t.Errorf("it ended with %v", err)
		}
		if _, err := w.db.SweepUnderWay(t.Context(), syncName, store.ForPlan); err == nil {
			t.Error("it is still under way")
		}
		if n := w.kept(s); n != 0 {
			t.Errorf("%d records are kept", n)
		}
	})
}

func TestAToolThatIsBusyIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, engines["sqlite"](t))
		everyKind(w)
		began := time.Now()
		w.now = began
		fails := 0
		w.crm.fail = func(string, string) error {
			w.pass(time.Since(began) - w.clock().Sub(began))
			switch fails++; fails {
			case 1:
				return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Status: 429, RetryAfter: 10 * time.Second, Detail: "too many requests"}
			case 2, 3:
				return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Status: 503, Detail: "busy"}
			}
			return nil
		}
		var waited []string
		o := w.options(store.ForPlan)
		o.Progress = func(p Progress) {
			if p.Waits != "" {
				waited = append(waited, p.Waits+" "+time.Until(p.Until).Round(time.Second).String())
				w.pass(time.Until(p.Until))
			}
		}
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if want := []string{"crm 10s", "crm 1s", "crm 2s"}; !slices.Equal(waited, want) {
			t.Errorf("it waited %v", waited)
		}
		// A tool that asks for too long is left, and gone on with.
		fails = 0
		w.crm.fail = func(string, string) error {
			return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, RetryAfter: time.Hour, Detail: "no calls left today"}
		}
		if _, err := Run(t.Context(), w.options(store.ForPlan)); err == nil || !strings.Contains(err.Error(), "start it again to continue") {
			t.Errorf("it ended with %v", err)
		}
		w.crm.fail = nil
		w.forget()
		if _, err := Run(t.Context(), w.options(store.ForPlan)); err != nil || len(w.billing.lists) != 0 {
			t.Errorf("it went on with %v, %v", w.billing.lists, err)
		}
	})
}
