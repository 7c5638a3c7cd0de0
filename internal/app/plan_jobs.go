package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// jobsLook is how often a node looks for jobs that nobody is at.
	jobsLook = 2 * time.Second
	// jobLease is how long a job is a node's, and jobKeep how often it says how far it
	// is and looks whether a person wants it to stop.
	jobLease = 30 * time.Second
	jobKeep  = time.Second
	// jobPause is how long a job waits for another comparison of its sync.
	jobPause = time.Second
)

// errStopped means that a person wants a job to end.
var errStopped = errors.New("stopped")

// planJobs makes and applies the plans that people have asked the service for. What a
// stop of the service interrupts, the next process goes on with.
type planJobs struct {
	config *config.Config
	db     *store.DB
	log    *slog.Logger
	// asked has somebody look at once.
	asked   chan struct{}
	working sync.WaitGroup
	// cut ends when calls to the tools are cut off.
	cut context.Context
}

func newPlanJobs(cfg *config.Config, db *store.DB, log *slog.Logger) *planJobs {
	return &planJobs{config: cfg, db: db, log: log, asked: make(chan struct{}, 1)}
}

// look has a job that was just asked for begin at once.
func (p *planJobs) look() {
	select {
	case p.asked <- struct{}{}:
	default:
	}
}

// Run takes jobs until ctx ends, and returns when none is being worked on here.
func (p *planJobs) Run(ctx context.Context) {
	defer p.working.Wait()
	ticker := time.NewTicker(jobsLook)
	defer ticker.Stop()
	for {
		if err := p.take(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("could not look for plans that were asked for", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-p.asked:
		}
	}
}

// take begins with the jobs that nobody is at.
func (p *planJobs) take(ctx context.Context) error {
	open, err := p.db.OpenPlanJobs(ctx, "")
	if err != nil {
		return err
	}
	for _, j := range open {
		if _, ok := p.config.Syncs[j.Sync]; !ok || j.Working {
			continue
		}
		taken, ok, err := p.db.TakeJob(ctx, j, jobLease)
		if err != nil {
			return err
		}
		if ok {
			p.working.Go(func() { p.do(ctx, taken) })
		}
	}
	return nil
}

// do does a job, and stores how it ended.
func (p *planJobs) do(ctx context.Context, j store.PlanJob) {
	log := p.log.With(slog.String("sync", j.Sync), slog.Int64("job", j.ID), slog.String("kind", string(j.Kind)))
	working, stop := context.WithCancelCause(ctx)
	now := &jobProgress{PlanProgress: j.PlanProgress}
	var keeping sync.WaitGroup
	kept, end := context.WithCancel(context.WithoutCancel(ctx)) // also while rows in progress are finished
	keeping.Go(func() { p.keep(kept, j, now, stop) })
	var err error
	if j.StopAt.IsZero() {
		err = p.work(working, &j, now)
	} else {
		stop(errStopped)
	}
	cause := context.Cause(working)
	stop(nil)
	end()
	keeping.Wait()
	ends, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
	defer cancel()
	j.PlanProgress = now.get()
	left := j.Kind == store.ApplyJob && j.Written+j.Refused+j.Failed < j.Total || j.Kind == store.MakeJob && j.Plan == 0
	switch {
	case errors.Is(cause, store.ErrJobTaken):
		log.Warn("another process goes on with a plan that was asked for")
		return
	case !left && err == nil:
		j.Outcome = store.JobDone
	case errors.Is(cause, errStopped):
		j.Outcome = store.JobStopped
	case ctx.Err() != nil: // the service stops, or reads its file again
		if err := p.db.ReleaseJob(ends, j); err != nil {
			log.Warn("a plan that was asked for waits for its lease to end", slog.Any("error", err))
		}
		return
	default:
		j.Outcome, j.Failure = store.JobFailed, whyFailed(err)
		log.Warn("a plan that was asked for was not finished", slog.Any("error", err))
	}
	if err := p.db.EndJob(ends, j); err != nil {
		log.Warn("could not note how a plan that was asked for ended", slog.Any("error", err))
	}
}

// whyFailed is what a person is told of an error. One that is not for people may name
// hosts and users: it stands in the log.
func whyFailed(err error) string {
	var stopped *pipeline.StopError
	var failed *connector.Failure
	var moved *AccountMovedError
	switch {
	case errors.As(err, &stopped), errors.As(err, &moved), errors.Is(err, compare.ErrSuperseded), errors.Is(err, compare.ErrOtherRules), errors.Is(err, compare.ErrWatching):
		return err.Error()
	case errors.As(err, &failed):
		return failed.Error()
	case err == nil:
		return "not all rows could be tried"
	}
	return "an internal error; the log has the cause"
}

// jobProgress is how far a job is, for whoever stores it.
type jobProgress struct {
	mu sync.Mutex
	store.PlanProgress
}

func (n *jobProgress) get() store.PlanProgress {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.PlanProgress
}

func (n *jobProgress) change(do func(*store.PlanProgress)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do(&n.PlanProgress)
}

// keep keeps a job ours until ctx ends, stores how far it is, and stops the work when a
// person wants it or when it is another's.
func (p *planJobs) keep(ctx context.Context, j store.PlanJob, now *jobProgress, stop context.CancelCauseFunc) {
	repeat(ctx, 0, func() time.Duration {
		asked, err := p.db.KeepJob(ctx, j, now.get(), jobLease)
		switch {
		case errors.Is(err, store.ErrJobTaken):
			stop(store.ErrJobTaken)
		case asked:
			stop(errStopped)
		}
		return jobKeep // an error of the database is tried again, within the lease
	})
}

func (p *planJobs) work(ctx context.Context, j *store.PlanJob, now *jobProgress) error {
	if j.Kind == store.MakeJob {
		return p.make(ctx, j, now)
	}
	return p.apply(ctx, j, now)
}

// make compares both sides. While another comparison of the sync is under way it waits
// for it, and takes its plan if that was its purpose.
func (p *planJobs) make(ctx context.Context, j *store.PlanJob, now *jobProgress) error {
	tell := func(c compare.Progress) {
		now.change(func(n *store.PlanProgress) { n.Waits, n.Until = c.Waits, c.Until })
	}
	var waitedFor int64
	for {
		if waitedFor != 0 {
			if latest, err := p.db.LatestPlan(ctx, j.Sync); err == nil && latest.ID == waitedFor {
				j.Plan = latest.ID
				return nil
			}
		}
		plan, err := MakePlan(ctx, p.config, p.db, j.Sync, tell)
		var other *store.SweepingError
		switch {
		case errors.As(err, &other):
			if waitedFor = 0; other.Sweep.Purpose == store.ForPlan {
				waitedFor = other.Sweep.ID
			}
		case errors.Is(err, store.ErrSweepTaken): // it was ended, as when a customer is forgotten: it begins anew
		default:
			j.Plan = plan.ID
			if err != nil {
				j.Plan = 0
			}
			return err
		}
		timer := time.NewTimer(jobPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// apply writes the rows of a plan that are left to write.
func (p *planJobs) apply(ctx context.Context, j *store.PlanJob, now *jobProgress) error {
	plan, err := p.db.Plan(ctx, j.Sync, j.Hash)
	if err != nil {
		return err
	}
	rows, err := selected(ctx, p.db, p.config.Syncs[j.Sync], plan, j.Customers)
	if err != nil {
		return err
	}
	rows.Approved = j.ApprovedBy
	began, err := p.db.Now(ctx)
	if err != nil {
		return err
	}
	before, err := countRows(ctx, p.db, rows, j.Customers)
	if err != nil {
		return err
	}
	now.change(func(n *store.PlanProgress) { *n = before })
	_, err = Apply(ctx, p.config, p.db, ApplyRequest{Rows: rows, Began: began, Cut: p.cut, Asked: true, Progress: func(t compare.ApplyResult) {
		now.change(func(n *store.PlanProgress) {
			n.Written, n.Refused, n.Failed = before.Written+t.Applied+t.Before, before.Refused+t.Refused, t.Failed
		})
	}})
	return err
}

// selected are the rows of a plan to apply: all, or those of customers. A sync that only
// watches writes none but a few that are named.
func selected(ctx context.Context, db *store.DB, s config.Sync, plan store.Sweep, customers []string) (compare.Selection, error) {
	rows := compare.Selection{Plan: plan}
	err := compare.Applicable(ctx, db, s, plan)
	if rows.Trial = errors.Is(err, compare.ErrWatching) && len(customers) > 0; err != nil && !rows.Trial {
		return rows, err
	}
	if len(customers) > 0 {
		named := map[string]bool{}
		for _, c := range customers {
			named[c] = true
		}
		rows.Chosen = func(customer string) bool { return named[customer] }
	}
	return rows, nil
}

// countRows counts the rows of a selection, and what has become of them.
func countRows(ctx context.Context, db *store.DB, rows compare.Selection, customers []string) (n store.PlanProgress, err error) {
	if len(customers) == 0 {
		counts, err := db.CountPlanRows(ctx, rows.Plan.ID)
		for _, c := range counts {
			if rows.Includes(store.PlanRow{Action: c.Action, Kind: c.Kind}) {
				count(&n, c.State, c.N)
			}
		}
		return n, err
	}
	for _, customer := range customers {
		row, err := db.PlanRowOf(ctx, rows.Plan.ID, customer)
		if err != nil {
			return n, err
		}
		if row != nil && rows.Includes(*row) {
			count(&n, row.State, 1)
		}
	}
	return n, nil
}

func count(n *store.PlanProgress, state store.RowState, rows int) {
	n.Total += rows
	switch state {
	case store.RowApplied:
		n.Written += rows
	case store.RowRefused:
		n.Refused += rows
	}
}
