package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/internal/status"
	"trueup/internal/store"
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
		f.must(f.db.RemoveLink(f.ctx, sync1, "cus_1"))
		if w := f.claimOne(); w.Link != nil {
			t.Errorf("the link is still %+v", w.Link)
		}
		if err := f.db.RemoveLink(f.ctx, sync1, "cus_1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("removing it twice: %v", err)
		}
	},
}
