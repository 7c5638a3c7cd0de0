package sim

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// syncName is the one sync of each history.
const syncName = "customer-status"

// began is when every history begins.
var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// lease is how long a claim lasts.
const lease = pipeline.DefaultLease

// maxEvents bounds a history; one that goes on for longer has no end
// (invariant 13).
const maxEvents = 60_000

// world is one history on its way. Times are milliseconds since began.
type world struct {
	seed   uint64
	set    setting
	script []Step
	left   map[int]bool // steps that are left out

	now   int64
	queue queue
	rng   *rand.Rand
	db    Store
	// disk is nil where nobody compares and no operator is at work.
	disk   Disk
	source *source
	target *target
	nodes  []*node
	// commands are processes that an operator started.
	commands []*node
	// processes counts those that ever were, and sendings are the writes that may
	// yet arrive.
	processes int64
	sendings  []*sending
	// current is the coroutine that runs, nil while the world itself does.
	current *task

	armed    []Step           // faults that wait for a call to hit
	down     map[string]int64 // until when a call is answered 503
	calm     bool
	secrets  []string // live at the sender, the last is used
	config   settings
	names    names // as the database has them
	events   int
	attempts map[string]int // in the calm, by customer

	facts    facts
	breach   *Breach
	hash     uint64
	tracing  bool
	timeline []string
	coverage *Coverage
}

func newWorld(c Case, tracing bool) *world {
	plan := rand.New(rand.NewPCG(c.Seed, 1))
	w := &world{seed: c.Seed, rng: rand.New(rand.NewPCG(c.Seed, 2)), tracing: tracing, hash: 14695981039346656037, left: map[int]bool{},
		attempts: map[string]int{}, down: map[string]int64{}, coverage: newCoverage(), facts: newFacts(c.Seed)}
	w.facts.policy.asks = w.isAsked
	w.set = drawSetting(plan)
	w.set.limited, w.set.takesBack = drawLimited(c.Seed), drawTakesBack(c.Seed)
	w.set.sourceClock += drawWrong(c.Seed, w.set)
	w.set.drawProof(c.Seed)
	w.set.drawTells(c.Seed)
	w.set.seconds = drawSeconds(c.Seed)
	w.set.behind = drawBehind(c.Seed, w.set)
	w.set.pace = drawPace(c.Seed)
	w.set.transitions = drawTransitions(c.Seed)
	if c.Nodes > 0 {
		w.set.nodes = c.Nodes
	}
	w.script = slices.Concat(drawScript(plan, w.set), drawWaits(c.Seed, w.set), drawModes(c.Seed, w.set), drawAccounts(c.Seed, w.set), drawHands(c.Seed, w.set), drawBlips(c.Seed, w.set))
	for _, n := range c.Without {
		w.left[n] = true
	}
	w.source, w.target = newSource(w), newTarget(w)
	w.target.beginLying()
	w.secrets = []string{"first"}
	w.names = firstNames
	w.config = settings{secrets: []string{"first"}, names: firstNames}
	for i := range w.set.nodes {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	return w
}

// clock is the database's time.
func (w *world) clock() time.Time { return w.at(w.now) }

func (w *world) at(ms int64) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

// ms is the world's time of a stored one, -1 when it is not known.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.Sub(began).Milliseconds()
}

// live goes through storm and calm.
func (w *world) live() {
	w.note("setting", w.set.String(), "", 0)
	w.coverage.setting(w.set)
	for _, c := range w.source.customers {
		w.after(w.rng.Int64N(3000), func() { w.source.tell(c, "created") })
	}
	for _, n := range w.nodes {
		n.start()
	}
	for i, s := range w.script {
		if !w.left[i] {
			w.after(s.At, func() { w.happen(s) })
		}
	}
	w.sweeps()
	w.replays(w.seed)
	w.after(w.set.storm, w.becomeCalm)
	for w.breach == nil && len(w.queue.entries) > 0 {
		if w.events++; w.events > maxEvents {
			w.fail(13, "bounded", "the history has no end")
			break
		}
		e := w.queue.pop()
		w.now = e.at
		e.do()
		w.pokeAll()
	}
	if w.breach == nil {
		w.ended()
	}
	for _, n := range slices.Concat(w.nodes, w.commands) {
		n.die()
	}
}

// happen lets one step of the script happen.
func (w *world) happen(s Step) {
	if w.calm {
		return
	}
	w.note("step", s.Kind, s.detail(), s.N)
	h, ok := happenings[s.Kind]
	if !ok {
		h = lateSteps[s.Kind]
	}
	h.run(w, s)
	if s.Kind == "person links" {
		w.facts.renewed[w.source.customers[s.Who].id] = true // by name
	}
	w.turns() // what a person does during an attempt waits since then
}

// becomeCalm ends all trouble.
func (w *world) becomeCalm() {
	w.note("calm", "", "", 0)
	w.calm = true
	w.armed = nil
	clear(w.down)
	w.target.options = nil
	w.config.watch = false
	w.rename()
	for _, n := range w.nodes {
		n.paused = 0
		n.restart()
	}
	w.handsOn()
	w.decidesAll()
	if why, err := w.nodes[0].barred(context.Background(), w.names.sync); err != nil || why != "" {
		w.saysOfAccount("the same")
	}
	if w.set.poll {
		// A node that died while it asked has the lease for a while.
		for _, wait := range []int64{70_000, 170_000} {
			w.after(wait, func() { w.nodes[0].ask() })
		}
	}
	if w.compares() {
		for _, wait := range []int64{80_000, 180_000, 320_000} { // likewise
			w.after(wait, w.nodes[0].sweep)
		}
	}
	for _, c := range w.source.customers {
		w.after(200_000+w.rng.Int64N(20_000), func() {
			if c.untold() && !w.swept(c) || w.config.changed || w.facts.modes.history[c.id] && !w.facts.modes.promises(c.id) {
				w.source.tell(c, map[bool]string{true: "touched", false: "again"}[w.set.readable])
			}
		})
	}
	if w.set.retryInCalm {
		// Once everything else has settled.
		w.after(3*time.Hour.Milliseconds(), w.retryAll)
	}
}

// retryAll is a person who tries every open exception again.
func (w *world) retryAll() {
	open, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Sync: w.names.sync})
	w.must(err)
	for _, x := range slices.Backward(open) {
		if x.Customer != "" && (x.State == status.Open || x.State == status.Acknowledged) {
			w.note("retried", x.Customer, string(x.Kind), 0)
			w.act(x, store.Act{Verb: store.Retry})
		}
	}
	w.facts.retriedAll = true
}

// must is for calls of the world itself, at which nothing fails on purpose.
func (w *world) must(err error) {
	if err != nil && w.breach == nil {
		w.fail(0, "store", "%v", err)
	}
}

// fail ends the history with a breach; the first one counts.
func (w *world) fail(number int, name, format string, args ...any) {
	if w.breach == nil {
		w.breach = &Breach{Number: number, Name: name, What: fmt.Sprintf(format, args...)}
		w.note("breach", name, w.breach.What, int64(number))
	}
}

// note makes a line of the timeline and a part of the hash.
func (w *world) note(what, who, detail string, n int64) {
	h := w.hash
	for _, text := range [...]string{what, who, detail} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h = (h ^ uint64(n)) * 1099511628211
	w.hash = (h ^ uint64(w.now)) * 1099511628211
	if w.tracing {
		who, detail := who, detail
		if n != 0 {
			detail = fmt.Sprintf("%s [%d]", detail, n)
		}
		node := ""
		if w.current != nil {
			node = fmt.Sprintf("node %d", w.current.node.number)
		}
		w.timeline = append(w.timeline, fmt.Sprintf("%10.3fs  %-7s %-22s %-8s %s", float64(w.now)/1000, node, what, who, detail))
	}
}

// after lets something happen later.
func (w *world) after(ms int64, do func()) { w.queue.push(w.now+max(ms, 0), do) }

// latency is how long one way of a call takes.
func (w *world) latency() int64 {
	switch n := w.rng.IntN(100); {
	case n < 80:
		return 1 + w.rng.Int64N(40)
	case n < 97:
		return 40 + w.rng.Int64N(1500)
	default:
		return 1500 + w.rng.Int64N(8000)
	}
}

// task is a coroutine of a node: an attempt, a webhook or a poll.
type task struct {
	world *world
	node  *node
	next  func() (int64, bool)
	yield func(int64) bool
	// dead: the node has crashed. Whatever the task still does has no effect.
	dead, done bool
	attempt
}

// begin runs a coroutine of a node up to its first call. One that carries
// customers takes one of the node's workers.
func (w *world) begin(n *node, carries bool, body func(*task)) {
	t := &task{world: w, node: n, attempt: attempt{carries: carries}}
	t.next, _ = iter.Pull(func(yield func(int64) bool) {
		t.yield = yield
		deepen(w.events % 2)
		body(t)
	})
	n.tasks = append(n.tasks, t)
	w.resume(t)
}

// deepen makes a coroutine's stack as large as an attempt needs it. It starts
// small, and growing by doubling copies what is on it each time: a fifth of all
// work.
//
//go:noinline
func deepen(i int) byte {
	var room [24 << 10]byte // the index keeps it from being thought away
	room[i]++
	return room[i/2]
}

// resume lets a task go on until it gives way again.
func (w *world) resume(t *task) {
	if t.done {
		return
	}
	if wait := t.node.paused - w.now; wait > 0 && !t.dead {
		w.after(wait, func() { w.resume(t) })
		return
	}
	before := w.current
	w.current = t
	wait, more := t.next()
	w.current = before
	if !more {
		t.done = true
		t.node.tasks = slices.DeleteFunc(t.node.tasks, func(o *task) bool { return o == t })
		return
	}
	w.after(wait, func() { w.resume(t) })
	if t.node.dying {
		t.node.crash()
	}
}

// pass gives way for a time at a place where a node can crash or stand still.
// It reports whether the task lives on.
func (t *task) pass(place string, ms int64) bool {
	if t.dead {
		return false
	}
	t.node.crossing(place)
	t.yield(ms)
	return !t.dead
}

// act is something that a person does about an exception.
func (w *world) act(x store.Exception, a store.Act) {
	a.Exception = x.ID
	if a.Verb == store.Resolve || a.Verb == store.Ignore {
		delete(w.facts.modes.promised, x.Customer) // a person said that nothing is to be done
	}
	if a.Verb != store.Resolve && w.facts.asItWas[x.Customer].Kind == x.Kind { // what is said of another question leaves it closed
		delete(w.facts.asItWas, x.Customer)
	}
	w.spoken(x)
	_, err := w.db.Act(context.Background(), a)
	w.must(err)
	w.turns()
}
