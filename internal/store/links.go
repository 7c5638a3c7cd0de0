package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

const linkColumns = "sync, customer, target_id, rule, confidence, linked_by, linked_at"

func scanLink(s scanner) (Link, error) {
	var l Link
	var linked int64
	err := s.Scan(&l.Sync, &l.Customer, &l.TargetID, &l.Rule, &l.Confidence, &l.By, &linked)
	l.At = at(linked)
	return l, err
}

// SaveLink stores a link that a match rule found for a claimed customer. It
// returns a *DuplicateLinkError when the record belongs to another customer.
func (db *DB) SaveLink(ctx context.Context, w *Work, l Link) error {
	err := db.update(ctx, func(t *tx) error {
		if err := t.unclaimedRecord(l); err != nil {
			return err
		}
		if err := t.holdClaim(w); err != nil {
			return err
		}
		// It was linked meanwhile: a guess does not replace what a person said.
		other := 0
		err := t.query(func(s scanner) error { return s.Scan(&other) },
			"select count(*) from links where sync = $1 and customer = $2 and target_id <> $3", l.Sync, l.Customer, l.TargetID)
		if err != nil {
			return err
		}
		if other > 0 {
			return ErrFenced
		}
		return t.setLink(l, l.Rule)
	}, key{w.Sync, w.Customer})
	if sync, renamed := db.renamedMeanwhile(ctx, w, err); renamed {
		l.Sync = sync
		return db.SaveLink(ctx, under(sync, w), l)
	}
	if err != nil {
		return fmt.Errorf("link customer %s of %s: %w", l.Customer, l.Sync, err)
	}
	return nil
}

// unclaimedRecord returns a *DuplicateLinkError when another customer has the
// record. Two who ask at once are told apart by the unique constraint.
func (t *tx) unclaimedRecord(l Link) error {
	owner := ""
	err := t.query(func(s scanner) error { return s.Scan(&owner) },
		"select customer from links where sync = $1 and target_id = $2 and customer <> $3", l.Sync, l.TargetID, l.Customer)
	if err == nil && owner != "" {
		err = &DuplicateLinkError{Sync: l.Sync, TargetID: l.TargetID, Customer: owner}
	}
	return err
}

// putLink stores a link; l.At is since when the record has been the customer's,
// zero for now.
func (t *tx) putLink(l Link) error {
	if l.At.IsZero() {
		l.At = t.now
	}
	_, err := t.exec("insert into links ("+linkColumns+`) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (sync, customer) do update set target_id = excluded.target_id, rule = excluded.rule, confidence = excluded.confidence,
    linked_by = excluded.linked_by, linked_at = excluded.linked_at`,
		l.Sync, l.Customer, l.TargetID, l.Rule, l.Confidence, l.By, ms(l.At))
	return err
}

// lookAgain makes a customer due, if there is one, because what it depends on has
// changed. As with an event, a customer who is due keeps the place in the queue.
// One whose history is left to a plan is carried once a person asks.
func (t *tx) lookAgain(sync, customer string, itself bool) error {
	if IsForgotten(customer) {
		return nil
	}
	_, err := t.exec(`update customers set generation = generation + 1, attempts = 0, first_try = 0,
    unheard = case when $4 = 1 then unheard else 0 end,
    due_at = case when due_at <= $3 and lease_until <= $3 then due_at else $3 end where sync = $1 and customer = $2`,
		sync, customer, ms(t.now), bit(itself))
	return err
}

// decidedAgain is lookAgain after a decision that an attempt in progress does not
// know of: it may no longer send or settle anything. The next attempt waits until
// it is over (GiveBack), or for its lease, because a call of it may be in flight.
func (t *tx) decidedAgain(sync, customer string) error {
	if _, err := t.exec("update customers set fence = fence + 1 where sync = $1 and customer = $2", sync, customer); err != nil {
		return err
	}
	return t.lookAgain(sync, customer, false)
}

// linkChanged follows a change of a customer's link: what was decided about the
// old record, and what it held, is forgotten, an exception about it closes, the
// customer's history shows who did what, and the customer is tried again. targetID
// is "" when the link is gone.
func (t *tx) linkChanged(sync, customer, before, targetID, who string) error {
	d := Decision{Sync: sync, Customer: customer, TargetID: targetID, Action: "link",
		Reason: reason.Reason{Code: reason.LinkedBy, Facts: reason.Facts{By: who, Record: targetID}}}
	if targetID == "" {
		d.Action, d.Reason = "unlink", reason.Reason{Code: reason.LinkRemovedBy, Facts: reason.Facts{By: who}}
	}
	err := t.decidedAgain(sync, customer)
	if err == nil && (before != targetID || targetID == "") {
		err = t.forgetRecord(sync, customer)
	}
	if err == nil && before != "" && targetID != "" && before != targetID { // the edit that was seen is of the other record
		_, err = t.exec("update customers set human_at = 0 where sync = $1 and customer = $2", sync, customer)
	}
	if err := errors.Join(err, t.appendDecision(d)); err != nil {
		return err
	}
	broken := where{}
	broken.equal("sync", sync)
	broken.equal("customer", customer)
	broken.equal("kind", string(status.BrokenLink))
	broken.equal("stage", string(status.StageReadTarget)) // the other broken link is a customer that is gone from the source
	_, err = t.resolve(broken)
	return err
}

// SetLink links a customer to a record, as a person says, and tries it again. A
// link that the same person made already is no change.
func (db *DB) SetLink(ctx context.Context, l Link) error {
	_, err := db.setLinks(ctx, l.Sync, []Link{l}, reason.LinkSet, func(old Link) bool { return old.TargetID == l.TargetID && old.By == l.By })
	return err
}

// RemoveLink removes a customer's link and tries the customer again, with the match
// rules. It returns ErrNotFound when there is none.
func (db *DB) RemoveLink(ctx context.Context, sync, customer, who string) error {
	err := db.update(ctx, func(t *tx) error {
		removed, err := t.takeLink(sync, customer, reason.LinkRemoved, who)
		if err != nil {
			return err
		}
		if !removed {
			return ErrNotFound
		}
		if err = t.linkChanged(sync, customer, "", "", who); err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: who, Sync: sync, Customer: customer, Act: reason.Reason{Code: reason.ActLinkRemoved}})
	})
	if err != nil {
		return fmt.Errorf("remove the link of customer %s of %s: %w", customer, sync, err)
	}
	return nil
}

// ImportLinks sets all the links of one sync, or none when one of them would
// give two customers the same record. One whose customer has that record
// already stays as it was found. It returns how many changed.
func (db *DB) ImportLinks(ctx context.Context, sync string, links []Link) (changed int, err error) {
	targets := map[string]string{}
	for _, l := range links {
		targets[l.Customer] = l.TargetID
	}
	return db.setLinks(ctx, sync, links, reason.LinkImported, func(old Link) bool { return old.TargetID == targets[old.Customer] })
}

// setLinks sets the links of which isSo does not say that they are so already.
func (db *DB) setLinks(ctx context.Context, sync string, links []Link, why string, isSo func(old Link) bool) (changed int, err error) {
	err = db.update(ctx, func(t *tx) error {
		changed = 0
		have, err := t.concerned(sync, links)
		if err != nil {
			return err
		}
		fresh, err := changedLinks(sync, have, links, isSo)
		if err != nil {
			return err
		}
		// All go before any comes: two customers may change places.
		for _, l := range fresh {
			if _, err := t.exec("delete from links where sync = $1 and customer = $2", sync, l.Customer); err != nil {
				return err
			}
		}
		for _, l := range fresh {
			before := have[l.Customer]
			l.At = time.Time{}
			if before.TargetID == l.TargetID { // confirmed: what is known of the record stays
				l.At = before.At
			}
			if err := errors.Join(t.putLink(l), t.noteLink(l, before.TargetID, why)); err != nil {
				return err
			}
			if err := t.linkChanged(sync, l.Customer, before.TargetID, l.TargetID, l.By); err != nil {
				return err
			}
		}
		changed = len(fresh)
		return t.recordLinks(ctx, sync, fresh, why)
	})
	if err != nil {
		return 0, fmt.Errorf("set links of %s: %w", sync, err)
	}
	return changed, nil
}

// recordLinks records links that a person set, by a file as one act.
func (t *tx) recordLinks(ctx context.Context, sync string, fresh []Link, why string) error {
	if len(fresh) == 0 {
		return nil
	}
	a := Activity{Who: fresh[0].By, Sync: sync, Act: reason.Reason{Code: reason.ActLinksImported, Facts: reason.Facts{Count: len(fresh)}}}
	if why == reason.LinkSet {
		a.Customer, a.Act = fresh[0].Customer, reason.Reason{Code: reason.ActLinked, Facts: reason.Facts{Record: fresh[0].TargetID}}
	}
	return t.record(ctx, a)
}

// concerned returns the links that the customers of a list have, and those that
// its records are in, by customer. A sync may have a million others.
func (t *tx) concerned(sync string, links []Link) (map[string]Link, error) {
	have := map[string]Link{}
	for column, of := range map[string]func(Link) string{"customer": func(l Link) string { return l.Customer }, "target_id": func(l Link) string { return l.TargetID }} {
		names := make([]string, len(links))
		for i, l := range links {
			names[i] = of(l)
		}
		if err := inParts(names, func(part []string) error {
			places, args := padded(part, 1)
			return t.query(func(s scanner) error {
				l, err := scanLink(s)
				have[l.Customer] = l
				return err
			}, "select "+linkColumns+" from links where sync = $1 and "+column+" in ("+places+")", append([]any{sync}, args...)...)
		}); err != nil {
			return nil, err
		}
	}
	return have, nil
}

// changedLinks returns the links that are not so already.
func changedLinks(sync string, have map[string]Link, links []Link, isSo func(old Link) bool) ([]Link, error) {
	var fresh []Link
	was := have
	have = maps.Clone(have)
	for _, l := range links {
		l.Sync = sync
		if old, ok := have[l.Customer]; ok && isSo(old) {
			continue
		}
		have[l.Customer] = l
		fresh = append(fresh, l)
	}
	before := map[string]string{}
	for customer, l := range was {
		before[l.TargetID] = customer
	}
	owners := map[string]string{}
	for customer, l := range have {
		if other, taken := owners[l.TargetID]; taken {
			// The one to be named is who has the record, not who is to get it.
			holder := min(customer, other)
			if had := before[l.TargetID]; had == customer || had == other {
				holder = had
			}
			return nil, &DuplicateLinkError{Sync: sync, TargetID: l.TargetID, Customer: holder}
		}
		owners[l.TargetID] = customer
	}
	return fresh, nil
}

// Links returns the links of a sync by customer; "" is all syncs.
func (db *DB) Links(ctx context.Context, sync string) ([]Link, error) {
	w := where{}
	w.equal("sync", sync)
	var found []Link
	err := db.view(ctx, func(s scanner) error {
		l, err := scanLink(s)
		found = append(found, l)
		return err
	}, "select "+linkColumns+" from links"+w.String()+" order by sync, customer", w.args...)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return found, nil
}
