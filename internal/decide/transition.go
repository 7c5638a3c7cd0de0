package decide

import (
	"slices"
	"time"

	"trueup/internal/status"
)

// Transition is what a sync's configuration says of changes to one status. The
// zero Transition is at once.
type Transition struct {
	// After is how long the source must have the status without a change.
	After time.Duration
	// Hours are when it may be written, nil always.
	Hours *Hours
	// Ask says that a person confirms each change, and Forbidden from which
	// statuses one has to although Ask is not set.
	Ask       bool
	Forbidden []status.Status
}

// Hours are hours of the week by the clocks on the walls of a zone, whichever
// way those are turned. What goes over midnight belongs to the day on which it
// begins.
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
	// Since is since when the source surely has the status: unlike Desired.At it
	// must not be too early. Zero is now.
	Since, Now time.Time
	// UseSource and KeepTarget are what an owner said of this very change.
	UseSource, KeepTarget bool
}

// Permission is what a Transition makes of a Change.
type Permission struct {
	Action Action // Write, Hold or Park
	Reason Reason // "" for Write
	Kind   status.Kind
	// Until is when a held change is looked at again, zero when time does not end it.
	Until time.Time
}

// Permit says whether a change may be written now. It first has to last; then an
// owner is asked, who need not be there in the hours; those hold for whatever he
// says. It is total and pure, as Decide is.
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

// horizon is longer than hours can be closed: a window of one day in the week
// that falls into the hour which a clock turned forward leaves out.
const horizon = 15 * 24 * time.Hour

// next is the first minute from t on at which the hours are open. It goes minute
// by minute: on the nights in which clocks are turned, nothing else is as plain.
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
