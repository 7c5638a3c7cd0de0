package sim

import (
	"context"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Disk is a Store on disk. There nodes compare both sides, and operators apply
// plans and forget people.
type Disk interface {
	Store
	Product() *store.DB
	// Standing returns every text, whatever the column, in which one of the names
	// stands by itself.
	Standing(names ...string) ([]string, error)
}

const (
	// sweepEvery is how often a node compares in the storm.
	sweepEvery = 300_000
	// sweepPage is how many records a page of a list has.
	sweepPage = 2
)

// sweeps begins to compare, where something does.
func (w *world) sweeps() {
	if !w.compares() {
		return
	}
	for i, n := range w.nodes {
		w.after(int64(i)*70_000, n.sweep)
	}
}

// swept reports whether a comparison finds the latest change of a customer. One
// from before the sync was live is history, which only a plan carries.
func (w *world) swept(c *client) bool { return w.compares() && c.now().at > surely }

func (w *world) compares() bool { return w.disk != nil && w.set.readable }

// sweep compares now, and again from time to time until the calm.
func (n *node) sweep() {
	w := n.world
	if !w.calm {
		w.after(sweepEvery, n.sweep)
	}
	if !n.up {
		return
	}
	w.begin(n, false, func(t *task) {
		_, err := n.compare(store.ForSweep)
		if t.dead {
			return
		}
		w.note("compared", "", outcomeOf(err), 0)
		w.coverage.hit("comparison", outcomeOf(err))
	})
}

// compare is the product's comparison, as a process makes it. It waits for nobody:
// time passes only between the events of a history.
func (n *node) compare(purpose store.Purpose) (store.Sweep, error) {
	w, db := n.world, n.world.disk.Product()
	w.facts.comparedAt = w.now
	db.ClaimAs(n.process)
	if err := db.SetMode(context.Background(), n.names.sync, true); err != nil {
		return store.Sweep{}, err
	}
	return compare.Run(context.Background(), compare.Options{Sync: n.bothSides(), Store: db, Purpose: purpose, Repair: purpose == store.ForSweep, Ask: true, Patience: time.Nanosecond})
}

// bothSides is the sync with both tools as they can be listed.
func (n *node) bothSides() pipeline.Sync {
	w, c := n.world, n.world.config
	c.names = n.names
	return pipeline.Sync{Config: c.sync(w.set),
		From: connector.Connection{Name: n.names.source, Source: asked{w}, SourceList: sourceList{w}},
		To:   connector.Connection{Name: n.names.target, Target: follows{w}, TargetList: targetList{w}}}
}

// sourceList and targetList are what the two tools list.
type (
	sourceList struct{ *world }
	targetList struct{ *world }
)

// List implements connector.SourceList.
func (l sourceList) List(ctx context.Context, cursor string) (found []status.SourceRecord, next string, err error) {
	err = l.call(ctx, opSourceList, "", func(*task) error {
		page, after, err := pageOf(l.source.customers, cursor)
		next = after
		for _, c := range page {
			if c.gone || c.late > l.now {
				continue
			}
			v := c.now()
			r := status.SourceRecord{ID: c.id, Value: v.value, Keys: keysOf(c.id), UpdatedAt: l.at(v.at + l.set.sourceClock)}
			if l.set.valueAt {
				r.ValueAt = r.UpdatedAt
			}
			found = append(found, r)
		}
		return err
	})
	return found, next, err
}

// List implements connector.TargetList.
func (l targetList) List(ctx context.Context, cursor string) (found []status.TargetRecord, next string, err error) {
	err = l.call(ctx, opSourceList, "", func(*task) error {
		page, after, err := pageOf(l.target.records, cursor)
		next = after
		for _, r := range page {
			if !r.gone && r.late <= l.now {
				found = append(found, l.view(r, r.now()))
			}
		}
		return err
	})
	return found, next, err
}

func pageOf[T any](all []T, cursor string) (page []T, next string, err error) {
	from := 0
	if cursor != "" {
		if from, err = strconv.Atoi(cursor); err != nil {
			return nil, "", err
		}
	}
	to := min(from+sweepPage, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[min(from, to):to], next, nil
}
