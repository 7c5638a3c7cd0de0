package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

var events = map[string]func(*testing.T, Open){
	"an event is kept once, however many send it at the same time": func(t *testing.T, open Open) {
		f := fresh(t, open)
		const senders, ids = 50, 10
		var fresh atomic.Int64
		var all sync.WaitGroup
		for range senders {
			all.Go(func() {
				for i := range ids {
					inserted, err := f.db.Receive(f.ctx, []store.NewEvent{event(fmt.Sprint("evt_", i), "cus_1")})
					if err != nil {
						t.Error(err)
					} else if inserted[0] == store.Fresh {
						fresh.Add(1)
					}
				}
			})
		}
		all.Wait()
		if fresh.Load() != ids {
			t.Errorf("%d events were taken for new, there were %d", fresh.Load(), ids)
		}
		if w := f.claimOne(); len(w.Events) != ids || w.Generation != ids {
			t.Errorf("the customer has %d events and generation %d, not %d of each", len(w.Events), w.Generation, ids)
		}
	},
	"an event may concern two syncs, and the same id may come from two connections": func(t *testing.T, open Open) {
		f := fresh(t, open)
		a, b, c := event("evt_1", "cus_1"), event("evt_1", "cus_1"), event("evt_1", "cus_1")
		b.Sync, c.Connection = "other", "shop"
		f.receive(a, b, c)
	},
	"what a tool sent is told from what was found by asking": func(t *testing.T, open Open) {
		f := fresh(t, open)
		polled := event("evt_2", "cus_2")
		polled.Listed = true
		f.receive(event("evt_1", "cus_1"), polled)
		found, err := f.db.Events(f.ctx, store.EventFilter{Sent: true})
		f.must(err)
		if len(found) != 1 || found[0].ID != "evt_1" {
			t.Errorf("sent are %+v", found)
		}
	},
	"an event is read back as it came": func(t *testing.T, open Open) {
		f := fresh(t, open)
		e := event("evt_1", "cus_1")
		e.Payload = []byte("{\"n\": \"\xff\x00 Zo\u00eb\"}")
		f.receive(e)
		found, err := f.db.Events(f.ctx, store.EventFilter{Customer: "cus_1"})
		f.must(err)
		want := store.Event{Seq: found[0].Seq, NewEvent: e, ReceivedAt: f.clock.Now()}
		if diff := cmp.Diff([]store.Event{want}, found); diff != "" {
			t.Error(diff)
		}
		one, err := f.db.Event(f.ctx, found[0].Seq)
		f.must(err)
		if !bytes.Equal(one.Payload, e.Payload) {
			t.Errorf("the payload came back as %q", one.Payload)
		}
		if _, err := f.db.Event(f.ctx, 999); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an event that does not exist: %v", err)
		}
	},
	"an event that is done when it comes wakes nobody": func(t *testing.T, open Open) {
		f := fresh(t, open)
		e := event("evt_1", "")
		e.Outcome, e.Reason = status.Parked, reason.Text("it cannot be read")
		e.Exception = &store.NewException{Sync: sync1, Kind: status.UnreadableEvent, Stage: status.StageReceive, Reason: reason.Text("it cannot be read")}
		f.receive(e)
		if works := f.claim(); len(works) != 0 {
			t.Errorf("%d customers are due", len(works))
		}
		open1, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Kind: status.UnreadableEvent})
		f.must(err)
		if len(open1) != 1 {
			t.Errorf("%d exceptions are open, not one", len(open1))
		}
	},
	"a repeat of an event that is done opens no second exception": func(t *testing.T, open Open) {
		f := fresh(t, open)
		e := event("evt_1", "")
		e.Outcome = status.Parked
		e.Exception = &store.NewException{Sync: sync1, Kind: status.UnreadableEvent, Stage: status.StageReceive}
		for range 2 {
			_, err := f.db.Receive(f.ctx, []store.NewEvent{e})
			f.must(err)
		}
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{})
		f.must(err)
		if found[0].Count != 1 {
			t.Errorf("it was counted %d times", found[0].Count)
		}
	},
	"an id that was used before for something else is no repeat": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for name, c := range map[string]struct {
			second func(*store.NewEvent)
			want   store.Arrival
		}{
			"word for word the same":         {func(*store.NewEvent) {}, store.Repeat},
			"worded otherwise by a retry":    {func(e *store.NewEvent) { e.Payload = []byte(`{"attempt":2}`) }, store.Repeat},
			"without its value":              {func(e *store.NewEvent) { e.Value, e.HasValue = "", false; e.Payload = nil }, store.Repeat},
			"without its time":               {func(e *store.NewEvent) { e.OccurredAt = time.Time{}; e.Payload = nil }, store.Repeat},
			"of another customer":            {func(e *store.NewEvent) { e.Customer = "cus_2"; e.Payload = nil }, store.Reused},
			"with another value":             {func(e *store.NewEvent) { e.Value = "canceled"; e.Payload = nil }, store.Reused},
			"of another time":                {func(e *store.NewEvent) { e.OccurredAt = e.OccurredAt.Add(time.Second); e.Payload = nil }, store.Reused},
			"none of ours":                   {func(e *store.NewEvent) { e.Customer, e.Outcome, e.Payload = "", status.Ignored, nil }, store.Repeat},
			"not to be read":                 {func(e *store.NewEvent) { e.Customer, e.Outcome, e.Payload = "", status.Parked, nil }, store.Reused},
			"of another customer, two syncs": {func(e *store.NewEvent) { e.Customer, e.Sync, e.Payload = "cus_2", "other", nil }, store.Fresh},
		} {
			t.Run(name, func(t *testing.T) {
				first := event("evt_1", "cus_1")
				first.Sync = "sync of one " + name
				second := first
				c.second(&second)
				f.receive(first)
				for n, want := range []store.Arrival{c.want, store.Repeat} { // sent twice, it is the same again
					got, err := f.db.Receive(f.ctx, []store.NewEvent{second})
					f.must(err)
					if got[0] != want {
						t.Errorf("time %d: arrival %d, want %d", n+1, got[0], want)
					}
				}
				kept, err := f.db.Events(f.ctx, store.EventFilter{Sync: first.Sync, Outcome: status.Parked})
				f.must(err)
				found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: first.Sync})
				f.must(err)
				if want := map[bool]int{true: 1}[c.want == store.Reused]; len(kept) != want || len(found) != want {
					t.Fatalf("%d events are kept apart with %d exceptions, want %d", len(kept), len(found), want)
				}
				if len(found) == 1 && (!strings.HasPrefix(found[0].Reason.Sentence(), "event id evt_1 of billing was used before for something else") || found[0].Count != 1 || kept[0].Customer != "") {
					t.Errorf("got %+v about %+v", found[0], kept[0])
				}
			})
		}
	},
	"a sender that gives all its events one id does not fill the database": func(t *testing.T, open Open) {
		f := fresh(t, open)
		var all []store.NewEvent
		for i := range store.MostUnread + 50 {
			e := event("updated", fmt.Sprint("cus_", i))
			e.Payload = fmt.Appendf(nil, `{"customer":%d}`, i)
			all = append(all, e)
		}
		_, err := f.db.Receive(f.ctx, all)
		f.must(err)
		kept, err := f.db.Events(f.ctx, store.EventFilter{Outcome: status.Parked, Limit: 5000})
		f.must(err)
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{})
		f.must(err)
		if len(kept) != store.MostUnread || len(found) != 1 || found[0].Count != store.MostUnread+49 {
			t.Errorf("%d events are kept, the exceptions are %+v", len(kept), found)
		}
	},
	"a page of events becomes what they become one by one": func(t *testing.T, open Open) {
		f := fresh(t, open)
		became := map[string]string{}
		for _, way := range []string{"together", "alone"} {
			of := func(id, customer string, change func(*store.NewEvent)) store.NewEvent {
				e := event(id, customer)
				e.Connection, e.Sync, e.Listed = way, "sync of "+way, true
				if change != nil {
					change(&e)
				}
				return e
			}
			f.must(f.db.SetLink(f.ctx, store.Link{Sync: "sync of " + way, Customer: "cus_1", TargetID: "rec_1", By: "ana", Confidence: 1}))
			_, err := f.db.Receive(f.ctx, []store.NewEvent{of("evt_0", "cus_gone", nil)})
			f.must(err)
			_, err = f.db.Forget(f.ctx, "sync of "+way, "cus_gone", "")
			f.must(err)
			page := []store.NewEvent{
				of("evt_1", "cus_1", nil),
				of("evt_2", "cus_2", nil),
				of("evt_1", "cus_1", nil), // a repeat
				of("evt_3", "cus_1", func(e *store.NewEvent) { e.Value, e.Payload = "paused", nil }),
				of("evt_1", "cus_3", func(e *store.NewEvent) { e.Payload = []byte("{\"x\": \"\xff\x00\"}") }), // another under its id
				of("evt_1", "cus_3", func(e *store.NewEvent) { e.Payload = []byte("{\"x\": \"\xff\x00\"}") }),
				of("evt_4", "cus_\xff", nil),
				of("evt_5", "cus_\uFFFD", nil), // what the one before is called in the database
				of("evt_6", "rec_1", func(e *store.NewEvent) { e.Side = store.TargetSide }),
				of("evt_7", "rec_9", func(e *store.NewEvent) { e.Side = store.TargetSide }),
				of("evt_8", "cus_gone", nil),
				of("evt_9", "", func(e *store.NewEvent) {
					e.Outcome, e.Reason = status.Parked, reason.Text("it cannot be read")
					e.Exception = &store.NewException{Sync: e.Sync, Kind: status.UnreadableEvent, Stage: status.StageReceive, Reason: e.Reason}
				}),
				of("evt_10", "cus_2", nil),
			}
			var said []store.Arrival
			if way == "together" {
				said, err = f.db.Receive(f.ctx, page)
				f.must(err)
			} else {
				for _, e := range page {
					one, err := f.db.Receive(f.ctx, []store.NewEvent{e})
					f.must(err)
					said = append(said, one...)
				}
			}
			kept, err := f.db.Events(f.ctx, store.EventFilter{Sync: "sync of " + way})
			f.must(err)
			// When one that is kept apart is stored concerns nobody.
			slices.SortStableFunc(kept, func(a, b store.Event) int {
				return strings.Compare(strings.TrimLeft(a.ID, "evt_0123456789"), strings.TrimLeft(b.ID, "evt_0123456789"))
			})
			told := fmt.Sprintln("arrived", said)
			for _, e := range kept {
				if e.ID == "evt_0" {
					continue // its customer has a made-up name now
				}
				told += fmt.Sprintf("%s of %q: %q, %q %t %q\n", e.ID, e.Customer, e.Outcome, e.Value, e.HasValue, e.Payload)
			}
			for _, w := range f.claimOf("sync of " + way) {
				told += fmt.Sprintf("%q has %d, due for %d\n", w.Customer, len(w.Events), w.Generation)
			}
			open, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: "sync of " + way})
			f.must(err)
			for _, x := range open {
				told += fmt.Sprintln(x.Kind, x.Customer, x.Count)
			}
			became[way] = strings.ReplaceAll(told, way, "the way")
		}
		if diff := cmp.Diff(became["alone"], became["together"]); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(became["together"], `"cus_1" has 3, due for 3`) {
			t.Error(became["together"])
		}
	},
	"an event of the target finds the customer by the link": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: "cus_1", TargetID: "rec_1", By: "person", Confidence: 1}))
		e := event("evt_1", "rec_1")
		e.Side, e.Connection = store.TargetSide, "crm"
		other := event("evt_2", "rec_2")
		other.Side, other.Connection = store.TargetSide, "crm"
		f.receive(e, other)
		if w := f.claimOne(); w.Customer != "cus_1" {
			t.Errorf("it woke %s", w.Customer)
		}
		ignored, err := f.db.Events(f.ctx, store.EventFilter{Outcome: status.Ignored})
		f.must(err)
		if len(ignored) != 1 || ignored[0].ID != "evt_2" {
			t.Errorf("the event of a record without a customer is not ignored: %v", ignored)
		}
	},
	"events are listed by each filter, the latest first": func(t *testing.T, open Open) {
		f := fresh(t, open)
		other := event("evt_2", "cus_2")
		other.Connection = "shop"
		f.receive(event("evt_1", "cus_1"), other, event("evt_3", "cus_1"))
		for name, c := range map[string]struct {
			filter store.EventFilter
			want   []string
		}{
			"all":        {store.EventFilter{}, []string{"evt_3", "evt_2", "evt_1"}},
			"customer":   {store.EventFilter{Customer: "cus_1"}, []string{"evt_3", "evt_1"}},
			"connection": {store.EventFilter{Connection: "shop"}, []string{"evt_2"}},
			"waiting":    {store.EventFilter{Waiting: true, Limit: 1}, []string{"evt_3"}},
			"outcome":    {store.EventFilter{Outcome: status.Applied}, nil},
			"sync":       {store.EventFilter{Sync: "other"}, nil},
		} {
			found, err := f.db.Events(f.ctx, c.filter)
			f.must(err)
			var ids []string
			for _, e := range found {
				ids = append(ids, e.ID)
			}
			if diff := cmp.Diff(c.want, ids); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	},
	"many senders and workers at once lose nothing": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		const senders, each, customers = 20, 20, 7
		var sending, working sync.WaitGroup
		for s := range senders {
			sending.Go(func() {
				for i := range each {
					batch := []store.NewEvent{event(fmt.Sprintf("evt_%d_%d", s, i), fmt.Sprint("cus_", (s+i)%customers)),
						event(fmt.Sprintf("evt_%d_%d_b", s, i), fmt.Sprint("cus_", (s*i)%customers))}
					if _, err := f.db.Receive(f.ctx, batch); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		work := func(db *store.DB) (n int) {
			works, err := db.Claim(f.ctx, sync1, 3, time.Hour)
			if err != nil {
				t.Error(err)
			}
			f.clock.Move(store.BetweenLooks)
			for i := range works {
				s := store.Settlement{Outcome: status.Applied, Decision: &store.Decision{Sync: sync1, Customer: works[i].Customer}}
				for _, e := range works[i].Events {
					s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Applied})
				}
				if err := db.Settle(f.ctx, &works[i], s); err != nil {
					t.Error(err)
				}
			}
			return len(works)
		}
		for _, db := range []*store.DB{f.db, node2} {
			working.Go(func() {
				for ended := false; ; {
					n := work(db)
					if n == 0 && ended {
						return
					}
					select {
					case <-done:
						ended = true
					default:
					}
				}
			})
		}
		sending.Wait()
		close(done)
		working.Wait()
		for work(f.db) > 0 { // what came during the last looks
		}
		outcomes, err := f.db.Outcomes(f.ctx, sync1)
		f.must(err)
		if want := map[status.Outcome]int{status.Applied: 2 * senders * each}; !cmp.Equal(outcomes, want) {
			t.Errorf("the outcomes are %v, not %v", outcomes, want)
		}
		counts, err := f.db.Counts(f.ctx)
		f.must(err)
		if c := counts[sync1]; c.WaitingCustomers != 0 || c.WaitingEvents != 0 {
			t.Errorf("something still waits: %+v", c)
		}
	},
	"what comes soon after a look waits for the rest of a moment, and then costs one look": func(t *testing.T, open Open) {
		f := fresh(t, open)
		due := func(want time.Duration) {
			t.Helper()
			if due, err := f.db.NextDue(f.ctx, sync1); err != nil || !due.Equal(f.clock.Now().Add(want)) {
				t.Errorf("it is due %s from now, %v, not %s", due.Sub(f.clock.Now()), err, want)
			}
		}
		settle := func(w *store.Work) {
			t.Helper()
			s := store.Settlement{Outcome: status.Applied}
			for _, e := range w.Events {
				s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Applied})
			}
			f.must(f.db.Settle(f.ctx, w, s))
		}
		f.receive(event("evt_1", "cus_1"))
		due(0) // the first at once
		w := f.claimOne()
		f.receive(event("evt_2", "cus_1")) // in the middle of the look
		settle(w)
		due(store.BetweenLooks)
		f.clock.Move(store.BetweenLooks / 4)
		f.receive(event("evt_3", "cus_1"), event("evt_4", "cus_1"))
		due(store.BetweenLooks * 3 / 4)
		if len(f.claimNow(sync1)) > 0 {
			t.Error("it is looked at again at once")
		}
		f.clock.Move(store.BetweenLooks * 3 / 4)
		if w = f.claimOne(); len(w.Events) != 3 {
			t.Errorf("the look is of %d events", len(w.Events))
		}
		settle(w)
		f.clock.Move(store.BetweenLooks)
		f.receive(event("evt_5", "cus_1"))
		due(0)
		settle(f.claimOne())
		f.clock.Move(-time.Hour) // the clock is set back
		f.receive(event("evt_6", "cus_1"))
		due(0)
	},
	"what waits is counted, with the age of the oldest": func(t *testing.T, open Open) {
		f := fresh(t, open)
		began := f.clock.Now()
		f.receive(event("evt_1", "cus_1"))
		f.clock.Move(time.Hour)
		f.receive(event("evt_2", "cus_1"), event("evt_3", "cus_2"))
		counts, err := f.db.Counts(f.ctx)
		f.must(err)
		want := store.Counts{WaitingCustomers: 2, WaitingEvents: 3, OldestWaiting: began, Open: map[status.Kind]int{}}
		if diff := cmp.Diff(want, counts[sync1]); diff != "" {
			t.Error(diff)
		}
	},
}
