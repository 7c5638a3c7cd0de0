package store

import (
	"context"
	"fmt"
	"time"
)

// Looks is the rules under which the customers of a sync are read.
type Looks struct {
	Rules  string // a hash of which record and which field a look is about
	Target string // a hash of the target's field
	Policy string // a hash of when a change is written, "" for at once
	Since  time.Time
}

// Looks returns the rules under which the customers of a sync are read, as the last
// process noted them, the zero Looks when none has.
func (db *DB) Looks(ctx context.Context, sync string) (l Looks, err error) {
	err = db.view(ctx, func(s scanner) error { return scanLooks(s, &l) }, readLooks, sync)
	if err != nil {
		return Looks{}, fmt.Errorf("read by which rules %s is looked at: %w", sync, err)
	}
	return l, nil
}

const readLooks = "select rules, target, policy, since from looks where sync = $1"

func scanLooks(s scanner, l *Looks) error {
	var since int64
	err := s.Scan(&l.Rules, &l.Target, &l.Policy, &since)
	l.Since = at(since)
	return err
}

// NoteLooks notes the rules under which the customers of a sync are read from now
// on. What was read before the first note counts as read under it. When the target
// keeps the status in another field than before, what was read and written in that
// one is forgotten: nothing is known of the new field yet. When another policy
// holds, the customers are due that the old one made wait, or ask.
func (db *DB) NoteLooks(ctx context.Context, sync string, now Looks) error {
	err := db.update(ctx, func(t *tx) error {
		var was Looks
		if err := t.query(func(s scanner) error { return scanLooks(s, &was) }, readLooks, sync); err != nil {
			return err
		}
		if was.Policy != now.Policy {
			if err := t.lookAtDelayed(sync); err != nil {
				return err
			}
		}
		same := was.Rules == now.Rules && was.Target == now.Target
		if same && was.Policy == now.Policy {
			return nil
		}
		since := int64(0)
		switch {
		case same:
			since = ms(was.Since)
		case was.Rules != "":
			since = ms(t.now)
		}
		if was.Target != "" && was.Target != now.Target {
			if err := t.forgetTarget(sync); err != nil {
				return err
			}
		}
		_, err := t.exec(`insert into looks (sync, rules, target, policy, since) values ($1, $2, $3, $4, $5)
on conflict (sync) do update set rules = excluded.rules, target = excluded.target, policy = excluded.policy, since = excluded.since`,
			sync, now.Rules, now.Target, now.Policy, since)
		return err
	})
	if err != nil {
		return fmt.Errorf("note by which rules %s is looked at: %w", sync, err)
	}
	return nil
}

// delayed chooses the customers whose change waits for its time, and asked those
// whose change waits for a person, by what the configuration says of transitions.
const (
	delayed = "outcome = 'held' and reason_code = 'change_waits'"
	asked   = "outcome = 'parked' and reason_code in ('change_asks', 'change_forbidden')"
)

// lookAtDelayed makes them due now.
func (t *tx) lookAtDelayed(sync string) error {
	const who = "(" + delayed + " or " + asked + ")"
	if t.db.lock != "" { // as lockCustomers does
		if _, err := t.exec("select 1 from customers where sync = $1 and "+who+" order by sync, customer for update", sync); err != nil {
			return err
		}
	}
	_, err := t.exec(`update customers set generation = generation + 1, attempts = 0, first_try = 0,
    due_at = case when due_at <= $2 and lease_until <= $2 then due_at else $2 end
where sync = $1 and customer not like $3 and `+who, sync, ms(t.now), forgottenPrefix+"%")
	return err
}

// forgetTarget forgets what was read and written in the target, and leaves the
// links. What an attempt in progress knows is no longer true.
func (t *tx) forgetTarget(sync string) error {
	if err := t.lockCustomersOf(sync); err != nil {
		return err
	}
	if _, err := t.exec("delete from intents where sync = $1", sync); err != nil {
		return err
	}
	_, err := t.exec(`update customers set base_known = 0, base_record_id = '', base_status = '', base_value = '', base_by = '', base_at = 0,
    base_seen_at = 0, base_sent = '', base_unverified = 0, human_at = 0, observed_status = '', observed_value = '', observed_at = 0, observed_by = '', observed_seen_at = 0, ruling = '',
    undone = '', last_write = '', fence = fence + 1 where sync = $1`, sync)
	return err
}
