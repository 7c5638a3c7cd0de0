package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// CloseScope says which open exceptions of the customer a settlement resolves.
type CloseScope int

// The scopes.
const (
	// CloseNone leaves them.
	CloseNone CloseScope = iota
	// CloseAll resolves all: the customer was carried.
	CloseAll
	// CloseBefore resolves those of the stages up to Park's, or without one before
	// the decision's: the customer got that far. Park's own kind stays.
	CloseBefore
)

// Settlement is all that one attempt learned and changed.
type Settlement struct {
	Desired      *Desired  // nil leaves it
	Observed     *Observed // nil leaves it
	Base         *Base     // nil leaves it
	HumanAt      time.Time // zero leaves it
	Overruled    bool      // an owner has ruled over the edits seen before: HumanAt takes their place
	Email        string    // for finding the customer by it; "" leaves it
	Name         string    // for people to know the customer by; "" leaves it
	Reverts      *Reverts  // nil leaves it
	CloseIntents []int64
	SeenIntents  []int64
	Accepted     []int64 // intents that the tool says it has done, and does not show
	Unsent       []int64 // intents of which the target said that nothing was written
	Events       []EventOutcome
	Decision     *Decision
	Park         *NewException
	Close        CloseScope
	Keep         status.Kind // what Close leaves open all the same, "" nothing
	RetryAt      time.Time   // zero: nothing is left to do
	Attempts     int
	FirstTry     time.Time
	RulingDone   time.Time      // the ruling made then is used up, unless there is a later one
	Halted       bool           // whether the customer waits at a halt, or was let through, stays as it is
	Outcome      status.Outcome // "" leaves outcome and reason
	Reason       reason.Reason
	Watched      *Watched   // what the look found, in a sync that only watches
	KeepDue      bool       // RetryAt does not count: it stays due when it was
	Row          *RowEnd    // nil: it was not carried for a plan
	LastWrite    *LastWrite // nil leaves it
	Names        []string   // the ids of other customers, and of records, that its sentences name
	Wake         string     // another customer of the sync that must be tried; "" is none
}

// EventOutcome is how one event ended.
type EventOutcome struct {
	Seq     int64
	Outcome status.Outcome
	Reason  reason.Reason
}

// Settle commits all that an attempt learned, in one transaction (invariant 5),
// or nothing: ErrFenced when the claim is not the latest or its lease is over.
func (db *DB) Settle(ctx context.Context, w *Work, s Settlement) error {
	touches := []key{{w.Sync, w.Customer}}
	if s.Wake != "" {
		touches = append(touches, key{w.Sync, s.Wake})
	}
	err := db.update(ctx, func(t *tx) error { return t.settle(w, s) }, touches...)
	if sync, renamed := db.renamedMeanwhile(ctx, w, err); renamed {
		return db.Settle(ctx, under(sync, w), s.under(sync))
	}
	if err != nil {
		return fmt.Errorf("settle customer %s of %s: %w", w.Customer, w.Sync, err)
	}
	return nil
}

// GiveBack ends the lease of an attempt that is over and may settle nothing,
// because a person decided something meanwhile: the next attempt need not wait for
// it. It changes nothing once another has claimed the customer.
func (db *DB) GiveBack(ctx context.Context, w *Work) error {
	var given int64
	err := db.update(ctx, func(t *tx) (err error) {
		given, err = t.exec("update customers set lease_until = 0 where sync = $1 and customer = $2 and fence > $3 and lease_until = $4",
			w.Sync, w.Customer, w.Fence, ms(w.LeaseUntil))
		return err
	}, key{w.Sync, w.Customer})
	if err != nil {
		return fmt.Errorf("give customer %s of %s back: %w", w.Customer, w.Sync, err)
	}
	if given == 0 {
		if sync, renamed := db.renamedMeanwhile(ctx, w, ErrFenced); renamed {
			return db.GiveBack(ctx, under(sync, w))
		}
	}
	return nil
}

// holdClaim checks the claim and locks its customer to the end of the
// transaction (invariant 3).
func (t *tx) holdClaim(w *Work) error {
	held := false
	err := t.query(func(s scanner) error {
		held = true
		return s.Scan(new(int))
	}, "select 1 from customers where sync = $1 and customer = $2 and fence = $3 and lease_until > $4 /*hold*/", w.Sync, w.Customer, w.Fence, ms(t.now))
	if err == nil && !held {
		err = ErrFenced
	}
	return err
}

// Invariant 4: when an event came during the attempt, the customer stays due, from
// BetweenLooks after this look, and what it is owed stays owed. A look of a node that only watches, while others write already, is owed another one.
var releaseCustomer = named(`
update customers set lease_until = 0, attempts = :attempts, first_try = :first_try,
    due_at = case when generation = :generation then :due when due_at < :next_look then :next_look else due_at end,
    human_at = case when :overruled = 1 or :human_at > human_at then :human_at else human_at end,
    email = case when :email <> '' then :email else email end,
    name = case when :name <> '' then :name else name end,
    sought = case when :name <> '' then :sought else sought end,
    outcome = case when :outcome <> '' then :outcome else outcome end,
    reason = case when :outcome <> '' then :reason else reason end,
    reason_code = case when :outcome <> '' then :reason_code else reason_code end,
    reason_facts = case when :outcome <> '' then :reason_facts else reason_facts end,
    settled_at = case when :outcome <> '' then :now else settled_at end,
    source_changes = source_changes + case when desired_source_value <> :desired_source_value
        or desired_at > 0 and desired_at < :desired_at then 1 else 0 end,
    target_changes = target_changes + case when observed_value <> :observed_value or observed_at < :observed_at then 1 else 0 end,
    desired_source_value = :desired_source_value, desired_status = :desired_status, desired_value = :desired_value,
    desired_at = :desired_at, desired_seen_at = :desired_seen_at, desired_since = :desired_since, desired_event = :desired_event, desired_event_at = :desired_event_at,
    observed_status = :observed_status, observed_value = :observed_value,
    observed_at = :observed_at, observed_by = :observed_by, observed_seen_at = :observed_seen_at,
    base_known = :base_known, base_record_id = :base_record_id, base_status = :base_status, base_value = :base_value, base_by = :base_by,
    base_at = :base_at, base_seen_at = :base_seen_at, base_sent = :base_sent, base_unverified = :base_unverified,
    ruling = case when ruling_at = :ruling_done then '' else ruling end, undone = :undone,
    last_write = case when :last_write <> '' then :last_write else last_write end,
    tried_at = case when :last_write <> '' then :tried_at else tried_at end,
    owed = case when generation = :generation and (:outcome in ('applied', 'already_equal') or :outcome <> '' and :watches = 0) then 0
        when :outcome <> '' and exists (select 1 from modes m where m.sync = :sync and m.mode = 'live') then 1 else owed end,
    unheard = case when :outcome = 'applied' then 0 else unheard end,
    halted = case when :outcome = 'applied' or :outcome <> '' and :keeps_halt = 0 and generation = :generation then '' else halted end
where sync = :sync and customer = :customer and fence = :fence and lease_until > :now`)

// release writes the customer itself. A value that the settlement leaves is
// written as it was claimed: no one else can have changed it under the lease.
func (t *tx) release(w *Work, s Settlement) (held bool, err error) {
	var due any // null: nothing is left to do
	if !s.RetryAt.IsZero() {
		due = ms(s.RetryAt)
	}
	d, o, b := w.Desired, w.Observed, w.Base
	if s.Desired != nil {
		d = *s.Desired
	}
	if s.Observed != nil {
		o = *s.Observed
	}
	if s.Base != nil {
		b = *s.Base
	}
	u := w.Reverts
	if s.Reverts != nil {
		u = *s.Reverts
	}
	undone, err := jsonOf(u)
	if err != nil {
		return false, err
	}
	last, tried := "", int64(0)
	if l := s.LastWrite; l != nil {
		if last, err = jsonOf(*l); err != nil {
			return false, err
		}
		if l.Trial && l.Undone.IsZero() {
			tried = ms(t.now)
		}
	}
	generation := w.Generation
	if s.KeepDue {
		generation = -1 // none is: whatever the customer waits for, it continues to wait
	}
	nextLook := int64(0) // it does not count
	if s.Outcome != "" && !s.KeepDue {
		nextLook = ms(t.now.Add(BetweenLooks))
	}
	why := keep(s.Reason)
	n, err := t.exec(releaseCustomer.text, releaseCustomer.args(map[string]any{
		"sync": w.Sync, "customer": w.Customer, "fence": w.Fence, "now": ms(t.now),
		"generation": generation, "due": due, "next_look": nextLook, "attempts": s.Attempts, "first_try": ms(s.FirstTry),
		"outcome": string(s.Outcome), "reason": why.text, "reason_code": why.code, "reason_facts": why.facts,
		"human_at": ms(s.HumanAt), "overruled": bit(s.Overruled), "ruling_done": ms(s.RulingDone), "undone": undone, "last_write": last, "tried_at": tried,
		"keeps_halt": bit(s.Halted), "watches": bit(s.Watched != nil), "email": strings.ToLower(strings.TrimSpace(s.Email)), "name": s.Name, "sought": strings.ToLower(s.Name),
		"desired_source_value": d.SourceValue, "desired_status": string(d.Status), "desired_value": d.Value,
		"desired_at": ms(d.At), "desired_seen_at": ms(d.SeenAt), "desired_since": ms(d.Since), "desired_event": d.Event, "desired_event_at": ms(d.EventAt),
		"observed_status": string(o.Status), "observed_value": o.Value,
		"observed_at": ms(o.At), "observed_by": o.By, "observed_seen_at": ms(o.SeenAt),
		"base_known": bit(b.Known), "base_record_id": b.RecordID, "base_status": string(b.Status), "base_value": b.Value,
		"base_by": b.By, "base_at": ms(b.At), "base_seen_at": ms(b.SeenAt), "base_sent": b.Sent, "base_unverified": bit(b.Unverified),
	})...)
	return n > 0, err
}

func (t *tx) settle(w *Work, s Settlement) error {
	held, err := t.release(w, s)
	if err != nil {
		return err
	}
	if !held {
		return ErrFenced // nothing was written yet
	}
	if s.Wake != "" {
		t.wake(w.Sync, s.Wake)
	}
	if err := t.mention(w.Sync, w.Customer, s.Names...); err != nil {
		return err
	}
	for _, id := range s.CloseIntents {
		if _, err := t.exec("delete from intents where id = $1 and sync = $2 and customer = $3", id, w.Sync, w.Customer); err != nil {
			return err
		}
	}
	for _, id := range s.SeenIntents {
		if _, err := t.exec("update intents set seen = 1 where id = $1 and sync = $2 and customer = $3", id, w.Sync, w.Customer); err != nil {
			return err
		}
	}
	for _, id := range s.Accepted {
		if _, err := t.exec("update intents set accepted = 1 where id = $1 and sync = $2 and customer = $3", id, w.Sync, w.Customer); err != nil {
			return err
		}
	}
	for _, e := range s.Events {
		why := keep(e.Reason)
		_, err := t.exec("update events set outcome = $2, reason = $3, settled_at = $4, reason_code = $5, reason_facts = $6 where seq = $1 and outcome = ''",
			e.Seq, string(e.Outcome), why.text, ms(t.now), why.code, why.facts)
		if err != nil {
			return err
		}
	}
	if s.Park != nil {
		if _, err := t.openException(*s.Park); err != nil {
			return err
		}
	}
	if err := t.settleWrites(w, s); err != nil {
		return err
	}
	if s.Row != nil {
		if err := t.endRow(w, *s.Row); err != nil {
			return err
		}
	}
	if err := t.closeExceptions(w, s); err != nil {
		return err
	}
	if l := s.LastWrite; l != nil {
		if err := t.wrote(w, *l); err != nil {
			return err
		}
	}
	if s.Watched != nil {
		if err := t.watch(w.Sync, w.Customer, *s.Watched); err != nil {
			return err
		}
	}
	if s.Decision != nil {
		return t.appendDecision(*s.Decision)
	}
	return nil
}

// settleWrites forgets the writes that did not leave, and all when the customer
// has overcome that there were too many.
func (t *tx) settleWrites(w *Work, s Settlement) error {
	switch {
	case s.Close == CloseAll && w.Writes.Stopped:
		_, err := t.exec("update customers set writes = '' where sync = $1 and customer = $2", w.Sync, w.Customer)
		return err
	case len(s.Unsent) > 0:
		left, moved, counted := w.Writes.without(s.Unsent)
		text, err := jsonOf(left)
		if err != nil {
			return err
		}
		_, err = t.exec("update customers set writes = $3, moved_at = case when $4 = 1 then $5 else moved_at end where sync = $1 and customer = $2",
			w.Sync, w.Customer, text, bit(counted), ms(moved))
		return err
	}
	return nil
}

// closable chooses the exceptions that close when their customer has overcome
// them. One that is ignored permanently stays ignored.
const closable = "(state in ('open', 'acknowledged') or state = 'ignored' and ignored = 'until_change')"

// closeExceptions resolves what the customer has overcome.
func (t *tx) closeExceptions(w *Work, s Settlement) error {
	if len(w.Open) == 0 || s.Close == CloseNone {
		return nil
	}
	c := where{}
	c.equal("sync", w.Sync)
	c.equal("customer", w.Customer)
	if s.Close == CloseBefore {
		passed := s.passed()
		if len(passed) == 0 {
			return nil
		}
		in(&c, "stage", passed)
		if s.Park != nil {
			c.that("kind <> " + c.arg(string(s.Park.Kind)))
		}
	}
	if s.Keep != "" {
		c.that("kind <> " + c.arg(string(s.Keep)))
	}
	_, err := t.resolve(c)
	return err
}

// passed are the stages whose exceptions CloseBefore resolves.
func (s Settlement) passed() []status.Stage {
	switch {
	case s.Park != nil:
		return status.Stages[:1+slices.Index(status.Stages, s.Park.Stage)]
	case s.Decision != nil:
		return status.Stages[:slices.Index(status.Stages, s.Decision.Stage)]
	}
	return nil
}

func (t *tx) appendDecision(d Decision) error {
	why := keep(d.Reason)
	_, err := t.exec(`
insert into decisions (sync, customer, made_at, action, reason, table_row, stage, outcome, kind, target_id, desired, observed, base,
    desired_at, observed_at, observed_by, confidence, events, reason_code, reason_facts, config)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		d.Sync, d.Customer, ms(t.now), d.Action, why.text, d.Row, string(d.Stage), string(d.Outcome), string(d.Kind), d.TargetID,
		d.Desired, d.Observed, d.Base, ms(d.DesiredAt), ms(d.ObservedAt), d.By, d.Confidence, d.Events, why.code, why.facts, d.Config)
	return err
}
