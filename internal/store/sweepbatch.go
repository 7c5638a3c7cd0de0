package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Snapshot is all that is known of a customer, read without claiming it.
type Snapshot struct {
	Work
	// Stored says that the customer has a row: an event, a person or a sweep
	// has brought it here.
	Stored bool
	// Waits says that mass_change has halted its write: resuming the sync wakes it.
	Waits bool
	// DueAt is when it is looked at next, zero when nothing is left to do.
	DueAt time.Time
	// Shown are the kinds of its exceptions that are not resolved.
	Shown []status.Kind
	// Settled are the kinds that a person resolved last, and about which values.
	Settled map[status.Kind]Settled
}

// Settled is what an exception was about that a person resolved.
type Settled struct{ source, target string }

// Holds reports whether both sides are as they were then.
func (s Settled) Holds(source, target string) bool {
	return s == Settled{source, target} && s != Settled{}
}

// Snapshots returns what is known of customers of a sync. A customer that the
// store has never met gets an empty one.
func (db *DB) Snapshots(ctx context.Context, sync string, customers []string) (map[string]*Snapshot, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]*Snapshot{}
	err = inParts(customers, func(part []string) error {
		by := map[string]*Work{}
		for _, customer := range part {
			k := &Snapshot{Work: Work{Sync: sync, Customer: customer, Now: now}}
			all[customer], by[customer] = k, &k.Work
		}
		places, args := padded(part, 1)
		of := among{where: " where sync = $1 and customer in (" + places + ")", args: append([]any{sync}, args...)}
		view := func(scan func(scanner) error, query string, args ...any) error {
			return db.view(ctx, scan, query, args...)
		}
		err := view(func(s scanner) error {
			var due sql.NullInt64
			var halted string
			w, err := scanWork(s, &due, &halted)
			w.Sync, w.Now = sync, now
			if k := all[w.Customer]; k != nil {
				k.Work, k.DueAt, k.Waits = w, at(due.Int64), halted == haltWaits
				// A claim by name makes a row, and a plan's row that is refused leaves
				// it as empty as it was.
				k.Stored = w.Generation > 0 || !w.Desired.SeenAt.IsZero()
			}
			return err
		}, "select "+workColumns+", due_at, halted from customers"+of.where, of.args...)
		if err != nil {
			return err
		}
		if err := loadWork(view, by, of); err != nil {
			return err
		}
		return view(func(s scanner) error {
			var customer string
			var kind status.Kind
			var state status.State
			var was Settled
			err := s.Scan(&customer, &kind, &state, &was.source, &was.target)
			switch k := all[customer]; {
			case state != status.Resolved:
				k.Shown = append(k.Shown, kind)
			case k.Settled == nil:
				k.Settled = map[status.Kind]Settled{kind: was}
			default:
				k.Settled[kind] = was
			}
			return err
		}, "select customer, kind, state, source_value, target_value from exceptions"+of.where+" and (state <> 'resolved' or "+byPerson+") order by id", of.args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read customers of %s: %w", sync, err)
	}
	return all, nil
}

// byPerson is true of an exception that a person, and not its customer, closed last.
const byPerson = `coalesce((select verb from actions where exception_id = exceptions.id and verb in ('resolve', 'reopen', 'closed') order by id desc limit 1), '') = 'resolve'`

// linksAtOnce is how many links, or customers, are held in memory.
const linksAtOnce = 1000

// EachLinks gives the links of a sync, page by page. It ends with the first
// error.
func (db *DB) EachLinks(ctx context.Context, sync string) iter.Seq2[[]Link, error] {
	page := func(after string) (found []Link, err error) {
		err = db.view(ctx, func(s scanner) error {
			l, err := scanLink(s)
			found = append(found, l)
			return err
		}, "select "+linkColumns+" from links where sync = $1 and customer > $2 order by customer limit $3", sync, after, linksAtOnce)
		return found, err
	}
	return eachOf(sync, page, func(l Link) string { return l.Customer })
}

// EachCustomers gives the ids of the customers of a sync, page by page. It ends
// with the first error.
func (db *DB) EachCustomers(ctx context.Context, sync string) iter.Seq2[[]string, error] {
	page := func(after string) (found []string, err error) {
		err = db.view(ctx, func(s scanner) error {
			var customer string
			err := s.Scan(&customer)
			found = append(found, customer)
			return err
		}, "select customer from customers where sync = $1 and customer > $2 order by customer limit $3", sync, after, linksAtOnce)
		return found, err
	}
	return eachOf(sync, page, func(customer string) string { return customer })
}

func eachOf[T any](sync string, page func(after string) ([]T, error), last func(T) string) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for after := ""; ; {
			found, err := page(after)
			if err != nil {
				yield(nil, fmt.Errorf("look whom to compare of %s: %w", sync, err))
				return
			}
			if len(found) == 0 || !yield(found, nil) || len(found) < linksAtOnce {
				return
			}
			after = last(found[len(found)-1])
		}
	}
}

// LinkOwners returns whose records of the target are by a link.
func (db *DB) LinkOwners(ctx context.Context, sync string, ids []string) (map[string]string, error) {
	all := map[string]string{}
	err := inParts(ids, func(part []string) error {
		places, args := padded(part, 1)
		return db.view(ctx, func(s scanner) error {
			var id, customer string
			err := s.Scan(&id, &customer)
			all[id] = customer
			return err
		}, "select target_id, customer from links where sync = $1 and target_id in ("+places+")", append([]any{sync}, args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("look whose records of the target of %s are: %w", sync, err)
	}
	return all, nil
}

// padded are the places and arguments of a list of any length, with few texts:
// the last is repeated up to a power of two.
func padded(values []string, before int) (places string, args []any) {
	n := 1
	for n < len(values) {
		n *= 2
	}
	for i := range n {
		if i > 0 {
			places += ", "
		}
		places += fmt.Sprintf("$%d", before+i+1)
		args = append(args, values[min(i, len(values)-1)])
	}
	return places, args
}

// inParts calls do with at most as many values as one statement takes.
func inParts(values []string, do func([]string) error) error {
	for part := range slices.Chunk(values, 512) {
		if err := do(part); err != nil {
			return err
		}
	}
	return nil
}
