package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

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
	} else if next := now.Add(store.BetweenLooks); s.Outcome != "" && !s.KeepDue && !c.DueAt.IsZero() && c.DueAt.Before(next) {
		c.DueAt = next
	}
	if human := milli(s.HumanAt); s.Overruled || human.After(c.HumanAt) {
		c.HumanAt = human
	}
	if email := strings.ToLower(strings.TrimSpace(s.Email)); email != "" {
		c.Email = email
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
	c.Desired, c.Observed, c.Base, c.reverts = w.Desired, w.Observed, w.Base, w.Reverts
	if s.Reverts != nil {
		c.reverts = *s.Reverts
		if c.reverts.Written.IsZero() && len(c.reverts.Times) == 0 {
			c.reverts = store.Reverts{}
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
