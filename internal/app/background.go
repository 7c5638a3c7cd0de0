package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// This file answers what the process does when no one calls it. Two things are
// elsewhere: the pipeline, which syncs the customers that are due, and the
// inbox, which answers webhooks.

// background lists what follows from one version of the file.
func (w *wiring) background() []part {
	db, jobs := w.store, jobs{w.log}
	all := []part{
		jobs.every(retentionCheck, "delete old data", w.retention.run),                                                  // one node at a time, every six hours
		jobs.every(healthCheck, "look at the service from outside", daily{db, w.log, w.outside}.run).later(healthFirst), // one node at a time, once a day
		jobs.every(cleanEvery, "delete what comparisons left behind", db.CleanSweeps),
		jobs.once("close the exceptions of comparisons that no longer run", func(ctx context.Context) error { return closeLeft(ctx, w.config, db) }),
	}
	all = append(all, w.watch()) // reminders, the digest, silent syncs, and alarms
	if w.notifier != nil {
		all = append(all, w.notifier) // messages
	}
	if w.webhook != nil {
		all = append(all, w.webhook) // the same, to a program
	}
	if w.mail != nil {
		all = append(all, w.mail) // the same, by email
	}
	if w.heartbeats != nil {
		all = append(all, w.heartbeats)
	}
	for _, p := range w.pollers { // sources: list changes
		all = append(all, p)
	}
	for _, s := range w.sweepers { // syncs: compare both sides
		all = append(all, s)
	}
	all = append(all, w.planJobs)    // plans that people have asked for
	for _, s := range w.suggesters { // syncs: candidates for unmatched customers, one node at a time, every hour
		all = append(all, jobs.every(suggestCheck, "search for candidates", s.run).later(suggestCheck).of(s.Sync))
	}
	for _, q := range w.queues { // syncs: a queue that does not move
		all = append(all, jobs.every(queueCheck, "check whether the queue moves", q.check).later(standstill).of(q.sync.Name))
	}
	return all
}

// background lists what runs from the start to the stop, under whichever version
// of the file is in use.
func (a *App) background() []part {
	jobs := jobs{a.log}
	return []part{
		jobs.every(overview.SeenEvery, "record that this process is running", a.heartbeat).later(overview.SeenEvery),
		jobs.every(overview.SeenEvery, "record a tool's daily quota", a.saveBudgets).later(overview.SeenEvery),
		jobs.every(takeBackEvery, "take back the work of a process that is gone", a.takeBack).later(takeBackEvery),
		recounter{a.countStandings},
	}
}

// part runs until ctx ends.
type part interface{ Run(ctx context.Context) }

// job is one thing that is done now and again.
type job struct {
	what     string // completes "could not"
	first    time.Duration
	interval time.Duration
	do       func(ctx context.Context) error
	log      *slog.Logger
}

// jobs makes jobs that log where they fail.
type jobs struct{ log *slog.Logger }

// every does something at the start, and again after each interval.
func (j jobs) every(interval time.Duration, what string, do func(ctx context.Context) error) job {
	return job{what: what, interval: interval, do: do, log: j.log}
}

func (j jobs) once(what string, do func(ctx context.Context) error) job {
	return job{what: what, interval: never, do: do, log: j.log}
}

// later has it done for the first time after a while.
func (j job) later(first time.Duration) job {
	j.first = first
	return j
}

// of names the sync in the log.
func (j job) of(sync string) job {
	j.log = j.log.With(slog.String("sync", sync))
	return j
}

// Run does the job until ctx ends. A failure is logged, and the job is done again
// at its next time.
func (j job) Run(ctx context.Context) {
	repeat(ctx, j.first, func() time.Duration {
		if err := j.do(ctx); err != nil && ctx.Err() == nil {
			j.log.Warn("could not "+j.what, slog.Any("error", err))
		}
		return j.interval
	})
}

// never is the wait of what is not done again.
const never = time.Duration(-1)

// repeat calls do after a first wait, and then each time after the wait that do
// returned. It returns when ctx ends.
func repeat(ctx context.Context, first time.Duration, do func() (wait time.Duration)) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := do()
		if wait == never || ctx.Err() != nil {
			return
		}
		timer.Reset(wait)
	}
}

// inTurn does some work unless another node does it now or has done it within
// interval. work gets the cursor that the last turn left and returns the next; with
// done false the turn counts as not taken, so that another node can go on at once.
func inTurn(ctx context.Context, db *store.DB, turn store.Turn, interval, lease time.Duration, work func(cursor string) (next string, done bool, err error)) error {
	cursor, fence, ok, err := db.TakeTurn(ctx, turn, interval, lease)
	if err != nil || !ok {
		return err
	}
	next, done, err := work(cursor)
	ends := context.WithoutCancel(ctx) // a stop must not keep the turn until its lease ends
	if !done {
		return errors.Join(err, db.LeaveTurn(ends, turn, fence))
	}
	return errors.Join(err, db.SaveTurn(ends, turn, fence, next, true))
}

// cleanEvery is how often the leftovers of comparisons are deleted, also those of
// plans of syncs that have no schedule.
const cleanEvery = time.Hour

// closeLeft closes the exceptions of comparisons of syncs that no longer have a
// schedule: nothing else would find out that the cause is over.
func closeLeft(ctx context.Context, cfg *config.Config, db *store.DB) (all error) {
	for name, s := range cfg.Syncs {
		if s.Sweep == nil {
			_, err := db.CloseExceptions(ctx, name, "", status.ConnectionFailed, comparing)
			all = errors.Join(all, err)
		}
	}
	return all
}

// recounter counts again after as long as the count before allows.
type recounter struct {
	do func(ctx context.Context) (wait time.Duration)
}

func (r recounter) Run(ctx context.Context) {
	repeat(ctx, 0, func() time.Duration { return r.do(ctx) })
}
