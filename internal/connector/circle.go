package connector

// Circle finds out that the cursors of a list run in a circle: such a list would
// be read for ever. It remembers one cursor only, however long the list is.
// Its fields are for storing it, when the list is gone on with later.
type Circle struct {
	Marked string `json:"marked,omitempty"`
	Turns  int    `json:"turns,omitempty"`
	Lap    int    `json:"lap,omitempty"`
}

// Turn is told the cursor of each page before the page is asked for. It reports
// whether the list has come back to a page that it gave before, which it does
// after a few times around at most.
func (c *Circle) Turn(cursor string) bool {
	if c.Lap > 0 && cursor == c.Marked {
		return true
	}
	// The mark moves on after 1, 2, 4, 8 … pages: some time it stands in the
	// circle, and is far enough behind to be met again.
	if c.Turns++; c.Turns > c.Lap {
		c.Marked, c.Turns, c.Lap = cursor, 0, max(1, 2*c.Lap)
	}
	return false
}

// Endless is the failure of a list whose cursors run in a circle.
func Endless() error {
	return &Failure{Kind: Misconfigured, Effect: EffectNone, Anew: true,
		Detail: "the list returned to an earlier page and would never end; check how the tool names its next page, and whether the connection reads that"}
}
