package overview

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// PlanJob returns a job with how far it is.
func PlanJob(ctx context.Context, db *store.DB, j store.PlanJob) (contract.PlanJob, error) {
	c := contract.PlanJobOf(j)
	if j.Kind != store.MakeJob || !j.EndedAt.IsZero() {
		return c, nil
	}
	w, err := db.SweepUnderWay(ctx, j.Sync, store.ForPlan)
	if errors.Is(err, store.ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	before, err := db.Sweeps(ctx, j.Sync, 1)
	if err != nil {
		return c, err
	}
	c.Making = contract.MakingOf(w, slices.Concat(before, []store.Sweep{{}})[0])
	return c, nil
}

// PlanChanges returns the kinds of change in a plan, the riskiest first: those that
// would be written before those that need a person; to a status that mass_change counts
// before others; from active before others; then by how many customers. more says that
// there are others.
func PlanChanges(ctx context.Context, db *store.DB, s config.Sync, plan store.Sweep) (all []contract.PlanChange, more bool, err error) {
	found, more, err := db.PlanChanges(ctx, plan.ID)
	all = []contract.PlanChange{}
	for _, c := range found {
		all = append(all, changeOf(s, c))
	}
	rank := func(c contract.PlanChange) int {
		n := slices.Index([]string{"write", "hold", "park"}, c.Action) * 4
		if !c.Guarded {
			n += 2
		}
		if c.BeforeStatus != "active" {
			n++
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b contract.PlanChange) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Customers, a.Customers))
	})
	return all, more, err
}

func changeOf(s config.Sync, c store.PlanChange) contract.PlanChange {
	p := contract.PlanChange{Change: contract.ChangeName(c.ID), Action: c.Action, Kind: c.Kind, Before: c.Before, BeforeStatus: StatusOf(s, c.Before),
		After: c.After, AfterStatus: StatusOf(s, c.After), Customers: c.Customers}
	if s.Limits != nil && s.Limits.MassChange != nil && c.Action == "write" {
		p.Guarded = slices.Contains(s.Limits.MassChange.To, p.AfterStatus)
	}
	return p
}

// StatusOf is the status that is written as a value in the target, "" for none.
func StatusOf(s config.Sync, value string) status.Status {
	for _, name := range slices.Sorted(maps.Keys(s.Statuses)) {
		if s.Statuses[name].To == value && value != "" {
			return name
		}
	}
	return ""
}
