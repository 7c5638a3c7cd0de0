package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const pageSize = 3

// walk walks a list to its end and lets something happen after each page. A
// page is asked for behind the last row of the one before.
func walk[R any](f fixture, next func(last *R) ([]R, error), name func(R) string, meanwhile func(page int)) []string {
	f.Helper()
	var names []string
	var last *R
	for n := 0; ; n++ {
		rows, err := next(last)
		f.must(err)
		for _, r := range rows {
			names = append(names, name(r))
		}
		if len(rows) < pageSize {
			return names
		}
		last = &rows[len(rows)-1]
		meanwhile(n)
	}
}

func numbered(format string, from, to int) []string {
	var names []string
	step := 1
	if from > to {
		step = -1
	}
	for n := from; n != to+step; n += step {
		names = append(names, fmt.Sprintf(format, n))
	}
	return names
}

var pages = map[string]func(*testing.T, Open){
	"events that come meanwhile push none out of its page": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 8 {
			f.receive(event(fmt.Sprint("evt_", n), "cus_1"))
		}
		got := walk(f, func(last *store.Event) ([]store.Event, error) {
			filter := store.EventFilter{Customer: "cus_1", Limit: pageSize, Bare: true}
			if last != nil {
				filter.Before = last.Seq
			}
			return f.db.Events(f.ctx, filter)
		}, func(e store.Event) string {
			if e.Payload != nil {
				t.Errorf("%s brings its payload", e.ID)
			}
			return e.ID
		}, func(page int) { f.receive(event(fmt.Sprint("late_", page), "cus_1")) })
		if diff := cmp.Diff(numbered("evt_%d", 7, 0), got); diff != "" {
			t.Error(diff)
		}
	},
	"an exception that comes again meanwhile is neither left out nor told twice": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 8 {
			_, err := f.db.OpenException(f.ctx, exception(fmt.Sprint("cus_", n), status.Unmatched, status.StageMatch))
			f.must(err)
		}
		got := walk(f, func(last *store.Exception) ([]store.Exception, error) {
			filter := store.ExceptionFilter{Sync: sync1, Limit: pageSize}
			if last != nil {
				filter.Before = last.ID
			}
			return f.db.Exceptions(f.ctx, filter)
		}, func(x store.Exception) string { return x.Customer }, func(page int) {
			f.clock.Move(time.Hour)
			for _, customer := range []string{"cus_0", "cus_7", fmt.Sprint("new_", page)} {
				_, err := f.db.OpenException(f.ctx, exception(customer, status.Unmatched, status.StageMatch))
				f.must(err)
			}
		})
		if diff := cmp.Diff(numbered("cus_%d", 7, 0), got); diff != "" {
			t.Error(diff)
		}
	},
	"customers are listed over all syncs with their links": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 7 {
			e := event(fmt.Sprint("evt_", n), fmt.Sprint("cus_", n))
			if n > 4 {
				e.Sync = "z-other"
			}
			f.receive(e)
		}
		f.must(f.db.SetLink(f.ctx, link("cus_3", "rec_3")))
		linked := link("cus_3", "rec_3")
		linked.At = f.clock.Now()
		next := func(filter store.CustomerFilter) func(last *store.Customer) ([]store.Customer, error) {
			return func(last *store.Customer) ([]store.Customer, error) {
				var after store.After
				if last != nil {
					after = store.After{Sync: last.Sync, Customer: last.Customer}
				}
				return f.db.CustomersAfter(f.ctx, filter, after, pageSize)
			}
		}
		name := func(c store.Customer) string {
			if c.Customer == "cus_3" {
				if diff := cmp.Diff(&linked, c.Link); diff != "" {
					t.Error(diff)
				}
			} else if c.Link != nil {
				t.Errorf("%s has the link %+v", c.Customer, c.Link)
			}
			return c.Customer
		}
		if diff := cmp.Diff(numbered("cus_%d", 0, 6), walk(f, next(store.CustomerFilter{}), name, func(int) {
			f.receive(event(fmt.Sprint("early_", f.clock.Now().UnixMilli()), "a_customer"))
			f.clock.Move(time.Second)
		})); diff != "" {
			t.Error(diff)
		}
		works := f.claim()
		f.must(f.db.Settle(f.ctx, &works[1], store.Settlement{Email: " Ana@Example.com "}))
		for named, want := range map[string][]string{"cus_2": {"cus_2"}, "rec_3": {"cus_3"}, "ana@example.COM": {works[1].Customer}, "cus_9": nil} {
			for _, sync := range []string{"", sync1} {
				if diff := cmp.Diff(want, walk(f, next(store.CustomerFilter{Sync: sync, Named: named}), name, func(int) {})); diff != "" {
					t.Errorf("named %s in %q: %s", named, sync, diff)
				}
			}
		}
	},
	"customers are searched by what a person remembers of them": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n, name := range []string{"Halden Optics", "haldenberg & Söhne", "Ärzte am Markt", "100% Organic_", "Zoë", "", ""} {
			f.receive(event(fmt.Sprint("evt_", n), fmt.Sprint("cus_", n)))
			w := f.claimOne()
			s := store.Settlement{Outcome: status.Applied, Name: name, Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Applied}}}
			if n == 5 {
				s.Outcome, s.Email = status.Held, "Ana@Example.com"
			}
			f.must(f.db.Settle(f.ctx, w, s))
		}
		f.must(f.db.SetLink(f.ctx, link("cus_3", "rec_3")))
		for search, want := range map[string][]string{
			"halden": {"cus_0", "cus_1"}, " HALDENB ": {"cus_1"}, "ärzte": {"cus_2"}, "ÄRZTE AM": {"cus_2"}, "zoË": {"cus_4"}, "100%": {"cus_3"}, "%": nil, "_": nil, "h%": nil,
			"rec_3": {"cus_3"}, "rec_": nil, "ana@example.COM": {"cus_5"}, "ana@": nil, "cus_6": {"cus_6"}, "cus_": numbered("cus_%d", 0, 6), "CUS_": nil, "": numbered("cus_%d", 0, 6), "o'": nil,
		} {
			for _, sync := range []string{"", sync1} {
				got := walk(f, func(last *store.Customer) ([]store.Customer, error) {
					var after store.After
					if last != nil {
						after = store.After{Sync: last.Sync, Customer: last.Customer}
					}
					return f.db.CustomersAfter(f.ctx, store.CustomerFilter{Sync: sync, Search: search}, after, pageSize)
				}, func(c store.Customer) string { return c.Customer }, func(int) {})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q in %q: %s", search, sync, diff)
				}
			}
		}
		for _, search := range []string{"", "cus_"} {
			found, err := f.db.CustomersAfter(f.ctx, store.CustomerFilter{Search: search, Outcome: status.Held}, store.After{}, 9)
			f.must(err)
			if len(found) != 1 || found[0].Customer != "cus_5" {
				t.Errorf("held of %q are %+v", search, found)
			}
		}
	},
	"links are listed in pages": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 7 {
			f.must(f.db.SetLink(f.ctx, link(fmt.Sprint("cus_", n), fmt.Sprint("rec_", n))))
		}
		got := walk(f, func(last *store.Link) ([]store.Link, error) {
			var after store.After
			if last != nil {
				after = store.After{Sync: last.Sync, Customer: last.Customer}
			}
			return f.db.LinksAfter(f.ctx, sync1, after, pageSize)
		}, func(l store.Link) string { return l.Customer }, func(page int) {
			f.must(f.db.SetLink(f.ctx, link(fmt.Sprint("a_", page), fmt.Sprint("rec_a", page))))
		})
		if diff := cmp.Diff(numbered("cus_%d", 0, 6), got); diff != "" {
			t.Error(diff)
		}
	},
	"groups are listed by their cause, also while they grow": func(t *testing.T, open Open) {
		f := fresh(t, open)
		grow := func(customer, cause string) {
			x := exception(customer, status.UnmappedStatus, status.StageMap)
			x.Cause = cause
			_, err := f.db.OpenException(f.ctx, x)
			f.must(err)
		}
		for n := range 7 {
			grow(fmt.Sprint("cus_", n), fmt.Sprint("value_", n))
		}
		got := walk(f, func(last *store.Group) ([]store.Group, error) {
			if last == nil {
				last = &store.Group{}
			}
			return f.db.GroupsAfter(f.ctx, sync1, *last, pageSize)
		}, func(g store.Group) string { return g.Cause }, func(page int) { grow(fmt.Sprint("more_", page), "value_6") })
		if diff := cmp.Diff(numbered("value_%d", 0, 6), got); diff != "" {
			t.Error(diff)
		}
	},
}
