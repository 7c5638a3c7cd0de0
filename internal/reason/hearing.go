package reason

import (
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Hearing is how a sync hears of changes in its source, as the file and the
// connections have it, and so how late it can be and what it can miss.
type Hearing struct {
	// Webhooks says that the source sends events; with Pings they only say that
	// something changed, and the source is asked then.
	Webhooks, Pings bool
	// Asked says that the source can be asked for its changes: when the service starts,
	// and every so often, which is 0 where the file has no poll.
	Asked bool
	Every time.Duration
	// Compared is how often both sides are compared, 0 is never; Repaired says that
	// what differs is then synced.
	Compared time.Duration
	Repaired bool
}

// Sentence says it in one sentence.
func (h Hearing) Sentence(source string) string {
	return source + " is " + h.how() + ": " + h.late()
}

// how is in which ways the source is heard.
func (h Hearing) how() string {
	var asked string
	switch {
	case h.Every > 0:
		asked = "every " + each(h.Every)
	case h.Asked:
		asked = "when Trueup starts"
	}
	switch {
	case h.Webhooks && h.Pings && asked != "":
		return "asked when a webhook says that something changed, and " + asked
	case h.Webhooks && asked != "":
		return "heard by webhook, and asked " + asked
	case h.Webhooks:
		return "heard by webhook only"
	case h.Every > 0:
		return "asked " + asked
	case h.Asked:
		return "asked only when Trueup starts"
	}
	return "neither heard by webhook nor asked"
}

// late is what that means.
func (h Hearing) late() string {
	lost := "a change"
	if h.Webhooks {
		lost = "a change whose webhook never comes"
	}
	if h.Every > 0 {
		text := lost + " can be " + span(h.Every) + " late, or as late as reading its list takes"
		if !h.Webhooks || h.Pings {
			text += ", and one that is undone within that time is never seen"
		}
		return text
	}
	var found []string
	if h.Asked {
		found = append(found, "when Trueup next starts")
	}
	if h.Compared > 0 {
		found = append(found, "by the next comparison (every "+each(h.Compared)+")")
	}
	if len(found) == 0 {
		return lost + " is never found"
	}
	text := lost + " is found " + strings.Join(found, " or ") + " at the earliest"
	if h.Compared > 0 && !h.Repaired {
		text += "; what a comparison finds is only counted, because repair is off"
	}
	return text
}

// span is a time in words, in its largest whole unit.
func span(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= unit.length && d%unit.length == 0 {
			return status.Plural(int(d/unit.length), unit.name)
		}
	}
	return status.Plural(int(d/time.Second), "second")
}

// each is a time between two things: hour, 6 hours.
func each(d time.Duration) string { return strings.TrimPrefix(span(d), "1 ") }
