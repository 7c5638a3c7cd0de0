package store

import (
	"context"
	"slices"
	"strings"
)

// forgetSweeps ends the comparisons of a sync that are under way: what they have
// read and what they hold in memory may name the customer, and is stored no more.
func (t *tx) forgetSweeps(sync string) error {
	_, err := t.exec("update sweeps set phase = 'failed', failure = 'a customer was forgotten', ended_at = $2, lease_until = 0 where sync = $1 and phase not in ('done', 'failed')", sync, ms(t.now))
	if err == nil {
		_, err = t.exec("update sweeps set source_cursor = '', target_cursor = '', compared_to = '' where sync = $1 and phase in ('done', 'failed')", sync)
	}
	return err
}

// countPages counts the pages that comparisons of a sync have left, which all
// are dropped. Of whom nothing but mentions are left, they count when they
// mention somebody: else a name that nobody ever had would have rows.
func (db *DB) countPages(ctx context.Context, sync string, f *Forgotten) error {
	n, mentioned := 0, f.Customer != ""
	var left []int64
	err := db.view(ctx, func(s scanner) error {
		var id int64
		var pages int
		err := s.Scan(&id, &pages)
		left, n = append(left, id), n+pages
		return err
	}, "select sweep, count(*) from sweep_pages where "+sweepsOf+" group by sweep", sync)
	if err != nil {
		return err
	}
	for _, id := range left {
		for page, err := range db.EachSweepPage(ctx, Sweep{ID: id, Sync: sync}) {
			if err != nil {
				return err
			}
			if mentioned = mentioned || page.mentions(f.names.names); mentioned {
				break
			}
		}
	}
	if mentioned && n > 0 {
		f.Rows["sweep_pages"] = n
	}
	return nil
}

// mentions reports whether somebody in a page is called so.
func (p SweepPage) mentions(names []string) bool {
	is := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(text, name) })
		})
	}
	inKeys := func(keys map[string]string) bool {
		for _, value := range keys {
			if is(value) {
				return true
			}
		}
		return false
	}
	for _, r := range p.Sources {
		if is(r.ID) || inKeys(r.Keys) {
			return true
		}
	}
	for _, r := range p.Targets {
		if is(r.ID, r.By) || inKeys(r.Keys) {
			return true
		}
	}
	return slices.ContainsFunc(p.Taken, func(t Taken) bool { return is(t.TargetID, t.Customer) })
}
