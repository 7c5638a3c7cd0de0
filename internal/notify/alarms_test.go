package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

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
