// Package compare compares both sides of a sync in full: it reads all of the
// source, all of the target, and asks of each customer what the path would do.
// It also applies what a comparison has found, once a person has read it.
//
// Main functions: Run, which compares, Preview, which counts what a plan
// writes, and Apply, which applies it.
// Main types: Options and Progress, ApplyOptions and ApplyResult.
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. What a page or a batch brought is appended to a log in the transaction
//     that stores how far the comparison is, under a lease: whoever goes on
//     repeats nothing.
//  2. A comparison writes nothing to a tool. A repair makes customers due, and
//     the path reads both sides itself and decides; so does it for each row of
//     a plan that is applied, and then writes that row or nothing.
//  3. What is held in memory does not grow with the number of customers, and the
//     time grows no faster than it: while they are compared, package index
//     answers what both sides listed.
//  4. What was read is dropped when the comparison ends, however it ends.
//  5. The decision is the path's own: package pipeline's Preview.
//
// It must not import a vendor's package, package app or package web.
package compare

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/compare/index"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

// Options is what a comparison is made of.
type Options struct {
	Sync    pipeline.Sync
	Store   *store.DB
	Purpose store.Purpose
	// Repair makes customers due whose sides have come apart.
	Repair bool
	// Ask makes customers due who need a person and of whom the path has told none.
	Ask bool
	// Progress is told after each page and batch, and before a long wait; nil is
	// nobody.
	Progress func(Progress)
	// Resting is told when a connection has to rest; nil is nobody.
	Resting func(connection string, rest time.Duration)
	// Patience is how long the comparison waits for a tool that is at its limit
	// or does not answer; then it is left, to be gone on with. 0 is
	// DefaultPatience.
	Patience time.Duration
	Log      *slog.Logger

	batch int // customers at once, for tests
}

// Progress is how far a comparison is.
type Progress struct {
	Phase store.Phase
	// Indexing: before customers are compared, what both sides listed is put in
	// order, Done of Total records.
	Indexing bool
	Done     int
	Total    int // about how many there are, 0 when nobody knows
	// Waits is the connection that is waited for, until Until; "" is none.
	Waits string
	Until time.Time
}

const (
	// DefaultPatience is how long a tool is waited for.
	DefaultPatience = 15 * time.Minute
	// lease is how long a comparison is ours; it is kept while we are at it.
	lease = 2 * time.Minute
	// answerTime is how long one call may take.
	answerTime = 45 * time.Second
	// ending bounds what is stored when a comparison is left.
	ending = 10 * time.Second
	// mostSilent is how many customers may be passed over because a tool gives no
	// answer about them: more mean that it is the tool.
	mostSilent = 3
	// batch is how many listed customers are compared at once, and fewBatch how
	// many when each of them is asked for.
	batch, fewBatch = 500, 25
)

// run is one comparison under way.
type run struct {
	Options
	w     store.Sweep
	judge *pipeline.Preview
	keys  keys
	live  time.Time // since when the sync is live, zero when it is not
	last  store.Summary
	// listed answers what both sides listed, while customers are compared.
	listed *index.Index
	// silent is how many customers there were of whom a tool gave no answer.
	silent int
}

// Run compares both sides and returns what it came to. One that was left is
// gone on with. A *store.SweepingError says that another node is at it.
func Run(ctx context.Context, o Options) (store.Sweep, error) {
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &run{Options: o, judge: pipeline.NewPreview(o.Sync, o.Store), keys: keysOf(o.Sync.Config)}
	if err := r.begin(ctx); err != nil {
		return store.Sweep{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var keeping sync.WaitGroup
	ours := r.w // it is changed while it is kept
	keeping.Go(func() { r.keep(ctx, ours, cancel) })
	err := r.phases(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	cancel(nil)
	keeping.Wait()
	return r.w, errors.Join(r.left(ctx, err), o.Store.CleanSweeps(context.WithoutCancel(ctx))) // invariant 4
}

func (r *run) begin(ctx context.Context) error {
	name := r.Sync.Config.Name
	before, err := r.Store.Sweeps(ctx, name, 1)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		r.last = before[0].Summary
	}
	if r.live, err = r.Store.LiveSince(ctx, name); err != nil {
		return err
	}
	r.w, err = r.Store.BeginSweep(ctx, store.Sweep{Sync: name, Purpose: r.Purpose, Rules: r.Sync.Config.Rules(),
		SourceListed: r.Sync.From.SourceList != nil, TargetListed: r.Sync.To.TargetList != nil}, lease)
	return err
}

// keep prolongs the lease until ctx ends, and ends it when the comparison is
// somebody else's.
func (r *run) keep(ctx context.Context, w store.Sweep, cancel context.CancelCauseFunc) {
	for wait(ctx, lease/4) == nil {
		if err := r.Store.KeepSweep(ctx, w, lease); errors.Is(err, store.ErrSweepTaken) {
			cancel(err)
		}
	}
}

// left ends what did not come to its end: what only time can mend may be gone
// on with, anything else is over.
func (r *run) left(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
	defer cancel()
	err = fmt.Errorf("compare both sides of %s: %w", r.w.Sync, err)
	var f *connector.Failure
	if errors.As(err, &f) && f.Kind != connector.Transient && f.Kind != connector.RateLimited {
		return errors.Join(err, r.Store.FailSweep(ctx, r.w, f.Error()))
	}
	return errors.Join(err, r.Store.ReleaseSweep(ctx, r.w))
}

// phases goes on from wherever the comparison is.
func (r *run) phases(ctx context.Context) error {
	for {
		var err error
		switch r.w.Phase {
		case store.PhaseSource:
			err = r.readSource(ctx)
		case store.PhaseTarget:
			err = r.readTarget(ctx)
		case store.PhaseCompare:
			err = r.compare(ctx)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// save stores a step with what it found (invariant 1) and tells how far it is.
func (r *run) save(ctx context.Context, next store.Sweep, p store.SweepPart) error {
	saved, err := r.Store.SaveSweep(ctx, next, p, lease)
	if err != nil {
		return err
	}
	r.w = saved
	r.tell("", time.Time{})
	return nil
}

func (r *run) tell(waits string, until time.Time) {
	if r.Progress == nil {
		return
	}
	p := Progress{Phase: r.w.Phase, Waits: waits, Until: until}
	s := r.w.Summary
	switch p.Phase {
	case store.PhaseSource:
		p.Done, p.Total = s.Sources, r.last.Sources
	case store.PhaseTarget:
		p.Done, p.Total = s.Targets, r.last.Targets
	default:
		p.Done, p.Total = s.Carried()+s.NotCarried, max(s.Sources, s.Carried()+s.NotCarried)
		if !r.w.SourceListed {
			p.Total = r.last.Carried() + r.last.NotCarried
		}
	}
	r.Progress(p)
}

// tellIndexed tells how much of what was listed is in the index.
func (r *run) tellIndexed(records int) {
	if s := r.w.Summary; r.Progress != nil {
		r.Progress(Progress{Phase: r.w.Phase, Indexing: true, Done: records, Total: s.Sources + s.Targets})
	}
}

// wait returns when the time has passed, or why ctx has ended.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
