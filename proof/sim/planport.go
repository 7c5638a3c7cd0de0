package sim

import (
	"context"
	"iter"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// planPort is the way to the store of a process that applies a plan.
type planPort struct {
	*port
	plan *madePlan
}

// ClaimOne implements pipeline.Claimer.
func (p *planPort) ClaimOne(ctx context.Context, sync, customer string, plan int64, lease time.Duration) (work store.Work, ok bool, err error) {
	err = p.do("claim", func(t *task) error {
		w := p.world
		w.turns()
		w.db.ClaimAs(p.process)
		if work, ok, err = w.disk.Product().ClaimOne(ctx, sync, customer, plan, lease); err != nil || !ok {
			return err
		}
		claimed := work
		t.attempt = attempt{work: &claimed, process: p.process, row: p.plan.rows[customer]}
		w.note("claimed for a plan", customer, "", work.Fence)
		for _, x := range watches {
			if x.claimed != nil {
				x.claimed(w, &claimed, nil)
			}
		}
		return nil
	})
	if err != nil {
		return store.Work{}, false, err
	}
	return work, ok, nil
}

// BeginWrite implements pipeline.Store. Who approved the row is known to the
// attempt alone.
func (p *planPort) BeginWrite(ctx context.Context, work *store.Work, i store.Intent, l store.Limits) (store.Intent, error) {
	p.world.current.work = work
	return p.port.BeginWrite(ctx, work, i, l)
}

// Settle implements pipeline.Store.
func (p *planPort) Settle(ctx context.Context, work *store.Work, s store.Settlement) (err error) {
	t := p.world.current
	if s.Outcome != "" || s.Attempts != work.Attempts {
		if err = p.port.Settle(ctx, work, s); err == nil {
			p.world.rowEnded(t.row, s)
		}
		return err
	}
	// The customer is left as it was.
	return p.do("settle", func(t *task) error {
		err = p.world.db.Settle(ctx, work, s)
		p.held(t, work, "a settlement", err)
		p.world.note("left as it was", work.Customer, errorText(err), 0)
		if err == nil {
			p.world.rowEnded(t.row, s)
			p.world.turns()
		}
		return err
	})
}

// EachPlanRow implements sweep.PlanStore.
func (p *planPort) EachPlanRow(ctx context.Context, sweep int64) iter.Seq2[store.PlanRow, error] {
	return p.world.disk.Product().EachPlanRow(ctx, sweep)
}

// Modes implements sweep.PlanStore.
func (p *planPort) Modes(ctx context.Context) (map[string]store.Mode, error) {
	return p.world.disk.Product().Modes(ctx)
}

// TakeBack implements sweep.PlanStore: the world takes back what the dead held.
func (p *planPort) TakeBack(context.Context) (int, error) { return 0, nil }
