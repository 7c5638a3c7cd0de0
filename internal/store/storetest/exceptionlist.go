package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// openedFor opens an exception of a kind for a customer, with the cause that it shares.
func (f fixture) openedFor(customer string, kind status.Kind, cause, owner string) int64 {
	f.Helper()
	x := exception(customer, kind, status.StageMatch)
	x.Cause, x.Owner = cause, owner
	id, err := f.db.OpenException(f.ctx, x)
	f.must(err)
	return id
}

var exceptionLists = map[string]func(*testing.T, Open){
	"they are chosen by owner, age and whether they are overdue": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, x := range []struct{ customer, owner string }{{"old", "ana"}, {"handed on", ""}} {
			f.openedFor(x.customer, status.Unmatched, "", x.owner)
		}
		f.clock.Move(48 * time.Hour)
		handed, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: "handed on"})
		f.must(err)
		_, err = f.db.Act(f.ctx, store.Act{Exception: handed[0].ID, Verb: store.Assign, Owner: "ben", Who: "ana"})
		f.must(err)
		f.openedFor("new", status.Unmatched, "", "")
		for name, c := range map[string]struct {
			filter store.ExceptionFilter
			want   []string
		}{
			"all":                      {store.ExceptionFilter{}, []string{"new", "handed on", "old"}},
			"ana's and nobody's":       {store.ExceptionFilter{Owners: []string{"ana", ""}}, []string{"new", "old"}},
			"open for a day":           {store.ExceptionFilter{OpenFor: 24 * time.Hour}, []string{"handed on", "old"}},
			"overdue, from assignment": {store.ExceptionFilter{Overdue: map[string]time.Duration{sync1: time.Hour}}, []string{"old"}},
			"overdue in another sync":  {store.ExceptionFilter{Overdue: map[string]time.Duration{"other": time.Hour}}, nil},
			"overdue in no sync":       {store.ExceptionFilter{Overdue: map[string]time.Duration{}}, nil},
		} {
			c.filter.States, c.filter.Limit = store.NeedPerson, 10
			found, err := f.db.Exceptions(f.ctx, c.filter)
			f.must(err)
			var got []string
			for _, x := range found {
				got = append(got, x.Customer)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	},
	"what is overdue waits since it opened, came back, or was given to its owner": func(t *testing.T, open Open) {
		f := fresh(t, open)
		const late = time.Hour
		id := f.openedFor("cus_1", status.Unmatched, "", "ana")
		waits := func(what string, want time.Time) {
			t.Helper()
			x, err := f.db.Exception(f.ctx, id)
			f.must(err)
			if !x.WaitsSince.Equal(want) {
				t.Errorf("%s: it waits since %s, want %s", what, x.WaitsSince, want)
			}
			f.clock.Move(late)
			n, since, err := f.db.OverdueSince(f.ctx, sync1, late)
			f.must(err)
			if n != 1 || !since.Equal(want.Add(late)) {
				t.Errorf("%s: %d are overdue since %s, want 1 since %s", what, n, since, want.Add(late))
			}
		}
		assign := func() {
			t.Helper()
			_, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: store.Assign, Owner: "ben", Who: "ana"})
			f.must(err)
		}
		waits("opened", f.clock.Now())
		began := f.clock.Now()
		assign()
		waits("assigned", began)
		assign()
		f.openedFor("cus_1", status.Unmatched, "", "ana")
		waits("assigned again to the same, and seen again", began)
		f.act(id, store.Resolve)
		f.act(id, store.Reopen)
		waits("reopened", f.clock.Now())
		f.act(id, store.Resolve)
		f.clock.Move(time.Minute)
		f.openedFor("cus_1", status.Unmatched, "", "ana")
		waits("come back", f.clock.Now())
	},
	"an owner's address is the same however it is written": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.openedFor("cus_1", status.Unmatched, "", "Ana@Example.com")
		f.openedFor("cus_2", status.Unmatched, "", "ana@example.com")
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Owner: "ana@EXAMPLE.com"})
		f.must(err)
		if len(found) != 2 {
			t.Errorf("found %d, want 2", len(found))
		}
	},
	"they are counted by state": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 5 {
			f.openedFor(fmt.Sprint("cus_", n), status.Unmatched, "", "ana")
		}
		f.act(1, store.Acknowledge)
		f.act(2, store.Resolve)
		got, err := f.db.ExceptionCounts(f.ctx, store.ExceptionFilter{Owner: "ana"})
		f.must(err)
		if diff := cmp.Diff(map[status.State]int{status.Open: 3, status.Acknowledged: 1, status.Resolved: 1}, got); diff != "" {
			t.Error(diff)
		}
	},
	"those with a cause of their own are one question, and each shared cause is one; the largest first, page by page": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 3 {
			f.openedFor(fmt.Sprint("grace_", n), status.UnmappedStatus, "grace", "ana")
			f.openedFor(fmt.Sprint("none_", n), status.Unmatched, "", "ana")
		}
		f.openedFor("cus_gold", status.UnmappedStatus, "gold", "ana")
		for n := range 4 {
			f.openedFor(fmt.Sprint("edited_", n), status.Conflict, "", "ana")
		}
		f.openedFor("settled", status.Conflict, "", "ana")
		f.act(12, store.Resolve)
		var got []string
		var after store.Cause
		for range 10 {
			page, err := f.db.Causes(f.ctx, store.ExceptionFilter{States: store.NeedPerson}, after, 2)
			f.must(err)
			for _, c := range page {
				members, err := f.db.Exceptions(f.ctx, c.Of(store.ExceptionFilter{States: store.NeedPerson}))
				f.must(err)
				if len(members) != c.Customers || members[0].Kind != c.Kind || c.Oldest.IsZero() || c.Latest == 0 {
					t.Errorf("%+v has %d members", c, len(members))
				}
				got = append(got, fmt.Sprint(c.Customers, " ", c.Kind, " ", c.Cause))
			}
			if len(page) < 2 {
				break
			}
			after = page[1]
		}
		if diff := cmp.Diff([]string{"4 conflict ", "3 unmapped_status grace", "3 unmatched ", "1 unmapped_status gold"}, got); diff != "" {
			t.Error(diff)
		}
	},
	"who waits for a value's meaning is counted by what the records hold": func(t *testing.T, open Open) {
		f := fresh(t, open)
		wait := func(customer string, held *store.Observed, base string) {
			f.clock.Move(time.Second)
			f.receive(event("evt_"+customer, customer))
			x := exception(customer, status.UnmappedStatus, status.StageMap)
			x.SourceValue, x.Cause = "grace", "grace"
			s := store.Settlement{Outcome: status.Parked, Park: &x, Observed: held}
			if base != "" {
				s.Base = &store.Base{Known: true, RecordID: "rec_" + customer, Value: base, SeenAt: f.clock.Now()}
			}
			f.settle(s)
		}
		now := f.clock.Now()
		wait("new_1", nil, "")
		wait("new_2", nil, "")
		wait("new_3", nil, "")
		wait("ours_1", &store.Observed{Value: "Active", SeenAt: now}, "Active")
		wait("ours_2", &store.Observed{Value: "Active", SeenAt: now}, "Active")
		wait("pinned", &store.Observed{Value: "Active", SeenAt: now}, "Active")
		wait("given up", &store.Observed{Value: "Paused", SeenAt: now}, "")
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: "given up"})
		f.must(err)
		_, err = f.db.Act(f.ctx, store.Act{Exception: found[0].ID, Verb: store.Ignore, Ignored: store.IgnoredAlways, Who: "ana"})
		f.must(err)
		_, err = f.db.PinCustomer(f.ctx, store.Pin{Sync: sync1, Customer: "pinned", By: "ana", Reason: "so"})
		f.must(err)
		got, err := f.db.WaitingFor(f.ctx, sync1, "grace")
		f.must(err)
		want := []store.Waiting{{Customers: 3}, {Customers: 2, Seen: true, Value: "Active", Ours: true, Base: "Active"}, {Customers: 1, Seen: true, Value: "Active", Ours: true, Base: "Active", Pinned: true}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	},
	"who acts on what another has decided since is told who was first": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		none := int64(0)
		act := func(who string, verb store.Verb, saw *int64) error {
			_, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: verb, Who: who, Saw: "Active", SawSource: "canceled", SawHistory: saw, Owner: "zoe"})
			return err
		}
		f.must(act("ana", store.Retry, &none))
		f.must(act("ben", store.Assign, &none)) // a check in between is no decision
		f.clock.Move(time.Minute)
		f.must(act("ana", store.KeepTarget, nil)) // who was shown no history is not asked about it
		for _, verb := range []store.Verb{store.UseSource, store.Acknowledge, store.Ignore, store.Resolve} {
			var first *store.ActedError
			if err := act("zoe", verb, &none); !errors.As(err, &first) || first.Who != "ben" || first.Verb != "assign" || first.At.IsZero() {
				t.Errorf("%s comes to %v", verb, err)
			}
		}
		f.must(act("zoe", store.Retry, &none))
		history, err := f.db.Actions(f.ctx, id)
		f.must(err)
		f.must(act("zoe", store.UseSource, &history[len(history)-1].ID))
		f.must(act("zoe", store.Acknowledge, &history[len(history)-1].ID)) // one's own acts are no surprise
	},
	"an act of Trueup itself is nobody's who was first": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Unmatched)
		f.must(f.db.SetCandidates(f.ctx, id, nil))
		none := int64(0)
		_, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: store.Acknowledge, Who: "ana", SawHistory: &none})
		f.must(err)
	},
}
