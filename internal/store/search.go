package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
)

// CustomerFilter chooses customers; empty fields choose all.
type CustomerFilter struct {
	Sync string
	// Named is what a person may call one: the source's id, the linked record's id,
	// or the e-mail address last seen.
	Named string
	// Search is what a person may remember of one: the beginning of the source's id or
	// of the name, or all of the linked record's id or the e-mail address.
	Search  string
	Outcome status.Outcome
}

// CustomersAfter returns at most limit customers by sync and customer.
func (db *DB) CustomersAfter(ctx context.Context, f CustomerFilter, after After, limit int) ([]Customer, error) {
	syncs := []string{f.Sync}
	if f.Sync == "" {
		var err error
		if syncs, err = db.syncsOfCustomers(ctx, after.Sync); err != nil {
			return nil, err
		}
	}
	var found []Customer
	for _, sync := range syncs {
		f.Sync = sync
		some, err := db.customersAfter(ctx, f, after, limit-len(found))
		if err != nil {
			return nil, fmt.Errorf("list customers: %w", err)
		}
		if found = append(found, some...); len(found) == limit {
			break
		}
	}
	return found, db.showPins(ctx, "", found)
}

// syncsOfCustomers returns the syncs that have customers, from a name on, by name.
func (db *DB) syncsOfCustomers(ctx context.Context, from string) (syncs []string, err error) {
	err = db.view(ctx, func(s scanner) error {
		var sync string
		err := s.Scan(&sync)
		syncs = append(syncs, sync)
		return err
	}, `with recursive syncs(sync) as (
    select min(sync) from customers where sync >= $1
    union all select (select min(c.sync) from customers c where c.sync > syncs.sync) from syncs where syncs.sync is not null)
select sync from syncs where sync is not null`, from)
	if err != nil {
		return nil, fmt.Errorf("read which syncs have customers: %w", err)
	}
	return syncs, nil
}

// customersAfter returns those of one sync.
func (db *DB) customersAfter(ctx context.Context, f CustomerFilter, after After, limit int) (found []Customer, err error) {
	text, args := db.customersQuery(f, after, limit)
	err = db.view(ctx, func(s scanner) error {
		c, err := scanLinkedCustomer(s)
		found = append(found, c)
		return err
	}, text, args...)
	return found, err
}

// customersQuery asks for those of one sync.
func (db *DB) customersQuery(f CustomerFilter, after After, limit int) (text string, args []any) {
	w := where{}
	if f.Named != "" {
		named, email := w.arg(f.Named), w.arg(strings.ToLower(strings.TrimSpace(f.Named)))
		w.that("(customer = " + named + " or target_id = " + named + " or email <> '' and email = " + email + ")")
	}
	if search := strings.TrimSpace(f.Search); search != "" {
		w.equal("sync", f.Sync)
		w.that("customer in (" + db.searched(&w, search, f, after, limit) + ")")
	} else {
		f.narrow(&w, after)
	}
	text = "select " + customerColumns + ", target_id, rule, confidence, linked_by, linked_at from customers left join links using (sync, customer)" +
		w.String() + " order by sync, customer limit " + w.arg(limit)
	return text, w.args
}

// narrow chooses those of the filter's sync and outcome, behind a row.
func (f CustomerFilter) narrow(w *where, after After) {
	w.equal("sync", f.Sync)
	w.equal("outcome", string(f.Outcome))
	if f.Outcome != "" && f.Outcome != status.Applied && f.Outcome != status.AlreadyEqual {
		w.that("outcome not in ('', 'applied', 'already_equal')") // these have an index
	}
	after.narrow(w)
}

// searched chooses the customers of a search. Each way to find one has an index of
// its own, and gives no more than a page has.
func (db *DB) searched(w *where, search string, f CustomerFilter, after After, limit int) string {
	lower := strings.ToLower(search)
	most := w.arg(limit)
	var ways []string
	for _, way := range []string{
		db.begins(w, search),
		"sought <> '' and sought >= " + w.arg(lower) + " and sought < " + w.arg(lower+lastRune),
		"email <> '' and email = " + w.arg(lower),
		"customer in (select l.customer from links l where l.sync = " + w.arg(f.Sync) + " and l.target_id = " + w.arg(search) + ")",
	} {
		one := where{args: w.args}
		one.that(way)
		f.narrow(&one, after)
		w.args = one.args
		ways = append(ways, "select * from (select customer from customers"+one.String()+" order by customer limit "+most+") found")
	}
	return strings.Join(ways, " union ")
}

// begins chooses the ids that begin as a text. PostgreSQL sorts by a language, in which
// these need not stand together, unless its database was made otherwise.
func (db *DB) begins(w *where, text string) string {
	if db.name == "postgres" {
		return "customer like " + w.arg(strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)+"%")
	}
	return "customer >= " + w.arg(text) + " and customer < " + w.arg(text+lastRune)
}

// lastRune comes after every text that begins as the one before it.
const lastRune = "\U0010FFFF"
