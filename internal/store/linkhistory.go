package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// LinkChange is one change of a customer's link.
type LinkChange struct {
	Sync      string
	Customer  string
	OldTarget string // "" when there was no link
	NewTarget string // "" when it was taken away
	At        time.Time
	Why       string // the rule, or one of the words of package reason
	Who       string
}

// setLink stores a link and, when it is another than before, the change.
func (t *tx) setLink(l Link, why string) error {
	var before string
	var since int64
	err := t.query(func(s scanner) error { return s.Scan(&before, &since) },
		"select target_id, linked_at from links where sync = $1 and customer = $2", l.Sync, l.Customer)
	if l.At = (time.Time{}); before == l.TargetID {
		l.At = at(since)
	}
	if err == nil {
		err = t.putLink(l)
	}
	if err != nil || before == l.TargetID {
		return err
	}
	return t.noteLink(l, before, why)
}

// takeLink takes a link away; it reports whether there was one.
func (t *tx) takeLink(sync, customer, why, who string) (bool, error) {
	before, err := t.linked(sync, customer)
	if err != nil || before == "" {
		return false, err
	}
	_, err = t.exec("delete from links where sync = $1 and customer = $2", sync, customer)
	return true, errors.Join(err, t.noteLink(Link{Sync: sync, Customer: customer, By: who}, before, why))
}

// linked returns the record a customer is linked to, "" for none.
func (t *tx) linked(sync, customer string) (record string, err error) {
	err = t.query(func(s scanner) error { return s.Scan(&record) }, "select target_id from links where sync = $1 and customer = $2", sync, customer)
	return record, err
}

func (t *tx) noteLink(l Link, before, why string) error {
	_, err := t.exec("insert into link_history (sync, customer, old_target, new_target, changed_at, why, who) values ($1, $2, $3, $4, $5, $6, $7)",
		l.Sync, l.Customer, before, l.TargetID, ms(t.now), why, l.By)
	return err
}

// SurvivorRule is the rule of a link that followed a merge in the target.
const SurvivorRule = "merged in the target"

// FollowLink moves the link of a claimed customer from a record that was merged to
// the remaining one, and forgets what was decided about the old record and what it
// held. It returns a *DuplicateLinkError when the remaining one is another
// customer's, and ErrFenced when the link has changed since the claim.
func (db *DB) FollowLink(ctx context.Context, w *Work, from, to string) (Link, error) {
	var moved Link
	err := db.update(ctx, func(t *tx) error {
		l := Link{Sync: w.Sync, Customer: w.Customer, TargetID: to, Rule: SurvivorRule, By: itself}
		if err := t.unclaimedRecord(l); err != nil {
			return err
		}
		if err := t.holdClaim(w); err != nil {
			return err
		}
		found := false
		err := t.query(func(s scanner) error {
			found = true
			return s.Scan(&l.Confidence)
		}, "select confidence from links where sync = $1 and customer = $2 and target_id = $3", w.Sync, w.Customer, from)
		if err == nil && !found {
			err = ErrFenced
		}
		if err != nil {
			return err
		}
		l.At = t.now
		moved = l
		return errors.Join(t.setLink(l, reason.LinkFollowed), t.forgetRecord(w.Sync, w.Customer))
	}, key{w.Sync, w.Customer})
	if err != nil {
		return Link{}, fmt.Errorf("move the link of customer %s of %s to the survivor: %w", w.Customer, w.Sync, err)
	}
	return moved, nil
}

// LinkHistory returns how a customer's link has changed, the latest first.
func (db *DB) LinkHistory(ctx context.Context, sync, customer string, limit int) ([]LinkChange, error) {
	var found []LinkChange
	err := db.view(ctx, func(s scanner) error {
		c := LinkChange{Sync: sync, Customer: customer}
		var changed int64
		err := s.Scan(&c.OldTarget, &c.NewTarget, &changed, &c.Why, &c.Who)
		c.At = at(changed)
		found = append(found, c)
		return err
	}, "select old_target, new_target, changed_at, why, who from link_history where sync = $1 and customer = $2 order by id desc limit $3",
		sync, customer, limit)
	if err != nil {
		return nil, fmt.Errorf("read how the link of customer %s of %s changed: %w", customer, sync, err)
	}
	return found, nil
}
