package inbox

import (
	"sync"
	"time"

	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

const (
	// farAhead is how much further than two clocks may differ an event is dated
	// ahead of when it came before people are told.
	farAhead = 5 * time.Minute
	// sayAgain is how long nobody is told of the same connection again.
	sayAgain = time.Hour
)

// clocks remembers whose clock people were told of, and when.
type clocks struct {
	mu   sync.Mutex
	told map[string]time.Time
}

// ahead reports whether an event of the source says that it is yet to happen, and
// nobody was told lately that its connection does so.
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

// datedAhead is what people are told. The event is carried all the same, as of
// when it came.
func datedAhead(e store.NewEvent, r Route, now time.Time) *store.NewException {
	return &store.NewException{Sync: e.Sync, Kind: status.ConnectionFailed, Stage: status.StageReceive, Confidence: 1, Owner: r.ClockOwner,
		LastAction: "received an event dated ahead",
		Reason:     reason.Reason{Code: reason.EventsDatedAhead, Facts: reason.Facts{Connection: e.Connection, To: now, At: e.OccurredAt}}}
}
