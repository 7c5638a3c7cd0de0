package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// applying is how many rows are on their way at once at most.
	applying = 16
	// busyPause is how long a row waits that somebody else works on.
	busyPause = 250 * time.Millisecond
	// failuresInRow is after how many failures, with nothing carried in between,
	// the others are not tried.
	failuresInRow = 10
)

// ApplyOptions is how a plan is applied.
type ApplyOptions struct {
	Selection
	Store    PlanStore
	Pipeline *pipeline.Pipeline
	// Limit is how many rows are tried; 0 is all.
	Limit int
	// Workers is how many rows are on their way at once, 16 at most; 0 is 16.
	Workers int
	// Began is when the rows to try were counted. Progress, if set, is called with
	// what has become of them since, by this call of Apply or by another one.
	Began    time.Time
	Progress func(ApplyResult)
	// Cut, if set, ends the calls of rows in progress when it ends; whoever goes on finds
	// out what they did.
	Cut context.Context
	// Wait passes a time, or returns when ctx ends; nil waits by the clock.
	Wait func(ctx context.Context, d time.Duration)
}

// PlanStore keeps plans and claims customers; it is *store.DB.
type PlanStore interface {
	pipeline.Claimer
	EachPlanRow(ctx context.Context, sweep int64) iter.Seq2[store.PlanRow, error]
	Modes(ctx context.Context) (map[string]store.Mode, error)
	TakeBack(ctx context.Context) (int, error)
}

// ApplyResult counts what became of the chosen rows.
type ApplyResult struct {
	Applied int // written now
	Before  int // written by an earlier try, or by another process meanwhile
	Refused int // their world had moved, now or at an earlier try
	Failed  int
	Left    int // not tried, or not to an end
}

func (t *ApplyResult) add(c pipeline.RowResult) {
	switch {
	case c.State == store.RowApplied && c.Elsewhere:
		t.Before++
	case c.State == store.RowApplied:
		t.Applied++
	case c.State == store.RowRefused:
		t.Refused++
	case c.State == store.RowFailed:
		t.Failed++
	default:
		t.Left++
	}
}

// Apply applies the selected rows. When ctx ends, it finishes the rows in progress
// and begins no others; another call continues with the rest. An error is why it
// ended early.
func Apply(ctx context.Context, a ApplyOptions) (ApplyResult, error) {
	claiming, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &applyRun{ApplyOptions: a, stop: stop}
	if r.Wait == nil {
		r.Wait = func(ctx context.Context, d time.Duration) { _ = wait(ctx, d) } // whoever waits looks at ctx
	}
	working, finished := context.WithCancel(context.WithoutCancel(ctx))
	defer finished()
	if a.Cut != nil {
		defer context.AfterFunc(a.Cut, finished)()
	}
	rows := make(chan store.PlanRow)
	var workers sync.WaitGroup
	for range min(cmp.Or(a.Workers, applying), applying) {
		workers.Go(func() {
			for row := range rows {
				r.ended(r.carry(claiming, working, row))
			}
		})
	}
	modes, err := a.Store.Modes(ctx)
	if err == nil {
		r.mode = modes[a.Plan.Sync]
		err = r.feed(claiming, rows)
	}
	close(rows)
	workers.Wait()
	if cause := context.Cause(claiming); cause != nil && ctx.Err() == nil {
		err = cause
	}
	return r.total, err
}

// applyRun is one call of Apply.
type applyRun struct {
	ApplyOptions
	stop context.CancelCauseFunc
	mode store.Mode // as a running service had noted it at the beginning

	mu     sync.Mutex
	total  ApplyResult
	lately ApplyResult // of total, what has come since Began
	inARow int         // failures
}

// feed gives the rows that are to be tried to the workers, and counts the others.
func (a *applyRun) feed(ctx context.Context, rows chan<- store.PlanRow) error {
	tried := 0
	for row, err := range a.Store.EachPlanRow(context.WithoutCancel(ctx), a.Plan.ID) {
		switch {
		case err != nil:
			return err
		case !a.Includes(row):
			continue
		case row.State == store.RowApplied, row.State == store.RowRefused:
			before := pipeline.RowResult{State: row.State, Elsewhere: true}
			a.count(func(t *ApplyResult) {
				t.add(before)
				if !a.Began.IsZero() && row.EndedAt.After(a.Began) {
					a.lately.add(before)
				}
			})
			continue
		case ctx.Err() != nil, a.Limit > 0 && tried == a.Limit:
			a.count(func(t *ApplyResult) { t.Left++ })
			continue
		}
		tried++
		select {
		case rows <- row:
		case <-ctx.Done():
			a.count(func(t *ApplyResult) { t.Left++ })
		}
	}
	return nil
}

func (a *applyRun) count(change func(*ApplyResult)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.total)
}

// carry carries one row, waiting while its customer or a connection is busy.
func (a *applyRun) carry(waiting, working context.Context, row store.PlanRow) pipeline.RowResult {
	planned := pipeline.RowRequest{Plan: a.Plan, Planned: row, Trial: a.Trial, Named: a.Chosen != nil}
	if row.Action != string(decide.Write) {
		planned.Approved = a.Approved
	}
	for waiting.Err() == nil {
		if modes, err := a.Store.Modes(working); err != nil || !a.Trial && modes[a.Plan.Sync].Mode == config.ModeWatch && modes[a.Plan.Sync] != a.mode {
			return pipeline.RowResult{Stop: cmp.Or(err, ErrWatching)} // a running service was told so meanwhile
		}
		c, err := a.Pipeline.CarryRow(working, a.Store, planned)
		pause := c.Rest
		planned.Sent = planned.Sent || c.Sent
		switch {
		case err != nil:
			return pipeline.RowResult{Stop: fmt.Errorf("customer %s: %w", row.Customer, err)}
		case c.OutOfTime:
			planned.Tries++
			pause = busyPause
		case c.Busy:
			pause = busyPause
			// Whoever has the customer may have been killed.
			if _, err := a.Store.TakeBack(working); err != nil {
				return pipeline.RowResult{Stop: err}
			}
		case c.State != store.RowOpen || c.Stop != nil:
			return c
		}
		a.Wait(waiting, pause)
	}
	return pipeline.RowResult{}
}

// ended counts a row, and stops when no other would fare better.
func (a *applyRun) ended(c pipeline.RowResult) {
	a.count(func(t *ApplyResult) {
		t.add(c)
		a.lately.add(c)
		if a.Progress != nil {
			a.Progress(a.lately)
		}
		if c.State == store.RowFailed {
			a.inARow++
		} else {
			a.inARow = 0
		}
		if a.inARow == failuresInRow {
			a.stop(&pipeline.StopError{Why: fmt.Sprintf("%d rows in a row failed, the last one so: %s", failuresInRow, c.Note)})
		}
	})
	if c.Stop != nil {
		a.stop(c.Stop)
	}
}

// The reasons why a plan is not applied at all.
var (
	// ErrSuperseded means that a later plan of the sync says how it is now.
	ErrSuperseded = errors.New("there is a newer plan")
	// ErrOtherRules means that the configuration says something else about the
	// decision than it did when the plan was made.
	ErrOtherRules = errors.New("the configuration of the sync has changed since the plan was made")
	// ErrWatching means that the sync writes nothing.
	ErrWatching = errors.New("the sync is in mode: watch and writes nothing")
)

// Applicable reports why a plan cannot be applied to a sync as it is configured
// now, nil when it can.
func Applicable(ctx context.Context, db *store.DB, s config.Sync, plan store.Sweep) error {
	latest, err := db.LatestPlan(ctx, s.Name)
	switch {
	case err != nil:
		return err
	case latest.ID != plan.ID:
		return ErrSuperseded
	case plan.Rules != s.Rules():
		return ErrOtherRules
	case s.Watches():
		return ErrWatching
	}
	return nil
}
