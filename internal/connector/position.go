package connector

import (
	"errors"
	"time"
)

// overlap is how far before its position a poll looks again: a change may become
// visible in the list late. What comes twice has the same event id.
const overlap = 10 * time.Minute

// beginning is the position before any record.
var beginning = time.Unix(0, 0).UTC()

// Position is where asking has got to in a list of all records, for a tool that
// tells of each when it changed last. It is the newest of those times that the
// list had, by the tool's clock: that may be hours behind ours, and a position of
// our own making would lie ahead of every change until then. It is never later
// than our own clock either: one record dated into the future must not hide all
// the others until then.
type Position struct {
	now, after, from, newest time.Time
	first, dated             bool
}

// PositionAt reads a cursor, "" for the first time, at which nothing is new yet.
func PositionAt(cursor string, now time.Time) (*Position, error) {
	p := &Position{now: now, first: cursor == ""}
	if !p.first {
		var err error
		if p.from, err = time.Parse(time.RFC3339Nano, cursor); err != nil {
			return nil, errors.New("the stored position in the list cannot be read")
		}
	}
	p.after = p.from.Add(-overlap)
	return p, nil
}

// Meets notes when a record of the list changed last, zero for not known, and
// reports whether that is a change since the last time.
func (p *Position) Meets(changed time.Time) bool {
	p.dated = p.dated || !changed.IsZero()
	if changed.After(p.newest) && !changed.After(p.now) {
		p.newest = changed
	}
	return !p.first && changed.After(p.after)
}

// First reports whether the list is asked for the first time.
func (p *Position) First() bool { return p.first }

// Next is the cursor to ask with next time, once the whole list was met.
func (p *Position) Next() string {
	at := p.newest
	switch {
	case !at.IsZero():
	case !p.first:
		at = p.from
	case p.dated:
		at = p.now // all are dated ahead of us
	default:
		at = beginning // of an empty list whatever comes is new
	}
	return at.Format(time.RFC3339Nano)
}
