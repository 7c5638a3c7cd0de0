package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"trueup/internal/connector"
	"trueup/internal/reason"
	"trueup/internal/status"
)

// Retry says when a customer that failed is tried again. All goes by the time
// since the first failure in a row, not by the number of tries: each event of
// the customer is one more, and says nothing of how long the trouble lasts. Zero
// fields have defaults.
type Retry struct {
	// First is the pause after the first failure. From then on a pause is as long
	// as the trouble has lasted, so that each is about twice the one before.
	First time.Duration
	// Patience is after how long people are told, and an answer is believed
	// that looks older than what was proved.
	Patience time.Duration
	// Slow is the shortest pause after what only a person mends, Slowest the
	// longest of all.
	Slow, Slowest time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.First == 0 {
		r.First = time.Second
	}
	if r.Patience == 0 {
		r.Patience = 12 * time.Second
	}
	if r.Slow == 0 {
		r.Slow = time.Minute
	}
	if r.Slowest == 0 {
		r.Slowest = time.Hour
	}
	return r
}

// after returns the pause after a failure, when the first in a row was age ago.
// Jitter in [0, 1) shortens it by up to a quarter, so that customers who failed
// together do not come back together.
func (r Retry) after(age, shortest time.Duration, jitter float64) time.Duration {
	pause := min(max(age, shortest), r.Slowest)
	return pause - time.Duration(float64(pause)*jitter/4)
}

// failingSince is when the first failure in a row was, this attempt's when it
// would be the first.
func (a *attempt) failingSince() time.Time {
	if a.work.Attempts == 0 || a.work.FirstTry.IsZero() {
		return a.work.Now
	}
	return a.work.FirstTry
}

// patient reports whether the trouble is too young to be told or believed. Its
// first attempt is always: it may itself have taken long.
func (a *attempt) patient() bool {
	return a.work.Attempts == 0 || a.dbNotBefore().Sub(a.failingSince()) < a.Retry.Patience
}

// failed ends an attempt at which a call failed. What happens next depends on
// who can do something about it: time, the tool's limit, or a person.
func (a *attempt) failed(err error, connection string, doing reason.Doing) verdict {
	f := connector.FailureOf(err)
	facts := reason.Facts{Doing: doing, Connection: connection, Detail: f.Error()}
	if doing == reason.Writing {
		facts.Value = a.desired.Value
	}
	why := reason.Reason{Code: reason.CallFailed, Facts: facts}
	attempts, since := a.work.Attempts+1, a.failingSince()
	retry := a.Retry.after(a.dbNotBefore().Sub(since), a.Retry.First, a.Jitter())
	if errors.Is(err, context.Canceled) {
		// The service stops, and looks again at its next start.
		return end(ending{action: "wait", reason: why, retry: time.Millisecond, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: "stopping"})
	}
	switch f.Kind {
	case connector.RateLimited:
		// Invariant 5: the customer has done nothing wrong, and is the first to
		// go on.
		wait, first := cmp.Or(f.RetryAfter, firstRest), true
		if f.Status != 0 { // else it is our own limit, which holds calls back by itself
			wait, first = a.pause(connection, f.RetryAfter)
		}
		return end(ending{place: first, action: "wait", reason: why, retry: wait, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: string(f.Kind)})
	case connector.Refused:
		e := a.parked(a.kindOfFailure(), reason.Reason{Code: reason.CallRefused, Facts: facts})
		e.failure, e.park.Cause = string(f.Kind), a.causeOf(f, connection)
		return verdict{end: e}
	case connector.Unauthorized, connector.Misconfigured:
		e := a.parked(status.ConnectionFailed, reason.Reason{Code: reason.ConnectionFails, Facts: facts})
		e.retry = a.Retry.after(a.dbNotBefore().Sub(since), a.Retry.Slow, a.Jitter())
		e.attempts, e.firstTry, e.failure = attempts, since, string(f.Kind)
		e.park.Cause = connection
		return verdict{end: e}
	}
	if a.patient() {
		return end(ending{action: "wait", reason: why, retry: retry, attempts: attempts, firstTry: since, failure: string(f.Kind)})
	}
	facts.Count = attempts
	e := a.parked(a.kindOfFailure(), reason.Reason{Code: reason.CallStillFails, Facts: facts})
	e.retry, e.attempts, e.firstTry, e.failure, e.park.Cause = retry, attempts, since, string(f.Kind), connection
	return verdict{end: e}
}

// causeOf is what a refusal has in common with others: the value, when it is
// the write that is refused, and else the connection.
func (a *attempt) causeOf(f *connector.Failure, connection string) string {
	if a.kindOfFailure() == status.WriteFailed {
		return fmt.Sprintf("%s: %s", a.desired.Value, cmp.Or(f.Code, f.Detail))
	}
	return connection
}

// keepsMoving ends an attempt at which the record changed under every try.
func (a *attempt) keepsMoving() verdict {
	return a.failed(&connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("the record was edited by others during each of %d tries", maxRedecisions)}, a.To.Name, reason.Writing)
}

// kindOfFailure is write_failed for what went wrong with the write itself.
func (a *attempt) kindOfFailure() status.Kind {
	if a.stage == status.StageWrite || a.stage == status.StageConfirm {
		return status.WriteFailed
	}
	return status.ConnectionFailed
}
