package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// ExceptionFilter chooses exceptions; empty fields choose all.
type ExceptionFilter struct {
	Sync, Customer, Owner, Cause string
	Kind                         status.Kind
	States                       []status.State
	// Own chooses those whose cause is their own, which they share with no other.
	Own bool
	// Owners are several of whom one is the owner; "" among them is nobody.
	Owners []string
	// OpenFor is how long they have been open at least. Overdue is the same for each
	// sync, counted as for reminders: from the assignment of an assigned one.
	OpenFor time.Duration
	Overdue map[string]time.Duration
	// With a Limit they come by number, the highest first, and only those below
	// Before, 0 being all: unlike the time it was last seen, an exception's
	// number does not change between two pages.
	Limit  int
	Before int64
}

// NeedPerson are the states of what is not settled.
var NeedPerson = []status.State{status.Open, status.Acknowledged}

var allStates = []status.State{status.Open, status.Acknowledged, status.StateIgnored, status.Resolved}

// needsPerson is NeedPerson as the partial indexes have it.
const needsPerson = "state in ('open', 'acknowledged')"

// closed are the other states as the partial index has them.
const closed = "state in ('ignored', 'resolved')"

// states chooses by state, in the words of the partial index that has them all. A known
// state stands in the statement itself: some are few and some many, and how it is run
// depends on that.
func (w *where) states(chosen []status.State) {
	if slices.Equal(chosen, NeedPerson) {
		w.that(needsPerson)
		return
	}
	needs := 0
	places := make([]string, len(chosen))
	for i, s := range chosen {
		if slices.Contains(NeedPerson, s) {
			needs++
		}
		if slices.Contains(allStates, s) {
			places[i] = "'" + string(s) + "'"
		} else {
			places[i] = w.arg(string(s))
		}
	}
	switch {
	case len(chosen) == 0:
		return
	case needs == len(chosen):
		w.that(needsPerson)
	case needs == 0:
		w.that(closed)
	}
	if len(places) == 1 { // as the partial index has it
		w.that("state = " + places[0])
		return
	}
	w.that("state in (" + strings.Join(places, ", ") + ")")
}

// chosen are the conditions of a filter, at a time.
func (f ExceptionFilter) chosen(now time.Time) where {
	w := where{}
	w.equal("sync", f.Sync)
	w.equal("customer", f.Customer)
	w.equal("kind", string(f.Kind))
	if f.Owner != "" { // an address is the same however it is written
		w.that("lower(owner) = lower(" + w.arg(f.Owner) + ")")
	}
	w.equal("cause", f.Cause)
	if f.Own {
		w.that("cause = customer")
	}
	w.states(f.States)
	in(&w, "owner", f.Owners)
	if f.OpenFor > 0 {
		w.that("opened_at <= " + w.arg(ms(now.Add(-f.OpenFor))))
	}
	if f.Overdue != nil {
		late := []string{"1 = 0"}
		for _, sync := range slices.Sorted(maps.Keys(f.Overdue)) {
			before := w.arg(ms(now.Add(-f.Overdue[sync])))
			late = append(late, "sync = "+w.arg(sync)+" and waits_since <= "+before)
		}
		w.that(needsPerson + " and (" + strings.Join(late, " or ") + ")")
	}
	if f.Before > 0 {
		w.that("id < " + w.arg(f.Before))
	}
	return w
}

// filtered are the conditions of a filter now.
func (db *DB) filtered(ctx context.Context, f ExceptionFilter) (where, error) {
	var now time.Time
	if f.OpenFor > 0 || f.Overdue != nil {
		var err error
		if now, err = db.Now(ctx); err != nil {
			return where{}, err
		}
	}
	return f.chosen(now), nil
}

// Exceptions returns the chosen exceptions, those last seen first unless the
// filter has a limit.
func (db *DB) Exceptions(ctx context.Context, f ExceptionFilter) ([]Exception, error) {
	w, err := db.filtered(ctx, f)
	switch {
	case err != nil:
		return nil, fmt.Errorf("list exceptions: %w", err)
	case f.Limit > 0:
		return db.exceptions(ctx, w, " order by id desc limit ", f.Limit)
	}
	return db.exceptions(ctx, w, " order by last_seen desc, id desc")
}

// ExceptionCounts counts the chosen exceptions by state.
func (db *DB) ExceptionCounts(ctx context.Context, f ExceptionFilter) (map[status.State]int, error) {
	counts := map[status.State]int{}
	if len(f.States) == 0 {
		f.States = allStates
	}
	// Those that need a person and the others have each an index.
	both := map[bool][]status.State{}
	for _, s := range f.States {
		needs := slices.Contains(NeedPerson, s)
		both[needs] = append(both[needs], s)
	}
	for _, states := range both {
		f.States = states
		w, err := db.filtered(ctx, f)
		if err == nil {
			err = db.view(ctx, func(s scanner) error {
				var state status.State
				n := 0
				err := s.Scan(&state, &n)
				counts[state] = n
				return err
			}, "select state, count(*) from exceptions"+w.String()+" group by state", w.args...)
		}
		if err != nil {
			return nil, fmt.Errorf("count exceptions: %w", err)
		}
	}
	return counts, nil
}

// askedOf counts who waits for a person, by sync.
const askedOf = `select sync, count(distinct case when customer <> '' then customer end), count(case when customer = '' then 1 end)
from exceptions where state in ('open', 'acknowledged') group by sync`

// Asked returns who waits for a person, by sync.
func (db *DB) Asked(ctx context.Context) (map[string]Asked, error) {
	all := map[string]Asked{}
	err := db.view(ctx, func(s scanner) error {
		var sync string
		var a Asked
		err := s.Scan(&sync, &a.Customers, &a.Whole)
		all[sync] = a
		return err
	}, askedOf)
	if err != nil {
		return nil, fmt.Errorf("count who waits for a person: %w", err)
	}
	return all, nil
}

// Cause is the chosen exceptions of a sync and kind that a person settles as one
// question: those of one cause, or all that have each a cause of their own.
type Cause struct {
	Sync string
	Kind status.Kind
	// Cause is what they share, "" where each has its own.
	Cause     string
	Customers int // its exceptions, also where they are about no customer
	// Whole says that it is about the sync as a whole.
	Whole  bool
	Oldest time.Time // when the oldest of them opened
	Latest int64     // the one with the highest number
}

// Of is a filter for the exceptions of a cause among the chosen.
func (c Cause) Of(f ExceptionFilter) ExceptionFilter {
	f.Sync, f.Kind, f.Cause, f.Own = c.Sync, c.Kind, c.Cause, c.Cause == ""
	return f
}

// sharedCause is a cause, "" for one of an exception's own.
const sharedCause = "case when cause = customer then '' else cause end"

// Causes returns at most limit causes of the chosen exceptions, the largest first,
// behind one; the zero Cause is before the first.
func (db *DB) Causes(ctx context.Context, f ExceptionFilter, after Cause, limit int) ([]Cause, error) {
	f.Before = 0
	w, err := db.filtered(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("group exceptions: %w", err)
	}
	behind := ""
	if after.Kind != "" {
		n := w.arg(after.Customers)
		behind = " having count(*) < " + n + " or count(*) = " + n + " and (sync, kind, " + sharedCause + ") > (" + w.arg(after.Sync) + ", " + w.arg(string(after.Kind)) + ", " + w.arg(after.Cause) + ")"
	}
	var found []Cause
	err = db.view(ctx, func(s scanner) error {
		var c Cause
		var oldest int64
		last := ""
		err := s.Scan(&c.Sync, &c.Kind, &c.Cause, &c.Customers, &oldest, &c.Latest, &last)
		c.Oldest, c.Whole = at(oldest), last == ""
		found = append(found, c)
		return err
	}, "select sync, kind, "+sharedCause+", count(*), min(opened_at), max(id), max(customer) from exceptions"+w.String()+
		" group by sync, kind, "+sharedCause+behind+" order by count(*) desc, sync, kind, "+sharedCause+" limit "+w.arg(limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("group exceptions: %w", err)
	}
	return found, nil
}

// Waiting is how many customers wait for a value's meaning, who are alike in what
// is known of their records.
type Waiting struct {
	Customers int
	// Seen says that the record was read; Value is what it held then.
	Seen  bool
	Value string
	// Ours says that the record was proved to hold Base before, which a write
	// then replaces.
	Ours   bool
	Base   string
	Pinned bool
}

// WaitingFor counts the customers of a sync who wait for a value's meaning, by what
// their records hold. It counts those whom a changed map checks again.
func (db *DB) WaitingFor(ctx context.Context, sync, value string) ([]Waiting, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("count who waits for a meaning: %w", err)
	}
	var found []Waiting
	err = db.view(ctx, func(s scanner) error {
		var w Waiting
		var seen, ours, pinned int
		err := s.Scan(&w.Value, &seen, &w.Base, &ours, &pinned, &w.Customers)
		w.Seen, w.Ours, w.Pinned = seen == 1, ours == 1, pinned == 1
		found = append(found, w)
		return err
	}, `select held, seen, base, ours, pinned, count(*) from (
    select coalesce(c.observed_value, '') as held, case when c.observed_seen_at > 0 then 1 else 0 end as seen,
        coalesce(c.base_value, '') as base, coalesce(c.base_known, 0) as ours,
        case when exists (select 1 from pins p where p.sync = x.sync and p.customer = x.customer and p.ended_at = 0 and (p.until_at = 0 or p.until_at > $4)) then 1 else 0 end as pinned
    from exceptions x left join customers c on c.sync = x.sync and c.customer = x.customer
    where x.sync = $1 and x.kind = $2 and x.cause = $3 and x.source_value = $3 and (x.state in ('open', 'acknowledged') or x.state = 'ignored' and x.ignored <> 'always')
) as waiting group by held, seen, base, ours, pinned order by count(*) desc, held, seen, base, ours, pinned`, sync, string(status.UnmappedStatus), value, ms(now))
	if err != nil {
		return nil, fmt.Errorf("count who waits for a meaning: %w", err)
	}
	return found, nil
}
