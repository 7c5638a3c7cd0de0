package pipeline

import (
	"errors"
	"time"

	"trueup/internal/decide"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// syncPaused is the failure of an attempt that a pause has stopped.
const syncPaused = "paused"

// pinned ends an attempt that would write, or ask a person, about a customer whom a
// person has said to leave alone. Nobody needs to decide anything, so that it opens
// no exception. When the pin ends, the customer is looked at again.
func (a *attempt) pinned(p store.Pin) *ending {
	return &ending{outcome: status.Held, action: string(decide.Hold), pin: &p,
		reason: reason.Reason{Code: reason.CustomerPinned, Facts: reason.Facts{By: p.By, Since: p.Since, To: p.Until, Detail: p.Reason}}}
}

// forbidden ends an attempt whose write a person has forbidden after its customer was
// claimed, nil when something else stopped it. In a pause the customer keeps its
// place, and is the first to go on.
func (a *attempt) forbidden(err error) *ending {
	var pinned *store.PinnedError
	switch {
	case errors.As(err, &pinned):
		return a.pinned(pinned.Pin)
	case errors.Is(err, store.ErrPaused):
		return &ending{action: "wait", place: true, retry: time.Millisecond, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: syncPaused,
			reason: reason.Reason{Code: reason.SyncPaused, Facts: reason.Facts{Sync: a.Config.Name}}}
	}
	return nil
}
