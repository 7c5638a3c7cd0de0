package oracle

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (db *DB) link(k key) *store.Link {
	for _, l := range db.links {
		if l.Sync == k.sync && l.Customer == k.customer {
			l := *l
			return &l
		}
	}
	return nil
}

// OtherCustomer returns another customer who has a source key's value.
func (db *DB) OtherCustomer(_ context.Context, sync, customer, key, value string) (string, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, c := range db.order {
		has := map[string]string{"id": c.Customer.Customer, "email": c.Email}[key]
		if key == "email" {
			value = strings.ToLower(strings.TrimSpace(value))
		}
		if c.Sync == sync && c.Customer.Customer != customer && has != "" && has == value {
			return c.Customer.Customer, nil
		}
	}
	return "", nil
}

// SaveLink stores a link that a match rule found for a claimed customer.
func (db *DB) SaveLink(_ context.Context, w *store.Work, l store.Link) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	for _, other := range db.links {
		if other.Sync == l.Sync && other.TargetID == l.TargetID && other.Customer != l.Customer {
			return fmt.Errorf("link customer %s of %s: %w", l.Customer, l.Sync,
				&store.DuplicateLinkError{Sync: l.Sync, TargetID: l.TargetID, Customer: other.Customer})
		}
	}
	if db.held(w, now) == nil {
		return fmt.Errorf("link customer %s of %s: %w", l.Customer, l.Sync, store.ErrFenced)
	}
	if have := db.link(key{l.Sync, l.Customer}); have != nil && have.TargetID != l.TargetID {
		return fmt.Errorf("link customer %s of %s: %w", l.Customer, l.Sync, store.ErrFenced)
	}
	db.put(l, l.Rule, now)
	return nil
}

// FollowLink moves the link of a claimed customer to the survivor of a merge.
func (db *DB) FollowLink(_ context.Context, w *store.Work, from, to string) (store.Link, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	failed := func(err error) (store.Link, error) {
		return store.Link{}, fmt.Errorf("move the link of customer %s of %s to the survivor: %w", w.Customer, w.Sync, err)
	}
	for _, other := range db.links {
		if other.Sync == w.Sync && other.TargetID == to && other.Customer != w.Customer {
			return failed(&store.DuplicateLinkError{Sync: w.Sync, TargetID: to, Customer: other.Customer})
		}
	}
	k := key{w.Sync, w.Customer}
	have := db.link(k)
	if db.held(w, now) == nil || have == nil || have.TargetID != from {
		return failed(store.ErrFenced)
	}
	l := store.Link{Sync: w.Sync, Customer: w.Customer, TargetID: to, Rule: store.SurvivorRule, Confidence: have.Confidence, By: "trueup", At: now}
	db.put(l, reason.LinkFollowed, now)
	db.forgetRecord(k)
	return l, nil
}

// LinkHistory returns how a customer's link has changed, the latest first.
func (db *DB) LinkHistory(_ context.Context, sync, customer string, limit int) ([]store.LinkChange, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var found []store.LinkChange
	for _, c := range slices.Backward(db.linkChanges) {
		if len(found) < limit && c.Sync == sync && c.Customer == customer {
			found = append(found, c)
		}
	}
	return found, nil
}

// put sets a customer's link.
func (db *DB) put(l store.Link, why string, now time.Time) {
	l.At = now
	if old := db.link(key{l.Sync, l.Customer}); old != nil && old.TargetID == l.TargetID {
		l.At = old.At // confirmed: since when it is the customer's stays
	}
	before := db.drop(key{l.Sync, l.Customer})
	// What people set is noted whether it moves the link or not.
	if byPeople := why == reason.LinkSet || why == reason.LinkImported; before != l.TargetID || byPeople {
		db.noteLink(l, before, why)
	}
	db.links = append(db.links, &l)
}

// target is the record of a customer, "" for none.
func (db *DB) target(k key) string {
	if l := db.link(k); l != nil {
		return l.TargetID
	}
	return ""
}

// drop takes a link away and returns the record it led to, "" for none.
func (db *DB) drop(k key) (before string) {
	db.links = slices.DeleteFunc(db.links, func(l *store.Link) bool {
		gone := l.Sync == k.sync && l.Customer == k.customer
		if gone {
			before = l.TargetID
		}
		return gone
	})
	return before
}

// take is drop as who says; it reports whether there was a link.
func (db *DB) take(k key, why, who string) bool {
	before := db.drop(k)
	if before != "" {
		db.noteLink(store.Link{Sync: k.sync, Customer: k.customer, By: who}, before, why)
	}
	return before != ""
}

func (db *DB) noteLink(l store.Link, before, why string) {
	db.linkChanges = append(db.linkChanges, store.LinkChange{Sync: l.Sync, Customer: l.Customer, OldTarget: before, NewTarget: l.TargetID,
		At: db.clock(), Why: why, Who: l.By})
}

// decidedAgain is lookAgain after which an attempt under way may report nothing.
func (db *DB) decidedAgain(k key) bool {
	if c, ok := db.customers[k]; ok {
		c.fence++
	}
	return db.lookAgain(k)
}

// lookAgain makes a customer due that has been seen before.
func (db *DB) lookAgain(k key) bool {
	c, ok := db.customers[k]
	if !ok {
		return false
	}
	now := db.clock()
	c.wakeAt(now, now)
	c.Attempts, c.firstTry = 0, time.Time{}
	return true
}

// linkChanged is what follows when somebody has changed a customer's link.
func (db *DB) linkChanged(k key, before, targetID, who string) (seen bool) {
	d := store.Decision{ID: int64(len(db.decisions) + 1), At: db.clock(), Sync: k.sync, Customer: k.customer, TargetID: targetID, Action: "link", Reason: reason.Reason{Code: reason.LinkedBy, Facts: reason.Facts{By: who, Record: targetID}}}
	if targetID == "" {
		d.Action, d.Reason = "unlink", reason.Reason{Code: reason.LinkRemovedBy, Facts: reason.Facts{By: who}}
	}
	db.decisions = append(db.decisions, d)
	if before != targetID || targetID == "" {
		db.forgetRecord(k)
	}
	if c, ok := db.customers[k]; ok && before != "" && targetID != "" && before != targetID {
		c.HumanAt = time.Time{}
	}
	for _, x := range db.exceptions {
		if x.Sync == k.sync && x.Customer == k.customer && x.Kind == status.BrokenLink && x.Stage == status.StageReadTarget {
			db.resolve(x)
		}
	}
	return db.decidedAgain(k)
}

// SetLink links a customer to a record as a person says.
func (db *DB) SetLink(_ context.Context, l store.Link) error {
	_, err := db.setLinks(l.Sync, []store.Link{l}, reason.LinkSet, func(old, l store.Link) bool { return old.TargetID == l.TargetID && old.By == l.By })
	return err
}

// ImportLinks sets all the links of one sync, or none.
func (db *DB) ImportLinks(_ context.Context, sync string, links []store.Link) (changed int, err error) {
	return db.setLinks(sync, links, reason.LinkImported, func(old, l store.Link) bool { return old.TargetID == l.TargetID })
}

func (db *DB) setLinks(sync string, links []store.Link, why string, isSo func(old, l store.Link) bool) (changed int, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	have, before := map[string]store.Link{}, map[string]string{}
	for _, l := range db.links {
		if l.Sync == sync {
			have[l.Customer], before[l.TargetID] = *l, l.Customer
		}
	}
	var fresh []store.Link
	for _, l := range links {
		l.Sync = sync
		if old, ok := have[l.Customer]; ok && isSo(old, l) {
			continue
		}
		have[l.Customer] = l
		fresh = append(fresh, l)
	}
	owners := map[string]string{}
	for name, l := range have {
		if other, taken := owners[l.TargetID]; taken {
			holder := min(name, other)
			if had := before[l.TargetID]; had == name || had == other {
				holder = had
			}
			return 0, fmt.Errorf("set links of %s: %w", sync, &store.DuplicateLinkError{Sync: sync, TargetID: l.TargetID, Customer: holder})
		}
		owners[l.TargetID] = name
	}
	for _, l := range fresh {
		before := db.target(key{sync, l.Customer})
		db.put(l, why, db.clock())
		db.linkChanged(key{sync, l.Customer}, before, l.TargetID, l.By)
	}
	return len(fresh), nil
}

// RemoveLink takes a customer's link away and looks at it again.
func (db *DB) RemoveLink(_ context.Context, sync, customer, who string) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.take(key{sync, customer}, reason.LinkRemoved, who) {
		return fmt.Errorf("remove the link of customer %s of %s: %w", customer, sync, store.ErrNotFound)
	}
	db.linkChanged(key{sync, customer}, "", "", who)
	return nil
}

// former are the records that a customer had before, and that were seen filled.
func (db *DB) former(k key, w store.Work) (records []string) {
	if w.Link != nil && w.Base.Known && w.Base.RecordID == w.Link.TargetID {
		return nil
	}
	for _, c := range db.linkChanges {
		if c.Sync != k.sync || c.Customer != k.customer || c.OldTarget == "" || c.OldTarget == c.NewTarget {
			continue
		}
		if slices.ContainsFunc(db.decisions, func(d store.Decision) bool {
			return d.Sync == k.sync && d.Customer == k.customer && d.TargetID == c.OldTarget && (d.Observed != "" || d.Outcome == status.Applied)
		}) {
			records = append(records, c.OldTarget)
		}
	}
	slices.Sort(records)
	return slices.Compact(records)
}

// forgetRecord forgets what is known of the record that a customer had.
func (db *DB) forgetRecord(k key) {
	if c, ok := db.customers[k]; ok {
		c.Ruling.Kind, c.Observed, c.reverts = "", store.Observed{}, store.Reverts{}
	}
}

// OpenException opens an exception, or counts it when it is open already.
func (db *DB) OpenException(_ context.Context, x store.NewException) (id int64, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.open(x, db.clock()), nil
}

// CloseExceptions resolves the open exceptions of one kind of a customer.
func (db *DB) CloseExceptions(_ context.Context, sync, customer string, kind status.Kind, lastAction string) (closed int, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, x := range db.exceptions {
		if lastAction != "" && x.Sync == sync && inTroubles(customer, kind) && x.Customer == customer && x.Kind == kind {
			if db.endTrouble(x, lastAction) {
				closed++
			}
			continue
		}
		if x.Sync == sync && x.Customer == customer && x.Kind == kind && (lastAction == "" || x.LastAction == lastAction) && db.resolve(x) {
			closed++
		}
	}
	return closed, nil
}

// Rest lets a connection rest until a time; an earlier one changes nothing.
func (db *DB) Rest(_ context.Context, name string, until time.Time) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if c, until := db.connection(name), milli(until); until.After(c.pausedUntil) {
		c.pausedUntil = until
	}
	return nil
}

func (db *DB) connection(name string) *connection {
	c, ok := db.connections[name]
	if !ok {
		c = &connection{}
		db.connections[name] = c
	}
	return c
}

// RestsUntil returns until when a connection rests.
func (db *DB) RestsUntil(_ context.Context, name string) (time.Time, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if c, ok := db.connections[name]; ok {
		return c.pausedUntil, nil
	}
	return time.Time{}, nil
}

// Reserve takes the next n calls of a connection.
func (db *DB) Reserve(ctx context.Context, name string, n, requests int, per time.Duration) (now, first time.Time, gap time.Duration, err error) {
	now, first, gap, _, err = db.ReserveWithin(ctx, name, n, requests, per, math.MaxInt64)
	return now, first, gap, err
}

// ReserveWithin is Reserve for a caller who can wait so long.
func (db *DB) ReserveWithin(_ context.Context, name string, n, requests int, per, within time.Duration) (now, first time.Time, gap time.Duration, ok bool, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	gap = max(per/time.Duration(requests), time.Microsecond)
	now = db.clock()
	c := db.connection(name)
	at := max(c.nextSlot-max(c.asked-now.UnixMicro(), 0), now.UnixMicro())
	if ok = n > 0 && at-now.UnixMicro() <= within.Microseconds(); ok {
		c.nextSlot, c.asked = at+(time.Duration(n)*gap).Microseconds(), now.UnixMicro()
	}
	return now, time.UnixMicro(at).UTC(), gap, ok, nil
}

// TakeTurn gives a turn to the one who may have it now.
func (db *DB) TakeTurn(_ context.Context, name store.Turn, every, lease time.Duration) (cursor string, fence int64, ok bool, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	t := db.turns[name]
	if t == nil {
		t = &turn{}
		db.turns[name] = t
	}
	if t.leaseUntil.After(now) && !t.leaseUntil.After(milli(now.Add(lease))) || t.endedAt.After(milli(now.Add(-every))) && !t.endedAt.After(now) {
		return "", 0, false, nil
	}
	t.fence++
	t.leaseUntil, t.holder = milli(now.Add(lease)), db.process
	if !t.underWay {
		t.takenAt = now
	}
	return t.cursor, t.fence, true, nil
}

// SaveTurn stores how far a turn has come.
func (db *DB) SaveTurn(_ context.Context, name store.Turn, fence int64, cursor string, done bool) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	t := db.turns[name]
	if t == nil || t.fence != fence || !t.leaseUntil.After(now) {
		return fmt.Errorf("save the turn for %s: %w", name, store.ErrFenced)
	}
	t.cursor, t.underWay = cursor, !done
	if done {
		t.endedAt, t.endedFrom, t.leaseUntil = now, t.takenAt, time.Time{}
	}
	return nil
}

// SavePage stores how far a list of changes is read. What people are shown of it is
// none of the oracle's business.
func (db *DB) SavePage(ctx context.Context, connection string, fence int64, cursor string, done bool, _ store.Page) error {
	return db.SaveTurn(ctx, store.ChangesOf(connection), fence, cursor, done)
}

// StopPoll gives a list of changes back without progress.
func (db *DB) StopPoll(ctx context.Context, connection string, fence int64, _ string, _ time.Duration) error {
	return db.LeaveTurn(ctx, store.ChangesOf(connection), fence)
}

// ListedAt returns when the last complete list of a connection's changes was asked for.
func (db *DB) ListedAt(_ context.Context, connection string) (time.Time, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if t := db.turns[store.ChangesOf(connection)]; t != nil {
		return t.endedFrom, nil
	}
	return time.Time{}, nil
}

// LeaveTurn gives a turn back without progress.
func (db *DB) LeaveTurn(_ context.Context, name store.Turn, fence int64) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if t := db.turns[name]; t != nil && t.fence == fence {
		t.leaseUntil = time.Time{}
	}
	return nil
}

// Customers returns the customers of a sync that a person may mean.
func (db *DB) Customers(_ context.Context, sync, named string) ([]store.Customer, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	email := strings.ToLower(strings.TrimSpace(named))
	var found []store.Customer
	for c := range db.rows(sync) {
		l := db.link(key{sync, c.Customer.Customer})
		if c.Customer.Customer == named || l != nil && l.TargetID == named || c.Email != "" && c.Email == email {
			row := c.Customer
			row.Link = l
			found = append(found, row)
		}
	}
	return found, nil
}
