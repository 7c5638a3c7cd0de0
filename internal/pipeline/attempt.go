package pipeline

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// attempt is one customer on its way. A stage reads what earlier stages have filled in and fills in
// its own.
type attempt struct {
	*flow
	stage      status.Stage
	started    time.Time
	lastAction string // for the person who reads an exception
	redecided  int    // how often it started again with the target's record

	// Which path: set when the attempt begins.
	undo          *undoAttempt // the undo that it is about, nil for an ordinary attempt
	row           *rowAttempt  // the row of a plan that it is about, nil for an ordinary attempt
	preview       bool         // for a Preview: nothing is stored or sent
	believesStale bool         // an answer that looks old is accepted
	noRetry       bool         // no retry for a missing record: a plan's row, an undo, a comparison

	// From the claim.
	work   *store.Work
	window claimWindow

	// readSource and mapValue.
	askedAt  time.Time // before the source was read, by the database's clock
	events   reading   // the waiting events, and which of them counts
	history  bool      // a newer change than all of them was processed before
	source   status.SourceRecord
	together together // the customers who are one with it
	desired  store.Desired

	// match.
	link *store.Link

	// readTarget. lookedAt is the database's time just before the target was read: we
	// know of every edit from then on. seenAt is the time just after.
	target           status.TargetRecord
	lookedAt, seenAt time.Time
	// before is the read of this attempt before target that found another value, zero for none.
	before store.Observed

	// decide.
	decision decide.Decision
	reverts  store.Reverts

	// write and confirm.
	intent   store.Intent
	editedBy string               // who had last edited the record when the write was sent, as the target names them
	shown    *status.TargetRecord // the record, as the answer to the write shows it
	unproved error                // how the write ended if its effect is unknown

	// For the settlement.
	accepted  []int64  // our intents that the tool says it has done
	closed    []int64  // our intents that are settled: they arrived, or cannot
	seen      []int64  // our intents whose value was read in the record; someone else may have set it
	unsent    []int64  // our intents of which the target said that nothing was written
	mentioned []string // see mentions
}

// maxRedecisions is how often one attempt starts again with the target's record because someone
// else edited it first.
const maxRedecisions = 3

// verdict is what a stage says comes next. The zero verdict is the next stage.
type verdict struct {
	// reread goes back to reading the target: its record has changed.
	reread bool
	// end, when set, is how the attempt ends.
	end *ending
}

var onward = verdict{}

// ending is how an attempt ended, before it is settled.
type ending struct {
	// outcome is what the events get; "" leaves them waiting.
	outcome status.Outcome
	reason  reason.Reason
	// action is what the history calls it.
	action string
	park   *store.NewException
	// wake is another customer to process, "" for none.
	wake string
	// base, when set, replaces the stored base.
	base  *store.Base
	retry time.Duration
	until time.Time // when a waiting change is due again
	// attempts and firstTry replace what is stored; an ending that is no failure of the
	// customer repeats work's, or the count starts again.
	attempts int
	firstTry time.Time
	// unsettled: the database failed or the lease is lost, so nothing is settled.
	unsettled bool
	// place: the retry keeps the customer's place in the queue.
	place bool
	// keepOpen leaves every exception open although the events have an outcome.
	keepOpen bool
	// halted: the customer waits for its sync's halt to end.
	halted bool
	// pin is why nothing is written, nil for another reason.
	pin     *store.Pin
	failure string
	// misfit: the plan's row no longer fits.
	misfit bool
}

// The actions of an ending, as the history names them: those of package decide, Wait, and two more.
const (
	actionNone   = string(decide.None)
	actionWrite  = string(decide.Write)
	actionHold   = string(decide.Hold)
	actionPark   = string(decide.Park)
	actionRefuse = "refuse" // the row of a plan is not written
	actionUndo   = "undo"
)

// The failures of an ending, beside the kinds of connector.Failure.
const (
	failureStopping   = "stopping"    // the service stops
	failureDatabase   = "database"    // the database did not answer, or refused
	failureLeaseLost  = "lease_lost"  // the claim is no longer the latest
	failurePaused     = "paused"      // a pause came after the claim
	failureNotYet     = "not_yet"     // a tool lacks the customer or its record, perhaps only for now
	failureNotShown   = "not_shown"   // the target does not show what it accepted
	failureKeyChanged = "key_changed" // two other customers must be woken, one after the other
)

func end(e ending) verdict { return verdict{end: &e} }

// carry takes a claimed customer along the path and settles it.
func (f *flow) carry(ctx context.Context, w *store.Work, c claimWindow) {
	a := &attempt{flow: f, work: w, window: c, started: f.Now(), lastAction: string(reason.DidReceive)}
	if w.Unheard {
		a.lastAction, a.noRetry = string(reason.DidCompare), true
	}
	e := a.withinLease(ctx)
	took := a.Now().Sub(a.started)
	a.settle(ctx, e)
	f.ended(ctx, e, took)
}

// withinLease walks the path within the lease: all calls end before it does (invariant 2).
func (a *attempt) withinLease(ctx context.Context) *ending {
	ctx, cancel := a.Timeout(ctx, a.deadline().Sub(a.Now()))
	defer cancel()
	ctx, release := a.Holding(ctx)
	defer release()
	return a.walkSafely(ctx)
}

// walkSafely walks the path. A fault of our own that one customer triggers is that customer's
// failure: it must not stop the others.
func (a *attempt) walkSafely(ctx context.Context) (e *ending) {
	defer func() {
		if fault := recover(); fault != nil {
			a.Log.Error("fault", slog.String("sync", a.Config.Name), slog.String("customer", a.work.Customer), slog.String("stage", string(a.stage)),
				slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
			e = a.failed(&connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown,
				Detail: "a fault in trueup itself, which the log describes"}, a.To.Name, reason.Syncing).end
		}
	}()
	return a.walk(ctx)
}

// deadline is when the calls must have ended, by this process's clock.
func (a *attempt) deadline() time.Time { return a.window.sent.Add(a.Lease - a.margin()) }

// outOfTime reports whether that time is over.
func (a *attempt) outOfTime() bool { return !a.Now().Before(a.deadline()) }

// margin is the end of the lease that is kept for settling.
func (f *flow) margin() time.Duration { return f.Lease / 4 }

func (a *attempt) walk(ctx context.Context) *ending {
	steps := path
	if a.undo != nil {
		steps = undoPath
	}
	for i := 0; i < len(steps); i++ {
		a.stage = steps[i].stage
		v := steps[i].run(a, ctx)
		switch {
		case v.end != nil:
			return v.end
		case v.reread:
			if a.redecided++; a.redecided > maxRedecisions {
				return a.keepsMoving().end
			}
			i = indexOf(steps, status.StageReadTarget) - 1
		}
	}
	// Not reached: confirm, the last stage, ends the attempt or rereads.
	return &ending{outcome: status.Parked, reason: reason.Reason{Code: reason.PathWithoutEnd}}
}

func indexOf(steps []step, s status.Stage) int {
	for i, p := range steps {
		if p.stage == s {
			return i
		}
	}
	panic("no such stage: " + s)
}

// claimWindow is when, by this process's clock, a claim was sent and when its answer arrived.
type claimWindow struct{ sent, answered time.Time }

// dbEarliest and dbLatest are the bounds of the database's clock now: the database read work.Now
// somewhere between sent and answered, and this process's clock has measured the time since.
func (a *attempt) dbEarliest() time.Time { return a.work.Now.Add(a.Now().Sub(a.window.answered)) }
func (a *attempt) dbLatest() time.Time   { return a.work.Now.Add(a.Now().Sub(a.window.sent)) }

// mentions notes the ids of other customers and records that the attempt's sentences contain, so
// that forgetting one of them finds these sentences.
func (a *attempt) mentions(ids ...string) { a.mentioned = append(a.mentioned, ids...) }

// did notes the last thing that was done, for the person who reads the exception.
func (a *attempt) did(what reason.Template, about ...any) { a.lastAction = what.With(about...) }

// parked ends the attempt with an exception.
func (a *attempt) parked(kind status.Kind, why reason.Reason) *ending {
	return &ending{outcome: status.Parked, action: actionPark, reason: why, park: a.exception(kind, why)}
}

func (a *attempt) exception(kind status.Kind, why reason.Reason) *store.NewException {
	value := a.desired.SourceValue
	if a.source.Value != "" {
		value = a.source.Value
	}
	return &store.NewException{Sync: a.Config.Name, Customer: a.work.Customer, Kind: kind, Stage: a.stage, Reason: why,
		SourceValue: value, TargetValue: a.target.Value, LastAction: a.lastAction, Confidence: 1,
		Owner: a.Config.Owner(kind)}
}

func (a *attempt) watching() bool { return a.Config.Watches() }

// trial reports whether a person wants this one customer written although the sync
// only watches.
func (a *attempt) trial() bool { return a.row != nil && a.row.Trial && a.watching() }
