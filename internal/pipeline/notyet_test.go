package pipeline

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestWhatIsNotThereYetIsLookedForAgain(t *testing.T) {
	away := func(w *world, until time.Time, side *tool, calls ...string) {
		side.fail = func(call, _, _ string) error {
			for _, c := range calls {
				if c == call && w.clock.now().Before(until) {
					return side.gone("")
				}
			}
			return nil
		}
	}
	tests := map[string]struct {
		late    time.Duration // after the event
		missing func(w *world, until time.Time)
		linked  bool
		opened  []status.Kind // what people were told meanwhile
		within  time.Duration // of being there
	}{
		"the source answers 404 for two seconds": {late: 2 * time.Second, within: 10 * time.Second,
			missing: func(w *world, until time.Time) { away(w, until, w.billing, "read") }},
		"the target's record is made a moment later": {late: 1500 * time.Millisecond, within: 10 * time.Second,
			missing: func(w *world, until time.Time) { w.hide("rec_cus_1", until) }},
		"the target's record is made half an hour later": {late: 30 * time.Minute, within: time.Hour, opened: []status.Kind{status.Unmatched},
			missing: func(w *world, until time.Time) { w.hide("rec_cus_1", until) }},
		"the source has the customer an hour later": {late: time.Hour, within: time.Hour, opened: []status.Kind{status.BrokenLink},
			missing: func(w *world, until time.Time) { away(w, until, w.billing, "read") }},
		"a linked record is gone for five minutes": {late: 5 * time.Minute, within: 20 * time.Minute, linked: true, opened: []status.Kind{status.BrokenLink},
			missing: func(w *world, until time.Time) { away(w, until, w.crm, "read", "write") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			if tt.linked {
				w.carry("cus_1", "active")
			}
			there := w.clock.now().Add(tt.late)
			tt.missing(w, there)
			w.deliver(w.change("cus_1", "paused"))
			var took time.Duration
			for took = 0; w.crm.records["rec_cus_1"] == nil || w.crm.value("rec_cus_1") != "Paused"; took = w.clock.now().Sub(there) {
				if took > tt.within {
					t.Fatalf("it was not carried within %s: %v is open", tt.within, w.open())
				}
				w.work()
				w.pass(time.Second)
			}
			if got := w.everOpen("cus_1"); len(got) != len(tt.opened) || len(got) > 0 && got[0] != tt.opened[0] {
				t.Errorf("%v was opened, not %v", got, tt.opened)
			}
			if w.finish(); len(w.open()) > 0 {
				t.Errorf("%v stays open", w.open())
			}
		})
	}
}

// hide lets the target be without a record until a time.
func (w *world) hide(id string, until time.Time) {
	r := w.crm.records[id]
	delete(w.crm.records, id)
	w.crm.fail = func(string, string, string) error {
		if !w.clock.now().Before(until) && w.crm.records[id] == nil {
			w.crm.records[id] = r
		}
		return nil
	}
}

func TestWhoNeverComesIsNotSearchedForForever(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	delete(w.crm.records, "rec_cus_1")
	searches := 0
	w.crm.fail = func(string, string, string) error { searches++; return nil }
	w.carry("cus_1", "paused")
	if searches < 5 || searches > 14 {
		t.Errorf("it was searched for %d times", searches)
	}
	if got := w.open()["cus_1"]; len(got) != 1 || got[0] != status.Unmatched {
		t.Errorf("open is %v", got)
	}
	// An event much later begins anew: perhaps it tells of the record that was made.
	w.pass(24 * time.Hour)
	w.deliver(w.change("cus_1", "canceled"))
	w.work()
	w.crm.records["rec_cus_1"] = &record{keys: keysOf("cus_1"), editedAt: w.clock.now()}
	w.crm.fail = nil
	for range 5 {
		w.pass(time.Second)
		w.work()
	}
	if got := w.crm.value("rec_cus_1"); got != "Churned" || len(w.open()) > 0 {
		t.Errorf("the record made a second after the event holds %q, open is %v", got, w.open())
	}
}

func TestPeopleAreToldWhenThePatienceIsOver(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	delete(w.crm.records, "rec_cus_1")
	w.deliver(w.change("cus_1", "paused"))
	told := w.clock.now().Add(notYetPatience)
	for len(w.open()) == 0 {
		if w.clock.now().After(told.Add(time.Second)) {
			t.Fatal("nobody was told")
		}
		w.work()
		w.pass(time.Second)
	}
}

// Ten thousand customers whom the target does not have must not be searched for
// several times over before the others get their turn.
func TestAnEventThatHadToQueueIsToldOfAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	delete(w.crm.records, "rec_cus_1")
	w.deliver(w.change("cus_1", "paused"))
	w.pass(time.Minute)
	w.work()
	if got := w.open()["cus_1"]; len(got) != 1 || got[0] != status.Unmatched {
		t.Errorf("open is %v", got)
	}
}

func TestPeopleAreToldOfAMissingRecordHoweverManyEventsCome(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	delete(w.crm.records, "rec_cus_1")
	w.during(30, time.Second, "cus_1", "paused")
	if got := w.open()["cus_1"]; len(got) != 1 || got[0] != status.Unmatched {
		t.Errorf("open is %v", got)
	}
}

func TestAnOutageAmidAMissingRecordOpensNothingOfItsOwn(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.hide("rec_cus_1", w.clock.now().Add(time.Hour))
	hidden := w.crm.fail
	w.crm.fail = func(call, id, value string) error {
		if at := w.clock.now().Sub(began); at > 10*time.Minute && at < 10*time.Minute+5*time.Second {
			return failure(connector.Transient, 503)
		}
		return hidden(call, id, value)
	}
	w.deliver(w.change("cus_1", "paused"))
	w.during(1, 10*time.Minute+time.Second, "cus_1", "paused")
	w.during(1, 10*time.Second, "cus_1", "paused")
	w.finish()
	if got := w.everOpen("cus_1"); len(got) != 1 || got[0] != status.Unmatched || len(w.open()) > 0 || w.crm.value("rec_cus_1") != "Paused" {
		t.Errorf("opened were %v, open are %v, the target holds %q", got, w.open(), w.crm.value("rec_cus_1"))
	}
}
