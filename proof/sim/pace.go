package sim

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// pacing is how many calls the target takes: by a rate limit of ours, or by one of
// the tool's own, which cuts off what is beyond it and does not say for how long.
// Either lasts through the calm: what is due has to get through all the same.
type pacing struct {
	// own is our limit, so many calls a minute; vendor the tool's, so many in each
	// vendorWindow. 0 is none.
	own, vendor int
}

const (
	vendorWindow = 10_000
	// mostCuts is how often the tool may have to cut calls off in a minute: those on
	// their way with the first, and one of each node after each rest, of which the
	// first are short.
	mostCuts = 30
	// longestQueue is how long a customer waits in the calm, with a handful of others.
	longestQueue = 30 * 60_000
)

// drawPace draws from numbers of its own, so that the rest of a seed stays what it is.
func drawPace(seed uint64) (p pacing) {
	r := rand.New(rand.NewPCG(seed, 27))
	switch r.IntN(40) {
	case 0:
		p.own = 8 + r.IntN(30)
	case 1:
		p.vendor = 6 + r.IntN(6)
	}
	return p
}

// paced is what the watch of paces remembers.
type paced struct {
	calls, cuts []int64
}

func towardsTarget(op string) bool { return op == opFind || op == opRead || op == opWrite }

// cutOff counts a call, and reports whether it is one too many for the tool.
func (w *world) cutOff(op string) (Step, bool) {
	if w.set.pace.vendor == 0 || !towardsTarget(op) {
		return Step{}, false
	}
	p := &w.facts.paced
	window := w.now / vendorWindow
	p.calls = slices.DeleteFunc(p.calls, func(at int64) bool { return at/vendorWindow < window })
	if p.calls = append(p.calls, w.now); len(p.calls) <= w.set.pace.vendor {
		return Step{}, false
	}
	w.coverage.hit("pace", "beyond the tool's limit")
	p.cuts = append(slices.DeleteFunc(p.cuts, func(at int64) bool { return at <= w.now-60_000 }), w.now)
	if len(p.cuts) > mostCuts {
		w.fail(19, "paced", "the tool had to cut off %d calls within a minute", len(p.cuts))
	}
	return Step{Kind: "call 429 without a time", Op: op, N: http.StatusTooManyRequests}, true
}

// timed is a context whose deadline is by a node's clock.
type timed struct {
	context.Context
	deadline time.Time
}

// Deadline implements context.Context.
func (t timed) Deadline() (time.Time, bool) { return t.deadline, true }

// turn waits until our own limit leaves a call.
func (w *world) turn(ctx context.Context, op string) error {
	n := w.current.node
	if n.gate == nil || !towardsTarget(op) {
		return nil
	}
	if at, ok := ctx.Value(deadlineKey{}).(int64); ok {
		ctx = timed{ctx, w.at(at).Add(n.offset)}
	}
	if err := n.gate.Wait(ctx); err != nil {
		if w.current.dead {
			return errDead
		}
		w.coverage.hit("pace", "no call left in the lease")
		return err
	}
	p := &w.facts.paced
	p.calls = append(slices.DeleteFunc(p.calls, func(at int64) bool { return at <= w.now-60_000 }), w.now)
	// Whoever stood still while it waited goes late.
	if most := w.set.pace.own + workers*len(w.nodes) + 1; len(p.calls) > most {
		w.fail(19, "paced", "%d calls were made within a minute, %d are allowed", len(p.calls), w.set.pace.own)
	}
	return nil
}

// limitCalls gives a node its way to the target: our own limit, where there is one.
func (n *node) limitCalls() (gaps map[string]time.Duration, ahead func(context.Context, string) (time.Duration, error), paused func(string, time.Duration)) {
	w := n.world
	if n.gate = nil; w.set.pace.own == 0 {
		return nil, nil, nil
	}
	gate := ratelimit.New(ratelimit.Options{Slots: w.db, Connection: n.names.target, Requests: w.set.pace.own, Per: time.Minute, Now: n.now,
		Sleep: func(_ context.Context, wait time.Duration) error {
			w.coverage.hit("pace", "waits for our limit")
			// Rounded up, for the world counts in milliseconds.
			if !w.current.pass("while waiting for the limit", (wait + time.Millisecond - 1).Milliseconds()) {
				return errDead
			}
			return nil
		}})
	n.gate = gate
	gaps = map[string]time.Duration{n.names.target: time.Minute / time.Duration(w.set.pace.own)}
	ahead = func(ctx context.Context, connection string) (time.Duration, error) {
		if connection != n.names.target {
			return 0, nil
		}
		return gate.Ahead(ctx)
	}
	paused = func(connection string, rest time.Duration) {
		if connection == n.names.target {
			gate.Paused(rest)
		}
	}
	return gaps, ahead, paused
}

// inPace: work under a limit goes on, and a tool that cuts calls off is not
// hammered.
var inPace = watch{
	claimed: func(w *world, work *store.Work, _ []string) {
		if !w.calm || w.set.pace == (pacing{}) {
			return
		}
		since := max(w.facts.since[work.Customer], w.set.storm)
		if waited := w.now - since; waited > longestQueue {
			w.fail(19, "paced", "%s waited %d ms for the limit", work.Customer, waited)
		}
	},
	settled: func(w *world, _ *task, _ *store.Work, s store.Settlement) {
		switch {
		case s.Outcome != status.Applied:
		case w.set.pace.own > 0:
			w.coverage.hit("pace", "carried under our limit")
		case w.set.pace.vendor > 0:
			w.coverage.hit("pace", "carried under the tool's limit")
		}
	},
}
