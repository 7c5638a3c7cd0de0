package sim

import (
	"context"
	"math/rand/v2"
	"slices"
)

// goneAfter is after how long of silence others take back what a process held,
// as package store has it. By then the process has cut off its own calls, or
// does so when it comes back.
const goneAfter = 10_000

// drawTakesBack draws from numbers of its own, so that the script of a seed is
// the same with taking back and without.
func drawTakesBack(seed uint64) bool { return rand.New(rand.NewPCG(seed, 4)).IntN(3) > 0 }

// enter makes the node a process of its own, as each start does.
func (n *node) enter() {
	n.world.processes++
	n.process = n.world.processes
}

// ended lets others take back what a dead process held: the next start, where
// only one at a time can work, or another node when it has been silent for long.
func (n *node) ended() {
	w, process := n.world, n.process
	switch {
	case !w.set.takesBack || process == 0:
	case w.set.nodes == 1:
		n.dead = append(n.dead, process)
	default:
		w.after(goneAfter+w.rng.Int64N(2000), func() { w.takeBack(process, "crash") })
	}
}

// takeBackDead is what a start does where no other process can be at work.
func (n *node) takeBackDead() {
	for _, process := range n.dead {
		n.world.takeBack(process, "crash")
	}
	n.dead = nil
}

// silent lets the session of a node that stands still for long end as well, as
// when its network is cut: others take it for dead, and it comes back.
func (n *node) silent(still int64) {
	w, process := n.world, n.process
	if !w.set.takesBack || w.set.nodes == 1 || !w.set.fences || still <= goneAfter || w.rng.IntN(2) == 0 {
		return
	}
	w.after(goneAfter+w.rng.Int64N(min(still-goneAfter, 2000)), func() {
		if !n.up || n.process != process || w.now >= n.paused {
			return
		}
		w.takeBack(process, "zombie")
		n.enter() // when it comes back
	})
}

// takeBack takes back what a process held. Whoever sent its writes has given up.
func (w *world) takeBack(process int64, why string) {
	w.turns() // what came during the attempts that end here waits since then
	taken, err := w.db.TakeBackFrom(context.Background(), process)
	w.must(err)
	w.note("taken back", "", why, int64(taken))
	if taken > 0 {
		w.coverage.hit("taken back", why)
	}
	for _, s := range w.sendings {
		s.late = s.late || s.process == process
	}
	for customer, c := range w.facts.claims {
		if c.open && c.process == process && c.until > w.now {
			c.open, c.until, c.takenBack = false, w.now, true
			w.facts.claims[customer] = c
		}
	}
}

// awaited reports whether nobody may claim a customer yet because the write of a dead
// process gets a moment to arrive. The attempt that died has used the turn: what is told
// meanwhile waits from then on, as what is told during an attempt does.
func (w *world) awaited(customer string, due int64) bool {
	return w.facts.claims[customer].takenBack && due <= w.now && !slices.Contains(w.claimable(), customer)
}

// arrived takes a write off the wire.
func (w *world) arrived(s *sending) {
	w.sendings = slices.DeleteFunc(w.sendings, func(o *sending) bool { return o == s })
}

type heldKey struct{}

// holding is a context that ends when the node has lost what it holds.
func (n *node) holding(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithValue(ctx, heldKey{}, &hold{n, n.process}), func() {}
}

type hold struct {
	node    *node
	process int64
}

// lost reports whether the process that holds the customer of a call is taken
// for dead.
func lost(ctx context.Context) bool {
	h, ok := ctx.Value(heldKey{}).(*hold)
	return ok && h.node.process != h.process
}
