package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Retry says when a failed customer is tried again. Pauses depend on how long it has been failing,
// not on the number of attempts: every event causes an attempt, so that number says nothing about
// time. Zero fields get defaults.
type Retry struct {
	// First is the pause after the first failure. From then on a pause is as long as the problem
	// has lasted, so that each is about twice the one before.
	First time.Duration
	// Patience is how long a problem lasts before people are notified, and before an answer that
	// looks older than the base is accepted.
	Patience time.Duration
	// Slow is the shortest pause after a failure that only a person can fix, Slowest the longest
	// pause of all.
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

// after returns the next pause if the first failure in a row was age ago. Jitter in [0, 1) shortens
// it by up to a quarter, so that customers who failed together do not come back together.
func (r Retry) after(age, shortest time.Duration, jitter float64) time.Duration {
	pause := min(max(age, shortest), r.Slowest)
	return pause - time.Duration(float64(pause)*jitter/4)
}

// failingSince is when the first failure in a row was: this attempt's start, if it is the first to
// fail.
func (a *attempt) failingSince() time.Time {
	if a.work.Attempts == 0 || a.work.FirstTry.IsZero() {
		return a.work.Now
	}
	return a.work.FirstTry
}

// patient reports whether the problem is too recent to notify people, or to accept an odd answer. A
// first failure always is, even if that attempt took long.
func (a *attempt) patient() bool {
	return a.work.Attempts == 0 || a.dbEarliest().Sub(a.failingSince()) < a.Retry.Patience
}

// failed ends an attempt because a call failed. What happens next depends on who can do something
// about it: time, the tool's limit, or a person.
func (a *attempt) failed(err error, connection string, doing reason.Doing) verdict {
	f := connector.FailureOf(err)
	facts := reason.Facts{Doing: doing, Connection: connection, Detail: f.Error()}
	if doing == reason.Writing {
		facts.Value = a.desired.Value
	}
	why := reason.Reason{Code: reason.CallFailed, Facts: facts}
	attempts, since := a.work.Attempts+1, a.failingSince()
	retry := a.Retry.after(a.dbEarliest().Sub(since), a.Retry.First, a.Jitter())
	if errors.Is(err, context.Canceled) {
		// The service stops, and tries again at its next start.
		return end(ending{action: Wait, reason: why, retry: time.Millisecond, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: failureStopping})
	}
	switch f.Kind {
	case connector.Transient:
		a.paces[connection].silent(a.Now())
	case connector.RateLimited:
		// Invariant 5: the customer did nothing wrong, and is the first to go on.
		wait, first := cmp.Or(f.RetryAfter, firstRest), true
		if f.Status != 0 { // else it is our own limit, which delays calls by itself
			wait, first = a.restConnection(connection, f.RetryAfter)
		}
		return end(ending{place: first, action: Wait, reason: why, retry: wait, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: string(f.Kind)})
	case connector.Refused:
		e := a.parked(a.kindOfFailure(), reason.Reason{Code: reason.CallRefused, Facts: facts})
		e.failure, e.park.Cause = string(f.Kind), a.causeOf(f, connection)
		return verdict{end: e}
	case connector.Unauthorized, connector.Misconfigured:
		e := a.parked(status.ConnectionFailed, reason.Reason{Code: reason.ConnectionFails, Facts: facts})
		e.retry = a.Retry.after(a.dbEarliest().Sub(since), a.Retry.Slow, a.Jitter())
		e.attempts, e.firstTry, e.failure = attempts, since, string(f.Kind)
		e.park.Cause = connection
		return verdict{end: e}
	}
	if a.patient() {
		return end(ending{action: Wait, reason: why, retry: retry, attempts: attempts, firstTry: since, failure: string(f.Kind)})
	}
	facts.Count = attempts
	e := a.parked(a.kindOfFailure(), reason.Reason{Code: reason.CallStillFails, Facts: facts})
	e.retry, e.attempts, e.firstTry, e.failure, e.park.Cause = retry, attempts, since, string(f.Kind), connection
	return verdict{end: e}
}

// storeFailed ends an attempt after an error of the database. Nothing is settled: the lease runs out
// and the customer is tried again.
func (a *attempt) storeFailed(err error) verdict {
	failure := failureDatabase
	if errors.Is(err, store.ErrFenced) {
		failure = failureLeaseLost
	}
	return end(ending{unsettled: true, failure: failure, reason: reason.Reason{Code: reason.DatabaseFailed, Facts: reason.Facts{Detail: err.Error()}}})
}

// causeOf is what a refusal has in common with others: the value, if the write was refused,
// otherwise the connection.
func (a *attempt) causeOf(f *connector.Failure, connection string) string {
	if a.kindOfFailure() == status.WriteFailed {
		return fmt.Sprintf("%s: %s", a.desired.Value, cmp.Or(f.Code, f.Detail))
	}
	return connection
}

// keepsMoving ends an attempt because the record changed during every try.
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
