package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

var agreement = map[string]func(*testing.T, Open){
	"agreement is of all who should be carried, whether they wait for a person or not": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if s, err := f.db.SyncStanding(f.ctx, sync1, store.Rules{}); err != nil || s.Agreement() != nil {
			t.Errorf("nobody: %+v, %v", s, err)
		}
		for n, c := range []struct {
			name, source, desired, observed string
			outcome                         status.Outcome
			carried, agree                  bool
		}{
			{"written", "active", "Active", "Active", status.Applied, true, true},
			{"equal already", "active", "Active", "Active", status.AlreadyEqual, true, true},
			{"watched only", "active", "Active", "Paused", status.Ignored, true, false},
			{"held", "active", "Active", "Paused", status.Held, true, false},
			{"unmatched", "active", "Active", "", status.Parked, true, false},
			{"its record is gone and held the right value", "active", "Active", "Active", status.Parked, true, false},
			{"unmapped", "on_hold", "", "", status.Parked, true, false},
			{"unmapped, of a record that was carried before", "on_hold", "", "Active", status.Parked, true, false},
			{"listed under ignore", "incomplete", "", "", status.Ignored, false, false},
			{"without a status", "", "", "", status.Ignored, false, false},
		} {
			before, err := f.db.SyncStanding(f.ctx, sync1, store.Rules{})
			f.must(err)
			f.receive(event(fmt.Sprint("evt_", n), c.name))
			f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Desired: &store.Desired{SourceValue: c.source, Value: c.desired},
				Observed: &store.Observed{Value: c.observed, SeenAt: f.clock.Now()}, Outcome: c.outcome}))
			f.clock.Move(time.Second)
			after, err := f.db.SyncStanding(f.ctx, sync1, store.Rules{})
			f.must(err)
			if carried, agree := after.Carried-before.Carried == 1, after.Agree-before.Agree == 1; carried != c.carried || agree != c.agree || after.Customers != n+1 {
				t.Errorf("%s: carried %t, agrees %t", c.name, carried, agree)
			}
		}
	},
	"a look of before is judged by the rules of now": func(t *testing.T, open Open) {
		f := fresh(t, open)
		carried := func(name, word, value, observed string, outcome status.Outcome) {
			f.receive(event("evt_"+name, name))
			f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Desired: &store.Desired{SourceValue: word, Value: value},
				Observed: &store.Observed{Value: observed, SeenAt: f.clock.Now()}, Outcome: outcome}))
			f.clock.Move(time.Second)
		}
		carried("agrees", "active", "Active", "Active", status.Applied)
		carried("the map has changed", "canceled", "Churned", "Churned", status.Applied)
		carried("was ignored and is carried now", "incomplete", "", "", status.Ignored)
		carried("is ignored now", "paused", "Paused", "Paused", status.Applied)
		carried("has no meaning any more", "unpaid", "Paused", "Paused", status.Applied)
		means := func(word string) (string, bool) {
			value := map[string]string{"active": "Active", "canceled": "Lost", "incomplete": "Active"}[word]
			return value, word != "paused"
		}
		changed := f.clock.Now()
		for _, tt := range []struct {
			name  string
			rules store.Rules
			want  store.SyncStanding
		}{
			{"as it was judged then", store.Rules{}, store.SyncStanding{Carried: 4, Agree: 4}},
			{"by the map of now", store.Rules{Means: means}, store.SyncStanding{Carried: 4, Agree: 1, Remapped: 3}},
			{"by other match rules", store.Rules{Since: changed}, store.SyncStanding{Stale: 4}},
			{"by rules that nobody has looked by", store.Rules{Never: true}, store.SyncStanding{Stale: 4}},
		} {
			got, err := f.db.SyncStanding(f.ctx, sync1, tt.rules)
			f.must(err)
			if got.Carried != tt.want.Carried || got.Agree != tt.want.Agree || got.Remapped != tt.want.Remapped || got.Stale != tt.want.Stale || got.Customers != 5 {
				t.Errorf("%s: %+v", tt.name, got)
			}
		}
		carried("looked at since", "active", "Active", "Active", status.AlreadyEqual)
		if got, err := f.db.SyncStanding(f.ctx, sync1, store.Rules{Since: changed}); err != nil || got.Carried != 1 || got.Agree != 1 || got.Stale != 4 {
			t.Errorf("after a further look: %+v, %v", got, err)
		}
	},
	"since when looks are by the rules of now is noted": func(t *testing.T, open Open) {
		f := fresh(t, open)
		note := func(rules, target string) store.Looks {
			f.clock.Move(time.Minute)
			f.must(f.db.NoteLooks(f.ctx, sync1, store.Looks{Rules: rules, Target: target}))
			l, err := f.db.Looks(f.ctx, sync1)
			f.must(err)
			return l
		}
		if l := note("rules", "field"); !l.Since.IsZero() {
			t.Errorf("what was seen before anything was noted is stale: %+v", l)
		}
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.must(f.db.SaveLink(f.ctx, w, link("cus_1", "rec_1")))
		f.must(f.db.Settle(f.ctx, w, store.Settlement{RetryAt: f.clock.Now(), Base: &store.Base{Known: true, RecordID: "rec_1", Value: "Active", SeenAt: f.clock.Now()}}))
		since := note("others", "field").Since
		if !since.Equal(f.clock.Now()) || !note("others", "field").Since.Equal(since) {
			t.Errorf("other rules are noted since %s", since)
		}
		if w := f.claimOne(); !w.Base.Known || w.Link == nil {
			t.Errorf("other match rules have cost what was written: %+v", w)
		}
		f.clock.Move(lease)
		note("a field", "another field")
		if w := f.claimOne(); w.Base.Known || w.Link == nil {
			t.Errorf("what was written in another field: %+v, the link: %+v", w.Base, w.Link)
		}
	},
	"customers whose word was ignored are looked at again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, c := range []struct{ name, word, value string }{{"ignored", "incomplete", ""}, {"other", "trialing", ""}, {"watched", "incomplete", "Active"}} {
			f.receive(event("evt_"+c.name, c.name))
			w := f.claimOne()
			f.must(f.db.Settle(f.ctx, w, store.Settlement{Desired: &store.Desired{SourceValue: c.word, Value: c.value}, Outcome: status.Ignored,
				Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Ignored}}}))
		}
		words, err := f.db.IgnoredWords(f.ctx, sync1)
		f.must(err)
		n, err := f.db.LookAtIgnored(f.ctx, sync1, "incomplete")
		f.must(err)
		if w := f.claimOne(); len(words) != 2 || n != 1 || w.Customer != "ignored" {
			t.Errorf("words %q, %d looked at, due is %s", words, n, w.Customer)
		}
	},
}
