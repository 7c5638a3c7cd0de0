package connector

// Circle finds out that the cursors of a list run in a circle: such a list would
// be read for ever. It remembers one cursor only, however long the list is.
type Circle struct {
	marked     string
	turns, lap int
}

// Turn is told the cursor of each page before the page is asked for. It reports
// whether the list has come back to a page that it gave before, which it does
// after a few times around at most.
func (c *Circle) Turn(cursor string) bool {
	if c.lap > 0 && cursor == c.marked {
		return true
	}
	// The mark moves on after 1, 2, 4, 8 … pages: some time it stands in the
	// circle, and is far enough behind to be met again.
	if c.turns++; c.turns > c.lap {
		c.marked, c.turns, c.lap = cursor, 0, max(1, 2*c.lap)
	}
	return false
}

// Endless is the failure of a list whose cursors run in a circle.
func Endless() error {
	return &Failure{Kind: Misconfigured, Effect: EffectNone,
		Detail: "the list returned to an earlier page and would never end; check how the tool names its next page, and whether the connection reads that"}
}
