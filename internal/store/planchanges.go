package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
)

// PlanChange is one kind of change in a plan: the rows that say the same of what is
// there and what would be.
type PlanChange struct {
	ID        int64
	Action    string
	Kind      status.Kind
	Before    string
	After     string
	Customers int
}

// changeOf is the kind of change that a row is of.
func changeOf(r PlanRow) PlanChange {
	c := PlanChange{Action: r.Action, Kind: r.Kind, Before: r.Before, After: r.After}
	text, err := json.Marshal([]string{c.Action, string(c.Kind), c.Before, c.After})
	if err != nil {
		panic(err) // four texts can always be written
	}
	sum := sha256.Sum256(text)
	c.ID = int64(binary.BigEndian.Uint64(sum[:]) >> 1) // #nosec G115 -- without its highest bit it fits
	return c
}

// putChanges counts rows that are stored.
func (t *tx) putChanges(sweep int64, rows []PlanRow) error {
	changes := map[int64]PlanChange{}
	for _, r := range rows {
		c := changeOf(r)
		c.Customers = changes[c.ID].Customers + 1
		changes[c.ID] = c
	}
	for _, id := range slices.Sorted(maps.Keys(changes)) {
		c := changes[id]
		_, err := t.exec(`insert into plan_changes (sweep, change, action, kind, before, after, customers) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (sweep, change) do update set customers = plan_changes.customers + excluded.customers`,
			sweep, c.ID, c.Action, string(c.Kind), c.Before, c.After, c.Customers)
		if err != nil {
			return err
		}
	}
	return nil
}

// ChangesShown is how many kinds of change are told of a plan: a field that holds
// free text may have as many as customers.
const ChangesShown = 500

// PlanChanges returns the kinds of change in a plan, those with the most customers
// first, and ChangesShown at most; more says that there are others.
func (db *DB) PlanChanges(ctx context.Context, sweep int64) (found []PlanChange, more bool, err error) {
	err = db.view(ctx, func(s scanner) error {
		var c PlanChange
		err := s.Scan(&c.ID, &c.Action, &c.Kind, &c.Before, &c.After, &c.Customers)
		found = append(found, c)
		return err
	}, "select change, action, kind, before, after, customers from plan_changes where sweep = $1 order by customers desc, change limit $2", sweep, ChangesShown+1)
	if err != nil {
		return nil, false, fmt.Errorf("read the kinds of change in a plan: %w", err)
	}
	if len(found) > ChangesShown {
		return found[:ChangesShown], true, nil
	}
	return found, false, nil
}

// PlanRowsOf returns up to limit rows of a plan of one kind of change by customer,
// those after the given one; "" begins.
func (db *DB) PlanRowsOf(ctx context.Context, sweep, change int64, after string, limit int) ([]PlanRow, error) {
	return db.planRows(ctx, "change = $2 and customer > $3 order by customer limit $4", sweep, change, after, limit)
}

// PlanRowsNotWritten returns up to limit rows of a plan that were refused or failed,
// by customer, those after the given one; "" begins.
func (db *DB) PlanRowsNotWritten(ctx context.Context, sweep int64, after string, limit int) ([]PlanRow, error) {
	return db.planRows(ctx, "state in ('refused', 'failed') and customer > $2 order by customer limit $3", sweep, after, limit)
}

// PlanRowsEnded returns the rows of a plan that were written, refused or failed last,
// the latest first.
func (db *DB) PlanRowsEnded(ctx context.Context, sweep int64, limit int) ([]PlanRow, error) {
	return db.planRows(ctx, "ended_at > 0 order by ended_at desc limit $2", sweep, limit)
}

// FindPlanRows returns up to limit rows of a plan by customer, those after the given
// one, whose customer is meant by a text: the beginning of the name, or of the id where
// there is no name; or the whole id, a record's id, or an email address.
// change is the only kind of change, 0 for all.
func (db *DB) FindPlanRows(ctx context.Context, sync string, sweep, change int64, text, after string, limit int) ([]PlanRow, error) {
	known, err := db.Customers(ctx, sync, text)
	if err != nil {
		return nil, err
	}
	begin := strings.ToLower(strings.TrimSpace(text))
	args := []any{begin, begin + "\U0010FFFF", after, limit, text}
	for i := range foundBy - 1 {
		if i < len(known) {
			args = append(args, known[i].Customer)
		} else {
			args = append(args, text)
		}
	}
	args = append(args, sync, change)
	return db.planRows(ctx, `customer in (select r.customer from plan_rows r where r.sweep = $1 and r.sought >= $2 and r.sought < $3
    union all select l.customer from links l where l.sync = $10 and l.target_id = $6
    union all select c.customer from plan_rows c where c.sweep = $1 and c.customer in ($6, $7, $8, $9)) and customer > $4
    and ($11 = 0 or change = $11) order by customer limit $5`, sweep, args...)
}

// foundBy is how many customers one text can be the id, the record or the address of.
const foundBy = 4
