package pipeline

import (
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

const (
	// notYetPatience is how long a missing record or customer is searched for before people are
	// notified, from the event's arrival. If the event waited longer in the queue, they are
	// notified at once: a flood of unknown customers must not cause several searches for each.
	notYetPatience = 10 * time.Second
	// notYetFirst is the first pause. Each later pause is three times the latest event's age, up to
	// notYetSlowest.
	notYetFirst, notYetSlowest = 2 * time.Second, time.Hour
	// notYetLast is the age of the latest event at which retries end.
	notYetLast = 6 * time.Hour
)

// notFoundYet ends an attempt because a tool lacks the customer or its record, perhaps only for now: the
// event of a new customer often comes before its record. The search is repeated even after people
// were notified, and a find closes the exception.
func (a *attempt) notFoundYet(e *ending) verdict {
	if a.noRetry {
		return verdict{end: e}
	}
	first, latest := a.waitingSince()
	left := notYetPatience - a.dbEarliest().Sub(first)
	if len(a.work.Events) == 0 || left <= 0 {
		return a.retryLater(e, latest)
	}
	// With attempts 0, FirstTry keeps the latest event's arrival for the next attempt (waitingSince).
	v := a.retryLater(&ending{action: Wait, reason: reason.Because(reason.NotThereYet, reason.Facts{}, e.reason), failure: failureNotYet, attempts: 0}, latest)
	v.end.retry = min(v.end.retry, left) // people are notified then, not at the pause's end
	return v
}

// retryLater adds a retry to an ending, unless its latest event is too old.
func (a *attempt) retryLater(e *ending, latest time.Time) verdict {
	age := a.dbEarliest().Sub(latest)
	if a.noRetry || age >= notYetLast {
		return verdict{end: e}
	}
	pause := min(max(3*age, notYetFirst), notYetSlowest)
	e.retry, e.firstTry = pause-time.Duration(float64(pause)*a.Jitter()/4), latest
	return verdict{end: e}
}

// waitingSince is when the first and the latest waiting event arrived. Without one, it is what an
// earlier attempt left in FirstTry, or now.
func (a *attempt) waitingSince() (first, latest time.Time) {
	if n := len(a.work.Events); n > 0 {
		return a.work.Events[0].ReceivedAt, a.work.Events[n-1].ReceivedAt
	}
	if at := a.work.FirstTry; a.work.Attempts == 0 && !at.IsZero() {
		return at, at
	}
	return a.work.Now, a.work.Now
}

// recordGone ends an attempt because the customer's linked record is gone. People are notified at
// once; the record is read again in case it comes back.
func (a *attempt) recordGone(e *ending) verdict {
	_, latest := a.waitingSince()
	return a.retryLater(e, latest)
}
