package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func link(customer, target string) store.Link {
	return store.Link{Sync: sync1, Customer: customer, TargetID: target, Rule: "email = email", Confidence: 0.9, By: "rule"}
}

// targets returns the links as customer=target.
func (f fixture) targets() map[string]string {
	f.Helper()
	found, err := f.db.Links(f.ctx, sync1)
	f.must(err)
	m := map[string]string{}
	for _, l := range found {
		m[l.Customer] = l.TargetID
	}
	return m
}

var links = map[string]func(*testing.T, Open){
	"a link that a rule found is kept with how it was found": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.must(f.db.SaveLink(f.ctx, w, link("cus_1", "rec_1")))
		want := link("cus_1", "rec_1")
		want.At = f.clock.Now()
		found, err := f.db.Links(f.ctx, "")
		f.must(err)
		if diff := cmp.Diff([]store.Link{want}, found); diff != "" {
			t.Error(diff)
		}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{RetryAt: f.clock.Now()}))
		if diff := cmp.Diff(&want, f.claimOne().Link); diff != "" {
			t.Error(diff)
		}
	},
	"a record that was seen filled is known after its link was removed or moved": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		line := func(record, holds string) {
			w := f.claimOne()
			f.must(f.db.SaveLink(f.ctx, w, link("cus_1", record)))
			f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Parked, RetryAt: f.clock.Now(),
				Decision: &store.Decision{Sync: sync1, Customer: "cus_1", TargetID: record, Observed: holds}}))
			f.must(f.db.RemoveLink(f.ctx, sync1, "cus_1", "ana"))
		}
		line("rec_empty", "")
		line("rec_filled", "Churned")
		line("rec_filled", "")
		if diff := cmp.Diff([]string{"rec_filled"}, f.claimOne().Former); diff != "" {
			t.Error(diff)
		}
		known, err := f.db.Snapshots(f.ctx, sync1, []string{"cus_1"})
		f.must(err)
		if diff := cmp.Diff([]string{"rec_filled"}, known["cus_1"].Work.Former); diff != "" {
			t.Error(diff)
		}
	},
	"a record belongs to one customer, however many claim it at once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		f.receive(event("evt_1", "cus_1"), event("evt_2", "cus_2"), event("evt_3", "cus_3"))
		works := f.claim()
		errs := make([]error, len(works))
		var all sync.WaitGroup
		for i := range works {
			db := []*store.DB{f.db, node2}[i%2]
			all.Go(func() { errs[i] = db.SaveLink(f.ctx, &works[i], link(works[i].Customer, "rec_1")) })
		}
		all.Wait()
		saved := 0
		for i, err := range errs {
			var taken *store.DuplicateLinkError
			switch {
			case err == nil:
				saved++
			case !errors.As(err, &taken) || taken.TargetID != "rec_1" || taken.Customer == works[i].Customer:
				t.Errorf("the loser was told: %v", err)
			}
		}
		if saved != 1 {
			t.Errorf("%d customers have the record", saved)
		}
	},
	"two customers may change places, and a link that is so already is no change": func(t *testing.T, open Open) {
		f := fresh(t, open)
		changed, err := f.db.ImportLinks(f.ctx, sync1, []store.Link{link("cus_1", "rec_1"), link("cus_2", "rec_2"), link("cus_3", "rec_3")})
		f.must(err)
		if changed != 3 {
			t.Errorf("%d links are new, not 3", changed)
		}
		changed, err = f.db.ImportLinks(f.ctx, sync1, []store.Link{link("cus_1", "rec_2"), link("cus_2", "rec_1"), link("cus_3", "rec_3")})
		f.must(err)
		if want := map[string]string{"cus_1": "rec_2", "cus_2": "rec_1", "cus_3": "rec_3"}; changed != 2 || !cmp.Equal(f.targets(), want) {
			t.Errorf("%d changed, the links are %v", changed, f.targets())
		}
	},
	"an edit that was seen in one record is not of another that a person links": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1")))
		f.receive(event("evt_1", "cus_1"))
		edited := f.clock.Now().Truncate(time.Millisecond)
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{HumanAt: edited, Outcome: status.Held, Reason: reason.Text("a reason")}))
		known := func(record string, want time.Time) {
			t.Helper()
			f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: "cus_1", TargetID: record, By: "ben", Confidence: 1}))
			if c, err := f.db.Customer(f.ctx, sync1, "cus_1"); err != nil || !c.HumanAt.Equal(want) {
				t.Errorf("linked to %s, an edit at %v is known, %v", record, c.HumanAt, err)
			}
		}
		known("rec_1", edited)
		known("rec_2", time.Time{})
	},
	"an import leaves a link to the same record as it was found, whoever imports it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1")))
		before, err := f.db.Links(f.ctx, sync1)
		f.must(err)
		f.clock.Move(time.Minute)
		again := store.Link{Customer: "cus_1", TargetID: "rec_1", Rule: "imported", Confidence: 1, By: "ana"}
		if changed, err := f.db.ImportLinks(f.ctx, sync1, []store.Link{again}); err != nil || changed != 0 {
			t.Errorf("%d changed, %v", changed, err)
		}
		after, err := f.db.Links(f.ctx, sync1)
		f.must(err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	},
	"a broken link is closed when the link is another or gone, and the history says by whom": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for name, change := range map[string]func(customer string, exception int64) error{
			"link ben linked it to rec_2": func(_ string, id int64) error {
				_, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: store.LinkTo, Who: "ben", TargetID: "rec_2"})
				return err
			},
			"unlink ben removed its link": func(_ string, id int64) error {
				_, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: store.Rematch, Who: "ben"})
				return err
			},
			"unlink ana removed its link": func(customer string, _ int64) error {
				return f.db.RemoveLink(f.ctx, sync1, customer, "ana")
			},
			"link rule linked it to rec_3": func(customer string, _ int64) error {
				return f.db.SetLink(f.ctx, link(customer, "rec_3"))
			},
		} {
			customer := "customer of " + name
			f.receive(event("evt "+name, customer))
			f.must(f.db.SetLink(f.ctx, link(customer, "record of "+name)))
			id, err := f.db.OpenException(f.ctx, store.NewException{Sync: sync1, Customer: customer, Kind: status.BrokenLink, Stage: status.StageReadTarget})
			f.must(err)
			f.must(change(customer, id))
			x, err := f.db.Exception(f.ctx, id)
			f.must(err)
			if x.State != status.Resolved {
				t.Errorf("%s: it is still %s", name, x.State)
			}
			history, err := f.db.History(f.ctx, sync1, customer, 1)
			f.must(err)
			if got := history[0].Action + " " + history[0].Reason.Sentence(); got != name {
				t.Errorf("the history says %q, not %q", got, name)
			}
		}
	},
	"a customer that is gone from the source stays an exception without its link": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1")))
		_, err := f.db.OpenException(f.ctx, store.NewException{Sync: sync1, Customer: "cus_1", Kind: status.BrokenLink, Stage: status.StageReadSource})
		f.must(err)
		f.must(f.db.RemoveLink(f.ctx, sync1, "cus_1", "ana"))
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1, States: []status.State{status.Open}})
		f.must(err)
		if len(found) != 1 {
			t.Errorf("%d are open", len(found))
		}
	},
	"an import that would give two customers one record sets no link at all": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1")))
		for name, links := range map[string][]store.Link{
			"a record of another": {link("cus_2", "rec_2"), link("cus_3", "rec_1")},
			"a record twice":      {link("cus_2", "rec_2"), link("cus_3", "rec_2")},
		} {
			_, err := f.db.ImportLinks(f.ctx, sync1, links)
			var taken *store.DuplicateLinkError
			if !errors.As(err, &taken) {
				t.Errorf("%s: %v", name, err)
			}
			if want := map[string]string{"cus_1": "rec_1"}; !cmp.Equal(f.targets(), want) {
				t.Errorf("%s: the links are %v", name, f.targets())
			}
		}
	},
	"whoever has a record is named to whom it is refused, whatever they are called": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetLink(f.ctx, link("cus_5", "rec_5")))
		for _, customer := range []string{"cus_4", "cus_6"} {
			var taken *store.DuplicateLinkError
			if err := f.db.SetLink(f.ctx, link(customer, "rec_5")); !errors.As(err, &taken) || taken.Customer != "cus_5" {
				t.Errorf("%s is told %v", customer, err)
			}
			if err := f.db.LinkedTo(f.ctx, sync1, customer, "rec_5"); !errors.As(err, &taken) || taken.Customer != "cus_5" {
				t.Errorf("%s is told before: %v", customer, err)
			}
		}
		f.must(f.db.LinkedTo(f.ctx, sync1, "cus_5", "rec_5")) // its own
		f.must(f.db.LinkedTo(f.ctx, sync1, "cus_4", "rec_4")) // nobody's
		f.must(f.db.LinkedTo(f.ctx, "another", "cus_4", "rec_5"))
	},
	"a person's link makes a customer due again, and wakes nobody who was never seen": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Outcome: status.Parked, Attempts: 4}))
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1")))
		f.must(f.db.SetLink(f.ctx, link("cus_2", "rec_2")))
		w := f.claimOne()
		if w.Customer != "cus_1" || w.Attempts != 0 {
			t.Errorf("due is %+v", w)
		}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{}))
		f.must(f.db.RemoveLink(f.ctx, sync1, "cus_1", "ana"))
		if w := f.claimOne(); w.Link != nil {
			t.Errorf("the link is still %+v", w.Link)
		}
		if err := f.db.RemoveLink(f.ctx, sync1, "cus_1", "ana"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("removing it twice: %v", err)
		}
	},
}
