package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

const customerColumns = "sync, customer, name, email, outcome, reason, reason_code, reason_facts, settled_at, due_at, attempts, human_at, " + rulingColumns + ", " + valueColumns

// Customers returns the customers of a sync that a person may mean: by the
// source's id, the linked record's id, or the e-mail address last seen.
func (db *DB) Customers(ctx context.Context, sync, named string) ([]Customer, error) {
	var found []Customer
	// Three questions, each of which an index answers: asked as one with "or",
	// PostgreSQL reads every customer, and asked with "union", which sorts, SQLite every
	// customer of the sync.
	err := db.view(ctx, func(s scanner) error {
		c, err := scanCustomer(s)
		found = append(found, c)
		return err
	}, "select "+customerColumns+` from customers
where sync = $1 and customer in (select customer from customers where sync = $1 and customer = $2
    union all select customer from links where sync = $1 and target_id = $2
    union all select customer from customers where sync = $1 and email <> '' and email = $3)
order by customer`, sync, named, strings.ToLower(strings.TrimSpace(named)))
	if err != nil {
		return nil, fmt.Errorf("look for a customer of %s: %w", sync, err)
	}
	for i := range found {
		if found[i].Link, err = db.link(ctx, sync, found[i].Customer); err != nil {
			return nil, err
		}
	}
	return found, db.showPins(ctx, sync, found)
}

// OtherCustomer returns a customer of the sync, other than the one that is named,
// who has a source key's value, "" when none is known. Only the source's keys id
// and email are stored, so that no customer is known by any other.
func (db *DB) OtherCustomer(ctx context.Context, sync, customer, key, value string) (other string, err error) {
	column, ok := map[string]string{"id": "customer", "email": "email"}[key]
	if !ok || value == "" {
		return "", nil
	}
	if key == "email" {
		value = strings.ToLower(strings.TrimSpace(value))
	}
	err = db.view(ctx, func(s scanner) error { return s.Scan(&other) },
		"select customer from customers where sync = $1 and customer <> $2 and "+column+" = $3 and "+column+" <> '' order by customer limit 1", sync, customer, value)
	if err != nil {
		return "", fmt.Errorf("look for another customer of %s: %w", sync, err)
	}
	return other, nil
}

// CustomersBySync returns how many customers each sync has, whether the
// configuration still has it or not.
func (db *DB) CustomersBySync(ctx context.Context) (map[string]int, error) {
	all := map[string]int{}
	err := db.view(ctx, func(s scanner) error {
		var sync string
		var n int
		err := s.Scan(&sync, &n)
		all[sync] = n
		return err
	}, "select sync, count(*) from customers group by sync")
	if err != nil {
		return nil, fmt.Errorf("count the customers of each sync: %w", err)
	}
	return all, nil
}

// Customer returns one customer by the source's id, or ErrNotFound.
func (db *DB) Customer(ctx context.Context, sync, customer string) (Customer, error) {
	var found *Customer
	err := db.view(ctx, func(s scanner) error {
		c, err := scanCustomer(s)
		found = &c
		return err
	}, "select "+customerColumns+" from customers where sync = $1 and customer = $2", sync, customer)
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err == nil {
		found.Link, err = db.link(ctx, sync, customer)
	}
	if err == nil {
		found.Pin, err = db.CustomerPin(ctx, sync, customer)
	}
	if err != nil {
		return Customer{}, fmt.Errorf("customer %s of %s: %w", customer, sync, err)
	}
	return *found, nil
}

func (db *DB) link(ctx context.Context, sync, customer string) (*Link, error) {
	var found *Link
	err := db.view(ctx, func(s scanner) error {
		l, err := scanLink(s)
		found = &l
		return err
	}, "select "+linkColumns+" from links where sync = $1 and customer = $2", sync, customer)
	return found, err
}

func scanCustomer(s scanner) (Customer, error) {
	var c Customer
	var settled, human int64
	var due sql.NullInt64
	var why kept
	v, r := values{desired: &c.Desired, observed: &c.Observed, base: &c.Base}, ruling{into: &c.Ruling}
	err := s.Scan(slices.Concat([]any{&c.Sync, &c.Customer, &c.Name, &c.Email, &c.Outcome, &why.text, &why.code, &why.facts, &settled, &due, &c.Attempts, &human}, r.columns(), v.into())...)
	v.finish()
	r.finish()
	c.Reason = why.reason()
	c.SettledAt, c.DueAt, c.HumanAt = at(settled), at(due.Int64), at(human)
	return c, err
}

// History returns the latest decisions about a customer, the latest first.
func (db *DB) History(ctx context.Context, sync, customer string, limit int) ([]Decision, error) {
	var found []Decision
	err := db.view(ctx, func(s scanner) error {
		var d Decision
		var made, desired, observed int64
		var why kept
		err := s.Scan(&d.ID, &d.Sync, &d.Customer, &made, &d.Action, &why.text, &why.code, &why.facts, &d.Row, &d.Stage, &d.Outcome, &d.Kind, &d.TargetID,
			&d.Desired, &d.Observed, &d.Base, &desired, &observed, &d.By, &d.Confidence, &d.Events, &d.Config)
		d.Reason = why.reason()
		d.At, d.DesiredAt, d.ObservedAt = at(made), at(desired), at(observed)
		found = append(found, d)
		return err
	}, `select id, sync, customer, made_at, action, reason, reason_code, reason_facts, table_row, stage, outcome, kind, target_id, desired, observed, base,
    desired_at, observed_at, observed_by, confidence, events, config
from decisions where sync = $1 and customer = $2 order by id desc limit $3`, sync, customer, limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of customer %s of %s: %w", customer, sync, err)
	}
	return found, nil
}

// CountHistory counts a customer's decisions, at most so many.
func (db *DB) CountHistory(ctx context.Context, sync, customer string, most int) (n int, err error) {
	err = db.view(ctx, func(s scanner) error { return s.Scan(&n) },
		`select count(*) from (select 1 from decisions where sync = $1 and customer = $2 limit $3) found`, sync, customer, most)
	if err != nil {
		return 0, fmt.Errorf("count the decisions about customer %s of %s: %w", customer, sync, err)
	}
	return n, nil
}

// Last returns how the latest event of each customer of a sync ended.
func (db *DB) Last(ctx context.Context, sync string) (map[string]Last, error) {
	last := map[string]Last{}
	err := db.view(ctx, func(s scanner) error {
		var customer string
		var l Last
		var why kept
		var settled int64
		err := s.Scan(&customer, &l.Outcome, &why.text, &why.code, &why.facts, &settled)
		l.Reason = why.reason()
		l.At = at(settled)
		last[customer] = l
		return err
	}, "select customer, outcome, reason, reason_code, reason_facts, settled_at from customers where sync = $1 and outcome <> ''", sync)
	if err != nil {
		return nil, fmt.Errorf("read how customers of %s ended: %w", sync, err)
	}
	return last, nil
}

// Counts returns how each sync stands that has something waiting or open. It
// reads only that, so it is cheap enough for a metric.
func (db *DB) Counts(ctx context.Context) (map[string]Counts, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	byName := map[string]*Counts{}
	// What the columns of a row after its sync hold.
	var n int
	var more int64
	var kind status.Kind
	count := func(query string, columns []any, put func(*Counts), args ...any) error {
		return db.view(ctx, func(s scanner) error {
			var sync string
			err := s.Scan(append([]any{&sync}, columns...)...)
			if byName[sync] == nil {
				byName[sync] = &Counts{Open: map[status.Kind]int{}}
			}
			put(byName[sync])
			return err
		}, query, args...)
	}
	one, two := []any{&n}, []any{&n, &more}
	err = errors.Join(
		count("select sync, count(*) from customers where due_at is not null group by sync", one, func(c *Counts) { c.WaitingCustomers = n }),
		count("select sync, count(*), min(received_at) from events where outcome = '' group by sync", two,
			func(c *Counts) { c.WaitingEvents, c.OldestWaiting = n, at(more) }),
		count("select sync, kind, count(*) from exceptions where state in ('open', 'acknowledged') group by sync, kind", []any{&kind, &n},
			func(c *Counts) { c.Open[kind] = n }),
		count(`select sync, halted_at, (select count(*) from customers where customers.sync = halts.sync and halted = 'waits')
from halts where halted_at > 0`, []any{&more, &n}, func(c *Counts) { c.Halted = Halted{Since: at(more), Waiting: n} }),
		count("select sync, count(*) from customers where owed = 1 group by sync", one, func(c *Counts) { c.Owed = n }),
		count(`select sync, count(*), coalesce(min(case when until_at > 0 then until_at end), 0)
from pins where ended_at = 0 and (until_at = 0 or until_at > $1) group by sync`, two, func(c *Counts) { c.Pinned, c.PinEnds = n, at(more) }, ms(now)),
		count("select sync, count(*), coalesce(min(due_at), 0) from customers where "+delayed+" group by sync", two,
			func(c *Counts) { c.Delayed = Delayed{Customers: n, Next: at(more)} }),
		count("select sync, count(*) from customers where due_at is not null and unheard = 1 group by sync", one, func(c *Counts) { c.Unasked = n }),
		count(askedOf, two, func(c *Counts) { c.Asked, c.NeedPerson = Asked{Customers: n, Whole: int(more)}, c.NeedPerson+n }),
		count(`select sync, count(*) from customers where due_at is not null and unheard = 1
    and not exists (select 1 from exceptions x where x.sync = customers.sync and x.customer = customers.customer and x.state in ('open', 'acknowledged')) group by sync`,
			one, func(c *Counts) { c.NeedPerson += n }),
	)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	counts := map[string]Counts{}
	for sync, c := range byName {
		counts[sync] = *c
	}
	return counts, nil
}

// Outcomes returns how many events of a sync ended in each way. It reads all
// events.
func (db *DB) Outcomes(ctx context.Context, sync string) (map[status.Outcome]int, error) {
	outcomes := map[status.Outcome]int{}
	err := db.view(ctx, func(s scanner) error {
		var outcome status.Outcome
		var n int
		err := s.Scan(&outcome, &n)
		outcomes[outcome] = n
		return err
	}, "select outcome, count(*) from events where sync = $1 and outcome <> '' group by outcome", sync)
	if err != nil {
		return nil, fmt.Errorf("count the outcomes of %s: %w", sync, err)
	}
	return outcomes, nil
}

// lockCustomers locks the customers that a batch will change, in one order
// everywhere: two nodes that lock them crosswise would wait for each other
// until PostgreSQL ends one of them. SQLite has one writer and needs none.
func (t *tx) lockCustomers(batch []*job) error {
	if t.db.lock == "" {
		return nil
	}
	var all []key
	for _, j := range batch {
		all = append(all, j.touches...)
	}
	if len(all) < 2 {
		return nil
	}
	slices.SortFunc(all, compareKeys)
	all = slices.Compact(all)
	syncs, customers := make([]string, len(all)), make([]string, len(all))
	for i, k := range all {
		syncs[i], customers[i] = k.sync, k.customer
	}
	_, err := t.inner.ExecContext(t.ctx, `select 1 from customers
where (sync, customer) in (select * from unnest($1::text[], $2::text[])) order by sync, customer for update`, syncs, customers)
	if err != nil {
		return fmt.Errorf("lock customers: %w", err)
	}
	return nil
}

// lockCustomersOf is lockCustomers for all of a sync.
func (t *tx) lockCustomersOf(sync string) error {
	if t.db.lock == "" {
		return nil
	}
	_, err := t.exec("select 1 from customers where sync = $1 order by sync, customer for update", sync)
	return err
}

// BetweenLooks is how long after a look an event wakes its customer at the earliest. With a
// stream of changes the first is carried at once, and all that follow within this time
// cost one more look.
const BetweenLooks = time.Second

// An event wakes its customer (invariant 4). A customer who was to be tried later
// is due now, or BetweenLooks after the last look; one in the future was noted before the
// clock was set back, and delays no one. One who is due already keeps the place in the queue: otherwise the
// customers with the most events would be synced last. An attempt in progress has
// used its place. The fences of a new row begin with the time: a customer who was
// forgotten may come again under the same id, and an attempt from before must hold
// nothing of the new row.
const wakeCustomer = `
insert into customers (sync, customer, generation, due_at, fence) values ($1, $2, $3, $4, $4)` + wakeAgain

// wakeMany is wakeCustomer for lists.
const wakeMany = `
insert into customers (sync, customer, generation, due_at, fence)
select sync, customer, events, $4, $4 from unnest($1::text[], $2::text[], $3::bigint[]) woken (sync, customer, events)` + wakeAgain

const wakeAgain = `
on conflict (sync, customer) do update set generation = customers.generation + excluded.generation, unheard = 0,
    due_at = case when customers.due_at <= excluded.due_at and customers.lease_until <= excluded.due_at then customers.due_at
        when customers.settled_at <= excluded.due_at and customers.settled_at > excluded.due_at - $5 then
            case when customers.due_at < customers.settled_at + $5 and customers.lease_until <= excluded.due_at then customers.due_at else customers.settled_at + $5 end
        else excluded.due_at end`

// A customer of whom a comparison wants people told is looked at, and nothing is
// written for it. Of one that anything else has asked for meanwhile nothing changes.
const askCustomer = `
insert into customers (sync, customer, generation, due_at, fence, unheard) values ($1, $2, 1, $4, $4, 1)
on conflict (sync, customer) do update set generation = customers.generation + 1, due_at = excluded.due_at, unheard = 1
where customers.generation = $3 and customers.owed = 0 and customers.due_at is null and customers.lease_until <= excluded.due_at`

// wake has a customer woken at the end of the transaction, or of what it receives.
func (t *tx) wake(sync, customer string) { t.woken[keyOf(sync, customer)]++ }

// keyOf is a key as its row has it.
func keyOf(sync, customer string) key { return key{cleaned(sync), cleaned(customer)} }

// wakeCustomers makes the customers of the transaction's new events due, each
// once, and in the order of lockCustomers.
func (t *tx) wakeCustomers() error {
	if len(t.woken) == 0 && len(t.asked) == 0 {
		return nil
	}
	defer func() { t.woken, t.asked = map[key]int{}, map[key]int64{} }()
	keys := slices.AppendSeq(slices.Collect(maps.Keys(t.woken)), maps.Keys(t.asked))
	slices.SortFunc(keys, compareKeys)
	keys = slices.Compact(keys)
	if t.db.lists && len(t.asked) == 0 && len(keys) > 1 {
		syncs, customers, events := make([]string, len(keys)), make([]string, len(keys)), make([]int64, len(keys))
		for i, k := range keys {
			syncs[i], customers[i], events[i] = k.sync, k.customer, int64(t.woken[k])
		}
		if _, err := t.exec(wakeMany, syncs, customers, events, ms(t.now), BetweenLooks.Milliseconds()); err != nil {
			return fmt.Errorf("wake %d customers: %w", len(keys), err)
		}
		return nil
	}
	for _, k := range keys {
		if t.woken[k] == 0 {
			if _, err := t.exec(askCustomer, k.sync, k.customer, t.asked[k], ms(t.now)); err != nil {
				return fmt.Errorf("look at a customer: %w", err)
			}
			continue
		}
		if _, err := t.exec(wakeCustomer, k.sync, k.customer, t.woken[k], ms(t.now), BetweenLooks.Milliseconds()); err != nil {
			return fmt.Errorf("wake a customer: %w", err)
		}
	}
	return nil
}
