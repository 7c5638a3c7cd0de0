package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// The choice is materialized: PostgreSQL may run a subquery again for each row,
// and then claims more than the limit. The state is tested in the outer
// statement as well: between the choice and the lock another node may have
// claimed the row. It is tested there by a sum, which no index has: in the first minute of
// a rush PostgreSQL still counts on nobody being due, and would look up the chosen ones
// among all who are.
const claimCustomers = `
with chosen as materialized (
    select customer from customers where sync = $1 and due_at <= $2 and lease_until <= $2
    order by due_at, customer limit $4 /*lock*/)
update customers set fence = fence + 1, lease_until = $3, holder = $5
where sync = $1 and due_at + 0 <= $2 and lease_until <= $2 and customer in (select customer from chosen)
returning ` + workColumns

const workColumns = "customer, generation, fence, due_at, attempts, first_try, human_at, writes, undone, last_write, owed, unheard, " + pinnedOf + ", " + rulingColumns + ", " + valueColumns

// Claim takes up to limit customers of a sync that are due and that no one has,
// for the time of the lease (invariant 3).
func (db *DB) Claim(ctx context.Context, sync string, limit int, lease time.Duration) ([]Work, error) {
	holder, err := db.place(ctx)
	if err != nil {
		return nil, fmt.Errorf("claim customers of %s: %w", sync, err)
	}
	var claimed []Work
	err = db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		claimed = nil
		if t.renamed(sync) {
			return nil
		}
		works, err := t.claim(sync, limit, lease, holder)
		claimed = works
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("claim customers of %s: %w", sync, err)
	}
	return claimed, nil
}

func (t *tx) claim(sync string, limit int, lease time.Duration, holder int64) ([]Work, error) {
	works, err := t.claimed(sync, lease, claimCustomers, limit, holder)
	if err != nil || len(works) == 0 {
		return nil, err
	}
	slices.SortFunc(works, func(a, b Work) int { return strings.Compare(a.Customer, b.Customer) })
	by := map[string]*Work{}
	for i := range works {
		by[works[i].Customer] = &works[i]
	}
	return works, loadWork(t.query, by, t.db.among(sync, works))
}

// claimed runs a statement that claims customers; chosen is what it chooses
// them by besides the sync and the time.
func (t *tx) claimed(sync string, lease time.Duration, statement string, chosen any, holder int64) ([]Work, error) {
	var works []Work
	until := t.now.Add(lease)
	err := t.query(func(s scanner) error {
		w, err := scanWork(s)
		w.Sync, w.Now, w.LeaseUntil = sync, t.now, until
		works = append(works, w)
		return err
	}, statement, sync, ms(t.now), ms(until), chosen, holder)
	return works, err
}

// scanWork reads workColumns and, into more, what is asked for behind them.
func scanWork(s scanner, more ...any) (Work, error) {
	var w Work
	var due sql.NullInt64
	var first, human, owed, unheard, pinned int64
	var writes, undone, last string
	v, r := values{desired: &w.Desired, observed: &w.Observed, base: &w.Base}, ruling{into: &w.Ruling}
	err := s.Scan(slices.Concat([]any{&w.Customer, &w.Generation, &w.Fence, &due, &w.Attempts, &first, &human, &writes, &undone, &last, &owed, &unheard, &pinned}, r.columns(), v.into(), more)...)
	v.finish()
	r.finish()
	w.Due, w.FirstTry, w.HumanAt, w.Owed, w.Unheard = at(due.Int64), at(first), at(human), owed == 1, unheard == 1
	if pinned == 1 {
		w.Pin = &Pin{} // which loadPins fills in
	}
	return w, errors.Join(err, fromJSON(writes, &w.Writes), fromJSON(undone, &w.Reverts), fromJSON(last, &w.LastWrite))
}

// A customer without an event has no row, and nothing to do until it is asked for
// by name. Its fences begin as those of wakeCustomer.
const makeCustomer = `
insert into customers (sync, customer, generation, due_at, fence) values ($1, $2, 0, null, $3) on conflict (sync, customer) do nothing`

const claimCustomer = `
update customers set fence = fence + 1, lease_until = $3, holder = $5
where sync = $1 and customer = $4 and lease_until <= $2
returning ` + workColumns

// ClaimOne takes one customer, seen before or not and due or not, for the time
// of the lease (invariant 3). It returns false while someone else has it. plan is
// the comparison whose row asks for the customer, 0 when none does: ErrNotFound
// means that the row is gone, and the customer, who may have been forgotten since
// it was read, gets no row; a *RowEndedError that the row has ended meanwhile.
func (db *DB) ClaimOne(ctx context.Context, sync, customer string, plan int64, lease time.Duration) (w Work, ok bool, err error) {
	holder, err := db.place(ctx)
	if err != nil {
		return Work{}, false, fmt.Errorf("claim customer %s of %s: %w", customer, sync, err)
	}
	err = db.run(&job{ctx: ctx, names: true, touches: []key{{sync, customer}}, do: func(t *tx) error {
		ok = false
		if t.renamed(sync) {
			return ErrRenamed
		}
		if err := t.holdRow(plan, customer); err != nil { // invariant 7: before anything is written
			return err
		}
		if err := t.know(SyncName, sync); err != nil {
			return err
		}
		if _, err := t.exec(makeCustomer, sync, customer, ms(t.now)); err != nil {
			return err
		}
		works, err := t.claimed(sync, lease, claimCustomer, customer, holder)
		if ok = err == nil && len(works) == 1; !ok {
			return err
		}
		w = works[0]
		w.NotDue = w.Due.IsZero()
		return loadWork(t.query, map[string]*Work{customer: &w}, among{" where sync = $1 and customer = $2", []any{sync, customer}, ""})
	}})
	if err != nil {
		return Work{}, false, fmt.Errorf("claim customer %s of %s: %w", customer, sync, err)
	}
	return w, ok, nil
}

// holdRow locks a plan's row to the end of the transaction. On PostgreSQL it waits
// for a transaction that forgets the customer, and then finds no row.
func (t *tx) holdRow(plan int64, customer string) error {
	if plan == 0 {
		return nil
	}
	var ended *RowEndedError
	found := false
	err := t.query(func(s scanner) error {
		found = true
		var state, note string
		err := s.Scan(&state, &note)
		if state == string(RowApplied) || state == string(RowRefused) {
			ended = &RowEndedError{State: RowState(state), Note: note}
		}
		return err
	}, "update plan_rows set state = state where sweep = $1 and customer = $2 returning state, note", plan, customer)
	switch {
	case err != nil:
		return err
	case !found:
		return ErrNotFound
	case ended != nil:
		return ended
	}
	return nil
}

// RowEndedError means that a plan's row has ended since it was read.
type RowEndedError struct {
	State RowState
	Note  string
}

func (e *RowEndedError) Error() string { return "the row is " + string(e.State) + " already" }

// loadSeen fills in what comparisons saw of customers who were not carried yet.
func loadSeen(query func(func(scanner) error, string, ...any) error, by map[string]*Work, of among) error {
	fresh := false
	for _, w := range by {
		fresh = fresh || w.Desired.SourceValue == ""
	}
	if !fresh {
		return nil
	}
	return query(func(s scanner) error {
		var customer, value string
		var seen int64
		err := s.Scan(&customer, &value, &seen)
		by[customer].Seen = Seen{value, at(seen)}
		return err
	}, "select customer, value, seen_at from seen"+of.where, of.args...)
}

// loadFormer fills in the records that customers had before. A base is about one
// record and needs none of it.
func loadFormer(query func(func(scanner) error, string, ...any) error, by map[string]*Work, of among) error {
	asked := false
	for _, w := range by {
		asked = asked || w.Link == nil || !w.Base.Known || w.Base.RecordID != w.Link.TargetID
	}
	if !asked {
		return nil
	}
	err := query(func(s scanner) error {
		var customer, record string
		err := s.Scan(&customer, &record)
		by[customer].Former = append(by[customer].Former, record)
		return err
	}, "select distinct customer, old_target from link_history h"+of.where+` and old_target <> '' and old_target <> new_target
    and exists (select 1 from decisions d where d.sync = h.sync and d.customer = h.customer and d.target_id = h.old_target
        and (d.observed <> '' or d.outcome = 'applied'))`, of.args...)
	for _, w := range by {
		slices.Sort(w.Former)
	}
	return err
}

// among chooses customers of a sync in other tables.
type among struct {
	where string
	args  []any
	// waiting is the statement for their events that wait, those of each in their order,
	// "" for the usual one.
	waiting string
}

// among chooses the customers of works.
func (db *DB) among(sync string, works []Work) among {
	if db.lists {
		customers := make([]string, len(works))
		for i, w := range works {
			customers[i] = w.Customer
		}
		// One after the other: in the first minute of a rush PostgreSQL still counts on no
		// event waiting, and would look for these customers' among all that do.
		return among{" where sync = $1 and customer = any($2)", []any{sync, customers},
			"select " + eventColumns + " from unnest($2::text[]) wanted (id) cross join lateral (select " + eventColumns + " from events where sync = $1 and customer = wanted.id and outcome = '' order by seq) theirs"}
	}
	// Few statement texts for any number of customers, since each is kept prepared: the last
	// customer is repeated.
	args, n := []any{sync}, 16
	for n < len(works) {
		n *= 4
	}
	places := make([]string, n)
	for i := range places {
		args = append(args, works[min(i, len(works)-1)].Customer)
		places[i] = fmt.Sprintf("$%d", i+2)
	}
	return among{" where sync = $1 and customer in (" + strings.Join(places, ", ") + ")", args, ""}
}

// loadWork fills in what stands in other tables.
func loadWork(query func(func(scanner) error, string, ...any) error, by map[string]*Work, of among) error {
	err := query(func(s scanner) error {
		var e Event
		err := scanEvent(s, &e)
		w := by[e.Customer]
		w.Events = append(w.Events, e)
		return err
	}, cmp.Or(of.waiting, "select "+eventColumns+" from events"+of.where+" and outcome = '' order by seq"), of.args...)
	if err != nil {
		return err
	}
	if err := loadSeen(query, by, of); err != nil {
		return err
	}
	if err := loadPins(query, by, of); err != nil {
		return err
	}
	err = query(func(s scanner) error {
		l, err := scanLink(s)
		by[l.Customer].Link = &l
		return err
	}, "select "+linkColumns+" from links"+of.where, of.args...)
	if err != nil {
		return err
	}
	if err := loadFormer(query, by, of); err != nil {
		return err
	}
	err = query(func(s scanner) error {
		var i Intent
		var customer string
		var sent, expires, prior, seen, accepted int64
		err := s.Scan(&i.ID, &customer, &i.RecordID, &i.Value, &i.Prior, &sent, &expires, &prior, &seen, &accepted)
		i.SentAt, i.Expires, i.PriorAt, i.Seen, i.Accepted = at(sent), at(expires), at(prior), seen == 1, accepted == 1
		w := by[customer]
		w.Intents = append(w.Intents, i)
		return err
	}, "select id, customer, record_id, value, prior, sent_at, expires, prior_at, seen, accepted from intents"+of.where+" order by id", of.args...)
	if err != nil {
		return err
	}
	return query(func(s scanner) error {
		var x Exception
		err := s.Scan(&x.Customer, &x.Kind, &x.Cause)
		w := by[x.Customer]
		w.Open = append(w.Open, x.Kind)
		w.WrittenOver = w.WrittenOver || x.Kind == status.Conflict && x.Cause == WrittenOver
		return err
	}, "select customer, kind, cause from exceptions"+of.where+" and "+closable+" order by id", of.args...)
}

// NextDue returns when the next customer of the sync can be claimed, zero when
// nothing is left to do.
func (db *DB) NextDue(ctx context.Context, sync string) (time.Time, error) {
	var next int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&next) }, `
select coalesce(min(case when due_at > lease_until then due_at else lease_until end), 0)
from customers where sync = $1 and due_at is not null`, sync)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the next customer of %s: %w", sync, err)
	}
	return at(next), nil
}
