package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// The limits of a history that has some: so many writes to one customer, and so
// many customers that move to churned, within a window.
const (
	mostWrites  = 4
	mostChurned = 2
	window      = 20 * time.Minute
)

func limits() *config.Limits {
	return &config.Limits{WritesPerCustomer: &config.WritesPerCustomer{Count: mostWrites, Within: window},
		MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: mostChurned, Within: window}}
}

// drawLimited draws from numbers of its own, so that the script of a seed is the
// same with limits and without.
func drawLimited(seed uint64) bool { return rand.New(rand.NewPCG(seed, 3)).IntN(3) == 0 }

// counts is what the watch of limits remembers.
type counts struct {
	landed []landing
	// since is from when on the writes to a customer count: a person said that
	// it may be written again.
	since map[string]int64
	// resumed is when a person let the sync go on; passing are the customers who
	// waited for it and do not count.
	resumed  int64
	waiting  map[string]bool
	passing  map[string]bool
	resuming bool // a person is on the way
}

// landing is a write that was begun under the limits and arrived.
type landing struct {
	customer string
	at       int64
	again    bool // of one before nobody knew the effect: both count once
	mass     bool // it counts towards the mass change
}

// withinLimits: no more is written than the limits allow.
var withinLimits = watch{
	landed: func(w *world, s *sending, _ *record) {
		if !w.set.limited || s.late || s.work == nil {
			return
		}
		n, customer, at := &w.facts.limits, s.work.Customer, s.intentAt
		again := slices.ContainsFunc(s.work.Intents, func(i store.Intent) bool {
			return i.ID < s.intentID && !i.Seen && i.Value == s.value && i.RecordID == s.record.ID
		})
		l := landing{customer, at, again, s.value == "Churned" && s.row == nil && !n.passing[customer] && at > n.resumed}
		n.landed = append(n.landed, l)
		if last := n.writes(customer, at); last > mostWrites {
			w.fail(14, "within limits", "%s was written %d times within %s", customer, last, window)
		}
		if moved := n.moved(at); l.mass && moved > mostChurned {
			w.fail(14, "within limits", "%d customers moved to churned within %s", moved, window)
		}
	},
	settled: func(w *world, _ *task, work *store.Work, s store.Settlement) {
		n := &w.facts.limits
		if work.Writes.Stopped && s.Close == store.CloseAll {
			n.since[work.Customer] = w.now
		}
		if waits(s) {
			w.coverage.hit("limit", "mass_change")
			w.resumeLater()
			return
		}
		if s.Park != nil && s.Park.Kind == status.LoopSuspected {
			w.coverage.hit("limit", "writes_per_customer")
		}
		// What came meanwhile is still to be carried, and the mark with it.
		if s.Outcome == status.Applied || s.Outcome != "" && !s.Halted && !w.due(work.Customer) {
			delete(n.waiting, work.Customer)
			delete(n.passing, work.Customer)
		}
	},
	ended: func(w *world) {
		for customer := range w.facts.limits.waiting {
			w.fail(14, "within limits", "%s waits at a halted sync that was resumed", customer)
		}
	},
}

// waits reports whether an attempt ended because the sync is halted.
func waits(s store.Settlement) bool { return s.Halted && s.Outcome == status.Parked && s.Park == nil }

// due reports whether a customer is to be carried now. One that no event has told
// of yet is not.
func (w *world) due(customer string) bool {
	c, err := w.db.Customer(context.Background(), w.names.sync, customer)
	if errors.Is(err, store.ErrNotFound) {
		return false
	}
	w.must(err)
	return !c.DueAt.IsZero() && !c.DueAt.After(w.clock())
}

// halted: the store refused a write because the sync is halted, and keeps that
// whether or not the attempt comes to its end.
func (w *world) halted(customer string) { w.facts.limits.waiting[customer] = true }

// writes is how often a customer was written until then, in the window.
func (n *counts) writes(customer string, at int64) (writes int) {
	for _, l := range n.landed {
		if l.customer == customer && n.counted(l, at) && l.at > n.since[customer] && !l.again {
			writes++
		}
	}
	return writes
}

// moved is how many customers moved until then, in the window.
func (n *counts) moved(at int64) int {
	var who []string
	for _, l := range n.landed {
		if l.mass && n.counted(l, at) && l.at > n.resumed && !slices.Contains(who, l.customer) {
			who = append(who, l.customer)
		}
	}
	return len(who)
}

func (n *counts) counted(l landing, at int64) bool {
	return l.at <= at && at-l.at < window.Milliseconds()
}

// resumeLater lets a person see that the sync is halted, and let it go on.
func (w *world) resumeLater() {
	n := &w.facts.limits
	if n.resuming {
		return
	}
	n.resuming = true
	w.after(60_000+w.rng.Int64N(1_200_000), func() {
		if n.resuming = false; w.letOn() {
			w.resumeLater()
		}
	})
}

// spoken: a person has said something of a customer that was written too often.
func (w *world) spoken(x store.Exception) {
	if x.Kind == status.LoopSuspected {
		w.facts.limits.since[x.Customer] = w.now
	}
}
