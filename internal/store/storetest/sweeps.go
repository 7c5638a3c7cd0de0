package storetest

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// begin takes up a comparison of sync1.
func (f fixture) beginSweep(purpose store.Purpose, rules string) (store.Sweep, error) {
	f.Helper()
	return f.db.BeginSweep(f.ctx, store.Sweep{Sync: sync1, Purpose: purpose, Rules: rules, SourceListed: true, TargetListed: true}, lease)
}

var sweeps = map[string]func(*testing.T, Open){
	"records that a list set aside are counted, and the first of each side are named": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		for i := range 30 {
			w.SetAside(store.SourceSide, store.Aside{ID: fmt.Sprintf("cus_%d", i), Problem: "the key has a tab"})
		}
		w.SetAside(store.TargetSide, store.Aside{Problem: "no id"})
		w.Phase = store.PhaseDone
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{}, lease)
		f.must(err)
		kept, err := f.db.LastSweep(f.ctx, sync1, store.ForSweep)
		f.must(err)
		if n := len(kept.Asides); kept.SourceAside != 30 || kept.TargetAside != 1 || n != 21 ||
			kept.Asides[19] != (store.Aside{Side: store.SourceSide, ID: "cus_19", Problem: "the key has a tab"}) || kept.Asides[20] != (store.Aside{Side: store.TargetSide, Problem: "no id"}) {
			t.Errorf("kept are %d, %d, %+v", kept.SourceAside, kept.TargetAside, kept.Asides)
		}
		kept.ReadAnew(store.SourceSide)
		if kept.SourceAside != 0 || kept.TargetAside != 1 || len(kept.Asides) != 1 {
			t.Errorf("read anew it has %d, %d, %+v", kept.SourceAside, kept.TargetAside, kept.Asides)
		}
	},
	"one node compares at a time, and the next goes on where it was": func(t *testing.T, open Open) {
		f := fresh(t, open)
		first, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		first.SourceCursor, first.Summary.Sources = "page 2", 1
		first, err = f.db.SaveSweep(f.ctx, first, store.SweepPart{ReadAt: f.clock.Now(), Sources: []status.SourceRecord{{ID: "cus_1", Value: "active"}}}, lease)
		f.must(err)
		for _, purpose := range []store.Purpose{store.ForSweep, store.ForPlan} {
			var busy *store.SweepingError
			if _, err := f.beginSweep(purpose, "rules"); !errors.As(err, &busy) || busy.Sweep.Summary.Sources != 1 {
				t.Errorf("another %s is told %v", purpose, err)
			}
		}
		f.clock.Move(lease + time.Second)
		second, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		if second.ID != first.ID || second.SourceCursor != "page 2" {
			t.Errorf("the second begins at %+v", second)
		}
		for name, err := range map[string]error{
			"saves": func() error { _, err := f.db.SaveSweep(f.ctx, first, store.SweepPart{}, lease); return err }(),
			"keeps": f.db.KeepSweep(f.ctx, first, lease),
			"fails": f.db.FailSweep(f.ctx, first, "it is broken"),
		} {
			if !errors.Is(err, store.ErrSweepTaken) {
				t.Errorf("the first %s: %v", name, err)
			}
		}
		f.must(f.db.ReleaseSweep(f.ctx, first)) // it is not its to release
		if _, err := f.beginSweep(store.ForSweep, "rules"); err == nil {
			t.Error("the first released what the second has")
		}
		third, err := f.beginSweep(store.ForSweep, "other rules")
		if err == nil {
			t.Errorf("others began beside it: %+v", third)
		}
		f.must(f.db.ReleaseSweep(f.ctx, second))
		third, err = f.beginSweep(store.ForSweep, "other rules")
		f.must(err)
		if third.ID == second.ID || third.SourceCursor != "" {
			t.Errorf("under other rules it begins at %+v", third)
		}
	},
	"what a comparison has read is given again in its order, and dropped when it ends": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		at, keys := f.clock.Now(), map[string]string{"email": "jane@example.com"}
		parts := []store.SweepPart{
			{ReadAt: at, Sources: []status.SourceRecord{{ID: "cus_1", Value: "active", ValueAt: at, UpdatedAt: at, Keys: keys}, {ID: "cus_2", NoStatus: true, Keys: map[string]string{}}}},
			{}, // a page may be empty
			{ReadAt: at.Add(time.Minute), Targets: []status.TargetRecord{{ID: "rec_1", Value: "Active", EditedAt: at, FieldTime: true, Actor: status.ActorHuman, By: "ann", Revision: "7", Keys: keys}}},
			{Taken: []store.Taken{{TargetID: "rec_1", Customer: "cus_1"}}},
		}
		want := []store.SweepPage{{Seq: 1, ReadAt: parts[0].ReadAt, Sources: parts[0].Sources}, {Seq: 2, ReadAt: parts[2].ReadAt, Targets: parts[2].Targets}, {Seq: 3, Taken: parts[3].Taken}}
		for n := range 250 { // more than are read or dropped at once
			text := string(rune('a' + n%26))
			parts = append(parts, store.SweepPart{ReadAt: at, Sources: []status.SourceRecord{{ID: "cus\x00_" + text + "\xff"}}})
			want = append(want, store.SweepPage{Seq: int64(4 + n), ReadAt: at, Sources: []status.SourceRecord{{ID: "cus\uFFFD_" + text + "\uFFFD"}}}) // as in every other column
		}
		for _, p := range parts {
			w, err = f.db.SaveSweep(f.ctx, w, p, lease)
			f.must(err)
		}
		read := func() (got []store.SweepPage) {
			for page, err := range f.db.EachSweepPage(f.ctx, w) {
				f.must(err)
				got = append(got, page)
			}
			return got
		}
		if d := cmp.Diff(want, read(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("it is given as %s", d)
		}
		f.must(f.db.CleanSweeps(f.ctx))
		if n := len(read()); n != len(want) {
			t.Errorf("%d pages are kept of the one under way", n)
		}
		f.must(f.db.FailSweep(f.ctx, w, "it is broken"))
		f.must(f.db.CleanSweeps(f.ctx))
		if got := read(); len(got) > 0 {
			t.Errorf("%d pages are kept", len(got))
		}
	},
	"all links and customers of a sync are given, and no others": func(t *testing.T, open Open) {
		f := fresh(t, open)
		var links []store.Link
		var events []store.NewEvent
		for i := range 1001 { // more than are held at once
			links = append(links, store.Link{Sync: sync1, Customer: fmt.Sprintf("cus_%04d", i), TargetID: fmt.Sprintf("rec_%04d", i), By: "ops"})
			events = append(events, event(fmt.Sprint("evt_", i), fmt.Sprintf("cus_%04d", i)))
		}
		f.receive(events...)
		other := event("evt_other", "cus_other")
		other.Sync = "another"
		f.receive(other)
		for sync, some := range map[string][]store.Link{sync1: links, "another": {{Sync: "another", Customer: "cus_other", TargetID: "rec_0007", By: "ops"}}} {
			_, err := f.db.ImportLinks(f.ctx, sync, some)
			f.must(err)
		}
		n := 0
		for some, err := range f.db.EachLinks(f.ctx, sync1) {
			f.must(err)
			for _, l := range some {
				if l.Customer != links[n].Customer || l.TargetID != links[n].TargetID {
					t.Fatalf("link %d is %+v", n, l)
				}
				n++
			}
		}
		customers := 0
		for some, err := range f.db.EachCustomers(f.ctx, sync1) {
			f.must(err)
			for _, c := range some {
				if c != links[customers].Customer {
					t.Fatalf("customer %d is %s", customers, c)
				}
				customers++
			}
		}
		if n != len(links) || customers != len(links) {
			t.Errorf("%d links and %d customers are given", n, customers)
		}
		owners, err := f.db.LinkOwners(f.ctx, sync1, []string{"rec_0007", "rec_9999"})
		f.must(err)
		if len(owners) != 1 || owners["rec_0007"] != "cus_0007" {
			t.Errorf("the owners are %v", owners)
		}
	},
	"a repair makes customers due, known or not": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		f.receive(event("evt_1", "cus_1"))
		works, err := f.db.Claim(f.ctx, sync1, 10, lease)
		f.must(err)
		f.must(f.db.Settle(f.ctx, &works[0], store.Settlement{Outcome: status.Applied, Events: []store.EventOutcome{{Seq: works[0].Events[0].Seq, Outcome: status.Applied}}}))
		if due, err := f.db.NextDue(f.ctx, sync1); err != nil || !due.IsZero() {
			t.Fatalf("due is %s, %v", due, err)
		}
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{Wake: []string{"cus_2", "cus_1"}}, lease)
		f.must(err)
		f.clock.Move(store.BetweenLooks)
		works, err = f.db.Claim(f.ctx, sync1, 10, lease)
		f.must(err)
		if len(works) != 2 {
			t.Errorf("%d are due", len(works))
		}
		known, err := f.db.Snapshots(f.ctx, sync1, []string{"cus_1", "cus_2", "cus_3"})
		f.must(err)
		if !known["cus_1"].Stored || !known["cus_2"].Stored || known["cus_3"].Stored || known["cus_1"].Fence != works[0].Fence {
			t.Errorf("known are %+v", known)
		}
	},
	"a comparison has people asked about a customer, unless anything else has asked for it meanwhile": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForPlan, "rules")
		f.must(err)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.receive(event("evt_1", "cus_owed"))
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Outcome: status.Ignored, Watched: &store.Watched{}}))
		f.receive(event("evt_2", "cus_heard"))
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Outcome: status.Parked}))
		known, err := f.db.Snapshots(f.ctx, sync1, []string{"cus_owed", "cus_heard", "cus_new", "cus_event"})
		f.must(err)
		ask := map[string]int64{}
		for customer, k := range known {
			ask[customer] = k.Generation
		}
		f.receive(event("evt_3", "cus_event"))
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{Ask: ask}, lease)
		f.must(err)
		got := map[string]bool{}
		for _, work := range f.claim() {
			got[work.Customer] = work.Unheard
		}
		if want := map[string]bool{"cus_event": false, "cus_heard": true, "cus_new": true}; !maps.Equal(got, want) {
			t.Errorf("due are %v, not %v", got, want)
		}
		f.receive(event("evt_4", "cus_new"))
		f.clock.Move(lease + time.Second)
		for _, work := range f.claim() {
			if work.Customer == "cus_new" && work.Unheard {
				t.Error("an event speaks of a customer, and it counts as one of whom nobody has heard")
			}
		}
	},
	"a person who asks for a customer has its history carried, and a change of the file does not": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForPlan, "rules")
		f.must(err)
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{Ask: map[string]int64{"cus_1": 0}}, lease)
		f.must(err)
		f.settle(store.Settlement{Outcome: status.Parked, Park: new(exception("cus_1", status.UnmappedStatus, status.StageMap))})
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: "cus_1"})
		f.must(err)
		for _, itself := range []bool{true, false} {
			_, err := f.db.Act(f.ctx, store.Act{Exception: found[0].ID, Verb: store.Retry, Who: "somebody", Itself: itself})
			f.must(err)
			if work := f.claimOne(); work.Unheard != itself {
				t.Errorf("asked by itself %t, it is unheard %t", itself, work.Unheard)
			} else {
				f.must(f.db.Settle(f.ctx, work, store.Settlement{Outcome: status.Parked}))
			}
		}
	},
	"what a person resolved is known with its values until its customer closes it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		settled := func() bool {
			known, err := f.db.Snapshots(f.ctx, sync1, []string{"cus_1"})
			f.must(err)
			s := known["cus_1"].Settled[status.Conflict]
			return s.Holds("canceled", "Active") && !s.Holds("canceled", "Paused")
		}
		if settled() {
			t.Error("an open exception counts as resolved by a person")
		}
		f.act(id, store.Resolve)
		if !settled() {
			t.Error("it is not known that a person resolved it")
		}
		f.act(id, store.Reopen)
		f.another()
		f.settle(store.Settlement{Outcome: status.Applied, Close: store.CloseAll})
		if settled() {
			t.Error("it closed by itself, and counts as resolved by a person")
		}
	},
	"who was only looked at, by a node that has not read yet that the sync is live, is looked at again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Ignored}}, Outcome: status.Ignored, Watched: &store.Watched{}}))
		if due := f.claim(); len(due) > 0 {
			t.Fatal("it is due at once, and the same node may look again")
		}
		f.must(f.db.SetMode(f.ctx, sync1, true)) // the node has read it
		if due := f.claim(); len(due) != 1 || !due[0].Owed {
			t.Errorf("due are %+v", due)
		}
	},
	"what came during an attempt that writes is owed still when the sync only watches by then": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.receive(event("evt_2", "cus_1"))
		f.must(f.db.SetMode(f.ctx, sync1, false)) // another node has read the file
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Applied}}, Outcome: status.Applied}))
		w = f.claimOne()
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Ignored}}, Outcome: status.Ignored, Watched: &store.Watched{}}))
		f.must(f.db.SetMode(f.ctx, sync1, true))
		if due := f.claim(); len(due) != 1 {
			t.Errorf("the change that was accepted while the sync was live is not looked at again: %+v", due)
		}
	},
	"nothing is owed to a customer who was forgotten when the sync is live again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.receive(event("evt_1", "cus_1"))
		f.must(f.db.SetMode(f.ctx, sync1, false))
		_, err := f.db.Forget(f.ctx, sync1, "cus_1", "cus_1")
		f.must(err)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		if due := f.claim(); len(due) > 0 {
			t.Errorf("somebody who was forgotten is looked at again: %+v", due)
		}
	},
	"who waits keeps the place in the queue when a sync is live again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.receive(event("evt_1", "cus_1"))
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.clock.Move(time.Second)
		f.receive(event("evt_2", "cus_2"))
		f.clock.Move(time.Second)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.first("cus_1", "its event came first")
	},
	"since when a sync is live changes with its mode only": func(t *testing.T, open Open) {
		f := fresh(t, open)
		since := func() time.Time {
			at, err := f.db.LiveSince(f.ctx, sync1)
			f.must(err)
			return at
		}
		if !since().IsZero() {
			t.Error("one that was never started is live")
		}
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.clock.Move(time.Hour)
		if !since().IsZero() {
			t.Error("one that watches is live")
		}
		f.must(f.db.SetMode(f.ctx, sync1, true))
		live := f.clock.Now()
		f.clock.Move(time.Hour)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		if !since().Equal(live) {
			t.Errorf("it is live since %s", since())
		}
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.must(f.db.SetMode(f.ctx, sync1, true))
		if !since().Equal(f.clock.Now()) {
			t.Errorf("after a pause it is live since %s", since())
		}
	},
}
