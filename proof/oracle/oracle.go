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
// It may import internal/store and internal/status; only tests and the
// simulator import it.
package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
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
	email             string
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
	arrived = make([]store.Arrival, len(events))
	for i, e := range events {
		arrived[i] = db.receive(e, now)
	}
	return arrived, nil
}

func (db *DB) receive(e store.NewEvent, now time.Time) store.Arrival {
	if e.Side == store.TargetSide && e.Outcome == "" {
		i := slices.IndexFunc(db.links, func(l *store.Link) bool { return l.Sync == e.Sync && l.TargetID == e.Customer })
		if i < 0 {
			e.Outcome, e.Reason = status.Ignored, reason.Reason{Code: reason.EventNotLinked}
		} else {
			e.Customer = db.links[i].Customer
		}
	}
	if db.insert(e, now) {
		return store.Fresh
	}
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

// wake makes the customer due; who waits for his turn keeps it.
func (c *customer) wake(now time.Time) {
	c.generation++
	if !c.claimable(now) {
		c.DueAt = now
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
		Writes: c.writes, Undone: c.undone, Owed: c.owed}
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

// held returns the row that a claim holds, nil when its lease is over or
// another has claimed it.
func (db *DB) held(w *store.Work, now time.Time) *customer {
	c := db.customers[key{w.Sync, w.Customer}]
	if db.unfenced {
		return c
	}
	if c == nil || c.fence != w.Fence || !c.leaseUntil.After(now) {
		return nil
	}
	return c
}

// Settle commits all that an attempt learned, or nothing.
func (db *DB) Settle(_ context.Context, w *store.Work, s store.Settlement) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	c := db.held(w, now)
	if c == nil {
		return fmt.Errorf("settle customer %s of %s: %w", w.Customer, w.Sync, store.ErrFenced)
	}
	c.release(w, s, now, db.live[w.Sync])
	c.settleWrites(w, s)
	if s.Wake != "" {
		other := db.customer(key{w.Sync, s.Wake})
		other.wake(now)
	}
	db.intents = slices.DeleteFunc(db.intents, func(i *intent) bool {
		return i.key == key{w.Sync, w.Customer} && slices.Contains(s.CloseIntents, i.ID)
	})
	for _, i := range db.intents {
		if i.key == (key{w.Sync, w.Customer}) && slices.Contains(s.SeenIntents, i.ID) {
			i.Seen = true
		}
		if i.key == (key{w.Sync, w.Customer}) && slices.Contains(s.Accepted, i.ID) {
			i.Accepted = true
		}
	}
	for _, o := range s.Events {
		if e := db.event(o.Seq); e != nil && e.Outcome == "" {
			e.Outcome, e.Reason, e.SettledAt = o.Outcome, o.Reason, now
		}
	}
	if s.Park != nil {
		db.open(*s.Park, now)
	}
	db.closeAfter(w, s)
	if s.Decision != nil {
		d := *s.Decision
		d.ID, d.At = int64(len(db.decisions)+1), now
		d.DesiredAt, d.ObservedAt = milli(d.DesiredAt), milli(d.ObservedAt)
		db.decisions = append(db.decisions, d)
	}
	return nil
}

// GiveBack ends the lease of an attempt that may settle nothing any more.
func (db *DB) GiveBack(_ context.Context, w *store.Work) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if c := db.customers[key{w.Sync, w.Customer}]; c != nil && c.fence > w.Fence && c.leaseUntil.Equal(milli(w.LeaseUntil)) {
		c.leaseUntil = time.Time{}
	}
	return nil
}

func (c *customer) release(w *store.Work, s store.Settlement, now time.Time, live bool) {
	c.leaseUntil, c.Attempts, c.firstTry = time.Time{}, s.Attempts, milli(s.FirstTry)
	if c.generation == w.Generation && !s.KeepDue {
		c.DueAt = milli(s.RetryAt)
	}
	if human := milli(s.HumanAt); s.Overruled || human.After(c.HumanAt) {
		c.HumanAt = human
	}
	if email := strings.ToLower(strings.TrimSpace(s.Email)); email != "" {
		c.email = email
	}
	if s.Outcome != "" {
		c.Outcome, c.Reason, c.SettledAt = s.Outcome, s.Reason, now
	}
	if c.Ruling.At.Equal(milli(s.RulingDone)) {
		c.Ruling.Kind = ""
	}
	if !s.KeepDue && c.generation == w.Generation && (s.Outcome == status.Applied || s.Outcome == status.AlreadyEqual || s.Outcome != "" && s.Watched == nil) {
		c.owed = false
	} else if s.Outcome != "" && live {
		c.owed = true
	}
	if s.Outcome == status.Applied || s.Outcome != "" && !s.Halted && !s.KeepDue && c.generation == w.Generation {
		c.waits, c.passes = false, false
	}
	was, held := c.Desired, c.Observed
	// A value that the settlement leaves is as it was claimed.
	c.Desired, c.Observed, c.Base, c.undone = w.Desired, w.Observed, w.Base, w.Undone
	if s.Undone != nil {
		c.undone = *s.Undone
		if c.undone.Written.IsZero() && len(c.undone.Times) == 0 {
			c.undone = store.Undone{}
		}
	}
	if d := s.Desired; d != nil {
		c.Desired = *d
		c.Desired.At, c.Desired.SeenAt, c.Desired.EventAt = milli(d.At), milli(d.SeenAt), milli(d.EventAt)
	}
	if c.Desired.SourceValue != was.SourceValue || !was.At.IsZero() && c.Desired.At.After(was.At) {
		c.changes.source++
	}
	if o := s.Observed; o != nil {
		c.Observed = *o
		c.Observed.At, c.Observed.SeenAt = milli(o.At), milli(o.SeenAt)
	}
	if c.Observed.Value != held.Value || c.Observed.At.After(held.At) {
		c.changes.target++
	}
	if b := s.Base; b != nil {
		c.Base = *b
		c.Base.At, c.Base.SeenAt = milli(b.At), milli(b.SeenAt)
	}
}

// closable are exceptions that close when their customer overcomes them.
func closable(x *store.Exception) bool {
	return isOpen(x.State) || x.State == status.StateIgnored && x.Ignored == store.IgnoredUntilChange
}

func isOpen(s status.State) bool { return s == status.Open || s == status.Acknowledged }

// closeAfter resolves what the customer has overcome.
func (db *DB) closeAfter(w *store.Work, s store.Settlement) {
	if len(w.Open) == 0 || s.Close == store.CloseNone {
		return
	}
	for _, x := range db.exceptions {
		if x.Sync != w.Sync || x.Customer != w.Customer {
			continue
		}
		switch {
		case s.Keep != "" && x.Kind == s.Keep:
		case s.Close == store.CloseAll,
			s.Park != nil && !s.Park.Stage.Before(x.Stage) && x.Kind != s.Park.Kind,
			s.Park == nil && s.Decision != nil && x.Stage.Before(s.Decision.Stage):
			db.resolve(x)
		}
	}
}

// resolve closes an exception that is closable, and reports whether it was.
func (db *DB) resolve(x *store.Exception) bool {
	if !closable(x) {
		return false
	}
	x.State, x.Ignored, db.dismissed[x.ID] = status.Resolved, "", false
	db.note(x.ID, "trueup", "closed", "")
	return true
}

// open opens an exception, or counts it when it is open already.
func (db *DB) open(n store.NewException, now time.Time) int64 {
	n.Candidates = copied(n.Candidates)
	if n.Cause == "" {
		n.Cause = n.Customer
	}
	var counted changes
	if c, ok := db.customers[key{n.Sync, n.Customer}]; ok {
		counted = c.changes
	}
	for _, x := range db.exceptions {
		if x.Sync == n.Sync && x.Customer == n.Customer && x.Kind == n.Kind {
			db.again(x, n, now, counted)
			db.addTrouble(x, n)
			db.counted[x.ID] = counted
			return x.ID
		}
	}
	x := &store.Exception{ID: int64(len(db.exceptions) + 1), NewException: n, State: status.Open, Count: 1, FirstSeen: now, LastSeen: now, OpenedAt: now, WaitsSince: now}
	db.exceptions = append(db.exceptions, x)
	db.counted[x.ID] = counted
	db.addTrouble(x, n)
	return x.ID
}

// again counts an exception, and opens it if it is one that comes back.
func (db *DB) again(x *store.Exception, n store.NewException, now time.Time, counted changes) {
	was := db.counted[x.ID]
	changed := was.source != counted.source || x.SourceValue != n.SourceValue
	asItWas := db.dismissed[x.ID] && !changed && was.target == counted.target && x.TargetValue == n.TargetValue
	resolved := x.State == status.Resolved
	if resolved {
		delete(db.troubles, x.ID)
	}
	if x.Assigned && !resolved {
		n.Owner = x.Owner
	}
	x.Assigned = x.Assigned && !resolved
	back := resolved && !asItWas || x.State == status.StateIgnored && x.Ignored == store.IgnoredUntilChange && changed
	if !back && len(n.Candidates) == 0 {
		n.Candidates = x.Candidates
	}
	if back {
		x.State, x.Ignored, x.OpenedAt, x.WaitsSince, x.RemindedAt = status.Open, "", now, now, time.Time{}
	}
	x.NewException, x.LastSeen = n, now
	x.Count++
}

// copied gives candidates back as a database does, which keeps them as JSON.
func copied(c []status.Candidate) []status.Candidate {
	if len(c) == 0 {
		return c
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // a confidence that is no number: a bug of the caller
	}
	var back []status.Candidate
	if err := json.Unmarshal(text, &back); err != nil {
		panic(err)
	}
	return back
}
