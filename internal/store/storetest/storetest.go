// Package storetest is the suite that the store passes on each engine. When an
// engine surprises, the surprise becomes a case here.
//
// Main types: Open (how a case gets a database) and Clock (the time that a case
// sets). Main functions: Run, and File, which gives the tests of other packages a
// SQLite file.
//
// Only tests import it.
package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Open opens the database of one test; twice in a test, it is the same one, as
// two nodes would have it. It closes it after the test.
type Open func(t *testing.T, o store.Options) *store.DB

// Run runs every case, or those of the groups that are named. newDatabase gives each
// case a fresh database, whose tables may be there.
func Run(t *testing.T, newDatabase func(t *testing.T) Open, only ...string) {
	groups := map[string]map[string]func(*testing.T, Open){
		"home":   home,
		"became": became,
		"events": events, "work": work, "links": links, "exceptions": exceptions, "acts": acts, "connections": connections, "tokens": tokens, "notices": notices, "schema": schema,
		"API tokens": apiTokens, "pages": pages, "agreement": agreement, "limits": limits, "sweeps": sweeps, "nodes": nodes, "outside": outside, "watched": watched, "plans": plans, "accounts": accounts, "names": namesOf, "processes": processes, "pins": pins, "plan jobs": planJobs, "exception lists": exceptionLists, "activity": activity,
		"people": people, "arrivals": arrivals,
		"copies": copies,
		"polls":  polls,
	}
	for group, cases := range groups {
		if len(only) > 0 && !slices.Contains(only, group) {
			continue
		}
		t.Run(group, func(t *testing.T) {
			for name, run := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					run(t, newDatabase(t))
				})
			}
		})
	}
}

// Clock is a clock that moves when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a moment that no other test depends on.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock forward.
func (c *Clock) Move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

const (
	sync1 = "customer-status"
	lease = time.Minute
)

// fixture is a database with a clock of its own.
type fixture struct {
	*testing.T
	db    *store.DB
	clock *Clock
	ctx   context.Context
}

func fresh(t *testing.T, open Open) fixture {
	t.Helper()
	clock := NewClock()
	return fixture{T: t, clock: clock, ctx: t.Context(),
		db: open(t, store.Options{Migrate: true, Work: true, Now: clock.Now})}
}

// must fails the test on an error.
func (f fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func event(id, customer string) store.NewEvent {
	return store.NewEvent{Connection: "billing", Sync: sync1, Side: store.SourceSide, ID: id, Customer: customer,
		Value: "active", HasValue: true, OccurredAt: time.Date(2026, 3, 1, 8, 59, 0, 0, time.UTC), Payload: []byte(`{"id":"` + id + `"}`)}
}

// receive stores events that must all be new.
func (f fixture) receive(events ...store.NewEvent) {
	f.Helper()
	inserted, err := f.db.Receive(f.ctx, events)
	f.must(err)
	for i, arrived := range inserted {
		if arrived != store.Fresh {
			f.Fatalf("event %s is no repeat, and was dropped as one", events[i].ID)
		}
	}
}

// claim claims all that is due, now or a moment after the last look.
func (f fixture) claim() []store.Work {
	f.Helper()
	return f.claimOf(sync1)
}

// first checks who is carried first.
func (f fixture) first(customer, because string) {
	f.Helper()
	works, err := f.db.Claim(f.ctx, sync1, 1, lease)
	f.must(err)
	if len(works) != 1 || works[0].Customer != customer {
		f.Errorf("%v was claimed, not %s, although %s", works, customer, because)
	}
}

// park opens an exception of a customer and returns its number.
func (f fixture) park(customer string) int64 {
	f.Helper()
	id, err := f.db.OpenException(f.ctx, store.NewException{Sync: sync1, Customer: customer, Kind: status.Unmatched, Stage: status.StageMatch, Reason: reason.Text("nobody")})
	f.must(err)
	return id
}

// claimOne claims the one customer that is due.
func (f fixture) claimOne() *store.Work {
	f.Helper()
	works := f.claim()
	if len(works) != 1 {
		f.Fatalf("%d customers are due, not one", len(works))
	}
	return &works[0]
}
