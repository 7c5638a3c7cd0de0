package pipeline

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"trueup/internal/connector"
	"trueup/internal/decide"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// attempt is one customer on its way. A stage reads what earlier stages have
// filled in and fills in its own.
type attempt struct {
	*flow
	work     *store.Work
	window   claimWindow
	started  time.Time
	stage    status.Stage
	events   reading   // the events that are carried, and which of them counts
	history  bool      // a newer change than all of them was carried before
	askedAt  time.Time // before the source was read, by the database's clock
	record   status.SourceRecord
	together together // the customers who are one with it
	desired  store.Desired
	link     *store.Link
	target   status.TargetRecord
	// lookedAt is the database's time just before the target was read: from
	// then on we know of every edit. seenAt is the time just after.
	lookedAt, seenAt time.Time
	decision         decide.Decision
	intent           store.Intent
	editedBy         string               // who had edited the record last when the write left, by the target's word
	shown            *status.TargetRecord // the record, as the answer to the write has it
	unproved         error                // how the write ended when its effect is not known
	accepted         []int64              // our intents that the tool says it has done
	closed           []int64              // our intents that are settled: they arrived, or cannot
	seen             []int64              // those whose value was read, which need not be their doing
	unsent           []int64              // those of which the target said that nothing was written
	undone           store.Undone
	lastAction       string
	named            []string // whom its sentences name besides its customer
	redecided        int
	preview          bool         // by a Judge: it ends nothing
	undo             *undoAttempt // what is put back, nil in the daily work
	row              *rowAttempt  // the row of a plan that is carried, nil in the daily work
	believesStale    bool         // an answer that looks old is believed
	noRetry          bool         // nobody comes back for what is not there yet: a plan's row, or a comparison
}

// maxRedecisions bounds how often one attempt starts again with the target's
// record because somebody was faster.
const maxRedecisions = 3

// verdict is what a stage says comes next. The zero verdict is the next stage.
type verdict struct {
	// reread goes back to reading the target: it has moved.
	reread bool
	// end, when set, is how the attempt ends.
	end *ending
}

var onward = verdict{}

// ending is how an attempt ended, before it is settled.
type ending struct {
	// outcome is what the events get; "" leaves them pending.
	outcome status.Outcome
	reason  reason.Reason
	// action is what the history calls it.
	action string
	park   *store.NewException
	// wake is another customer to look at, "" for none.
	wake string
	// base and observed, when set, replace what is stored.
	base     *store.Base
	retry    time.Duration
	until    time.Time // when what waits for its time is looked at again
	attempts int       // as they shall be stored
	firstTry time.Time // likewise
	lost     bool
	// place: who is tried again keeps his place in the queue.
	place bool
	// keepOpen leaves every exception open although the events have an outcome.
	keepOpen bool
	// halted: the sync is, and the customer waits for it.
	halted bool
	// pin is why nothing is written, nil for another reason.
	pin     *store.Pin
	failure string
	// moved says that a plan's row does not fit the world any more.
	moved bool
}

func end(e ending) verdict { return verdict{end: &e} }

// carry takes a claimed customer along the path and settles it.
func (f *flow) carry(ctx context.Context, w *store.Work, c claimWindow) {
	a := &attempt{flow: f, work: w, window: c, started: f.Now(), lastAction: string(reason.DidReceive)}
	if w.Unheard {
		a.lastAction, a.noRetry = string(reason.DidCompare), true
	}
	e := a.withinLease(ctx)
	a.settle(ctx, e)
	f.ended(e)
}

// withinLease walks the path within the lease: all calls end before it does (invariant 2).
func (a *attempt) withinLease(ctx context.Context) *ending {
	ctx, cancel := a.Timeout(ctx, a.deadline().Sub(a.Now()))
	defer cancel()
	ctx, release := a.Holding(ctx)
	defer release()
	return a.walkSafely(ctx)
}

// walkSafely walks the path. A fault of our own that one customer brings out is
// that customer's failure: it must not take the others along.
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

// deadline is when all calls of the attempt have ended, by our own clock.
func (a *attempt) deadline() time.Time { return a.window.after.Add(a.Lease - a.margin()) }

// late reports whether that is over.
func (a *attempt) late() bool { return !a.Now().Before(a.deadline()) }

// margin is the end of the lease that is kept for settling.
func (f *flow) margin() time.Duration { return f.Lease / 4 }

func (a *attempt) walk(ctx context.Context) *ending {
	steps := path
	if a.undo != nil {
		steps = undoing
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

// claimWindow is between which times, by our own clock, the database made a claim.
type claimWindow struct{ after, before time.Time }

// dbNotBefore and dbNotAfter are between which times it is now by the database's
// clock, by which leases and looks are dated: the answer to the claim was on
// its way for a time nobody knows, and the process may have stood still.
func (a *attempt) dbNotBefore() time.Time { return a.work.Now.Add(a.Now().Sub(a.window.before)) }
func (a *attempt) dbNotAfter() time.Time  { return a.work.Now.Add(a.Now().Sub(a.window.after)) }

// names notes whom the attempt's sentences name besides its customer.
func (a *attempt) names(ids ...string) { a.named = append(a.named, ids...) }

// did notes the last thing that was done, for whoever reads the exception.
func (a *attempt) did(what reason.Template, about ...any) { a.lastAction = what.With(about...) }

// parked ends the attempt with an exception.
func (a *attempt) parked(kind status.Kind, why reason.Reason) *ending {
	return &ending{outcome: status.Parked, action: "park", reason: why, park: a.exception(kind, why)}
}

func (a *attempt) exception(kind status.Kind, why reason.Reason) *store.NewException {
	value := a.desired.SourceValue
	if a.record.Value != "" {
		value = a.record.Value
	}
	return &store.NewException{Sync: a.Config.Name, Customer: a.work.Customer, Kind: kind, Stage: a.stage, Reason: why,
		SourceValue: value, TargetValue: a.target.Value, LastAction: a.lastAction, Confidence: 1,
		Owner: a.Config.Owner(kind)}
}

func (a *attempt) watching() bool { return a.Config.Watches() }

// trial reports whether a person wants this one customer written although the sync
// only watches.
func (a *attempt) trial() bool { return a.row != nil && a.row.Trial && a.watching() }
