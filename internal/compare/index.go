package compare

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/compare/index"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/store"
)

// index reads the log once, so that what was listed can be asked for.
func (r *run) index(ctx context.Context) (*index.Index, error) {
	x, err := index.Open(ctx, identity.Normalizer(r.Sync.Config.MatchRules()))
	if err != nil {
		return nil, err
	}
	if err := r.fill(ctx, x); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// fill fills an index with the log, and with those whom the source did not list:
// who is linked, and of a source that cannot list all that are known.
func (r *run) fill(ctx context.Context, x *index.Index) error {
	records := 0
	for page, err := range r.Store.EachSweepPage(ctx, r.w) {
		if err == nil {
			err = x.Add(ctx, page)
		}
		if err != nil {
			return err
		}
		records += len(page.Sources) + len(page.Targets)
		r.tellIndexed(records)
	}
	for links, err := range r.Store.EachLinks(ctx, r.w.Sync) {
		customers := make([]string, len(links))
		for i, l := range links {
			customers[i] = l.Customer
		}
		if err == nil {
			err = x.AddCustomers(ctx, customers)
		}
		if err != nil {
			return err
		}
	}
	if !r.w.SourceListed {
		for customers, err := range r.Store.EachCustomers(ctx, r.w.Sync) {
			if err == nil {
				err = x.AddCustomers(ctx, customers)
			}
			if err != nil {
				return err
			}
		}
	}
	return x.Sort(ctx)
}

// figures returns how many records each side listed, and how many of the
// target's are nobody's.
func (r *run) figures(ctx context.Context) (sources, targets, nobodys int, err error) {
	sources, targets, nobodys, err = r.listed.Figures(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	for links, err := range r.Store.EachLinks(ctx, r.w.Sync) {
		ids := make([]string, len(links))
		for i, l := range links {
			ids[i] = l.TargetID
		}
		n := 0
		if err == nil {
			n, err = r.listed.Untaken(ctx, ids)
		}
		if err != nil {
			return 0, 0, 0, err
		}
		nobodys -= n
	}
	return sources, targets, nobodys, nil
}

// words counts the values that were seen, of each side.
func (r *run) words(ctx context.Context) (all []store.Word, err error) {
	for _, side := range []struct {
		store.Side
		listed bool
	}{{store.SourceSide, r.w.SourceListed}, {store.TargetSide, r.w.TargetListed}} {
		var some []store.Word
		if side.listed {
			some, err = r.listed.Words(ctx, side.Side)
		} else {
			some, err = r.Store.SeenWords(ctx, r.w.Sync, side.Side)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
