package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/pages"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// trialRun is a comparison under way or ended, and whoever was tried.
type trialRun struct {
	rules  string
	cancel context.CancelFunc
	mu     sync.Mutex
	doing  string
	plan   *store.Sweep
	err    error
	tried  string // the customer who was written last
	back   bool   // and was put back
}

// Trial implements pages.SetUpService: the first call begins the comparison.
func (s *SetUp) Trial(ctx context.Context) (pages.Trial, error) {
	a, cfg, err := s.service()
	if err != nil {
		return pages.Trial{Wrong: "the service has not started yet"}, nil
	}
	d := s.setup.Draft()
	s.mu.Lock()
	run := s.trial
	if run == nil {
		run = &trialRun{rules: cfg.Syncs[d.Sync].Rules()}
		var making context.Context
		making, run.cancel = context.WithCancel(s.ended)
		s.trial = run
		s.jobs.Go(func() {
			defer run.cancel()
			run.make(making, cfg, a.store, d.Sync)
		})
	}
	s.mu.Unlock()
	run.mu.Lock()
	defer run.mu.Unlock()
	switch {
	case run.err != nil:
		return pages.Trial{Wrong: run.err.Error()}, nil
	case run.plan == nil:
		return pages.Trial{Making: true, Doing: run.doing}, nil
	}
	sum := run.plan.Summary
	t := pages.Trial{Customers: sum.Sources, Agree: sum.Agree, Differ: sum.Write, Held: sum.Held, NeedPerson: sum.UnmatchedSource + sum.Ambiguous + sum.Unmapped + sum.Other, Left: sum.NotCarried, ReadAt: run.plan.EndedAt}
	t.Unverified = a.Promises(d.Sync).Target.Unverified
	t.SetAside = contract.SetAsideOf(*run.plan).Texts(d.Source.Name, d.Target.Name)
	rows, err := trialRows(ctx, a.store, run.plan.ID)
	if err != nil {
		return t, err
	}
	t.Rows = rows
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Customer == run.tried {
			switch {
			case run.back:
				r.State = "undone"
			case r.State == string(store.RowApplied) && r.Asked: // as it is now, and not before the trial
				t.Agree, t.NeedPerson = t.Agree+1, t.NeedPerson-1
			case r.State == string(store.RowApplied):
				t.Agree, t.Differ = t.Agree+1, t.Differ-1
			}
			t.Tried = r
		}
	}
	return t, nil
}

// CompareAgain implements pages.SetUpService.
func (s *SetUp) CompareAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trial != nil && s.trial.failed() {
		s.trial = nil
	}
}

// mostTrialRows bounds how many customers are offered, and mostTrialSearched how many
// rows of the plan are searched for them.
const (
	mostTrialRows     = 50
	mostTrialSearched = 1000
)

// trialRows are the customers of a plan who could be written now. The difference of a
// first contact is one of them: the person who chooses it approves it.
func trialRows(ctx context.Context, db *store.DB, plan int64) (all []pages.TrialRow, err error) {
	tryable := compare.Selection{Approved: "the person who chooses"}
	after := ""
	for searched := 0; searched < mostTrialSearched && len(all) < mostTrialRows; {
		rows, err := db.PlanRows(ctx, plan, after, mostTrialRows)
		if err != nil || len(rows) == 0 {
			return all, err
		}
		for _, r := range rows {
			after = r.Customer
			if r.TargetID == "" || r.After == "" || !tryable.Includes(r) {
				continue
			}
			all = append(all, pages.TrialRow{Customer: r.Customer, Name: r.Name, Before: r.Before, After: r.After, State: string(r.State), Asked: r.Action != "write", Note: r.Note, At: r.EndedAt})
		}
		searched += len(rows)
	}
	return all[:min(len(all), mostTrialRows)], nil
}

// make compares both sides. It waits for another comparison of the sync, such as the
// first one of the service itself.
func (r *trialRun) make(ctx context.Context, cfg *config.Config, db *store.DB, sync string) {
	repeat(ctx, 0, func() time.Duration {
		plan, err := MakePlan(ctx, cfg, db, sync, func(p compare.Progress) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.doing = doing(p)
		})
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case errors.As(err, new(*store.SweepingError)), errors.Is(err, store.ErrSweepTaken):
			r.doing = "Another comparison of both is in progress; this one waits for it."
			return jobPause
		case err != nil:
			r.err = err
		default:
			r.plan = &plan
		}
		return never
	})
}

// failed reports whether the comparison ended early.
func (r *trialRun) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// doing says how far a comparison is.
func doing(p compare.Progress) string {
	if p.Done == 0 {
		return ""
	}
	if p.Total > 0 {
		return fmt.Sprintf("%d of about %d so far.", p.Done, p.Total)
	}
	return status.Plural(p.Done, "record") + " so far."
}

// ended notes who was written, or put back.
func (r *trialRun) ended(customer string, back bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried, r.back = customer, back
}

// TryOne implements pages.SetUpService.
func (s *SetUp) TryOne(ctx context.Context, customer string) error {
	a, cfg, run, err := s.planned()
	if err != nil {
		return err
	}
	err = compare.Applicable(ctx, a.store, cfg.Syncs[s.setup.Draft().Sync], *run.plan)
	if err != nil && !errors.Is(err, compare.ErrWatching) {
		return fmt.Errorf("nothing was written: %w", err)
	}
	_, err = Apply(ctx, cfg, a.store, ApplyRequest{Limit: 1, Rows: compare.Selection{Plan: *run.plan, Chosen: func(c string) bool { return c == customer },
		Approved: s.who(), Trial: true}})
	if err == nil {
		run.ended(customer, false)
	}
	return err
}

// PutBack implements pages.SetUpService.
func (s *SetUp) PutBack(ctx context.Context, customer string) error {
	a, cfg, run, err := s.planned()
	if err != nil {
		return err
	}
	c, err := Undo(ctx, cfg, a.store, pipeline.UndoRequest{Sync: s.setup.Draft().Sync, Customer: customer, By: s.who()})
	switch {
	case err != nil:
		return err
	case !c.Done:
		return setup.Problems{{Text: "Nothing was written: " + c.Why.Sentence() + "."}}
	}
	run.ended(customer, true)
	return nil
}

// planned returns the trial whose comparison has ended.
func (s *SetUp) planned() (*App, *config.Config, *trialRun, error) {
	a, cfg, err := s.service()
	if err != nil {
		return nil, nil, nil, err
	}
	s.mu.Lock()
	run := s.trial
	s.mu.Unlock()
	if run != nil {
		run.mu.Lock()
		defer run.mu.Unlock()
	}
	if run == nil || run.plan == nil {
		return nil, nil, nil, setup.Problems{{Text: "Both tools are still being compared."}}
	}
	return a, cfg, run, nil
}

// who is named as the person who did what the set-up does.
func (s *SetUp) who() string {
	if owner := s.setup.Draft().Owner; owner != "" {
		return owner
	}
	return "set-up"
}
