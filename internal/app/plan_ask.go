package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

// AskPlan notes that a person wants a plan made or applied, and has this process begin.
// A request that was made before gets its job. An *exceptions.RefusedError, a
// *store.JobOpenError, store.ErrKeyReused and store.ErrNotFound change nothing.
func (a *App) AskPlan(ctx context.Context, ask store.PlanAsk) (store.PlanJob, error) {
	w := a.wiring.Load()
	j, err := askPlan(ctx, w.config, a.store, ask)
	w.planJobs.look()
	return j, err
}

func askPlan(ctx context.Context, cfg *config.Config, db *store.DB, ask store.PlanAsk) (store.PlanJob, error) {
	j := store.PlanJob{Sync: ask.Sync, Kind: store.MakeJob, AskedBy: ask.Who, Customers: ask.Only}
	if ask.Hash != "" {
		plan, err := db.Plan(ctx, ask.Sync, ask.Hash)
		if err == nil && plan.Hash != ask.Hash {
			err = fmt.Errorf("plan %s: %w", ask.Hash, store.ErrNotFound)
		}
		if err != nil {
			return j, err
		}
		j.Kind, j.Plan, j.Hash, j.Sync = store.ApplyJob, plan.ID, plan.Hash, plan.Sync
		if ask.ApproveFirst {
			j.ApprovedBy = ask.Who
		}
		_, err = db.AskedJob(ctx, ask.Who, j.Sync, ask.Key)
		if errors.Is(err, store.ErrNotFound) { // else it was allowed then
			err = mayApply(ctx, cfg, db, plan, ask)
		}
		if err != nil {
			return j, err
		}
	}
	j, _, err := db.AskJob(ctx, j, ask.Key)
	return j, err
}

// PlanRefusal is why a plan cannot be applied as it is asked for, an
// *exceptions.RefusedError, nil when it can.
func (a *App) PlanRefusal(ctx context.Context, plan store.Sweep, ask store.PlanAsk) error {
	return mayApply(ctx, a.wiring.Load().config, a.store, plan, ask)
}

// mayApply refuses what trueup apply refuses.
func mayApply(ctx context.Context, cfg *config.Config, db *store.DB, plan store.Sweep, ask store.PlanAsk) error {
	s, ok := cfg.Syncs[plan.Sync]
	if !ok {
		return &exceptions.RefusedError{Why: plan.Sync + " is no longer in trueup.yaml", Hint: "put it back in the file, or rename it with trueup sync rename"}
	}
	rows, err := selected(ctx, db, s, plan, ask.Only)
	switch {
	case errors.Is(err, compare.ErrWatching):
		return &exceptions.RefusedError{Why: "the plan cannot be applied: " + err.Error(), Hint: "try one customer of the plan first; to write all rows, set mode: live in trueup.yaml"}
	case errors.Is(err, compare.ErrSuperseded):
		return &exceptions.RefusedError{Why: "the plan cannot be applied: " + err.Error(), Hint: "read and apply the newer plan, or make a new one"}
	case errors.Is(err, compare.ErrOtherRules):
		return &exceptions.RefusedError{Why: "the plan cannot be applied: " + err.Error(), Hint: "make a new plan"}
	case err != nil:
		return err
	}
	if rows.Trial && len(ask.Only) > compare.MostTried {
		return &exceptions.RefusedError{Why: fmt.Sprintf("%s is in mode: watch, where at most %d customers are written; %d are named", plan.Sync, compare.MostTried, len(ask.Only)),
			Hint: "name fewer, or go live: set mode: live in trueup.yaml"}
	}
	if ask.ApproveFirst {
		rows.Approved = ask.Who
	}
	for _, customer := range ask.Only {
		row, err := db.PlanRowOf(ctx, plan.ID, customer)
		if err != nil {
			return err
		}
		if row == nil || !rows.Includes(*row) {
			return &exceptions.RefusedError{Why: "the plan writes nothing for " + customer + " (" + compare.WhyNot(row) + ")", Hint: "choose a customer whom the plan would write, by the source's id"}
		}
	}
	if len(ask.Only) > 0 {
		return nil
	}
	kept, err := db.PlanRows(ctx, plan.ID, "", 1)
	if err == nil && len(kept) == 0 && plan.Summary.Carried() > plan.Summary.Agree {
		err = &exceptions.RefusedError{Why: "the rows of the plan have been deleted", Hint: "make a new plan"}
	}
	return err
}

// undoWait is how long a request waits for whoever has the customer.
const undoWait = 20 * time.Second

// Undo puts back what a customer's record held before our last write. An
// *exceptions.RefusedError says why nothing was written, or that it is not proved.
func (a *App) Undo(ctx context.Context, sync, customer, who string) (contract.Undone, error) {
	ctx, cancel := context.WithTimeout(ctx, undoWait)
	defer cancel()
	cfg := a.wiring.Load().config
	if _, err := a.store.Customer(ctx, sync, customer); err != nil {
		return contract.Undone{}, err
	}
	c, err := Undo(ctx, cfg, a.store, pipeline.UndoRequest{Sync: sync, Customer: customer, By: who})
	target := cfg.Syncs[sync].Target.Connection
	switch {
	case errors.Is(err, ErrStillBusy):
		return contract.Undone{}, &exceptions.RefusedError{Why: "nothing was written: " + ErrStillBusy.Error(), Hint: "try again"}
	case err != nil:
		return contract.Undone{}, err
	case c.Sent:
		return contract.Undone{}, &exceptions.RefusedError{Why: fmt.Sprintf("%s was sent to %s and is not confirmed: %s", c.To, target, c.Why.Sentence()), Hint: "check it in " + target}
	case !c.Done:
		return contract.Undone{}, &exceptions.RefusedError{Why: "nothing was written: " + c.Why.Sentence(), Hint: c.Why.Advice()}
	}
	return contract.Undone{Sync: sync, Customer: customer, TargetID: c.Record, From: c.From, To: c.To, By: who}, nil
}
