package inbox

import (
	"fmt"
	"sync"
	"time"

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
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
	return &store.NewException{Sync: e.Sync, Kind: status.ConnectionFailed, Stage: status.StageReceive, Confidence: 1, Owner: r.ClockOwner,
		LastAction: "received an event dated ahead",
		Reason: fmt.Sprintf("%s dates its changes ahead: an event that came at %s is dated %s. Trueup carries it, as of when it came. Correct the time zone in webhook.occurred_at or record.updated_at, or the clock of %s, and resolve this",
			e.Connection, stamp(now), stamp(e.OccurredAt), e.Connection)}
}
