package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

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
