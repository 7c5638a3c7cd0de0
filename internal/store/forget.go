package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Forgotten is what forgetting a customer erases, or has erased.
type Forgotten struct {
	// Customer is the source's id, "" when there is no such customer and only
	// mentions are left. Pseudonym is what takes its place.
	Customer  string
	Pseudonym string
	// Rows counts the rows of each table that are changed or deleted.
	Rows map[string]int
	// Waiting is how many events were not carried yet, and never will be.
	Waiting int
	// Told is how many messages named the customer and are sent again without.
	Told int
	// Others are customers with the same e-mail address, and Syncs are other
	// syncs that know the same id: they are left as they are.
	Others, Syncs []string
	// LogLeft says that SQLite's write-ahead log could not be emptied yet.
	LogLeft bool

	names *namer
	// own also finds the other names in the customer's own rows: a record that theirs
	// was merged into is theirs.
	own *namer
}

// prose are the texts in which a customer of a sync may be named, by table: the
// columns that tell a row, those texts, and which rows belong to the sync. A
// table that is not here holds no text about a customer, or forgetOwn or
// forgetSweeps handles it; a test checks every column there is.
var prose = []struct {
	table, keys string
	columns     []string
	where       string
	owner       string // what says whose the row is, "" when it is the sync's
	changed     string // the times when a text of the row can have changed, "" where none tells
}{
	{"events", "seq", []string{"event_id", "reason", "reason_facts", "replayed_by"}, "sync = $1", "customer", "received_at, settled_at"},
	{"customers", "sync, customer", []string{"reason", "reason_facts", "observed_by", "base_by", "desired_event", "ruling_by", "name"}, "sync = $1", "customer", ""},
	{"decisions", "id", []string{"reason", "reason_facts", "observed_by"}, "sync = $1", "customer", "made_at"},
	{"exceptions", "id", []string{"reason", "reason_facts", "last_action", "candidates", "owner", "troubles"}, "sync = $1", "customer", ""},
	{"actions", "id", []string{"who", "note"}, "exception_id in (select id from exceptions where sync = $1)", "(select x.customer from exceptions x where x.id = exception_id)", "done_at"},
	{"activity", "id", []string{"who", "behalf", "reason_facts", "why"}, "sync = $1", "customer", "done_at"},
	{"pauses", "id", []string{"who", "reason", "ended_by"}, "sync = $1", "", ""},
	{"pins", "id", []string{"who", "reason", "ended_by"}, "sync = $1", "customer", ""},
	{"link_history", "id", []string{"why", "who"}, "sync = $1", "customer", "changed_at"},
	{"links", "sync, customer", []string{"rule", "linked_by"}, "sync = $1", "customer", "linked_at"},
	{"notices", "recipient, what, sync, kind, cause", []string{"failure"}, "sync = $1", "", ""},
	{"sweeps", "id", []string{"source_cursor", "target_cursor", "compared_to", "failure", "asides"}, "sync = $1 and phase in ('done', 'failed')", "", ""},
	{"plan_rows", "sweep, customer", []string{"reason", "reason_facts", "note", "name", "sought"}, sweepsOf, "customer", ""},
	{"plan_jobs", "id", []string{"approved_by", "requested_by", "stopped_by", "failure", "customers"}, "sync = $1", "", ""},
}

const sweepsOf = "sweep in (select id from sweeps where sync = $1)"

// ForgetPlan returns what Forget would do for a name: that of a customer, or a
// text of which only mentions are left.
func (db *DB) ForgetPlan(ctx context.Context, sync, customer, named string) (Forgotten, error) {
	return db.forget(ctx, sync, customer, named, true)
}

// ForgetOwnPlan counts as ForgetPlan, of the rows that are the customer's own. It does
// not look through the texts of all others for the customer's names, which takes as
// long as there are texts.
func (db *DB) ForgetOwnPlan(ctx context.Context, sync, customer string) (Forgotten, error) {
	f := Forgotten{Customer: customer, Rows: map[string]int{}}
	err := db.namesOf(ctx, sync, customer, &f)
	if err == nil {
		var rows map[string]int
		err = db.update(ctx, func(t *tx) error {
			rows = map[string]int{} // it may be done again
			return errors.Join(t.forgetOwn(sync, &f, rows, true), t.forgetRecords(sync, &f, rows, true))
		}, key{sync, customer})
		f.Rows = rows
	}
	if err != nil {
		return Forgotten{}, fmt.Errorf("count what a customer of %s has: %w", sync, err)
	}
	return f, nil
}

// Forget puts a pseudonym in place of whatever names a customer in a sync, and
// deletes its payloads, keys, links and intents. How many events, decisions and
// exceptions there were, when, and how they ended, stays. What is on its way is
// cut off by the fence. It may be called again when it was cut off itself.
func (db *DB) Forget(ctx context.Context, sync, customer, named string) (Forgotten, error) {
	f, err := db.forget(ctx, sync, customer, named, false)
	if err != nil || db.name != "sqlite" {
		return f, err
	}
	// Old pages stay in the write-ahead log until it is emptied, which a reader can
	// delay.
	busy, frames, moved := 0, 0, 0
	if err := db.write.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &frames, &moved); err != nil {
		return f, fmt.Errorf("empty SQLite's write-ahead log: %w", err)
	}
	f.LogLeft = busy != 0
	return f, nil
}

func (db *DB) forget(ctx context.Context, sync, customer, named string, dry bool) (Forgotten, error) {
	var began time.Time
	customer, err := db.comparedOnly(ctx, sync, customer, named)
	f := Forgotten{Customer: customer, Pseudonym: forgottenPrefix + strings.ToLower(rand.Text()[:10]), Rows: map[string]int{}}
	if err == nil {
		err = db.namesOf(ctx, sync, named, &f)
	}
	if err == nil {
		// First what others' rows say of the customer: when this is cut off, the
		// customer is still there to be forgotten by name.
		began, err = db.Now(ctx)
	}
	if err == nil {
		err = db.forgetMentions(ctx, sync, &f, dry, true, time.Time{})
	}
	if err == nil {
		err = db.countPages(ctx, sync, &f)
	}
	if err == nil {
		var rows map[string]int
		err = db.update(ctx, func(t *tx) error {
			rows = map[string]int{} // it may be done again
			if customer != "" {
				if err := t.forgetOwn(sync, &f, rows, dry); err != nil {
					return err
				}
			}
			if err := t.forgetRecords(sync, &f, rows, dry); err != nil {
				return err
			}
			if !dry {
				if err := t.forgetSweeps(sync); err != nil {
					return err
				}
				return t.record(ctx, Activity{Sync: sync, Customer: f.Pseudonym, Act: reason.Reason{Code: reason.ActForgot}})
			}
			return nil
		}, key{sync, customer})
		for table, n := range rows {
			f.Rows[table] += n
		}
	}
	if err == nil && !dry {
		// Not those of one that began since: it would go on with less than it has read.
		err = db.dropPages(ctx, "sync = $1 and phase in ('done', 'failed')", sync)
	}
	if err == nil && !dry {
		// Then what its own rows say, and what was written meanwhile.
		again := Forgotten{Customer: f.Pseudonym, Rows: map[string]int{}, names: f.names, own: f.own}
		err = db.forgetMentions(ctx, sync, &again, dry, false, began.Add(-longestWrite))
	}
	if err == nil && !dry {
		err = db.eraseLast(ctx, sync, &f)
	}
	if err != nil {
		return Forgotten{}, fmt.Errorf("forget a customer of %s: %w", sync, err)
	}
	return f, nil
}

// longestWrite is for longer than a transaction lasts: what it writes bears the time
// of its beginning, and is seen at its end.
const longestWrite = 10 * time.Minute

// comparedOnly returns the customer. If there is none of that name, it returns one
// that only comparisons have met: nothing was synced for them yet, but they have
// rows. A record often has the id of another customer; the customer counts.
func (db *DB) comparedOnly(ctx context.Context, sync, customer, named string) (string, error) {
	if customer != "" {
		return customer, nil
	}
	var found []string
	one := func(s scanner) error {
		var c string
		err := s.Scan(&c)
		found = append(found, c)
		return err
	}
	err := db.view(ctx, one, `
select customer from seen where sync = $1 and customer = $2
union select customer from watched where sync = $1 and customer = $2
union select customer from activity where sync = $1 and customer = $2
union select customer from pins where sync = $1 and customer = $2
union select customer from plan_rows where `+sweepsOf+" and customer = $2", sync, named)
	if err == nil && len(found) == 0 {
		err = db.view(ctx, one, "select distinct customer from plan_rows where "+sweepsOf+" and target_id = $2 order by 1", sync, named)
	}
	switch {
	case err != nil || len(found) == 0:
		return "", err
	case len(found) > 1:
		return "", fmt.Errorf("plans have record %s for %s: name one of them by its id", named, strings.Join(found, ", "))
	}
	return found[0], nil
}

// namesOf gathers what the customer is called: its id, the ids of its records that
// no one else has now, and its address.
func (db *DB) namesOf(ctx context.Context, sync, named string, f *Forgotten) error {
	names := []string{named}
	one := func(into *[]string, query string, args ...any) error {
		return db.view(ctx, func(s scanner) error {
			var name string
			err := s.Scan(&name)
			*into = append(*into, name)
			return err
		}, query, args...)
	}
	if f.Customer != "" {
		names = append(names, f.Customer)
		err := errors.Join(
			one(&names, `
select target_id from links where sync = $1 and customer = $2
union select base_record_id from customers where sync = $1 and customer = $2
union select target_id from decisions where sync = $1 and customer = $2
union select record_id from intents where sync = $1 and customer = $2
union select old_target from link_history where sync = $1 and customer = $2
union select new_target from link_history where sync = $1 and customer = $2
union select target_id from plan_rows where `+sweepsOf+` and customer = $2
union select email from customers where sync = $1 and customer = $2`, sync, f.Customer),
			one(&f.Others, "select customer from customers where sync = $1 and customer <> $2 and email <> '' and email = (select email from customers where sync = $1 and customer = $2) order by customer",
				sync, f.Customer))
		if err != nil {
			return err
		}
		syncs, err := db.syncsOfCustomers(ctx, "")
		if err != nil {
			return err
		}
		for _, other := range syncs {
			if other == sync {
				continue
			}
			if err := one(&f.Syncs, "select sync from customers where sync = $1 and customer = $2", other, f.Customer); err != nil {
				return err
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var taken []string
	for _, name := range names {
		if name == "" || name == f.Customer {
			continue
		}
		// A record that is another customer's by now names that one.
		err := one(&taken, "select target_id from links where sync = $1 and target_id = $2 and customer <> $3", sync, name, f.Customer)
		if err != nil {
			return err
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		// An address that others have as well identifies no one, and their events
		// need it.
		shared := len(f.Others) > 0 && strings.Contains(n, "@")
		return n == "" || shared || slices.Contains(taken, n) || IsForgotten(n)
	})
	f.names = newNamer(names, f.Pseudonym)
	var also []string
	if f.Customer != "" {
		if err := one(&also, "select name from mentions where sync = $1 and customer = $2", sync, f.Customer); err != nil {
			return err
		}
	}
	all := slices.Sorted(slices.Values(append(also, names...)))
	f.own = newNamer(slices.Compact(all), f.Pseudonym)
	return nil
}
