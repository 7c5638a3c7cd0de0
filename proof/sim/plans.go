package sim

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// operatorSteps are what operators do with commands.
var operatorSteps = map[string]happens{
	"operator plans":   {draw: drawPlan, run: func(w *world, s Step) { w.plan(s, 3) }},
	"operator forgets": {draw: drawForget, run: func(w *world, s Step) { w.forgetAmid(s) }},
}

// applyHow are the ways in which a plan is applied.
var applyHow = []string{"once", "twice at once", "killed", "stands still", "stopped", "again"}

// drawOperators draws from numbers of its own, as drawWaits does.
func drawOperators(seed uint64, set setting) []Step {
	r := rand.New(rand.NewPCG(seed, 40))
	steps := make([]Step, 1+r.IntN(4))
	for i := range steps {
		s := Step{Kind: one(r, "operator plans", "operator plans", "operator forgets"), Who: r.IntN(set.customers), At: 2000 + r.Int64N(set.storm-2000)}
		operatorSteps[s.Kind].draw(r, set, &s)
		steps[i] = s
	}
	return steps
}

// drawPlan draws how a plan is applied, how long after it was made, and what
// happens meanwhile: the nodes may be stopped, first contacts approved, some rows
// chosen, the world may move, and an automation may put back what is written.
func drawPlan(r *rand.Rand, _ setting, s *Step) {
	s.Op, s.N = one(r, append([]string{"twice at once"}, applyHow...)...), one(r, r.Int64N(3000), r.Int64N(120_000))
	for _, word := range []string{"alone", "approved", "moved", "put back", "some"} {
		if r.IntN(2) == 0 {
			s.Value += word + " "
		}
	}
}

func (s Step) says(word string) bool { return strings.Contains(s.Value, word) }

// row is a row of a plan as it was shown.
type row struct {
	store.PlanRow
	plan *madePlan
	// landed is how often it was written.
	landed int
}

// madePlan is a plan that somebody has read.
type madePlan struct {
	store.Sweep
	step Step
	rows map[string]*row
	// begun is how often it was begun to be applied.
	begun int
}

// carries reports whether somebody who applies the plan asks for the row.
func (r *row) carries() bool {
	first := r.Action == string(decide.Park) && r.Kind == status.FirstContact && r.plan.approved() != ""
	return r.Action == string(decide.Write) || first
}

func (p *madePlan) approved() string {
	if p.step.says("approved") {
		return "ana@example.com"
	}
	return ""
}

// plan makes a plan and has it applied later. One that is cut off is made with the
// same command again.
func (w *world) plan(s Step, tries int) {
	if !w.compares() || w.calm || tries == 0 || w.refused() {
		return
	}
	if s.says("alone") && tries == 3 {
		w.stopNodes(s)
	}
	w.command(func() {}, func(n *node, t *task) {
		made, err := n.compare(store.ForPlan)
		if t.dead {
			return
		}
		w.note("planned", "", outcomeOf(err), int64(made.Summary.Write))
		if err != nil {
			w.after(20_000, func() { w.plan(s, tries-1) })
			return
		}
		p := &madePlan{Sweep: made, step: s, rows: map[string]*row{}}
		var customers []string
		for r, err := range w.disk.Product().EachPlanRow(context.Background(), made.ID) {
			w.must(err)
			p.rows[r.Customer] = &row{PlanRow: r, plan: p}
			if p.rows[r.Customer].carries() {
				customers = append(customers, r.Customer)
			}
		}
		w.coverage.hit("plan", map[bool]string{true: "with rows to carry", false: "with none"}[len(customers) > 0])
		for _, customer := range customers {
			if s.says("moved") && w.rng.IntN(2) == 0 {
				w.after(w.rng.Int64N(s.N+2000), func() { w.move(p.rows[customer]) })
			}
		}
		w.after(s.N, func() { w.apply(p, s.Op) })
	})
}

// stopNodes stops the service for an upgrade, and something changes meanwhile.
func (w *world) stopNodes(s Step) {
	for _, n := range w.nodes {
		n.die()
		w.after(1000+s.N+w.rng.Int64N(30_000), n.start)
	}
	for _, c := range w.source.customers {
		if w.rng.IntN(3) > 0 {
			c.set(one(w.rng, "active", "paused", "canceled"))
		}
	}
}

// move lets something change about a customer whose row nobody has applied yet.
func (w *world) move(r *row) {
	record := w.target.record(r.TargetID)
	if w.calm || record == nil || record.gone {
		return
	}
	what := one(w.rng, "source", "person", "automation", "record", "forgotten")
	w.coverage.hit("moved since the plan", what)
	switch what {
	case "source":
		w.source.client(r.Customer).set(one(w.rng, "active", "paused", "canceled"))
	case "person":
		w.target.edit(record, one(w.rng, targetValues...), status.ActorHuman)
	case "automation":
		w.target.edit(record, one(w.rng, targetValues...), status.ActorAutomation)
	case "record":
		record.gone = true
		w.note("target deleted", record.id, "", 0)
	case "forgotten":
		w.forget(Step{Who: slices.Index(w.source.customers, w.source.client(r.Customer)), Op: "id"})
	}
}

// mostTries is how often somebody tries a plan.
const mostTries = 6

// longest is how long applying a plan may take.
const longest = 3 * 3_600_000

// apply carries the rows of a plan, in one of the ways of applyHow.
func (w *world) apply(p *madePlan, how string) {
	if w.calm && how != "again" || w.refused() {
		return
	}
	w.coverage.hit("apply", how)
	p.begun++
	ctx, stop := context.WithCancel(context.Background())
	ended := false
	n := w.command(func() { stop(); w.apply(p, "again") }, func(n *node, t *task) {
		defer stop()
		defer func() { ended = true }()
		total, err := n.applied(ctx, t, p)
		if t.dead {
			return
		}
		w.note("applied", "", outcomeOf(err), int64(total.Applied))
		if (ctx.Err() != nil || err != nil) && p.begun < mostTries {
			w.after(2000, func() { w.apply(p, "again") })
		}
	})
	w.after(longest, func() {
		if !ended && n.up {
			w.fail(13, "bounded", "applying a plan has no end")
		}
	})
	switch how {
	case "twice at once":
		w.after(w.rng.Int64N(300), func() { w.apply(p, "beside") })
	case "killed":
		n.doom = append(n.doom, Step{Kind: "node crashes", N: 1 + w.rng.Int64N(40)})
	case "stands still":
		n.doom = append(n.doom, Step{Kind: "node stands still", Value: one(w.rng, "short", "long"), N: 1 + w.rng.Int64N(40)})
	case "stopped":
		w.after(w.rng.Int64N(1500), stop)
	}
	if how == "once" || how == "twice at once" {
		w.after(5000+w.rng.Int64N(60_000), func() { w.apply(p, "again") })
	}
}

// applied applies a plan as the command does, and checks what it says of it.
func (n *node) applied(ctx context.Context, t *task, p *madePlan) (total compare.ApplyResult, err error) {
	w, db := n.world, n.world.disk.Product()
	s := n.bothSides()
	p.Sync = n.names.sync
	if err := compare.Applicable(context.Background(), db, s.Config, p.Sweep); err != nil {
		w.coverage.hit("apply", err.Error())
		return total, err
	}
	db.ClaimAs(n.process)
	beside, err := db.BeginApply(context.Background(), p.Sweep, false)
	w.must(err)
	if beside {
		w.coverage.hit("apply", "another is at it")
	}
	way := &planPort{port: &port{n}, plan: p}
	quiet := slog.New(slog.DiscardHandler)
	a := compare.ApplyOptions{Selection: compare.Selection{Plan: p.Sweep, Approved: p.approved()}, Store: way, Workers: 1,
		Pipeline: pipeline.New(pipeline.Options{Store: way, Now: n.now, Jitter: w.rng.Float64, Timeout: w.timeout, Holding: n.holding, Log: quiet, Syncs: []pipeline.Sync{s}}),
		Wait: func(_ context.Context, d time.Duration) {
			t.pass("while a row waits", d.Milliseconds())
		}}
	if p.step.says("some") {
		a.Limit, a.Chosen = 2, func(customer string) bool { return customer != "cus_1" }
	}
	asks := 0
	for r, err := range db.EachPlanRow(context.Background(), p.ID) {
		if w.must(err); a.Includes(r) {
			asks++
		}
	}
	t.elsewhere(func() { total, err = compare.Apply(ctx, a) })
	if t.dead {
		return total, err
	}
	if got := total.Applied + total.Before + total.Refused + total.Failed + total.Left; got != asks && err == nil {
		w.fail(17, "as planned", "of %d rows %d were accounted for: %+v", asks, got, total)
	}
	for r, readErr := range db.EachPlanRow(context.Background(), p.ID) {
		w.must(readErr)
		o := p.rows[r.Customer]
		if o == nil || !a.Includes(r) { // who was forgotten has another name there
			continue
		}
		w.coverage.hit("plan's row", map[store.RowState]string{store.RowOpen: "left"}[r.State]+string(r.State))
		if r.State == store.RowOpen && err == nil && ctx.Err() == nil && a.Limit == 0 {
			w.fail(17, "as planned", "the row of %s was left without a reason", r.Customer)
		}
	}
	return total, err
}
