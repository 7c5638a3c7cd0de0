package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const renamedTo = "cs-two"

func (f fixture) rename(old, name string) store.Holding {
	f.Helper()
	moved, err := f.db.Rename(f.ctx, store.Rename{Kind: store.SyncName, Old: old, New: name})
	f.must(err)
	return moved
}

// note stores what a configuration names.
func (f fixture) note(syncs ...string) {
	f.Helper()
	named := []store.Named{{Kind: store.ConnectionName, Name: "billing"}, {Kind: store.ConnectionName, Name: "crm"}}
	for _, name := range syncs {
		named = append(named, store.Named{Kind: store.SyncName, Name: name, Source: "billing", Target: "crm"})
	}
	f.must(f.db.NoteNames(f.ctx, named))
}

// claimOf is claim for another sync.
func (f fixture) claimOf(sync string) []store.Work {
	f.Helper()
	works := f.claimNow(sync)
	if len(works) == 0 {
		f.clock.Move(store.BetweenLooks)
		works = f.claimNow(sync)
	}
	return works
}

// claimNow claims all that is due at this moment.
func (f fixture) claimNow(sync string) []store.Work {
	f.Helper()
	works, err := f.db.Claim(f.ctx, sync, 100, lease)
	f.must(err)
	return works
}

var namesOf = map[string]func(*testing.T, Open){
	"a renamed sync keeps its memory and what waits, and the old name carries nothing": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.must(f.db.SaveLink(f.ctx, w, store.Link{Sync: sync1, Customer: "cus_1", TargetID: "rec_1", Rule: "email", Confidence: 1, By: "rule"}))
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied, Base: &store.Base{Known: true, RecordID: "rec_1", Value: "Active", SeenAt: f.clock.Now()},
			Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Applied}}}))
		f.receive(event("evt_2", "cus_1"), event("evt_3", "cus_2"))
		moved := f.rename(sync1, renamedTo)
		if moved.Customers != 2 || moved.Links != 1 || moved.Events != 3 || moved.Waiting != 2 {
			t.Errorf("moved were %+v", moved)
		}
		if works := f.claim(); len(works) != 0 {
			t.Errorf("the old name carries %v", works)
		}
		works := f.claimOf(renamedTo)
		if len(works) != 2 || !works[0].Base.Known || works[0].Link == nil || works[0].Link.TargetID != "rec_1" || len(works[0].Events) != 1 {
			t.Fatalf("the new name carries %+v", works)
		}
		// Again it is done already.
		if again := f.rename(sync1, renamedTo); again.Customers != 0 {
			t.Errorf("again moved were %+v", again)
		}
	},

	"what was claimed under the old name ends under the new one": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"), event("evt_2", "cus_2"))
		works := f.claim()
		i, err := f.db.BeginWrite(f.ctx, &works[0], store.Intent{RecordID: "rec_1", Value: "Active"}, store.Limits{})
		f.must(err)
		f.rename(sync1, renamedTo)
		for n, end := range map[int]store.Settlement{
			0: {Outcome: status.Applied, CloseIntents: []int64{i.ID}, Decision: &store.Decision{Sync: sync1, Customer: "cus_1", Stage: status.StageConfirm}},
			1: {Outcome: status.Parked, Park: new(exception("cus_2", status.Unmatched, status.StageMatch))},
		} {
			if n == 1 {
				_, err := f.db.BeginWrite(f.ctx, &works[1], store.Intent{RecordID: "rec_2", Value: "Active"}, store.Limits{})
				f.must(err)
			}
			end.Events = []store.EventOutcome{{Seq: works[n].Events[0].Seq, Outcome: end.Outcome}}
			f.must(f.db.Settle(f.ctx, &works[n], end))
		}
		f.clock.Move(2 * lease)
		left, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: renamedTo})
		f.must(err)
		history, err := f.db.History(f.ctx, renamedTo, "cus_1", 10)
		f.must(err)
		if again := f.claimOf(renamedTo); len(again) != 0 || len(left) != 1 || len(history) != 1 {
			t.Errorf("due are %v, open %v, said %v", again, left, history)
		}
		if _, _, err := f.db.ClaimOne(f.ctx, sync1, "cus_1", 0, lease); !errors.Is(err, store.ErrRenamed) {
			t.Errorf("by name it is claimed under the old one: %v", err)
		}
		// A claim that is over is over under any name.
		if err := f.db.Settle(f.ctx, &works[0], store.Settlement{Outcome: status.Applied}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("it is settled after its lease: %v", err)
		}
	},

	"a link that an attempt finds after the rename is kept, and its lease given back where somebody decided anew": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"), event("evt_2", "cus_2"))
		works := f.claim()
		f.rename(sync1, renamedTo)
		l := link("cus_1", "rec_1")
		f.must(f.db.SaveLink(f.ctx, &works[0], l))
		f.must(f.db.SetLink(f.ctx, store.Link{Sync: renamedTo, Customer: "cus_2", TargetID: "rec_2", By: "ana"}))
		links, err := f.db.Links(f.ctx, renamedTo)
		f.must(err)
		if len(links) != 2 || links[0].TargetID != "rec_1" {
			t.Errorf("the links are %+v", links)
		}
		f.must(f.db.GiveBack(f.ctx, &works[1]))
		if again := f.claimOf(renamedTo); len(again) != 1 || again[0].Customer != "cus_2" {
			t.Errorf("due are %v", again)
		}
	},

	"a comparison under way goes on under the new name, and leaves nothing under the old one": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1)
		f.receive(event("evt_1", "cus_1"))
		begun, err := f.db.BeginSweep(f.ctx, store.Sweep{Sync: sync1, Purpose: store.ForSweep, Phase: store.PhaseSource}, lease)
		f.must(err)
		f.rename(sync1, renamedTo)
		seen := store.SweepPart{Seen: map[string]store.Seen{"cus_1": {Value: "active", At: f.clock.Now()}}}
		if _, err := f.db.SaveSweep(f.ctx, begun, seen, lease); !errors.Is(err, store.ErrSweepTaken) {
			t.Errorf("whoever compares under the old name goes on: %v", err)
		}
		again, err := f.db.BeginSweep(f.ctx, store.Sweep{Sync: renamedTo, Purpose: store.ForSweep, Phase: store.PhaseSource}, lease)
		f.must(err)
		if again.ID != begun.ID {
			t.Errorf("comparison %d begins, and %d was under way", again.ID, begun.ID)
		}
		_, err = f.db.SaveSweep(f.ctx, again, seen, lease)
		f.must(err)
	},

	"a node with the old file stores what it receives under the new names": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1)
		f.receive(event("evt_1", "cus_1"))
		f.rename(sync1, renamedTo)
		_, err := f.db.Rename(f.ctx, store.Rename{Kind: store.ConnectionName, Old: "billing", New: "bill2"})
		f.must(err)
		repeated := event("evt_1", "cus_1")
		unreadable := event("evt_3", "")
		unreadable.Outcome, unreadable.Exception = status.Parked, &store.NewException{Sync: sync1, Kind: status.UnreadableEvent, Stage: status.StageReceive, Reason: reason.Text("x"), Owner: "ops"}
		inserted, err := f.db.Receive(f.ctx, []store.NewEvent{repeated, event("evt_2", "cus_2"), unreadable})
		f.must(err)
		if diff := cmp.Diff([]store.Arrival{store.Repeat, store.Fresh, store.Fresh}, inserted); diff != "" {
			t.Error(diff)
		}
		for _, connection := range []string{"billing", "bill2"} { // both names find them
			found, err := f.db.Events(f.ctx, store.EventFilter{Sync: renamedTo, Connection: connection})
			f.must(err)
			if len(found) != 3 || found[0].Connection != "bill2" {
				t.Errorf("by %s there are %+v", connection, found)
			}
		}
		open1, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: renamedTo})
		f.must(err)
		if len(open1) != 1 {
			t.Errorf("the exception is not there: %v", open1)
		}
		if works := f.claimOf(renamedTo); len(works) != 2 {
			t.Errorf("%d customers are due", len(works))
		}
	},

	"a sync that the receiving node does not know gets the event too": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1, "added", "ended")
		_, err := f.db.End(f.ctx, store.SyncName, "ended", "ana")
		f.must(err)
		f.receive(event("evt_1", "cus_1")) // the node's file has the one sync only
		for sync, want := range map[string]int{sync1: 1, "added": 1, "ended": 0} {
			if works := f.claimOf(sync); len(works) != want {
				t.Errorf("%s has %d customers due, not %d", sync, len(works), want)
			}
		}
		inserted, err := f.db.Receive(f.ctx, []store.NewEvent{event("evt_1", "cus_1")})
		f.must(err)
		if inserted[0] != store.Repeat {
			t.Error("a repeat is new")
		}
		found, err := f.db.Events(f.ctx, store.EventFilter{Sync: "added"})
		f.must(err)
		if len(found) != 1 || found[0].Side != store.SourceSide || found[0].Customer != "cus_1" {
			t.Errorf("it has %+v", found)
		}
	},

	"names that were exchanged one after the other lead to the last": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		f.rename(sync1, "second")
		f.rename("second", "third")
		f.receive(event("evt_2", "cus_2"))
		if works := f.claimOf("third"); len(works) != 2 {
			t.Errorf("%d customers are due", len(works))
		}
		f.rename("third", sync1) // and back
		f.receive(event("evt_3", "cus_3"))
		f.clock.Move(2 * lease)
		if works := f.claim(); len(works) != 3 {
			t.Errorf("back again %d customers are due", len(works))
		}
	},

	"a name with a memory of its own is not taken": func(t *testing.T, open Open) {
		f := fresh(t, open)
		other := event("evt_1", "cus_1")
		other.Sync = renamedTo
		f.receive(event("evt_1", "cus_1"), other)
		_, err := f.db.Rename(f.ctx, store.Rename{Kind: store.SyncName, Old: sync1, New: renamedTo})
		var namesake *store.NamesakeError
		if !errors.As(err, &namesake) || namesake.Customers != 1 {
			t.Errorf("it is %v", err)
		}
		if _, err := f.db.Rename(f.ctx, store.Rename{Kind: store.SyncName, Old: "never", New: "new"}); !errors.Is(err, store.ErrNotKnown) {
			t.Errorf("what nobody knows: %v", err)
		}
		if works := f.claim(); len(works) != 1 {
			t.Errorf("%d customers are due", len(works))
		}
	},

	"what left the file is told with what it holds, until a person ends it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1)
		f.receive(event("evt_1", "cus_1"))
		_, err := f.db.OpenException(f.ctx, exception("cus_1", status.Unmatched, status.StageMatch))
		f.must(err)
		left := func() []store.Holding {
			t.Helper()
			found, err := f.db.Left(f.ctx, func(kind store.NameKind, _ string) bool { return kind == store.ConnectionName })
			f.must(err)
			return found
		}
		if got := left(); len(got) != 1 || got[0].Name != sync1 || got[0].Waiting != 1 || got[0].OpenExceptions != 1 {
			t.Errorf("left are %+v", got)
		}
		ended, err := f.db.End(f.ctx, store.SyncName, sync1, "ana")
		f.must(err)
		if ended.Waiting != 1 || ended.OpenExceptions != 1 {
			t.Errorf("ended were %+v", ended)
		}
		if got := left(); len(got) != 0 {
			t.Errorf("left are %+v", got)
		}
		found, err := f.db.Events(f.ctx, store.EventFilter{Sync: sync1})
		f.must(err)
		if found[0].Outcome != status.Ignored || found[0].Reason.Code != reason.SyncRemoved || found[0].Reason.Facts.By != "ana" {
			t.Errorf("the event ended %s: %s", found[0].Outcome, found[0].Reason)
		}
		open1, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{States: []status.State{status.Open}})
		f.must(err)
		if works := f.claim(); len(open1) > 0 || len(works) > 0 {
			t.Errorf("open are %v, due %v", open1, works)
		}
	},

	"events that arrive while a sync is renamed are not left behind": func(t *testing.T, open Open) {
		f := fresh(t, open)
		beside := open(t, store.Options{Now: f.clock.Now})
		f.note(sync1)
		const nodes, each = 4, 25
		var all sync.WaitGroup
		errs := make(chan error, nodes*each)
		for n := range nodes {
			db := []*store.DB{f.db, beside}[n%2]
			all.Go(func() {
				for i := range each {
					_, err := db.Receive(f.ctx, []store.NewEvent{event(fmt.Sprintf("evt_%d_%d", n, i), fmt.Sprintf("cus_%d", i))})
					errs <- err
				}
			})
		}
		renamed := make(chan error, 1)
		all.Go(func() {
			_, err := beside.Rename(f.ctx, store.Rename{Kind: store.SyncName, Old: sync1, New: renamedTo})
			renamed <- err
		})
		all.Wait()
		close(errs)
		f.must(<-renamed)
		for err := range errs {
			f.must(err)
		}
		found, err := f.db.Events(f.ctx, store.EventFilter{Sync: renamedTo, Limit: 1000})
		f.must(err)
		if works := f.claimOf(renamedTo); len(found) != nodes*each || len(works) != each {
			t.Errorf("%d events and %d customers have the new name", len(found), len(works))
		}
	},

	"a connection keeps its place although the new name was asked once and answered nothing": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1)
		_, fence, _, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease)
		f.must(err)
		f.must(f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "page 7", true))
		_, _, _, err = f.db.TakeTurn(f.ctx, store.ChangesOf("bill2"), 0, lease)
		f.must(err)
		_, err = f.db.Rename(f.ctx, store.Rename{Kind: store.ConnectionName, Old: "billing", New: "bill2"})
		f.must(err)
		f.clock.Move(time.Hour)
		cursor, _, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("bill2"), 0, lease)
		if err != nil || !ok || cursor != "page 7" {
			t.Errorf("its place is %q, %t, %v; want page 7", cursor, ok, err)
		}
	},

	"a connection keeps its place, its tokens and its group of exceptions": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.note(sync1)
		_, fence, _, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease)
		f.must(err)
		f.must(f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "page 7", true))
		f.must(f.db.PutToken(f.ctx, "billing", "sealed for billing"))
		x := exception("cus_1", status.ConnectionFailed, status.StageReadSource)
		x.Cause = "billing"
		_, err = f.db.OpenException(f.ctx, x)
		f.must(err)
		_, err = f.db.Rename(f.ctx, store.Rename{Kind: store.ConnectionName, Old: "billing", New: "bill2",
			Reseal: func(sealed string) (string, error) { return sealed + ", then for bill2", nil }})
		f.must(err)
		f.clock.Move(time.Hour)
		cursor, _, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("bill2"), 0, lease)
		f.must(err)
		sealed, err := f.db.Token(f.ctx, "bill2")
		f.must(err)
		open1, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Cause: "bill2"})
		f.must(err)
		if cursor != "page 7" || !ok || sealed != "sealed for billing, then for bill2" || len(open1) != 1 {
			t.Errorf("it has the place %q, the token %q, and %d exceptions", cursor, sealed, len(open1))
		}
		all, err := f.db.Names(f.ctx)
		f.must(err)
		if s, _ := store.Find(all, store.SyncName, sync1); s.Source != "bill2" {
			t.Errorf("the sync has the source %s", s.Source)
		}
	},
}
