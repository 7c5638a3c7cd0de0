package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func account(side store.Side, key string) store.Account {
	return store.Account{Side: side, Key: key, Shown: "the account " + key}
}

var accounts = map[string]func(*testing.T, Open){
	"an account is noted anew while nothing is kept of the one before": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		for _, key := range []string{"sandbox", "production"} {
			moved, err := f.db.NoteAccounts(f.ctx, sync1, []store.Account{account(store.SourceSide, key), account(store.TargetSide, key)})
			f.must(err)
			if len(moved) > 0 {
				t.Errorf("asked about %s: %+v", key, moved)
			}
		}
		noted, err := f.db.Accounts(f.ctx, sync1)
		f.must(err)
		if noted[store.SourceSide].Key != "production" || noted[store.TargetSide].Shown != "the account production" {
			t.Errorf("noted: %+v", noted)
		}
	},
	"an attempt that began in the account before finds no link in the one that is noted meanwhile": func(t *testing.T, open Open) {
		f := fresh(t, open)
		note := func(key string) {
			_, err := f.db.NoteAccounts(f.ctx, sync1, []store.Account{account(store.SourceSide, "s"), account(store.TargetSide, key)})
			f.must(err)
		}
		f.receive(event("evt_1", "cus_1"))
		note("sandbox")
		w := f.claimOne()
		note("sandbox") // as at each start
		note("production")
		if err := f.db.SaveLink(f.ctx, w, link("cus_1", "rec_1")); !errors.Is(err, store.ErrFenced) || len(f.targets()) > 0 {
			t.Errorf("a record of the sandbox is linked: %v, %v", f.targets(), err)
		}
		f.must(f.db.GiveBack(f.ctx, w))
		w = f.claimOne()
		note("production")
		f.must(f.db.SaveLink(f.ctx, w, link("cus_1", "rec_1")))
	},
	"a link is of both accounts": keptOf(func(f fixture) { f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1"))) }, store.SourceSide, store.TargetSide),
	"a write on its way is of the target's account": keptOf(func(f fixture) {
		f.receive(event("evt_1", "cus_1"))
		_, err := f.db.BeginWrite(f.ctx, f.claimOne(), store.Intent{RecordID: "rec_1", Value: "Paused", Expires: f.clock.Now().Add(lease)}, store.Limits{})
		f.must(err)
	}, store.TargetSide),
	"what was proved to stand in a record is of the target's account, also when its link has gone": keptOf(func(f fixture) {
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.must(f.db.SaveLink(f.ctx, w, link("cus_1", "rec_1")))
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied, Base: &store.Base{Known: true, RecordID: "rec_1", Value: "Active", SeenAt: f.clock.Now()}}))
		f.must(f.db.RemoveLink(f.ctx, sync1, "cus_1", "ana"))
	}, store.TargetSide),
	"what the source said is of its account": keptOf(func(f fixture) {
		f.receive(event("evt_1", "cus_1"))
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Outcome: status.Parked, Desired: &store.Desired{SourceValue: "active"}}))
	}, store.SourceSide),
	"with all links what is known of another account goes, and everybody is looked at": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, err := f.db.NoteAccounts(f.ctx, sync1, []store.Account{account(store.SourceSide, "s"), account(store.TargetSide, "sandbox")})
		f.must(err)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.must(f.db.SaveLink(f.ctx, w, link("cus_1", "rec_1")))
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied, Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Applied}},
			Desired: &store.Desired{SourceValue: "active", Value: "Active"}, Base: &store.Base{Known: true, RecordID: "rec_1", Value: "Active", SeenAt: f.clock.Now()},
			Observed: &store.Observed{Value: "Active", SeenAt: f.clock.Now()}}))
		n, err := f.db.RemoveLinks(f.ctx, sync1, "ana", []store.Account{account(store.SourceSide, "s"), account(store.TargetSide, "production")})
		f.must(err)
		if n != 1 || len(f.targets()) > 0 {
			t.Errorf("removed %d, left %v", n, f.targets())
		}
		w = f.claimOne()
		if w.Link != nil || w.Base.Known || w.Observed.Value != "" || w.Desired.SourceValue != "active" {
			t.Errorf("it is looked at with %+v", w)
		}
		history, err := f.db.History(f.ctx, sync1, "cus_1", 5)
		f.must(err)
		if len(history) == 0 || history[0].Reason.Sentence() != "ana removed all links" {
			t.Errorf("its history says %+v", history)
		}
	},
}

// keptOf is a case in which something is kept that is of the accounts of some
// sides: those stay noted until somebody says that the others are the same.
func keptOf(keep func(fixture), sides ...store.Side) func(*testing.T, Open) {
	return func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, err := f.db.NoteAccounts(f.ctx, sync1, []store.Account{account(store.SourceSide, "sandbox"), account(store.TargetSide, "sandbox")})
		f.must(err)
		keep(f)
		now := []store.Account{account(store.SourceSide, "production"), account(store.TargetSide, "production")}
		moved, err := f.db.NoteAccounts(f.ctx, sync1, now)
		f.must(err)
		var asked []store.Side
		for _, m := range moved {
			asked = append(asked, m.Was.Side)
			if m.Was.Key != "sandbox" || m.Now.Key != "production" {
				t.Errorf("%+v", m)
			}
		}
		if !slices.Equal(asked, sides) {
			t.Errorf("asked is about %q", asked)
		}
		said, err := f.db.SameAccounts(f.ctx, sync1, "ana", now)
		f.must(err)
		left, err := f.db.MovedAccounts(f.ctx, sync1, now)
		f.must(err)
		if len(said) != len(sides) || len(left) > 0 {
			t.Errorf("said to be the same: %+v, left: %+v", said, left)
		}
	}
}
