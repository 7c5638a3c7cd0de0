package storetest

import (
	"fmt"
	"testing"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

var agreement = map[string]func(*testing.T, Open){
	"agreement is of all who should be carried, whether they wait for a person or not": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if s, err := f.db.SyncStanding(f.ctx, sync1); err != nil || s.Agreement() != nil {
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
			before, err := f.db.SyncStanding(f.ctx, sync1)
			f.must(err)
			f.receive(event(fmt.Sprint("evt_", n), c.name))
			f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Desired: &store.Desired{SourceValue: c.source, Value: c.desired},
				Observed: &store.Observed{Value: c.observed, SeenAt: f.clock.Now()}, Outcome: c.outcome}))
			f.clock.Move(time.Second)
			after, err := f.db.SyncStanding(f.ctx, sync1)
			f.must(err)
			if carried, agree := after.Carried-before.Carried == 1, after.Agree-before.Agree == 1; carried != c.carried || agree != c.agree || after.Customers != n+1 {
				t.Errorf("%s: carried %t, agrees %t", c.name, carried, agree)
			}
		}
	},
}
