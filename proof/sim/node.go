package sim

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// workers is how many customers a node carries at once.
const workers = 2

// node is one running service.
type node struct {
	world  *world
	number int
	offset time.Duration // of its own clock
	up     bool
	// paused is until when it stands still, as after SIGSTOP.
	paused int64
	// process is the node's number as a process, and dead are those it had that
	// nobody took anything back from yet.
	process int64
	dead    []int64
	tasks   []*task
	// tryAt is when an idle worker asks for work, -1 when none will; tries
	// numbers these appointments, of which the latest counts.
	tryAt int64
	// tryFrom is the earliest moment that the next appointment allows.
	tryFrom int64
	// hold is until when it claims nothing although somebody waits: as many are on
	// their way as it lets be, or it knows of a rest that the store does not.
	hold int64
	// shut is until when it does not ask whether it may carry anything.
	shut  int64
	tries int
	// watches: it was started with a file in which the sync only watches.
	watches bool
	// names are those in that file.
	names names
	// account is that of the target in the file that it was started with.
	account int

	gate     *ratelimit.Gate // nil without a limit of ours
	pipeline *pipeline.Pipeline
	inbox    *inbox.Inbox
	poller   *poll.Poller
	scheme   signature.StandardWebhooks

	// crashAt and pauseAt are armed: the node crashes, or stands still, at the
	// n-th boundary of that name ("" is any).
	doom  []Step
	dying bool
	// again is what comes after a crash, where that is not a start.
	again func()
}

// nodeSteps are what happens to the nodes.
var nodeSteps = map[string]happens{
	"node crashes":      {weight: 12, draw: drawDoom, run: doom},
	"node stands still": {weight: 8, draw: drawDoom, run: doom},
	"map changed": {weight: 1, run: func(w *world, _ Step) {
		next := w.config
		next.changed = true
		w.setConfig(next)
		w.coverage.hit("fault", "map changed")
	}},
	"options changed": {weight: 2, draw: func(r *rand.Rand, _ setting, s *Step) { s.Value = one(r, targetValues...) },
		run: func(w *world, s Step) {
			w.target.options = nil
			for _, v := range targetValues {
				if v != s.Value {
					w.target.options = append(w.target.options, v)
				}
			}
		}},
}

// places are the boundaries at which a node can be struck.
var places = []string{"", "before " + opSourceRead, "after " + opSourceRead, "before " + opFind, "after " + opFind, "before " + opRead, "after " + opRead,
	"before the send", "while sending", "while waiting for the answer",
	"before claim", "after claim", "before receive", "after receive", "before link", "after link", "before intent", "after intent", "before settle", "after settle"}

func drawDoom(r *rand.Rand, set setting, s *Step) {
	s.Who, s.Op, s.N = r.IntN(set.nodes), one(r, places...), 1+r.Int64N(3)
	s.Value = one(r, "short", "long")
}

func doom(w *world, s Step) {
	if s.Who < len(w.nodes) {
		w.nodes[s.Who].doom = append(w.nodes[s.Who].doom, s)
	}
}

func newNode(w *world, number int) *node {
	return &node{world: w, number: number, names: w.config.names, offset: time.Duration(w.rng.Int64N(600_000)-300_000) * time.Millisecond}
}

// now is the node's own clock.
func (n *node) now() time.Time { return n.world.clock().Add(n.offset) }

// start starts the service with the configuration of now.
func (n *node) start() {
	w := n.world
	if n.up {
		return
	}
	if w.refused() {
		w.coverage.hit("renamed", "does not start")
		w.after(2000, n.start)
		return
	}
	n.names = w.config.names
	n.up, n.paused, n.tryAt, n.hold, n.shut = true, 0, -1, 0, 0
	n.takeBackDead()
	n.enter()
	n.noteNames()
	n.says()
	n.reaches()
	n.scheme = signature.StandardWebhooks{}
	for _, secret := range w.config.secrets {
		n.scheme.Secrets = append(n.scheme.Secrets, keyOf(secret))
	}
	p := &port{node: n}
	from := connector.Connection{Name: n.names.source, Source: asked{w}}
	if !w.set.readable {
		from.Source, from.EventSource = nil, asked{w}
	}
	s := w.config.sync(w.set)
	quiet := slog.New(slog.DiscardHandler)
	gaps, ahead, paused := n.limitCalls()
	n.pipeline = pipeline.New(pipeline.Options{Store: p, Barred: n.barred, Gap: gaps, Ahead: ahead, Resting: paused, Now: n.now, Jitter: w.rng.Float64, Timeout: w.timeout, Holding: n.holding, Log: quiet,
		Syncs: []pipeline.Sync{{Config: s, From: from, To: connector.Connection{Name: n.names.target, Target: follows{w}}}}})
	n.inbox = inbox.New(inbox.Options{Store: p, Now: w.clock, Log: quiet, Connections: map[string]inbox.Endpoint{
		n.names.source: {Receiver: receiver{n, true}, Routes: []inbox.Route{{Sync: n.names.sync, Side: store.SourceSide, Owner: "ops@example.com"}}},
		n.names.target: {Receiver: receiver{n, false}, Routes: []inbox.Route{{Sync: n.names.sync, Side: store.TargetSide, Owner: "ops@example.com"}}},
	}})
	n.poller = &poll.Poller{Connection: n.names.source, Every: time.Minute, Changes: asked{w}, Store: p, Inbox: n.inbox, Log: quiet, Syncs: []config.Sync{s}}
	w.note("start", "", "", int64(n.number))
	if w.set.poll {
		n.ask()
	}
}

// ask lets the node ask for changes now, and again every minute of the storm.
func (n *node) ask() {
	w := n.world
	if !n.up {
		return
	}
	w.begin(n, false, func(t *task) {
		asked, err := n.poller.Ask(context.Background(), n.poller.Every/2)
		if t.dead {
			return
		}
		w.note("polled", "", outcomeOf(err), 0)
		if err != nil || !asked || !w.calm {
			w.after(60_000, n.ask)
		}
	})
}

// sync is the configuration of the one sync.
func (s settings) sync(set setting) config.Sync {
	c := config.Sync{Name: s.names.sync, Mode: config.ModeLive, FirstContact: config.Ask, MinConfidence: 0.8,
		Match: []config.MatchRule{{Source: "email", Target: "email", Confidence: 0.9}},
		Statuses: map[status.Status]config.StatusMap{
			"active":  {From: []string{"active", "trialing"}, To: "Active"},
			"paused":  {From: []string{"paused", "past_due"}, To: "Paused"},
			"churned": {From: []string{"canceled"}, To: "Churned"},
		},
		Ignore:   []string{"incomplete"},
		Conflict: config.ConflictRule{ClockSkew: skewMs * time.Millisecond, AutomationEdits: config.AutomationWrite},
		Owners:   map[string]string{"default": "ops@example.com"},
	}
	if s.changed {
		c.Statuses["active"] = config.StatusMap{From: []string{"active", "trialing", "past_due"}, To: "Active"}
		c.Statuses["paused"] = config.StatusMap{From: []string{"paused"}, To: "Paused"}
	}
	if set.sourceWins {
		c.FirstContact = config.SourceWins
	}
	if set.skipAutomation {
		c.Conflict.AutomationEdits = config.AutomationSkip
	}
	if s.watch {
		c.Mode = config.ModeWatch
	}
	c.Transitions = set.transitions
	if set.limited {
		c.Limits = limits()
	}
	c.Source.Connection, c.Target.Connection = s.names.source, s.names.target
	return c
}

// setConfig gives the nodes a new file; each is started again with it.
func (w *world) setConfig(s settings) {
	w.config = s
	for i, n := range w.nodes {
		w.after(int64(i)*3000+w.rng.Int64N(2000), n.restart)
	}
}

// useSecrets gives them a file with other secrets.
func (w *world) useSecrets(secrets ...string) {
	next := w.config
	next.secrets = secrets
	w.setConfig(next)
}

func (n *node) restart() {
	n.die()
	n.doom = nil
	n.start()
}

// die ends the process: whatever it was doing has no further effect.
func (n *node) die() {
	if n.up {
		n.ended()
	}
	n.up, n.dying = false, false
	for len(n.tasks) > 0 {
		t := n.tasks[0]
		t.dead = true
		n.world.resume(t)
	}
}

// crash ends the process and starts it again after a while.
func (n *node) crash() {
	n.world.note("crash", "", "", int64(n.number))
	n.die()
	again := n.start
	if n.again != nil {
		again = n.again
	}
	n.world.after(500+n.world.rng.Int64N(20_000), again)
}

// crossing is a boundary, at which the node may be struck.
func (n *node) crossing(place string) {
	w := n.world
	for i, s := range n.doom {
		if s.Op != "" && s.Op != place {
			continue
		}
		if n.doom[i].N--; n.doom[i].N > 0 {
			return
		}
		n.doom = append(n.doom[:i:i], n.doom[i+1:]...)
		if s.Kind == "node crashes" {
			w.coverage.hit("crash", place)
			n.dying = true
			return
		}
		still := 1000 + w.rng.Int64N(20_000)
		switch {
		case !w.set.fences:
			still /= 10
		case s.Value == "long":
			still = lease.Milliseconds()/2 + w.rng.Int64N(3*lease.Milliseconds())
		}
		w.coverage.hit("pause", place)
		w.note("stands still", "", place, still)
		n.paused = w.now + still
		n.silent(still)
		return
	}
}

// pokeAll lets idle workers ask for work when there is some.
func (w *world) pokeAll() {
	if !slices.ContainsFunc(w.nodes, func(n *node) bool { return n.idle() }) {
		return
	}
	due, err := w.db.NextDue(context.Background(), w.names.sync)
	w.must(err)
	if due.IsZero() {
		return
	}
	at := max(ms(due), w.now)
	for _, connection := range []string{w.names.source, w.names.target} {
		until, err := w.db.RestsUntil(context.Background(), connection)
		w.must(err)
		at = max(at, ms(until))
	}
	for _, n := range w.nodes {
		from := max(at, n.paused, n.hold)
		if n.idle() && (n.tryAt < 0 || from < n.tryFrom) {
			n.tryFrom = from
			n.try(from + w.rng.Int64N(60))
		}
	}
}

// idle reports whether the node has a worker that does not ask for work now.
func (n *node) idle() bool {
	return n.up && n.shut <= n.world.now && (n.tryAt < 0 || n.world.now < n.tryAt) && n.busy() < workers
}

func (n *node) busy() (tasks int) {
	for _, t := range n.tasks {
		if t.carries {
			tasks++
		}
	}
	return tasks
}

// waits reports whether a customer could be claimed now, whichever store it is.
func (w *world) waits() bool {
	due, err := w.db.NextDue(context.Background(), w.names.sync)
	w.must(err)
	return !due.IsZero() && ms(due) <= w.now
}

// try lets a worker ask for work at a time.
func (n *node) try(at int64) {
	w := n.world
	n.tryAt = at
	n.tries++
	turn := n.tries
	w.after(at-w.now, func() {
		if turn != n.tries {
			w.events-- // another try took its place
			return
		}
		n.tryAt = -1
		if !n.up || n.busy() >= workers {
			return
		}
		w.begin(n, true, func(t *task) {
			carried, err := n.pipeline.Step(context.Background(), n.names.sync, 1)
			switch {
			case t.dead:
			case err != nil:
				w.note("claim failed", "", "", 0)
			case carried == 0 && (n.names != w.names || w.waits()):
				n.hold = w.now + 1000
			case carried > 0:
				n.hold = 0
			}
		})
	})
}
