package inbox

import (
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// farAhead is how far in the future an event may be dated, beyond the allowed
	// difference of two clocks, before people are notified.
	farAhead = 5 * time.Minute
	// sayAgain is how long the inbox waits before it reports the same connection
	// again.
	sayAgain = time.Hour
)

// clocks remembers which connections were reported, and when.
type clocks struct {
	mu   sync.Mutex
	told map[string]time.Time
}

// ahead reports whether an event is dated in the future, and its connection was
// not reported lately.
func (c *clocks) ahead(e store.NewEvent, r Route, now time.Time) bool {
	if e.Side != store.SourceSide || !e.OccurredAt.After(now.Add(r.Skew+farAhead)) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	of := e.Connection + " " + e.Sync
	if last, ok := c.told[of]; ok && now.Sub(last) < sayAgain {
		return false
	}
	if c.told == nil {
		c.told = map[string]time.Time{}
	}
	c.told[of] = now
	return true
}

// forget has connections reported again whose report was not stored.
func (c *clocks) forget(events []store.NewEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		if e.Exception != nil && e.Exception.Reason.Code == reason.EventsDatedAhead {
			delete(c.told, e.Connection+" "+e.Sync)
		}
	}
}

// datedAhead is the exception for people. The event is still synced, with the
// time at which it arrived.
func datedAhead(e store.NewEvent, r Route, now time.Time) *store.NewException {
	return &store.NewException{Sync: e.Sync, Kind: status.ConnectionFailed, Stage: status.StageReceive, Confidence: 1, Owner: r.ClockOwner,
		LastAction: string(reason.DidDateAhead),
		Reason:     reason.Reason{Code: reason.EventsDatedAhead, Facts: reason.Facts{Connection: e.Connection, To: now, At: e.OccurredAt}}}
}
