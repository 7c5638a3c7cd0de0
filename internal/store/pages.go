package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// After is the row behind which a page of rows begins that are sorted by sync
// and customer; the zero After is before the first. A page that begins behind a
// row, and not at a number of rows, stays right while rows are added.
type After struct{ Sync, Customer string }

func (a After) narrow(w *where) {
	if a != (After{}) {
		w.that("(sync, customer) > (" + w.arg(a.Sync) + ", " + w.arg(a.Customer) + ")")
	}
}

// scanLinkedCustomer scans customerColumns and those of a link, which may be
// null.
func scanLinkedCustomer(s scanner) (Customer, error) {
	var target, rule, by sql.NullString
	var confidence sql.NullFloat64
	var linked sql.NullInt64
	c, err := scanCustomer(more{s, []any{&target, &rule, &confidence, &by, &linked}})
	if target.Valid {
		c.Link = &Link{Sync: c.Sync, Customer: c.Customer, TargetID: target.String, Rule: rule.String, Confidence: confidence.Float64, By: by.String, At: at(linked.Int64)}
	}
	return c, err
}

// more scans further columns behind those that are asked for.
type more struct {
	scanner
	into []any
}

func (m more) Scan(into ...any) error { return m.scanner.Scan(slices.Concat(into, m.into)...) }

// LinksAfter returns at most limit links by sync and customer; "" is all syncs.
func (db *DB) LinksAfter(ctx context.Context, sync string, after After, limit int) ([]Link, error) {
	w := where{}
	w.equal("sync", sync)
	after.narrow(&w)
	var found []Link
	err := db.view(ctx, func(s scanner) error {
		l, err := scanLink(s)
		found = append(found, l)
		return err
	}, "select "+linkColumns+" from links"+w.String()+" order by sync, customer limit "+w.arg(limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return found, nil
}

// GroupsAfter returns at most limit groups of open exceptions behind one, by
// sync, kind and cause; "" is all syncs, the zero Group before the first.
func (db *DB) GroupsAfter(ctx context.Context, sync string, after Group, limit int) ([]Group, error) {
	w := where{}
	w.equal("sync", sync)
	if after.Kind != "" {
		w.that("(sync, kind, cause) > (" + w.arg(after.Sync) + ", " + w.arg(string(after.Kind)) + ", " + w.arg(after.Cause) + ")")
	}
	return db.groups(ctx, w, " order by sync, kind, cause limit ", limit)
}

// LinkedTo returns a *DuplicateLinkError when a record is linked to another
// customer than the one that is named.
func (db *DB) LinkedTo(ctx context.Context, sync, customer, targetID string) error {
	owner := ""
	err := db.view(ctx, func(s scanner) error { return s.Scan(&owner) },
		"select customer from links where sync = $1 and target_id = $2 and customer <> $3", sync, targetID, customer)
	switch {
	case err != nil:
		return fmt.Errorf("look whose a record of %s is: %w", sync, err)
	case owner != "":
		return &DuplicateLinkError{Sync: sync, TargetID: targetID, Customer: owner}
	}
	return nil
}

// Link returns a customer's link, or ErrNotFound.
func (db *DB) Link(ctx context.Context, sync, customer string) (Link, error) {
	l, err := db.link(ctx, sync, customer)
	if err == nil && l == nil {
		err = ErrNotFound
	}
	if err != nil {
		return Link{}, fmt.Errorf("link of customer %s of %s: %w", customer, sync, err)
	}
	return *l, nil
}
