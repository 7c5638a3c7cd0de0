package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"trueup/internal/connector"
	"trueup/internal/status"
)

// Retry says when a customer that failed is tried again. Zero fields have
// defaults.
type Retry struct {
	// First is the pause after the first failure; each later one is twice as
	// long.
	First time.Duration
	// Attempts is after how many failures in a row people are told.
	Attempts int
	// Slow and Slowest bound the pauses from then on.
	Slow, Slowest time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.First == 0 {
		r.First = time.Second
	}
	if r.Attempts == 0 {
		r.Attempts = 5
	}
	if r.Slow == 0 {
		r.Slow = time.Minute
	}
	if r.Slowest == 0 {
		r.Slowest = time.Hour
	}
	return r
}

// after returns the pause after the n-th failure in a row, which is 1 for the
// first. Jitter in [0, 1) shortens it by up to a quarter, so that customers
// who failed together do not come back together.
func (r Retry) after(n int, jitter float64) time.Duration {
	pause, limit := r.First, r.Slow
	steps := n - 1
	if n >= r.Attempts {
		pause, limit, steps = r.Slow, r.Slowest, n-r.Attempts
	}
	for range steps {
		if pause *= 2; pause >= limit {
			pause = limit
			break
		}
	}
	return pause - time.Duration(float64(pause)*jitter/4)
}

// failed ends an attempt at which a call failed. What happens next depends on
// who can do something about it: time, the tool's limit, or a person.
func (a *attempt) failed(err error, connection, doing string) verdict {
	f := connector.FailureOf(err)
	reason := fmt.Sprintf("%s %s: %s", doing, connection, f.Error())
	attempts := a.work.Attempts + 1
	retry := a.Retry.after(attempts, a.Jitter())
	if errors.Is(err, context.Canceled) {
		// The service stops, and looks again at its next start.
		return end(ending{action: "wait", reason: reason, retry: time.Millisecond, attempts: a.work.Attempts, failure: "stopping"})
	}
	switch f.Kind {
	case connector.RateLimited:
		// Invariant 5: the customer has done nothing wrong.
		wait := f.RetryAfter
		if wait <= 0 {
			wait = restAfterLimit
		}
		if f.Status != 0 { // else it is our own limit, which holds calls back by itself
			a.pause(connection, wait)
		}
		return end(ending{action: "wait", reason: reason, retry: wait, attempts: a.work.Attempts, failure: string(f.Kind)})
	case connector.Refused:
		e := a.parked(a.kindOfFailure(), fmt.Sprintf("%s; correct the record or the configuration, then trueup exceptions retry", reason))
		e.failure, e.park.Cause = string(f.Kind), a.causeOf(f, connection)
		return verdict{end: e}
	case connector.Unauthorized, connector.Misconfigured:
		advice := "check the connection with trueup check --live; it is tried again by itself"
		e := a.parked(status.ConnectionFailed, fmt.Sprintf("%s; %s", reason, advice))
		e.retry, e.attempts, e.failure = a.Retry.after(max(attempts, a.Retry.Attempts), a.Jitter()), attempts, string(f.Kind)
		e.park.Cause = connection
		return verdict{end: e}
	}
	if attempts < a.Retry.Attempts {
		return end(ending{action: "wait", reason: reason, retry: retry, attempts: attempts, failure: string(f.Kind)})
	}
	e := a.parked(a.kindOfFailure(), fmt.Sprintf("%s; %d attempts so far, and it is tried again by itself", reason, attempts))
	e.retry, e.attempts, e.failure, e.park.Cause = retry, attempts, string(f.Kind), connection
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

// moves ends an attempt at which the record changed under every try.
func (a *attempt) moves() verdict {
	return a.failed(&connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("the record was edited by others during each of %d tries", maxRedecisions)}, a.Target.Name, a.writing())
}

// writing says what is written, for the reason of a failure.
func (a *attempt) writing() string { return "writing " + a.desired.Value + " to" }

// kindOfFailure is write_failed for what went wrong with the write itself.
func (a *attempt) kindOfFailure() status.Kind {
	if a.stage == status.StageWrite || a.stage == status.StageConfirm {
		return status.WriteFailed
	}
	return status.ConnectionFailed
}
