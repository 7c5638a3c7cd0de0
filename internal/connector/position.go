package connector

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Overlap is how far before its position a poll looks again unless the
// connection says otherwise: a change may become visible in the list late. What
// comes twice has the same event id.
const Overlap = 10 * time.Minute

// beginning is the position before any record.
var beginning = time.Unix(0, 0).UTC()

// Position is where asking has got to in a list of all records, for a tool that
// tells of each when it changed last. It is the newest of those times that the
// list had, by the tool's clock: that may be hours behind ours, and a position of
// our own making would lie ahead of every change until then. It is never later
// than our own clock either: one record dated into the future must not hide all
// the others until then.
//
// A list may be sorted by anything, so the position moves on only when a walk
// through all its pages is complete. What changes while the walk lasts may stand
// on a page that was read before: of each time the walk took until it was met is
// taken off, which can never lie after the moment, by the tool's clock, at which
// the walk began.
type Position struct {
	// Overlap is how far before the position it looks again.
	Overlap time.Duration

	now   time.Time
	first bool
	walk  Walk
}

// Walk is how far a poll is in a list that it goes through page by page.
type Walk struct {
	// Began is when the first page was asked for, by our clock.
	Began time.Time `json:"began"`
	// From is the position that the walk before ended at, zero for the first one.
	From time.Time `json:"from,omitzero"`
	// Pages were read and stored; Cursor is the one to ask for next.
	Pages  int    `json:"pages"`
	Cursor string `json:"cursor"`
	// List is the list that the cursor belongs to, by a name of the connector's.
	List string `json:"list,omitempty"`
	// Newest is the time that the position moves on to; Dated says that a record
	// had a time, and Read that one could be read.
	Newest time.Time `json:"newest,omitzero"`
	Dated  bool      `json:"dated,omitempty"`
	Read   bool      `json:"read,omitempty"`
	// Circle finds out that the cursors run in one; Last is a digest of the page
	// that was read last.
	Circle Circle `json:"circle,omitzero"`
	Last   string `json:"last,omitempty"`
}

// WalkOf reads how far a poll is out of its cursor. ok is false of one that is
// not on its way through a list.
func WalkOf(cursor string) (w Walk, ok bool) {
	if !strings.HasPrefix(cursor, "{") || json.Unmarshal([]byte(cursor), &w) != nil || w.Began.IsZero() {
		return Walk{}, false
	}
	return w, true
}

// Anew is the cursor with which a walk begins again at its first page, from the
// same position. ok is false of a cursor that is not on its way.
func Anew(cursor string) (again string, ok bool) {
	w, ok := WalkOf(cursor)
	if !ok || w.From.IsZero() {
		return "", ok
	}
	return w.From.Format(time.RFC3339Nano), true
}

// PositionAt reads a cursor, "" for the first time, at which nothing is new yet.
func PositionAt(cursor string, now time.Time) (*Position, error) {
	p := &Position{Overlap: Overlap, now: now, walk: Walk{Began: now}}
	if w, ok := WalkOf(cursor); ok {
		p.walk, p.first = w, w.From.IsZero()
		return p, nil
	}
	if p.first = cursor == ""; !p.first {
		var err error
		if p.walk.From, err = time.Parse(time.RFC3339Nano, cursor); err != nil {
			return nil, errors.New("the stored position in the list cannot be read")
		}
	}
	return p, nil
}

// Of says which list is asked for. A cursor of another one means nothing in it:
// the walk begins anew.
func (p *Position) Of(list string) {
	if p.walk.List != list {
		p.walk = Walk{Began: p.now, From: p.walk.From, List: list}
	}
}

// Walk is how far the walk is.
func (p *Position) Walk() Walk { return p.walk }

// After is the time after which a record has to have changed to be new, zero
// the first time.
func (p *Position) After() time.Time {
	if p.first {
		return time.Time{}
	}
	after := p.walk.From
	if p.now.Before(after) {
		after = p.now // a clock that was wrong must not hide what happens until then
	}
	if after = after.Add(-p.Overlap); after.Before(beginning) {
		after = beginning
	}
	return after
}

// Meets notes when a record of the list changed last, zero for not known, and
// reports whether that is a change since the last time.
func (p *Position) Meets(changed time.Time) bool {
	p.walk.Read = true
	p.walk.Dated = p.walk.Dated || !changed.IsZero()
	if !changed.IsZero() && !changed.After(p.now) {
		at := changed.Add(-max(0, p.now.Sub(p.walk.Began)))
		if at.Before(beginning) {
			at = beginning
		}
		if at.After(p.walk.Newest) {
			p.walk.Newest = at.UTC()
		}
	}
	return !p.first && changed.After(p.After())
}

// First reports whether the list is asked for the first time.
func (p *Position) First() bool { return p.first }

// maxPages bounds one walk: 50 records a page make fifty million.
const maxPages = 1_000_000

// Turned notes that a page was read, and the cursor of the next. page is a
// digest of what it held, "" of an empty one. Its Failure says that the list
// would never end.
func (p *Position) Turned(next, page string) error {
	w := &p.walk
	w.Pages++
	if w.Circle.Turn(w.Cursor) || next == w.Cursor || page != "" && page == w.Last {
		return Endless()
	}
	if w.Pages >= maxPages {
		f := FailureOf(Endless())
		f.Detail = "the list did not end after a million pages; check how the tool names its last page, and whether the connection reads that"
		return f
	}
	w.Cursor, w.Last = next, page
	return nil
}

// String is the cursor with which the walk goes on at its next page.
func (p *Position) String() string {
	text, err := json.Marshal(p.walk)
	if err != nil {
		panic(err) // times and texts
	}
	return string(text)
}

// Next is the cursor to ask with next time, once the whole list was met.
func (p *Position) Next() string {
	at := p.walk.Newest
	switch {
	case !at.IsZero():
	case !p.first:
		at = p.walk.From
	case p.walk.Dated:
		at = p.walk.Began // all are dated ahead of us
	default:
		at = beginning // of an empty list whatever comes is new
	}
	return at.Format(time.RFC3339Nano)
}
