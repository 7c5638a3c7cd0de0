// Package oracle is what package store promises, said in the simplest way that
// can be right: maps and slices in memory, one lock, no SQL.
//
// Main type: DB, with the methods of store.DB that change or tell something.
//
// It serves two ends. A differential test does the same random things to it, to
// SQLite and to PostgreSQL and compares every row and answer; and the simulator,
// which could not start a database for each of a million seeds, runs on it.
//
// Invariants: those of package store, but that nothing outlives the process.
// Times are kept to the millisecond, as a database keeps them.
//
// It may import internal/store, status and reason; only tests and the
// simulator import it.
package oracle

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// DB is a store in memory. It is safe for concurrent use.
type DB struct {
	mu  sync.Mutex
	now func() time.Time

	events      []*store.Event
	seen        map[eventKey]bool
	customers   map[key]*customer
	order       []*customer // of customers, sorted
	links       []*store.Link
	linkChanges []store.LinkChange
	intents     []*intent
	decisions   []store.Decision
	exceptions  []*store.Exception
	actions     map[int64][]store.Action
	requests    map[string]request
	counted     map[int64]changes // by exception: its customer's when it was counted last
	// troubles is what fails in an exception about a whole sync.
	troubles    map[int64][]trouble
	dismissed   map[int64]bool // a person resolved it, and it is about two sides
	halts       map[string]time.Time
	pauses      map[string]store.SyncPause
	pins        map[key]*store.Pin
	live        map[string]bool // whether a sync writes, where it is noted
	accounts    map[sideOf]store.Account
	connections map[string]*connection
	turns       map[store.Turn]*turn
	lastIntent  int64
	unfenced    bool
	process     int64 // whose name things are taken in
}

type key struct{ sync, customer string }

type eventKey struct{ connection, id, sync string }

// customer is a row of the table of that name.
type customer struct {
	store.Customer
	generation, fence int64
	leaseUntil        time.Time
	holder            int64
	firstTry          time.Time
	changes           changes
	// owed: its change was accepted while the sync was live, and no look that could
	// write has come since.
	owed bool
	limited
}

type request struct {
	asked   string
	changed bool
}

type intent struct {
	key
	store.Intent
}

// changes counts how often each side of a customer was found changed.
type changes struct{ source, target int64 }

type connection struct {
	pausedUntil time.Time
	nextSlot    int64 // µs
	asked       int64 // likewise
}

type turn struct {
	cursor     string
	fence      int64
	leaseUntil time.Time
	holder     int64
	takenAt    time.Time
	underWay   bool
	endedAt    time.Time // of the last complete one
	endedFrom  time.Time // when that one was taken
}

// New returns an empty store on the given clock.
func New(now func() time.Time) *DB {
	return &DB{now: now, seen: map[eventKey]bool{}, customers: map[key]*customer{},
		connections: map[string]*connection{}, turns: map[store.Turn]*turn{},
		actions: map[int64][]store.Action{}, requests: map[string]request{}, counted: map[int64]changes{}, troubles: map[int64][]trouble{}, dismissed: map[int64]bool{}, halts: map[string]time.Time{}, pauses: map[string]store.SyncPause{}, pins: map[key]*store.Pin{}, live: map[string]bool{}, accounts: map[sideOf]store.Account{}}
}

// Unfence takes every report without looking at claim and lease. The simulator
// does so where nothing may rest on them.
func (db *DB) Unfence() { db.unfenced = true }

// clock is the database's time, which is also the time of a transaction.
func (db *DB) clock() time.Time { return milli(db.now()) }

// milli is a time as a database gives it back.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// Now is the database's time.
func (db *DB) Now(context.Context) (time.Time, error) { return db.clock(), nil }

// Receive stores events and wakes their customers.
func (db *DB) Receive(_ context.Context, events []store.NewEvent) (arrived []store.Arrival, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	events = slices.Clone(events)
	arrived = make([]store.Arrival, len(events))
	var known []int // by their ids, which are looked at after all that is new
	for i := range events {
		if events[i] = db.named(events[i]); db.insert(events[i], now) {
			arrived[i] = store.Fresh
		} else {
			known = append(known, i)
		}
	}
	for _, i := range known {
		arrived[i] = db.known(events[i], now)
	}
	return arrived, nil
}

// named is an event of the target under the name of its record's customer.
func (db *DB) named(e store.NewEvent) store.NewEvent {
	if e.Side == store.TargetSide && e.Outcome == "" {
		i := slices.IndexFunc(db.links, func(l *store.Link) bool { return l.Sync == e.Sync && l.TargetID == e.Customer })
		if i < 0 {
			e.Outcome, e.Reason = status.Ignored, reason.Reason{Code: reason.EventNotLinked}
		} else {
			e.Customer = db.links[i].Customer
		}
	}
	return e
}

// known is what becomes of an event whose id was seen before.
func (db *DB) known(e store.NewEvent, now time.Time) store.Arrival {
	at := slices.IndexFunc(db.events, func(have *store.Event) bool {
		return have.Connection == e.Connection && have.ID == e.ID && have.Sync == e.Sync
	})
	if at < 0 || e.Repeats(*db.events[at]) {
		return store.Repeat
	}
	unread := 0
	for _, have := range db.events {
		if have.Sync == e.Sync && have.Customer == "" && have.Outcome == status.Parked {
			unread++
		}
	}
	kept := e.Apart()
	if unread >= store.MostUnread {
		db.open(*kept.Exception, now)
		return store.Repeat
	}
	if db.insert(kept, now) {
		return store.Reused
	}
	return store.Repeat
}

// insert stores an event unless there is one of its id.
func (db *DB) insert(e store.NewEvent, now time.Time) bool {
	k := eventKey{e.Connection, e.ID, e.Sync}
	if db.seen[k] {
		return false
	}
	db.seen[k] = true
	row := &store.Event{Seq: int64(len(db.events) + 1), NewEvent: e, ReceivedAt: now}
	row.OccurredAt, row.UnchangedAt, row.Payload = milli(e.OccurredAt), milli(e.UnchangedAt), append([]byte{}, e.Payload...)
	row.Exception, row.Listed, row.Owner = nil, false, "" // these are not stored
	if e.Outcome != "" {
		row.SettledAt = now
	}
	db.events = append(db.events, row)
	if e.Exception != nil {
		db.open(*e.Exception, now)
	}
	if e.Outcome == "" {
		c := db.customer(key{e.Sync, e.Customer})
		c.wake(now)
	}
	return true
}

// customer returns the row, a new one if there is none.
func (db *DB) customer(k key) *customer {
	if c, ok := db.customers[k]; ok {
		return c
	}
	c := &customer{Customer: store.Customer{Sync: k.sync, Customer: k.customer}, fence: db.clock().UnixMilli()}
	db.customers[k] = c
	at, _ := slices.BinarySearchFunc(db.order, k, func(c *customer, k key) int { return compareKeys(key{c.Sync, c.Customer.Customer}, k) })
	db.order = slices.Insert(db.order, at, c)
	return c
}

func compareKeys(a, b key) int {
	if c := strings.Compare(a.sync, b.sync); c != 0 {
		return c
	}
	return strings.Compare(a.customer, b.customer)
}

// rows yields the customers of a sync, "" for all, by id.
func (db *DB) rows(sync string) func(func(*customer) bool) {
	return func(yield func(*customer) bool) {
		for _, c := range db.order {
			if (sync == "" || c.Sync == sync) && !yield(c) {
				return
			}
		}
	}
}

// wake makes the customer due, soon after a look only store.BetweenLooks after it; who
// waits for his turn keeps it.
func (c *customer) wake(now time.Time) {
	next := c.SettledAt.Add(store.BetweenLooks)
	if c.SettledAt.After(now) || next.Before(now) {
		next = now
	}
	if c.DueAt.After(now) && c.DueAt.Before(next) && !c.leaseUntil.After(now) {
		next = c.DueAt // a retry comes before it
	}
	c.wakeAt(now, next)
}

func (c *customer) wakeAt(now, at time.Time) {
	c.generation++
	if !c.claimable(now) {
		c.DueAt = at
	}
}

func (c *customer) claimable(now time.Time) bool {
	return !c.DueAt.IsZero() && !c.DueAt.After(now) && !c.leaseUntil.After(now)
}

// Claim takes customers that are due and nobody's.
func (db *DB) Claim(_ context.Context, sync string, limit int, lease time.Duration) ([]store.Work, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	var due []*customer
	for c := range db.rows(sync) {
		if c.claimable(now) {
			due = append(due, c)
		}
	}
	slices.SortStableFunc(due, func(a, b *customer) int { return a.DueAt.Compare(b.DueAt) })
	due = due[:min(limit, len(due))]
	slices.SortFunc(due, func(a, b *customer) int { return strings.Compare(a.Customer.Customer, b.Customer.Customer) })
	var works []store.Work
	for _, c := range due {
		c.fence++
		c.leaseUntil, c.holder = milli(now.Add(lease)), db.process
		works = append(works, db.work(c, now))
	}
	return works, nil
}

// ClaimOne claims one customer, due or not. It keeps no plans.
func (db *DB) ClaimOne(_ context.Context, sync, name string, _ int64, lease time.Duration) (store.Work, bool, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now, c := db.clock(), db.customer(key{sync, name})
	if c.leaseUntil.After(now) {
		return store.Work{}, false, nil
	}
	c.fence++
	c.leaseUntil, c.holder = milli(now.Add(lease)), db.process
	w := db.work(c, now)
	w.NotDue = c.DueAt.IsZero()
	return w, true, nil
}

// work is a claimed customer with all that is known of it.
func (db *DB) work(c *customer, now time.Time) store.Work {
	w := store.Work{Sync: c.Sync, Customer: c.Customer.Customer, Generation: c.generation, Fence: c.fence, LeaseUntil: c.leaseUntil, Now: now, Due: c.DueAt,
		Attempts: c.Attempts, FirstTry: c.firstTry, Desired: c.Desired, Observed: c.Observed, Base: c.Base, HumanAt: c.HumanAt, Ruling: c.Ruling,
		Writes: c.writes, Reverts: c.reverts, Owed: c.owed}
	k := key{w.Sync, w.Customer}
	for _, e := range db.events {
		if e.Outcome == "" && e.Sync == k.sync && e.Customer == k.customer {
			e := *e
			e.Payload = nil
			w.Events = append(w.Events, e)
		}
	}
	w.Pin = db.pinned(k)
	w.Link = db.link(k)
	w.Former = db.former(k, w)
	for _, i := range db.intents {
		if i.key == k {
			w.Intents = append(w.Intents, i.Intent)
		}
	}
	for _, x := range db.exceptions {
		if x.Sync == k.sync && x.Customer == k.customer && closable(x) {
			w.Open = append(w.Open, x.Kind)
			w.WrittenOver = w.WrittenOver || x.Kind == status.Conflict && x.Cause == store.WrittenOver
		}
	}
	return w
}

// NextDue returns when the next customer can be claimed.
func (db *DB) NextDue(_ context.Context, sync string) (time.Time, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var next time.Time
	for c := range db.rows(sync) {
		if c.DueAt.IsZero() {
			continue
		}
		at := c.DueAt
		if c.leaseUntil.After(at) {
			at = c.leaseUntil
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, nil
}

// Claimable returns the customers of a sync that are due and nobody's, the
// longest due first.
func (db *DB) Claimable(sync string) []string {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	var due []*customer
	for c := range db.rows(sync) {
		if c.claimable(now) {
			due = append(due, c)
		}
	}
	slices.SortStableFunc(due, func(a, b *customer) int { return a.DueAt.Compare(b.DueAt) })
	var names []string
	for _, c := range due {
		names = append(names, c.Customer.Customer)
	}
	return names
}
