package storetest

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// ends has one more event of cus_1 end so. The decision that goes with it is its
// history.
func (f fixture) ends(id string, as status.Outcome, s store.Settlement) {
	f.Helper()
	f.clock.Move(time.Minute)
	f.receive(event(id, "cus_1"))
	w := f.claimOne()
	s.Outcome = as
	s.Events = []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: as, Reason: s.Reason}}
	s.Decision = &store.Decision{Sync: sync1, Customer: "cus_1", Stage: status.StageDecide, Outcome: as, Reason: s.Reason}
	f.must(f.db.Settle(f.ctx, w, s))
}

// became demands what the events have become, the latest first, and that those
// that are still open are found by that.
func (f fixture) became(want ...status.Became) []store.Event {
	f.Helper()
	all, err := f.db.Events(f.ctx, store.EventFilter{WithNow: true, Bare: true})
	f.must(err)
	if len(all) != len(want) {
		f.Fatalf("%d events, not %d", len(all), len(want))
	}
	open := map[int64]bool{}
	for i, e := range all {
		if e.Now.Became != want[i] {
			f.Errorf("event %s is %q, not %q", e.ID, e.Now.Became, want[i])
		}
		one, err := f.db.Event(f.ctx, e.Seq)
		f.must(err)
		if one.Now != e.Now {
			f.Errorf("event %s by itself is %v, in the list %v", e.ID, one.Now, e.Now)
		}
		open[e.Seq] = e.Now.Became == status.BecameOpen
	}
	found, err := f.db.Events(f.ctx, store.EventFilter{StillOpen: true, Bare: true})
	f.must(err)
	for _, e := range found {
		if !open[e.Seq] {
			f.Errorf("event %s is found as still open", e.ID)
		}
		delete(open, e.Seq)
	}
	for seq, is := range open {
		if is {
			f.Errorf("event %d is still open, and is not found", seq)
		}
	}
	return all
}

// endsWith is what a person does about the exception of an event.
func endsWith(verb store.Verb) func(*testing.T, Open) {
	return func(t *testing.T, open Open) {
		f := fresh(t, open)
		x := exception("cus_1", status.Conflict, status.StageDecide)
		f.ends("evt_1", status.Held, store.Settlement{Park: &x})
		f.became(status.BecameOpen)
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{})
		f.must(err)
		f.act(found[0].ID, verb)
		f.became(status.BecameSettled)
	}
}

var became = map[string]func(*testing.T, Open){
	"an event without an outcome waits, and one that was written is done": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.ends("evt_1", status.Applied, store.Settlement{Name: "Ana Lima"})
		f.receive(event("evt_2", "cus_1"))
		if all := f.became(status.BecameWaiting, status.BecameDone); all[1].Now.Name != "Ana Lima" {
			t.Errorf("its customer's name is %q", all[1].Now.Name)
		}
	},
	"an event that was parked is open until its customer is synced, also when it needs a person again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		x := exception("cus_1", status.Unmatched, status.StageMatch)
		f.ends("evt_1", status.Parked, store.Settlement{Park: &x})
		if all := f.became(status.BecameOpen); all[0].Now.Kind != status.Unmatched {
			t.Errorf("the open exception is %q", all[0].Now.Kind)
		}
		f.ends("evt_2", status.Applied, store.Settlement{Close: store.CloseAll})
		f.became(status.BecameDone, status.BecameWritten)
		f.ends("evt_3", status.Parked, store.Settlement{Park: &x})
		f.became(status.BecameOpen, status.BecameDone, status.BecameWritten)
	},
	"an event that would have been written is open until it is": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.ends("evt_1", status.WouldWrite, store.Settlement{Reason: reason.Reason{Code: reason.OnlyWatched}})
		if all := f.became(status.BecameOpen); all[0].Now.Code != reason.OnlyWatched {
			t.Errorf("the customer stands as %q", all[0].Now.Code)
		}
		f.ends("evt_2", status.AlreadyEqual, store.Settlement{})
		f.became(status.BecameDone, status.BecameEqual)
		f.ends("evt_3", status.Ignored, store.Settlement{})
		f.became(status.BecameDone, status.BecameDone, status.BecameIgnored)
	},
	"an event whose exception a person closed is settled":  endsWith(store.Resolve),
	"an event whose exception a person ignored is settled": endsWith(store.Ignore),
	"an event after an owner kept the target's value is settled": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.ends("evt_1", status.Held, store.Settlement{})
		f.became(status.BecameOpen)
		f.ends("evt_2", status.Held, store.Settlement{Reason: reason.Reason{Code: reason.OwnerKeepsTarget}})
		f.became(status.BecameSettled, status.BecameSettled)
	},
	"an event that could not be read is open until it is replayed or closed": func(t *testing.T, open Open) {
		f := fresh(t, open)
		e := event("evt_1", "")
		e.Outcome = status.Parked
		e.Exception = &store.NewException{Sync: sync1, Kind: status.UnreadableEvent, Stage: status.StageReceive}
		f.receive(e)
		all := f.became(status.BecameOpen)
		if all[0].Now.Kind != status.UnreadableEvent {
			t.Errorf("the open exception is %q", all[0].Now.Kind)
		}
		again := event(store.ReplayID("evt_1", "n"), "cus_1")
		again.ReplayOf, again.Outcome = all[0].Seq, status.Applied
		f.receive(again)
		f.became(status.BecameDone, status.BecameReplayed)
		other := e
		other.ID, other.Payload = "evt_2", []byte("{}")
		f.receive(other)
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{})
		f.must(err)
		f.act(found[0].ID, store.Resolve)
		f.became(status.BecameSettled, status.BecameDone, status.BecameReplayed)
	},
	"an event of a customer who was forgotten is gone": func(t *testing.T, open Open) {
		f := fresh(t, open)
		x := exception("cus_1", status.Unmatched, status.StageMatch)
		f.ends("evt_1", status.Parked, store.Settlement{Park: &x})
		_, err := f.db.Forget(f.ctx, sync1, "cus_1", "cus_1")
		f.must(err)
		f.became(status.BecameGone)
	},
}
