package oracle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (db *DB) event(seq int64) *store.Event {
	if seq < 1 || seq > int64(len(db.events)) {
		return nil
	}
	return db.events[seq-1]
}

// Event returns one event with its payload, or store.ErrNotFound.
func (db *DB) Event(_ context.Context, seq int64) (store.Event, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if e := db.event(seq); e != nil {
		return *e, nil
	}
	return store.Event{}, fmt.Errorf("event %d: %w", seq, store.ErrNotFound)
}

// Events returns the chosen events, the latest first.
func (db *DB) Events(_ context.Context, f store.EventFilter) ([]store.Event, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if f.Limit == 0 {
		f.Limit = 100
	}
	var found []store.Event
	for _, e := range db.inOrder(f) {
		if len(found) == f.Limit {
			break
		}
		if (f.Sync == "" || e.Sync == f.Sync) && (f.Customer == "" || e.Customer == f.Customer) &&
			(f.Connection == "" || e.Connection == f.Connection) && (f.Outcome == "" || e.Outcome == f.Outcome) && (!f.Waiting || e.Outcome == "") &&
			(f.Before == 0 || e.Seq < f.Before) && !e.ReceivedAt.Before(milli(f.Since)) && (f.Until.IsZero() || e.ReceivedAt.Before(milli(f.Until))) &&
			(!f.Originals || e.ReplayOf == 0 && e.Seq > f.After) && (!f.LatestChange || e.Side == store.SourceSide) && (!f.Valued || e.HasValue) {
			row := *e
			if f.Bare {
				row.Payload = nil
			}
			found = append(found, row)
		}
	}
	return found, nil
}

// inOrder returns all events in the order that a filter asks for.
func (db *DB) inOrder(f store.EventFilter) []*store.Event {
	all := slices.Clone(db.events)
	switch {
	case f.Originals:
	case f.LatestChange:
		slices.SortFunc(all, func(a, b *store.Event) int {
			return cmp.Or(b.HappenedAt(f.Skew).Compare(a.HappenedAt(f.Skew)), cmp.Compare(b.Place(), a.Place()), cmp.Compare(b.Seq, a.Seq))
		})
	default:
		slices.Reverse(all)
	}
	return all
}

// Customer returns one customer, or store.ErrNotFound.
func (db *DB) Customer(_ context.Context, sync, name string) (store.Customer, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	k := key{sync, name}
	c, ok := db.customers[k]
	if !ok {
		return store.Customer{}, fmt.Errorf("customer %s of %s: %w", name, sync, store.ErrNotFound)
	}
	row := c.Customer
	row.Link, row.Pin = db.link(k), db.pinned(k)
	return row, nil
}

// History returns the latest decisions about a customer, the latest first.
func (db *DB) History(_ context.Context, sync, name string, limit int) ([]store.Decision, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var found []store.Decision
	for _, d := range slices.Backward(db.decisions) {
		if len(found) < limit && d.Sync == sync && d.Customer == name {
			found = append(found, d)
		}
	}
	return found, nil
}

// Last returns how the latest event of each customer of a sync ended.
func (db *DB) Last(_ context.Context, sync string) (map[string]store.Last, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	last := map[string]store.Last{}
	for c := range db.rows(sync) {
		if c.Outcome != "" {
			last[c.Customer.Customer] = store.Last{Outcome: c.Outcome, Reason: c.Reason, At: c.SettledAt}
		}
	}
	return last, nil
}

// Counts returns how each sync stands that has something waiting or open.
func (db *DB) Counts(context.Context) (map[string]store.Counts, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	counts := map[string]store.Counts{}
	change := func(sync string, do func(*store.Counts)) {
		c, ok := counts[sync]
		if !ok {
			c.Open = map[status.Kind]int{}
		}
		do(&c)
		counts[sync] = c
	}
	for c := range db.rows("") {
		if !c.DueAt.IsZero() {
			change(c.Sync, func(n *store.Counts) { n.WaitingCustomers++ })
		}
		if c.owed {
			change(c.Sync, func(n *store.Counts) { n.Owed++ })
		}
	}
	for sync, since := range db.halts {
		change(sync, func(n *store.Counts) {
			n.Halted.Since = since
			for c := range db.rows(sync) {
				if c.waits {
					n.Halted.Waiting++
				}
			}
		})
	}
	for _, e := range db.events {
		if e.Outcome == "" {
			change(e.Sync, func(n *store.Counts) {
				n.WaitingEvents++
				if n.OldestWaiting.IsZero() || e.ReceivedAt.Before(n.OldestWaiting) {
					n.OldestWaiting = e.ReceivedAt
				}
			})
		}
	}
	asked, needed := map[key]bool{}, map[key]bool{}
	for _, x := range db.exceptions {
		if !isOpen(x.State) {
			continue
		}
		change(x.Sync, func(n *store.Counts) {
			n.Open[x.Kind]++
			k := key{x.Sync, x.Customer}
			switch {
			case x.Customer == "":
				n.Asked.Whole++
			case !asked[k]:
				asked[k] = true
				n.Asked.Customers++
			}
			if x.Customer != "" && !needed[k] {
				needed[k] = true
				n.NeedPerson++
			}
		})
	}
	return counts, nil
}

// Outcomes returns how many events of a sync ended in each way.
func (db *DB) Outcomes(_ context.Context, sync string) (map[status.Outcome]int, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	outcomes := map[status.Outcome]int{}
	for _, e := range db.events {
		if e.Sync == sync && e.Outcome != "" {
			outcomes[e.Outcome]++
		}
	}
	return outcomes, nil
}

// Links returns the links of a sync by customer; "" is all syncs.
func (db *DB) Links(_ context.Context, sync string) ([]store.Link, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var found []store.Link
	for _, l := range db.links {
		if sync == "" || l.Sync == sync {
			found = append(found, *l)
		}
	}
	slices.SortFunc(found, func(a, b store.Link) int { return compareKeys(key{a.Sync, a.Customer}, key{b.Sync, b.Customer}) })
	return found, nil
}

// Exceptions returns the chosen exceptions, the latest first.
func (db *DB) Exceptions(_ context.Context, f store.ExceptionFilter) ([]store.Exception, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var found []store.Exception
	for _, x := range db.exceptions {
		if (f.Sync == "" || x.Sync == f.Sync) && (f.Customer == "" || x.Customer == f.Customer) && (f.Kind == "" || x.Kind == f.Kind) &&
			(f.Owner == "" || x.Owner == f.Owner) && (f.Cause == "" || x.Cause == f.Cause) && (len(f.States) == 0 || slices.Contains(f.States, x.State)) &&
			(f.Before == 0 || x.ID < f.Before) {
			found = append(found, *x)
		}
	}
	if f.Limit > 0 {
		slices.SortFunc(found, func(a, b store.Exception) int { return cmp.Compare(b.ID, a.ID) })
		return found[:min(f.Limit, len(found))], nil
	}
	slices.SortFunc(found, func(a, b store.Exception) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(b.ID, a.ID))
	})
	return found, nil
}

// Exception returns one exception, or store.ErrNotFound.
func (db *DB) Exception(_ context.Context, id int64) (store.Exception, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, x := range db.exceptions {
		if x.ID == id {
			return *x, nil
		}
	}
	return store.Exception{}, fmt.Errorf("exception %d: %w", id, store.ErrNotFound)
}
