package decide

import (
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Transition is what a sync's configuration says of changes to one status. The zero Transition
// writes at once.
type Transition struct {
	// After is how long the source must have had the status without a break.
	After time.Duration
	// Hours are when it may be written; nil means always.
	Hours *Hours
	// Ask: a person confirms each change. Forbidden: only changes from these statuses need that.
	Ask       bool
	Forbidden []status.Status
}

// Hours are hours of the week by a zone's wall clock, whenever that is turned. Hours that go over
// midnight belong to the day on which they begin.
type Hours struct {
	Days     [7]bool // by time.Weekday
	From, To int     // minutes of the day, up to 24*60
	Zone     *time.Location
}

// Change is all that is known of a write that Decide allows.
type Change struct {
	Transition Transition
	// From is the status that the target shows, "" when it shows none.
	From status.Status
	// Since is since when the source has certainly had the status: unlike Desired.At it must not be
	// too early. Zero is now.
	Since, Now time.Time
	// UseSource and KeepTarget are what an owner decided about this very change.
	UseSource, KeepTarget bool
}

// Permission is what a Transition makes of a Change.
type Permission struct {
	Action Action // Write, Hold or Park
	Reason Reason // "" for Write
	Kind   status.Kind
	// Until is when a held change is due again, zero if time does not end it.
	Until time.Time
}

// Permit says whether a change may be written now. It must first have lasted; then an owner is
// asked, also outside the hours; the hours apply to whatever the owner says. It is total and pure,
// as Decide is.
func Permit(c Change) Permission {
	t := c.Transition
	lasted := c.Now
	if t.After > 0 {
		since := c.Since
		if since.IsZero() {
			since = c.Now
		}
		lasted = since.Add(t.After)
	}
	forbidden := slices.Contains(t.Forbidden, c.From)
	asked := t.Ask || forbidden
	switch {
	case lasted.After(c.Now) && asked:
		return waits(lasted)
	case lasted.After(c.Now):
		return waits(t.Hours.next(lasted))
	case asked && c.KeepTarget:
		return Permission{Action: Hold, Reason: OwnerKeepsTarget}
	case forbidden && !c.UseSource:
		return Permission{Action: Park, Reason: ChangeForbidden, Kind: status.ConfirmChange}
	case asked && !c.UseSource:
		return Permission{Action: Park, Reason: ChangeAsks, Kind: status.ConfirmChange}
	case !t.Hours.open(c.Now):
		return waits(t.Hours.next(c.Now))
	}
	return Permission{Action: Write}
}

func waits(until time.Time) Permission {
	return Permission{Action: Hold, Reason: ChangeWaits, Until: until}
}

// open reports whether a time is within the hours.
func (h *Hours) open(t time.Time) bool {
	if h == nil {
		return true
	}
	wall := t.In(h.Zone)
	minute, today := wall.Hour()*60+wall.Minute(), wall.Weekday()
	if h.From < h.To {
		return h.Days[today] && h.From <= minute && minute < h.To
	}
	yesterday := (today + 6) % 7
	return h.Days[today] && minute >= h.From || h.Days[yesterday] && minute < h.To
}

// horizon is longer than hours can stay closed: one window a week, which may fall into the hour
// that a clock change skips.
const horizon = 15 * 24 * time.Hour

// next is the first minute from t on at which the hours are open. It goes minute by minute: on the
// nights of a clock change, nothing else is as plain.
func (h *Hours) next(t time.Time) time.Time {
	if h.open(t) {
		return t
	}
	end := t.Add(horizon)
	for t = t.Truncate(time.Minute); t.Before(end); {
		if t = t.Add(time.Minute); h.open(t) {
			break
		}
	}
	return t
}
