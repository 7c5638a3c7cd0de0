package pipeline

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// replay stores an event once more, as internal/replay does.
func (w *world) replay(id, nonce string) {
	w.Helper()
	found, err := w.db.Events(context.Background(), store.EventFilter{Sync: syncName, Limit: 1000})
	if err != nil {
		w.Fatal(err)
	}
	at := slices.IndexFunc(found, func(e store.Event) bool { return e.ID == id })
	if at < 0 {
		w.Fatalf("there is no event %s", id)
	}
	e := found[at]
	w.deliver(store.NewEvent{Connection: e.Connection, Sync: e.Sync, Side: e.Side, ID: store.ReplayID(e.ID, nonce), Customer: e.Customer, Value: e.Value,
		HasValue: e.HasValue, OccurredAt: e.HappenedAt(skew), UnchangedAt: e.UnchangedAt, Payload: e.Payload, ReplayOf: e.Seq, ReplayedBy: "ana"})
}

// last is how the latest event of a customer ended.
func (w *world) last(customer string) status.Outcome {
	all := w.ended(customer)
	return all[len(all)-1]
}

func TestAReplayBringsNoOldStateBack(t *testing.T) {
	for name, tt := range map[string]struct {
		timeless bool
		replays  []string // in this order
		again    int      // further replays of the oldest
	}{
		"the older of two":                                             {replays: []string{"evt_001"}},
		"the older of two, where nobody tells when":                    {timeless: true, replays: []string{"evt_001"}},
		"both, the newer first":                                        {replays: []string{"evt_002", "evt_001"}},
		"both, where nobody tells when":                                {timeless: true, replays: []string{"evt_002", "evt_001"}},
		"the older one more often than is searched":                    {replays: []string{"evt_001"}, again: lookBack + 5},
		"the older one more often, where nobody tells when it changed": {timeless: true, replays: []string{"evt_001"}, again: lookBack + 5},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.cannotAsk, w.quiet = true, true })
			w.customer("1", "active", "")
			for _, value := range []string{"past_due", "active"} {
				e := w.change("1", value)
				if tt.timeless {
					e.OccurredAt = time.Time{}
				}
				w.deliver(e)
				w.finish()
				w.pass(time.Minute)
			}
			if w.crm.value("rec_1") != "Active" {
				t.Fatalf("rec_1 holds %s", w.crm.value("rec_1"))
			}
			writes := len(w.crm.writes)
			for _, id := range tt.replays {
				w.replay(id, "x")
				w.finish()
				want := status.Superseded
				if id == "evt_002" {
					want = status.AlreadyEqual
				}
				if got := w.last("1"); got != want {
					t.Errorf("the replay of %s ended %s, not %s", id, got, want)
				}
			}
			for i := range tt.again {
				w.replay("evt_001", fmt.Sprint("again", i))
			}
			w.finish()
			if got := w.crm.value("rec_1"); got != "Active" || len(w.crm.writes) != writes {
				t.Errorf("rec_1 holds %s after %v", got, w.crm.writes)
			}
		})
	}
}

// Whatever its nonce is, and so wherever its id stands among the others.
func TestAReplayOfTheNewestEventIsCarriedWithTheMapOfNow(t *testing.T) {
	for _, cannotAsk := range []bool{true, false} {
		w := newWorld(t, func(w *world) { w.cannotAsk = cannotAsk })
		w.customer("1", "active", "")
		w.carry("1", "on_hold")
		if got := w.open()["1"]; !slices.Equal(got, []status.Kind{status.UnmappedStatus}) {
			t.Fatalf("open: %v", got)
		}
		w.mapped = map[status.Status][]string{"paused": {"on_hold"}}
		w.start()
		for i, nonce := range []string{"zzz", "aaa", "mmm"} {
			w.replay("evt_001", nonce)
			w.finish()
			want := status.AlreadyEqual
			if i == 0 {
				want = status.Applied
			}
			if got := w.last("1"); got != want {
				t.Errorf("cannot ask %t: the replay with %s ended %s", cannotAsk, nonce, got)
			}
		}
		if w.crm.value("rec_1") != "Paused" || len(w.open()) != 0 {
			t.Errorf("rec_1 holds %s, open: %v", w.crm.value("rec_1"), w.open())
		}
	}
}

func TestASourceThatCanBeAskedIsAskedForAReplay(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "past_due", "")
	w.carry("1", "past_due")
	w.pass(time.Hour)
	w.carry("1", "active")
	w.pass(time.Hour)
	w.replay("evt_001", "x")
	w.finish()
	if got := w.last("1"); got != status.AlreadyEqual || w.crm.value("rec_1") != "Active" {
		t.Errorf("it ended %s, rec_1 holds %s", got, w.crm.value("rec_1"))
	}
}

// A person edited between the two: the replay makes the source's change no
// younger.
func TestAReplayWritesOverNoPerson(t *testing.T) {
	for _, cannotAsk := range []bool{true, false} {
		w := newWorld(t, func(w *world) { w.cannotAsk = cannotAsk })
		w.customer("1", "past_due", "")
		w.carry("1", "active")
		w.pass(time.Hour)
		w.crm.edit("rec_1", "Churned", status.ActorHuman)
		w.pass(time.Hour)
		w.replay("evt_001", "x")
		w.finish()
		if got := w.last("1"); got != status.Held || w.crm.value("rec_1") != "Churned" || len(w.crm.overwrote) > 0 {
			t.Errorf("it ended %s, rec_1 holds %s", got, w.crm.value("rec_1"))
		}
	}
}

// That it came after the edit says nothing of when it was: its own time is ahead.
func TestAReplayOfAChangeDatedAheadWritesOverNoPerson(t *testing.T) {
	for _, cannotAsk := range []bool{true, false} {
		w := newWorld(t, func(w *world) { w.cannotAsk = cannotAsk })
		w.customer("1", "active", "")
		w.carry("1", "active")
		w.pass(time.Hour)
		late := w.change("1", "paused")
		late.OccurredAt, late.UnchangedAt = late.OccurredAt.Add(time.Hour), time.Time{}
		w.pass(time.Second)
		if !cannotAsk {
			w.change("1", "active") // of which nobody tells
		}
		w.pass(6 * time.Second)
		w.crm.edit("rec_1", "Churned", status.ActorHuman)
		w.pass(6 * time.Second)
		w.deliver(late)
		w.finish()
		w.holds("1", "Churned")
		w.pass(2 * time.Hour) // by then its time is not ahead any more
		w.replay("evt_002", "x")
		w.finish()
		w.holds("1", "Churned")
		if open := w.open()["1"]; !slices.Equal(open, []status.Kind{status.Conflict}) {
			t.Errorf("cannot ask %t: open are %v", cannotAsk, open)
		}
	}
}
