package oracle

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/store"
)

// page returns at most limit of the sorted rows, from the first one that comes
// behind a place.
func page[R any](rows []R, limit int, behind func(R) bool) []R {
	at := slices.IndexFunc(rows, behind)
	if at < 0 {
		return nil
	}
	return rows[at:min(at+limit, len(rows))]
}

func behind(after store.After, sync, customer string) bool {
	return after == (store.After{}) || compareKeys(key{sync, customer}, key{after.Sync, after.Customer}) > 0
}

// CustomersAfter returns at most limit customers by sync and customer.
func (db *DB) CustomersAfter(_ context.Context, f store.CustomerFilter, after store.After, limit int) ([]store.Customer, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	email := strings.ToLower(strings.TrimSpace(f.Named))
	var found []store.Customer
	for c := range db.rows(f.Sync) {
		row := c.Customer
		row.Link = db.link(key{row.Sync, row.Customer})
		if f.Named == "" || row.Customer == f.Named || row.Link != nil && row.Link.TargetID == f.Named || c.Email != "" && c.Email == email {
			found = append(found, row)
		}
	}
	return page(found, limit, func(c store.Customer) bool { return behind(after, c.Sync, c.Customer) }), nil
}

// LinksAfter returns at most limit links by sync and customer.
func (db *DB) LinksAfter(ctx context.Context, sync string, after store.After, limit int) ([]store.Link, error) {
	found, err := db.Links(ctx, sync)
	return page(found, limit, func(l store.Link) bool { return behind(after, l.Sync, l.Customer) }), err
}

// GroupsAfter returns at most limit groups by sync, kind and cause.
func (db *DB) GroupsAfter(ctx context.Context, sync string, after store.Group, limit int) ([]store.Group, error) {
	found, err := db.Groups(ctx, sync)
	order := func(a, b store.Group) int {
		return cmp.Or(cmp.Compare(a.Sync, b.Sync), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Cause, b.Cause))
	}
	slices.SortFunc(found, order)
	return page(found, limit, func(g store.Group) bool { return order(g, after) > 0 }), err
}
