package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// One statement checks the claim and stores the intent (invariant 3). None is
// stored while a person has paused the sync or pinned the customer.
const insertIntent = `
insert into intents (sync, customer, record_id, value, prior, sent_at, expires, prior_at)
select sync, customer, cast($5 as text), cast($6 as text), cast($7 as text), cast($8 as bigint), cast($9 as bigint), cast($10 as bigint)
from customers where sync = $1 and customer = $2 and fence = $3 and lease_until > $4
and not exists (select 1 from pauses p where p.sync = $1 and p.ended_at = 0)
and not exists (select 1 from pins p where p.sync = $1 and p.customer = $2 and p.ended_at = 0 and (p.until_at = 0 or p.until_at > $4))
returning id`

// BeginWrite stores an intent before its write is sent. After any error nothing
// may be sent, and what is sent must have its deadline inside the lease. The
// limits are counted in the same transaction: after a *TooManyWritesError or a
// *HaltedError it is stored that they stopped the write. A *PinnedError and
// ErrPaused mean that a person did, and that the claim still holds.
func (db *DB) BeginWrite(ctx context.Context, w *Work, i Intent, l Limits) (Intent, error) {
	var b beginning
	j := &job{ctx: ctx, touches: []key{{w.Sync, w.Customer}}, do: func(t *tx) error {
		b = beginning{intent: i, writes: w.Writes}
		return b.begin(ctx, t, w, l)
	}}
	if l.MassChange != nil {
		j.halts = w.Sync
	}
	err := db.run(j)
	if sync, renamed := db.renamedMeanwhile(ctx, w, err); renamed {
		other := under(sync, w)
		begun, err := db.BeginWrite(ctx, other, i, l)
		w.Writes = other.Writes
		return begun, err
	}
	if err == nil {
		w.Writes, err = b.writes, b.refused
	}
	if err != nil {
		return Intent{}, fmt.Errorf("begin a write for customer %s of %s: %w", w.Customer, w.Sync, err)
	}
	return b.intent, nil
}

// beginning is a write that is about to be sent.
type beginning struct {
	intent  Intent
	writes  Writes // of the customer, with this one
	refused error  // by a limit
}

func (b *beginning) begin(ctx context.Context, t *tx, w *Work, l Limits) error {
	// Whoever pauses or pins waits for this lock, or is seen by the insert after it.
	moved, passes, err := t.holdForWrite(w)
	if err != nil {
		return err
	}
	if l.none() {
		return b.store(ctx, t, w)
	}
	repeats := b.writes.repeats(b.intent, w.Intents)
	if !repeats && b.writes.reached(l.PerCustomer, t.now) {
		b.refused = &TooManyWritesError{Customer: w.Customer}
		b.writes.Stopped = true
		return t.putWrites(w, b.writes, moved)
	}
	counts := l.MassChange != nil && !passes
	if counts {
		since, err := t.haltedFor(w, moved, l.MassChange)
		if err != nil {
			return err
		}
		if !since.IsZero() {
			b.refused = &HaltedError{Sync: w.Sync, Since: since}
			return nil
		}
	}
	if err := b.store(ctx, t, w); err != nil {
		return err
	}
	if !repeats {
		b.writes = b.writes.and(Write{Intent: b.intent.ID, Value: b.intent.Value, At: t.now, Counts: counts, Moved: moved}, l.PerCustomer)
	}
	if counts {
		moved = t.now
	}
	return t.putWrites(w, b.writes, moved)
}

func (b *beginning) store(ctx context.Context, t *tx, w *Work) error {
	i := &b.intent
	i.ID = 0
	err := t.query(func(s scanner) error { return s.Scan(&i.ID) }, insertIntent,
		w.Sync, w.Customer, w.Fence, ms(t.now), i.RecordID, i.Value, i.Prior, ms(i.SentAt), ms(i.Expires), ms(i.PriorAt))
	if err == nil && i.ID == 0 {
		err = t.whyNot(w)
	}
	if r := i.Ruling; err == nil && r != nil {
		_, err = t.exec(`update customers set ruling = $3, ruling_desired = $4, ruling_observed = $5, ruling_record_at = 0, ruling_until = 0,
    ruling_at = $6, ruling_by = $7 where sync = $1 and customer = $2`, w.Sync, w.Customer, string(r.Kind), r.Desired, r.Observed, ms(r.At), r.By)
	}
	if r := i.Ruling; err == nil && r != nil && r.Kind == RuledByUndo {
		err = t.record(ctx, Activity{Who: r.By, Sync: w.Sync, Customer: w.Customer, Act: reason.Reason{Code: reason.ActUndid, Facts: reason.Facts{Found: r.Desired, Value: r.Observed}}})
	}
	if err == nil && w.NotDue {
		// If it is never settled, the next attempt checks whether it has arrived.
		_, err = t.exec("update customers set due_at = lease_until where sync = $1 and customer = $2 and due_at is null", w.Sync, w.Customer)
	}
	return err
}

// whyNot is who keeps a claimed customer from being written.
func (t *tx) whyNot(w *Work) error {
	pin, err := t.pinned(w.Sync, w.Customer)
	switch {
	case err != nil:
		return err
	case pin != nil:
		return &PinnedError{*pin}
	}
	return ErrPaused
}

// holdForWrite is holdClaim, and tells when the customer last counted towards
// mass_change, and whether a person has let it through.
func (t *tx) holdForWrite(w *Work) (moved time.Time, passes bool, err error) {
	held := false
	err = t.query(func(s scanner) error {
		held = true
		var last int64
		var mark string
		err := s.Scan(&last, &mark)
		moved, passes = at(last), mark == haltPasses
		return err
	}, "select moved_at, halted from customers where sync = $1 and customer = $2 and fence = $3 and lease_until > $4 /*hold*/", w.Sync, w.Customer, w.Fence, ms(t.now))
	if err == nil && !held {
		err = ErrFenced
	}
	return moved, passes, err
}

func (t *tx) putWrites(w *Work, writes Writes, moved time.Time) error {
	text, err := jsonOf(writes)
	if err != nil {
		return err
	}
	_, err = t.exec("update customers set writes = $3, moved_at = $4 where sync = $1 and customer = $2", w.Sync, w.Customer, text, ms(moved))
	return err
}
