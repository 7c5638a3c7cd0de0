package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// look settles one attempt of a sync that only watches.
func (f fixture) look(customer string, w store.Watched) {
	f.Helper()
	f.receive(event(fmt.Sprint("evt_", customer, f.clock.Now().UnixNano()), customer))
	work := f.claimOne()
	f.must(f.db.Settle(f.ctx, work, store.Settlement{Outcome: status.Ignored, Watched: &w,
		Events: []store.EventOutcome{{Seq: work.Events[0].Seq, Outcome: status.Ignored}}}))
	f.clock.Move(time.Hour)
}

// would is a look that would have written.
func would(before, after string) store.Watched {
	return store.Watched{Desired: after, Would: true, Looked: true, TargetID: "rec", Observed: before}
}

// found is a look that would not.
func found(desired, observed string) store.Watched {
	return store.Watched{Desired: desired, Looked: true, TargetID: "rec", Observed: observed}
}

var watched = map[string]func(*testing.T, Open){
	"what became of a write that was not made": func(t *testing.T, open Open) {
		one := func(v store.Verdict) map[store.Verdict]int { return map[store.Verdict]int{v: 1} }
		tests := map[string]struct {
			looks []store.Watched
			want  []store.WatchedChange
		}{
			"nobody did anything, though it was looked at again": {
				[]store.Watched{would("Active", "Paused"), would("Active", "Paused"), would("Active", "Paused")},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.NotYet)}}},
			"people did the same": {
				[]store.Watched{would("Active", "Paused"), found("Paused", "Paused")},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.DidTheSame)}}},
			"people did otherwise, and that is written over by nobody": {
				[]store.Watched{would("Active", "Paused"), found("Paused", "Churned"), found("Paused", "Churned")},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.DidOtherwise)}}},
			"the source changed back before anybody did anything": {
				[]store.Watched{would("Active", "Paused"), found("Active", "Active")},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.SourceChanged)}}},
			"the source moved on, and people with it": {
				[]store.Watched{would("Active", "Paused"), found("Churned", "Churned")},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.SourceChanged)}}},
			"people did the same, and then the source moved on": {
				[]store.Watched{would("Active", "Paused"), would("Paused", "Churned")},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.DidTheSame)}, {Before: "Paused", After: "Churned", ByVerdict: one(store.NotYet)}}},
			"the source moved on to what is not carried, and the target was not looked at": {
				[]store.Watched{would("Active", "Paused"), {}},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.SourceChanged)}}},
			"the target could not be looked at": {
				[]store.Watched{would("Active", "Paused"), {Desired: "Paused"}},
				[]store.WatchedChange{{Before: "Active", After: "Paused", ByVerdict: one(store.NotYet)}}},
			"it goes the same way twice": {
				[]store.Watched{would("", "Paused"), found("Paused", "Paused"), found("Paused", ""), would("", "Paused"), found("Paused", "Paused")},
				[]store.WatchedChange{{Before: "", After: "Paused", ByVerdict: map[store.Verdict]int{store.DidTheSame: 2}}}},
			"nothing would have been written": {[]store.Watched{found("Active", "Active"), found("Active", "Paused")}, nil},
		}
		f := fresh(t, open)
		for name, tt := range tests {
			since := f.clock.Now() // each case counts its own
			for _, w := range tt.looks {
				f.look(name, w)
			}
			got, err := f.db.Watching(f.ctx, sync1, since)
			f.must(err)
			if diff := cmp.Diff(tt.want, got.Changes); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if got.Customers != min(len(tt.want), 1) {
				t.Errorf("%s: of %d customers", name, got.Customers)
			}
		}
	},
	"what was looked at before says nothing of what would have been written since": func(t *testing.T, open Open) {
		f := fresh(t, open)
		early := f.clock.Now()
		f.clock.Move(time.Minute)
		f.look("cus_1", would("Active", "Paused"))
		late := f.clock.Now()
		f.clock.Move(time.Hour)
		for _, tt := range []struct {
			asOf time.Time
			want store.Verdict
		}{{early, store.NotYet}, {late, store.DidTheSame}} {
			w := found("Paused", "Paused")
			w.AsOf = tt.asOf
			f.look("cus_1", w)
			got, err := f.db.Watching(f.ctx, sync1, time.Time{})
			f.must(err)
			if got.ByVerdict()[tt.want] != 1 {
				t.Errorf("as of %s: %+v", tt.asOf, got)
			}
		}
	},
	"how long it takes people is the middle of them, by the target's own time where it tells": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n, hours := range []int{2, 30, 1, 4} {
			customer := fmt.Sprint("cus_", n)
			began := f.clock.Now()
			f.look(customer, would("Active", "Paused"))
			f.clock.Move(100 * time.Hour)
			w := found("Paused", "Paused")
			w.ObservedAt = began.Add(time.Duration(hours) * time.Hour)
			f.look(customer, w)
		}
		// A record's time from before says nothing of this change.
		f.look("cus_9", would("Active", "Paused"))
		w := found("Paused", "Paused")
		w.ObservedAt = f.clock.Now().Add(-1000 * time.Hour)
		f.look("cus_9", w)
		got, err := f.db.Watching(f.ctx, sync1, time.Time{})
		f.must(err)
		if got.Median != 2*time.Hour || got.Customers != 5 || got.ByVerdict()[store.DidTheSame] != 5 {
			t.Errorf("it counts %+v", got)
		}
		other, err := f.db.Watching(f.ctx, "other", time.Time{})
		f.must(err)
		if diff := cmp.Diff(store.Watching{}, other); diff != "" {
			t.Error(diff)
		}
	},
}
