package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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
