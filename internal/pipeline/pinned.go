package pipeline

import (
	"errors"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// pinned ends an attempt that would write a customer, or ask people about it, although a person
// pinned it. No one has to decide anything, so it opens no exception. The customer is due again
// when the pin ends.
func (a *attempt) pinned(p store.Pin) *ending {
	return &ending{outcome: status.Held, action: actionHold, pin: &p,
		reason: reason.Reason{Code: reason.CustomerPinned, Facts: reason.Facts{By: p.By, Since: p.Since, To: p.Until, Detail: p.Reason}}}
}

// stoppedByPerson returns the ending if a pin or a pause came after the claim, nil otherwise. In a pause
// the customer keeps its place in the queue.
func (a *attempt) stoppedByPerson(err error) *ending {
	var pinned *store.PinnedError
	switch {
	case errors.As(err, &pinned):
		return a.pinned(pinned.Pin)
	case errors.Is(err, store.ErrPaused):
		return &ending{action: Wait, place: true, retry: time.Millisecond, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: failurePaused,
			reason: reason.Reason{Code: reason.SyncPaused, Facts: reason.Facts{Sync: a.Config.Name}}}
	}
	return nil
}
