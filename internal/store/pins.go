package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Pin is a person's word that a customer is left alone: it is read, and nothing is
// written to its record.
type Pin struct {
	Sync     string
	Customer string
	Since    time.Time
	Until    time.Time // zero: until a person ends it
	By       string
	Reason   string
}

// holds reports whether the pin is in force.
func (p Pin) holds(now time.Time) bool { return p.Until.IsZero() || now.Before(p.Until) }

// Pinned is what pinning a customer came to.
type Pinned struct {
	Pin
	// Before is the pin whose place it took, nil when the customer was not pinned.
	Before *Pin
	// Changed is false when the customer was pinned in the same words already.
	Changed bool
	// Known is false while nothing was ever received or read of the customer.
	Known bool
}

// PinnedError means that a person has pinned the customer: nothing was changed, and
// nothing may be written.
type PinnedError struct{ Pin Pin }

func (e *PinnedError) Error() string {
	return fmt.Sprintf("customer %s of %s is pinned", e.Pin.Customer, e.Pin.Sync)
}

const pinColumns = "sync, customer, since, until_at, who, reason"

func scanPin(s scanner) (Pin, error) {
	var p Pin
	var since, until int64
	err := s.Scan(&p.Sync, &p.Customer, &since, &until, &p.By, &p.Reason)
	p.Since, p.Until = at(since), at(until)
	return p, err
}

// PinCustomer leaves a customer alone from now on, seen before or not, in place of
// the pin there may be. A write that has begun ends; when this returns no other
// begins. ErrNotFound means that the customer was forgotten.
func (db *DB) PinCustomer(ctx context.Context, p Pin) (done Pinned, err error) {
	p.Until = p.Until.Truncate(time.Millisecond)
	err = db.update(ctx, func(t *tx) error {
		done = Pinned{Pin: p, Changed: true}
		done.Since = t.now
		if IsForgotten(p.Customer) {
			return ErrNotFound
		}
		if done.Before, err = t.pinned(p.Sync, p.Customer); err != nil {
			return err
		}
		if done.Known, err = t.met(p.Sync, p.Customer); err != nil {
			return err
		}
		if b := done.Before; b != nil && b.By == p.By && b.Reason == p.Reason && b.Until.Equal(p.Until) {
			done.Pin, done.Changed = *b, false
			return nil
		}
		// The row is what a write of the customer locks: it begins before, or not at all.
		if _, err := t.exec(makeCustomer, p.Sync, p.Customer, ms(t.now)); err != nil {
			return err
		}
		if err := t.endPin(p.Sync, p.Customer, p.By); err != nil {
			return err
		}
		if _, err := t.exec("insert into pins (sync, customer, since, until_at, who, reason) values ($1, $2, $3, $4, $5, $6)",
			p.Sync, p.Customer, ms(t.now), ms(p.Until), p.By, p.Reason); err != nil {
			return err
		}
		err := t.record(ctx, Activity{Who: p.By, Sync: p.Sync, Customer: p.Customer, Act: reason.Reason{Code: reason.ActPinned, Facts: reason.Facts{Until: p.Until}}, Why: p.Reason})
		return errors.Join(err, t.lookAtPinned(p.Sync, p.Customer, done.Known))
	}, key{p.Sync, p.Customer})
	if err != nil {
		return Pinned{}, fmt.Errorf("pin customer %s of %s: %w", p.Customer, p.Sync, err)
	}
	return done, nil
}

// Unpin ends a customer's pin and returns it, nil when there was none. The customer
// is looked at again at once.
func (db *DB) Unpin(ctx context.Context, sync, customer, who string) (ended *Pin, err error) {
	err = db.update(ctx, func(t *tx) error {
		if ended, err = t.pinned(sync, customer); err != nil || ended == nil {
			return err
		}
		if err := t.endPin(sync, customer, who); err != nil {
			return err
		}
		known, err := t.met(sync, customer)
		if err != nil {
			return err
		}
		err = t.record(ctx, Activity{Who: who, Sync: sync, Customer: customer, Act: reason.Reason{Code: reason.ActUnpinned}})
		return errors.Join(err, t.lookAtPinned(sync, customer, known))
	}, key{sync, customer})
	if err != nil {
		return nil, fmt.Errorf("unpin customer %s of %s: %w", customer, sync, err)
	}
	return ended, nil
}

// lookAtPinned lets a customer be looked at whose pin has changed. One that nobody
// has met has nothing to be looked at.
func (t *tx) lookAtPinned(sync, customer string, known bool) error {
	if !known {
		return nil
	}
	return t.lookAgain(sync, customer, true) // it asks for none of its history
}

// met reports whether anything was ever received or read of a customer.
func (t *tx) met(sync, customer string) (met bool, err error) {
	err = t.query(func(s scanner) error { met = true; return nil },
		"select 1 from customers where sync = $1 and customer = $2 and (generation > 0 or desired_seen_at > 0)", sync, customer)
	return met, err
}

// endPin ends the open pin of a customer, also one whose time has passed: that one
// ended by itself.
func (t *tx) endPin(sync, customer, who string) error {
	_, err := t.exec(`update pins set ended_by = case when until_at > 0 and until_at <= $3 then '' else $4 end,
    ended_at = case when until_at > 0 and until_at <= $3 then until_at else $3 end
where sync = $1 and customer = $2 and ended_at = 0`, sync, customer, ms(t.now), who)
	return err
}

// pinned returns the pin of a customer that is in force, nil when there is none.
func (t *tx) pinned(sync, customer string) (found *Pin, err error) {
	err = t.query(func(s scanner) error {
		p, err := scanPin(s)
		if p.holds(t.now) {
			found = &p
		}
		return err
	}, "select "+pinColumns+" from pins where sync = $1 and customer = $2 and ended_at = 0", sync, customer)
	return found, err
}

// CustomerPin returns the pin of a customer that is in force, nil when there is none.
func (db *DB) CustomerPin(ctx context.Context, sync, customer string) (*Pin, error) {
	found, err := db.pins(ctx, " and sync = $1 and customer = $2", sync, customer)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// showPins fills in the pins of customers of a sync, or of any where it is "".
func (db *DB) showPins(ctx context.Context, sync string, customers []Customer) error {
	all, err := db.Pins(ctx, sync)
	by := map[key]*Pin{}
	for _, p := range all {
		by[key{p.Sync, p.Customer}] = &p
	}
	for i, c := range customers {
		customers[i].Pin = by[key{c.Sync, c.Customer}]
	}
	return err
}

// Pins returns the pins of a sync that are in force, by customer; "" is every sync.
func (db *DB) Pins(ctx context.Context, sync string) ([]Pin, error) {
	return db.pins(ctx, " and ($1 = '' or sync = $1)", sync)
}

func (db *DB) pins(ctx context.Context, chosen string, args ...any) ([]Pin, error) {
	now, err := db.Now(ctx)
	var found []Pin
	err = errors.Join(err, db.view(ctx, func(s scanner) error {
		p, err := scanPin(s)
		if p.holds(now) {
			found = append(found, p)
		}
		return err
	}, "select "+pinColumns+" from pins where ended_at = 0"+chosen+" order by sync, customer", args...))
	if err != nil {
		return nil, fmt.Errorf("read who is pinned: %w", err)
	}
	return found, nil
}

// pinnedOf is 1 for a customer with an open pin.
const pinnedOf = "case when exists (select 1 from pins p where p.sync = customers.sync and p.customer = customers.customer and p.ended_at = 0) then 1 else 0 end"

// loadPins fills in the pins that are in force. Nearly always there are none.
func loadPins(query func(func(scanner) error, string, ...any) error, by map[string]*Work, of among) error {
	some := false
	for _, w := range by {
		some, w.Pin = some || w.Pin != nil, nil
	}
	if !some {
		return nil
	}
	return query(func(s scanner) error {
		p, err := scanPin(s)
		if w := by[p.Customer]; p.holds(w.Now) {
			w.Pin = &p
		}
		return err
	}, "select "+pinColumns+" from pins"+of.where+" and ended_at = 0", of.args...)
}
