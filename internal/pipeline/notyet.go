package pipeline

import (
	"time"

	"trueup/internal/reason"
)

const (
	// notYetPatience is how long what a tool does not have yet is waited for
	// before people are told, counted from the event that spoke of it. An event
	// that had to queue for longer is told at once: a flood of customers whom the
	// target does not have is not searched for several times over.
	notYetPatience = 10 * time.Second
	// notYetFirst is the first pause. Each later one is three times what the
	// latest event is old, up to notYetSlowest.
	notYetFirst, notYetSlowest = 2 * time.Second, time.Hour
	// notYetLast is how old the latest event is when it is left to people.
	notYetLast = 6 * time.Hour
)

// notYet ends an attempt at a customer whom a tool does not have, or not yet: the
// event of a new customer often comes before the record is made. It is looked for
// again, also after people were told, and what it finds closes the exception.
func (a *attempt) notYet(e *ending) verdict {
	if a.noRetry {
		return verdict{end: e}
	}
	first, latest := a.waitingSince()
	left := notYetPatience - a.dbNotBefore().Sub(first)
	if len(a.work.Events) == 0 || left <= 0 {
		return a.retryLater(e, latest)
	}
	v := a.retryLater(&ending{action: "wait", reason: reason.Because(reason.NotThereYet, reason.Facts{}, e.reason), failure: "not_yet", attempts: 0}, latest)
	v.end.retry = min(v.end.retry, left) // people are told then, not at the pause's end
	return v
}

// retryLater has an ending looked at again by itself, until what it is about is too
// old.
func (a *attempt) retryLater(e *ending, latest time.Time) verdict {
	age := a.dbNotBefore().Sub(latest)
	if a.noRetry || age >= notYetLast {
		return verdict{end: e}
	}
	pause := min(max(3*age, notYetFirst), notYetSlowest)
	e.retry, e.firstTry = pause-time.Duration(float64(pause)*a.Jitter()/4), latest
	return verdict{end: e}
}

// waitingSince is since when the first and the latest event wait that spoke of the
// customer. When none does it is what an earlier look has left, or now.
func (a *attempt) waitingSince() (first, latest time.Time) {
	if n := len(a.work.Events); n > 0 {
		return a.work.Events[0].ReceivedAt, a.work.Events[n-1].ReceivedAt
	}
	if at := a.work.FirstTry; a.work.Attempts == 0 && !at.IsZero() {
		return at, at
	}
	return a.work.Now, a.work.Now
}

// recordGone ends an attempt at a customer whose linked record is gone. People are
// told at once; it is looked at again in case that it comes back.
func (a *attempt) recordGone(e *ending) verdict {
	_, latest := a.waitingSince()
	return a.retryLater(e, latest)
}
