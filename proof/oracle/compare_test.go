package oracle

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/store"
)

// compare compares everything that can be asked about this life.
func (d *differential) compare(*rapid.T) {
	ctx := context.Background()
	d.all("events", func(s *side) any {
		found, err := s.Events(ctx, store.EventFilter{Sync: d.sync, Limit: 500})
		for i := range found {
			if one, err := s.Event(ctx, found[i].Seq); err != nil || one.ID != found[i].ID {
				d.Fatalf("event %d is %s in the list, and alone %+v, %v", found[i].Seq, found[i].ID, one, err)
			}
			unnumbered(&found[i])
		}
		return answered(found, err)
	})
	for what, f := range map[string]store.EventFilter{
		"events as they were received": {Sync: d.sync, Originals: true, Limit: 500},
		"events by change":             {Sync: d.sync, LatestChange: true, Limit: 500},
		"events with a value":          {Sync: d.sync, LatestChange: true, Valued: true, Skew: time.Minute, Limit: 500},
		"events of the last minute":    {Sync: d.sync, Since: d.clock.Now().Add(-time.Minute), Until: d.clock.Now(), Limit: 500},
	} {
		d.all(what, func(s *side) any {
			found, err := s.Events(ctx, f)
			for i := range found {
				unnumbered(&found[i])
			}
			return answered(found, err)
		})
	}
	for _, name := range []string{"cus_1", "cus_2", "cus_3"} {
		d.all("customer", func(s *side) any { return answered(s.Customer(ctx, d.sync, name)) })
		d.all("history", func(s *side) any {
			found, err := s.History(ctx, d.sync, name, 50)
			for i := range found {
				found[i].ID = 0
			}
			return answered(found, err)
		})
		d.all("link history", func(s *side) any { return answered(s.LinkHistory(ctx, d.sync, name, 50)) })
	}
	for _, named := range []string{"cus_1", "rec_1", "ana@example.com"} {
		d.all("customers", func(s *side) any { return answered(s.Customers(ctx, d.sync, named)) })
	}
	d.all("exceptions", func(s *side) any {
		found, err := s.Exceptions(ctx, store.ExceptionFilter{Sync: d.sync})
		slices.SortFunc(found, func(a, b store.Exception) int { return cmp.Compare(a.ID, b.ID) })
		var actions [][]store.Action
		for i := range found {
			did, actErr := s.Actions(ctx, found[i].ID)
			for j := range did {
				did[j].ID = 0
			}
			actions, err = append(actions, did), errors.Join(err, actErr)
			found[i].ID = 0
		}
		return answered([]any{found, actions}, err)
	})
	d.all("groups", func(s *side) any { return answered(s.Groups(ctx, d.sync)) })
	d.all("links", func(s *side) any { return answered(s.Links(ctx, d.sync)) })
	d.all("last", func(s *side) any { return answered(s.Last(ctx, d.sync)) })
	d.all("outcomes", func(s *side) any { return answered(s.Outcomes(ctx, d.sync)) })
	d.comparePages(ctx)
	d.all("counts", func(s *side) any {
		counts, err := s.Counts(ctx)
		return answered(counts[d.sync], err)
	})
}

// pageSize is small, so that a short life has several pages.
const pageSize = 2

// pages reads a list to its end, a page behind the last row of the one before.
func pages[R any](next func(last *R) ([]R, error)) ([][]R, error) {
	var all [][]R
	var last *R
	for {
		rows, err := next(last)
		if err != nil || len(rows) == 0 {
			return all, err
		}
		all, last = append(all, rows), &rows[len(rows)-1]
	}
}

// comparePages compares every list that is read in pages.
func (d *differential) comparePages(ctx context.Context) {
	d.all("pages of events", func(s *side) any {
		found, err := pages(func(last *store.Event) ([]store.Event, error) {
			f := store.EventFilter{Sync: d.sync, Limit: pageSize, Bare: true}
			if last != nil {
				f.Before = last.Seq
			}
			return s.Events(ctx, f)
		})
		for _, p := range found {
			for i := range p {
				unnumbered(&p[i])
			}
		}
		return answered(found, err)
	})
	d.all("pages of exceptions", func(s *side) any {
		found, err := pages(func(last *store.Exception) ([]store.Exception, error) {
			f := store.ExceptionFilter{Sync: d.sync, Limit: pageSize}
			if last != nil {
				f.Before = last.ID
			}
			return s.Exceptions(ctx, f)
		})
		for _, p := range found {
			for i := range p {
				p[i].ID = 0
			}
		}
		return answered(found, err)
	})
	for _, named := range []string{"", "rec_1", "ana@example.com"} {
		d.all("pages of customers", func(s *side) any {
			return answered(pages(func(last *store.Customer) ([]store.Customer, error) {
				var after store.After
				if last != nil {
					after = store.After{Sync: last.Sync, Customer: last.Customer}
				}
				return s.CustomersAfter(ctx, store.CustomerFilter{Sync: d.sync, Named: named}, after, pageSize)
			}))
		})
	}
	d.all("pages of links", func(s *side) any {
		return answered(pages(func(last *store.Link) ([]store.Link, error) {
			var after store.After
			if last != nil {
				after = store.After{Sync: last.Sync, Customer: last.Customer}
			}
			return s.LinksAfter(ctx, d.sync, after, pageSize)
		}))
	})
	d.all("pages of groups", func(s *side) any {
		return answered(pages(func(last *store.Group) ([]store.Group, error) {
			if last == nil {
				last = &store.Group{}
			}
			return s.GroupsAfter(ctx, d.sync, *last, pageSize)
		}))
	})
}
