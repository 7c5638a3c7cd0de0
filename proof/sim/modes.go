package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// modeSteps are operators who let the sync only watch for a while, and live again.
// What waits then is an outage's queue, or a mass change that somebody may try to
// let through meanwhile.
var modeSteps = map[string]happens{
	"only watches": {draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N = one(r, "", "outage", "outage", "mass change"), one(r, int64(4000), 40_000, 400_000)
	}, run: func(w *world, s Step) {
		if w.disk != nil {
			return // nodes that compare say the mode at each comparison
		}
		switch s.Op {
		case "outage":
			for _, op := range []string{opFind, opRead, opWrite} {
				w.down[op] = max(w.down[op], w.now+6000)
			}
			w.source.customers[s.Who].set(one(w.rng, "active", "paused", "canceled"))
		case "mass change":
			for _, c := range w.source.customers {
				c.set("canceled")
			}
			w.after(25_000, func() { w.watchFor(s.N) })
			return
		}
		w.after(4000, func() { w.watchFor(s.N) })
	}},
}

// drawModes draws from numbers of its own, so that the rest of a seed stays what it is.
func drawModes(seed uint64, set setting) []Step {
	r := rand.New(rand.NewPCG(seed, 31))
	if r.IntN(12) > 0 {
		return nil
	}
	steps := make([]Step, 1+r.IntN(2))
	for i := range steps {
		steps[i] = Step{Kind: "only watches", Who: r.IntN(set.customers), At: 2000 + r.Int64N(set.storm-2000)}
		modeSteps["only watches"].draw(r, set, &steps[i])
	}
	return steps
}

// watchFor gives the nodes a file in which the sync only watches, and then one in
// which it is live.
func (w *world) watchFor(ms int64) {
	if w.calm || w.config.watch {
		return
	}
	w.coverage.hit("mode", "watch")
	change := func(watch bool) {
		next := w.config
		next.watch = watch
		w.setConfig(next)
	}
	change(true)
	w.after(ms/2, func() {
		if !w.calm {
			w.letOn() // it may be halted
		}
	})
	w.after(ms, func() {
		if w.calm {
			return
		}
		change(false)
		if len(w.nodes) > 1 { // of which one may have read the file, and another not yet
			w.after(1500, func() { one(w.rng, w.source.customers...).set(one(w.rng, "active", "paused", "canceled")) })
		}
	})
}

// modes is what the watch of modes remembers.
type modes struct {
	// watches is what a node said last, to the store.
	watches bool
	// promised is when a change of a customer was accepted while the sync was live,
	// which no look that could write has found since. passed are those at
	// whom it only looked meanwhile.
	promised map[string]int64
	passed   map[string]bool
	// history are those at whom it only looked since: nothing has to come of it.
	history map[string]bool
}

func newModes() modes {
	return modes{promised: map[string]int64{}, passed: map[string]bool{}, history: map[string]bool{}}
}

// says lets a node that has read its file say whether the sync writes.
func (n *node) says() {
	w := n.world
	if n.watches = w.config.watch; w.disk != nil {
		return
	}
	w.facts.modes.watches = n.watches
	w.must(w.db.SetMode(context.Background(), w.names.sync, !n.watches))
	w.turns()
}

// letOn lets a person let a halted sync go on. One that only watches stays halted:
// who is let through would be looked at, and nothing be written.
func (w *world) letOn() (refused bool) {
	halted := w.isHalted()
	done, err := w.db.Resume(context.Background(), store.Resume{Sync: w.names.sync, Who: "ana@example.com", Reason: "seen"})
	watches := w.facts.modes.watches
	switch {
	case errors.Is(err, store.ErrWatching) && watches:
		w.coverage.hit("mode", "not resumed while it watches")
		w.note("not resumed", "", "", 0)
		return true
	case err == nil && done.Changed && !done.Unpaused && watches:
		w.fail(20, "only watches", "%d customers are let through while the sync only watches", done.Through)
	}
	w.must(err)
	if done.Unpaused {
		w.resumedPause()
	}
	if !done.Changed || done.Unpaused && !halted {
		return false
	}
	n := &w.facts.limits
	n.resumed = w.now
	for customer := range n.waiting {
		n.passing[customer] = true
	}
	clear(n.waiting)
	w.turns()
	w.note("resumed", "", "", int64(done.Through))
	w.coverage.hit("limit", "resumed")
	return false
}

// accepted notes that an event was stored.
func (m *modes) accepted(e store.NewEvent, now int64) {
	if e.Side == store.SourceSide && !m.watches {
		m.promised[e.Customer] = now
	}
}

func (m *modes) promises(customer string) bool { _, ok := m.promised[customer]; return ok }

// onlyWatches: nothing is written by who only watches, and what was accepted while
// the sync was live is carried when it is live again.
var onlyWatches = watch{
	sent: func(w *world, t *task, record status.TargetRecord, value string) {
		if t.node.watches {
			w.fail(20, "only watches", "%s was written to %s by a node that only watches", value, record.ID)
		}
	},
	settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
		m, customer := &w.facts.modes, work.Customer
		switch {
		case s.Outcome == "":
		case t.node.watches:
			m.history[customer] = true
			if !m.watches {
				w.coverage.hit("mode", "looked at by a node whose file is old")
			}
			switch {
			case s.Outcome == status.AlreadyEqual, s.Outcome == status.Applied: // what came until now has nothing left to do, or arrived before
				delete(m.promised, customer)
				delete(m.passed, customer)
			case m.promises(customer):
				m.passed[customer] = true
			}
		default:
			if m.passed[customer] && s.Outcome == status.Applied {
				w.coverage.hit("mode", "carried after it was only looked at")
			}
			delete(m.history, customer)
			// What came since it was claimed is due still, of a time in which it may only watch.
			if claimed := w.facts.claims[customer].until - lease.Milliseconds(); !w.due(customer) || m.promised[customer] < claimed {
				delete(m.promised, customer)
				delete(m.passed, customer)
			}
		}
	},
	ended: func(w *world) {
		for _, c := range w.source.customers {
			if w.facts.modes.promises(c.id) && len(w.questions(slices.Index(w.source.customers, c))) == 0 {
				w.fail(20, "only watches", "a change of %s was accepted while the sync was live, and then it was only looked at", c.id)
			}
		}
	},
}
