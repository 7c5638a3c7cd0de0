package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// RowEnd is what became of a plan's row. It commits with the settlement of the
// row's customer: a row is applied if and only if its write was settled.
type RowEnd struct {
	Sweep int64
	State RowState
	Note  string
	// By is who approved a first contact, "" when no one had to.
	By string
}

// endRow notes what became of a row, and in the exception that asked about the
// customer who has answered.
func (t *tx) endRow(w *Work, r RowEnd) error {
	_, err := t.exec("update plan_rows set state = $3, note = $4, ended_at = $5 where sweep = $1 and customer = $2 and state <> 'applied'",
		r.Sweep, w.Customer, string(r.State), r.Note, ms(t.now))
	if err != nil || r.By == "" {
		return err
	}
	var asked []int64
	err = t.query(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		asked = append(asked, id)
		return err
	}, "select id from exceptions where sync = $1 and customer = $2 and kind = $3 and "+closable, w.Sync, w.Customer, string(status.FirstContact))
	if err != nil {
		return err
	}
	for _, id := range asked {
		if err := t.note(id, r.By, string(UseSource), r.Note); err != nil {
			return err
		}
	}
	return nil
}

// PlansBefore returns up to limit finished plans of a sync, the latest first and
// only those before the given number; 0 begins, and "" is all syncs.
func (db *DB) PlansBefore(ctx context.Context, sync string, before int64, limit int) ([]Sweep, error) {
	var found []Sweep
	err := db.view(ctx, func(s scanner) error {
		w, err := scanSweep(s)
		found = append(found, w)
		return err
	}, "select "+sweepColumns+` from sweeps where ($1 = '' or sync = $1) and hash <> '' and purpose = 'plan' and phase = 'done'
    and ($2 = 0 or id < $2) order by id desc limit $3`, sync, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return found, nil
}

// LatestPlan returns the plan of a sync that was finished last, or ErrNotFound.
func (db *DB) LatestPlan(ctx context.Context, sync string) (Sweep, error) {
	found, err := db.PlansBefore(ctx, sync, 0, 1)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("the latest plan of %s: %w", sync, ErrNotFound)
	}
	if err != nil {
		return Sweep{}, err
	}
	return found[0], nil
}

// rowsAtOnce is how many rows of a plan are held in memory.
const rowsAtOnce = 500

// EachPlanRow gives the rows of a plan by customer, from page to page. It ends
// with the first error.
func (db *DB) EachPlanRow(ctx context.Context, sweep int64) iter.Seq2[PlanRow, error] {
	return eachRow(func(after string) ([]PlanRow, error) { return db.PlanRows(ctx, sweep, after, rowsAtOnce) })
}

// EachPlanRowOf gives, as EachPlanRow does, those of one kind of change, 0 for all,
// that a text means as in FindPlanRows, "" for all.
func (db *DB) EachPlanRowOf(ctx context.Context, plan Sweep, change int64, text string) iter.Seq2[PlanRow, error] {
	return eachRow(func(after string) ([]PlanRow, error) {
		switch {
		case text != "":
			return db.FindPlanRows(ctx, plan.Sync, plan.ID, change, text, after, rowsAtOnce)
		case change != 0:
			return db.PlanRowsOf(ctx, plan.ID, change, after, rowsAtOnce)
		}
		return db.PlanRows(ctx, plan.ID, after, rowsAtOnce)
	})
}

// eachRow gives one page of rows after the other.
func eachRow(page func(after string) ([]PlanRow, error)) iter.Seq2[PlanRow, error] {
	return func(yield func(PlanRow, error) bool) {
		for after := ""; ; {
			rows, err := page(after)
			if err != nil {
				yield(PlanRow{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			if len(rows) < rowsAtOnce {
				return
			}
			after = rows[len(rows)-1].Customer
		}
	}
}

// RowCount is how many rows of a plan have something in common.
type RowCount struct {
	Action string
	Kind   status.Kind
	State  RowState
	N      int
}

// CountPlanRows counts the rows of a plan that are kept. It reads those that have been
// tried; how many there are of each kind was counted when the plan was made.
func (db *DB) CountPlanRows(ctx context.Context, sweep int64) ([]RowCount, error) {
	var tried, found []RowCount
	err := db.view(ctx, func(s scanner) error {
		var c RowCount
		err := s.Scan(&c.Action, &c.Kind, &c.State, &c.N)
		tried = append(tried, c)
		return err
	}, "select action, kind, state, count(*) from plan_rows where sweep = $1 and ended_at > 0 group by action, kind, state order by action, kind, state", sweep)
	if err == nil {
		err = db.view(ctx, func(s scanner) error {
			var c RowCount
			err := s.Scan(&c.Action, &c.Kind, &c.N)
			var of []RowCount
			for _, t := range tried {
				if t.Action == c.Action && t.Kind == c.Kind {
					of, c.N = append(of, t), c.N-t.N
				}
			}
			if c.N > 0 {
				found = append(found, c)
			}
			found = append(found, of...)
			return err
		}, "select action, kind, sum(customers) from plan_changes where sweep = $1 group by action, kind order by action, kind", sweep)
	}
	if err != nil {
		return nil, fmt.Errorf("count the rows of a plan: %w", err)
	}
	return found, nil
}

// EndApply notes that this process no longer applies a plan: it may live on.
func (db *DB) EndApply(ctx context.Context, plan int64) error {
	holder, err := db.place(ctx)
	if err == nil {
		err = db.update(ctx, func(t *tx) error {
			_, err := t.exec("update sweeps set holder = 0 where id = $1 and holder = $2", plan, holder)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("note that a plan is no longer applied: %w", err)
	}
	return nil
}

// BeginApply notes that this process applies a plan. other says that another one
// that lives, or was killed a moment ago, does so too: then that stays noted.
// chosen says that only some of its rows are applied.
func (db *DB) BeginApply(ctx context.Context, plan Sweep, chosen bool) (other bool, err error) {
	return db.beginApply(ctx, plan.ID, func(t *tx) error { return t.recordApply(ctx, "", plan, chosen) })
}

// ContinueApply is BeginApply for what a job has asked for, where it is recorded.
func (db *DB) ContinueApply(ctx context.Context, plan int64) (other bool, err error) {
	return db.beginApply(ctx, plan, func(*tx) error { return nil })
}

func (db *DB) beginApply(ctx context.Context, plan int64, record func(*tx) error) (other bool, err error) {
	holder, err := db.place(ctx)
	if err == nil {
		err = db.update(ctx, func(t *tx) error {
			n, err := t.exec("update sweeps set holder = $2 where id = $1 and not exists (select 1 from processes p where p.id = sweeps.holder and p.id <> $2)", plan, holder)
			if other = n == 0; err != nil {
				return err
			}
			return record(t)
		})
	}
	if err != nil {
		return false, fmt.Errorf("note that a plan is applied: %w", err)
	}
	return other, nil
}

// recordApply records that a plan, or chosen rows of it, are about to be written.
func (t *tx) recordApply(ctx context.Context, who string, plan Sweep, chosen bool) error {
	act := reason.Reason{Code: reason.ActRowsApplied, Facts: reason.Facts{Plan: plan.Hash[:min(len(plan.Hash), 12)]}}
	if !chosen {
		act.Code = reason.ActPlanApplied
		err := t.query(func(s scanner) error { return s.Scan(&act.Facts.Count) },
			`select coalesce(sum(customers), 0) - (select count(*) from plan_rows where sweep = $1 and ended_at > 0 and action = 'write' and state = 'applied')
from plan_changes where sweep = $1 and action = 'write'`, plan.ID)
		if err != nil {
			return err
		}
	}
	return t.record(ctx, Activity{Who: who, Sync: plan.Sync, Act: act})
}
