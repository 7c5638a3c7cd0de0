package pages

import (
	"cmp"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// moment is one thing that happened on either side, or that Trueup did.
type moment struct {
	At         time.Time
	Icon, Tone string
	// Said is the sentence; Value and Status stand in it, and After ends it.
	Said, Value, After string
	Status             status.Status
	From               string // for a write
	FromStatus         status.Status
	Write              bool
	Why                string
}

// momentDay is what happened on one day.
type momentDay struct {
	Title   string
	Moments []moment
}

// daysOf puts moments, the latest first, under their days.
func (v *visit) daysOf(all []moment) (days []momentDay) {
	for _, m := range all {
		title := dayTitle(v, m.At)
		if n := len(days); n == 0 || days[n-1].Title != title {
			days = append(days, momentDay{Title: title})
		}
		last := &days[len(days)-1]
		last.Moments = append(last.Moments, m)
	}
	return days
}

// timelineOf tells what happened to a customer on both sides, the latest first. The
// decisions are the latest first. A change is told as it was first seen; when one side
// does not tell when it changed, the time is when Trueup saw it.
func (v *visit) timelineOf(sync string, decisions []store.Decision) []moment {
	s := v.Syncs()[sync]
	source, target := capital(cmp.Or(s.Source.Connection, "the source")), capital(cmp.Or(s.Target.Connection, "the target"))
	var all []moment
	wanted, held, known, last := "", "", false, moment{}
	for _, d := range slices.Backward(decisions) {
		if d.Action == "link" || d.Action == "unlink" {
			continue
		}
		if d.Desired != "" && d.Desired != wanted {
			m := moment{At: d.DesiredAt, Icon: "dot", Said: source + " wants", Value: d.Desired, Status: overview.StatusOf(s, d.Desired)}
			if wanted != "" { // the first that is seen may have been there for long
				m.Said = source + " changed, and wants"
			}
			all = append(all, m.seen(d.At, source))
			wanted = d.Desired
		}
		edited := d.By != "" && d.By != string(status.ActorUs)
		if d.Observed != held && (known || edited) {
			m := moment{At: d.ObservedAt, Icon: "dot", Tone: "warn", Said: cmp.Or(cut(d.By, 80), "Someone") + " set", Value: d.Observed, After: "in " + target, Status: overview.StatusOf(s, d.Observed)}
			if !edited {
				m.Said = "Someone, or another program, set"
			}
			if known {
				m.Why = "It was " + cmp.Or(held, "empty")
			}
			all = append(all, m.seen(d.At, target))
		}
		held, known = d.Observed, true
		if d.Outcome == status.Applied {
			held = d.Desired
		}
		m := decided(d, target, v.because(sync, d.Reason), overview.StatusOf(s, d.Desired), overview.StatusOf(s, d.Observed))
		if m.sameAs(last) {
			continue // it was looked at again, and nothing was new
		}
		all, last = append(all, m), m
	}
	slices.Reverse(all) // what was told at one time stays in its order
	slices.SortStableFunc(all, func(a, b moment) int { return b.At.Compare(a.At) })
	return all
}

// sameAs reports whether a look told no more than the one before it.
func (m moment) sameAs(before moment) bool {
	m.At = before.At
	return !m.Write && m == before
}

// seen puts a moment whose tool does not tell its time where Trueup saw it.
func (m moment) seen(at time.Time, tool string) moment {
	if m.At.IsZero() {
		m.At = at
		if m.Why != "" {
			m.Why += ". "
		}
		m.Why += tool + " does not tell when; Trueup saw it then"
	}
	return m
}

// decided is what Trueup did.
func decided(d store.Decision, target, why string, wants, had status.Status) moment {
	m := moment{At: d.At, Icon: "person", Said: outcomeWords[d.Outcome].Word, Why: capital(why)}
	switch d.Outcome {
	case status.Applied:
		m.Icon, m.Tone, m.Said, m.Write = "arrow", "good", "Trueup changed "+target+":", true
		m.From, m.FromStatus, m.Value, m.Status = d.Observed, had, d.Desired, wants
	case status.AlreadyEqual:
		m.Icon, m.Tone, m.Said, m.Value, m.Status = "ok", "good", "Both showed", d.Desired, wants
	case status.Held:
		m.Said = "Trueup left it alone"
	case status.Parked:
		m.Icon, m.Tone, m.Said = "exceptions", "warn", "Trueup left it alone, and asks a person"
	case "":
		m.Said = "Trueup looked at it"
	}
	return m
}

// apart is how far two changes are from each other, "" when one's time is not known.
func apart(a, b *time.Time) string {
	if a == nil || b == nil {
		return ""
	}
	return length(a.Sub(*b).Abs()) + " apart"
}
