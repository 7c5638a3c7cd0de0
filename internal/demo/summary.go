package demo

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// report is the final table.
type report struct {
	took time.Duration
	rows []row
	snap Snapshot

	accepted, repeats, lost  int
	writes, refusals, fewest int
	// untold is how many steps of the script there was no time for.
	untold int
}

// tally counts the journal.
func tally(cast []member, all []happening) (writes, refusals, fewest int) {
	for _, h := range all {
		switch h.what {
		case written:
			writes++
		case refused:
			refusals++
		}
	}
	for _, m := range cast {
		if m.contact() != "" {
			fewest += fewestWrites(m, all)
		}
	}
	return writes, refusals, fewest
}

// fewestWrites is how many writes a customer needed when every change that
// billing told of is carried as soon as it is told of, and nothing else is
// written: one each time the value billing then had, in the CRM's words, was
// not the value the CRM should then have held, unless a person's edit was newer
// than billing's change. Changes told of while Trueup is still at work may
// share a write, so the true number can be lower; it is higher only if
// something was written for nothing.
func fewestWrites(m member, all []happening) int {
	billing, crm := m.status, m.contacts[0].Status
	overruled := false // a person's edit is newer than billing's latest change
	needed := 0
	for _, h := range all {
		switch {
		case h.what == changed && h.record == m.customer:
			billing, overruled = h.to, false
		case h.what == edited && h.record == m.contact():
			crm, overruled = h.to, true
		case h.what == told && h.record == m.customer:
			if want, ok := mapped(billing); ok && want != crm && !overruled {
				needed++
				crm = want
			}
		}
	}
	return needed
}

func (r report) count(s standing) int {
	n := 0
	for _, row := range r.rows {
		if row.standing == s {
			n++
		}
	}
	return n
}

// write prints the table for somebody who has never seen Trueup before.
func (r report) write(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	p("\nAfter %s\n\n", r.took.Round(time.Second))
	r.writeAgreement(p)
	r.writeExceptions(p)
	r.writeEvents(p)
	r.writeWrites(p)
	if r.untold > 0 {
		p("Cut short       %s of the script had no time; a longer --for shows all of it\n", plural(r.untold, "step", "steps"))
	}
}

type printer func(format string, args ...any)

func (r report) writeAgreement(p printer) {
	agreed, waiting := r.count(equal), r.count(stopped)
	carried := agreed + r.count(differs) + waiting
	rest := ""
	if waiting > 0 {
		rest = fmt.Sprintf(";\n                  %s for a person, as exceptions", plural(waiting, "waits", "wait"))
	}
	switch {
	case carried == 0:
		p("Agreement       there was nothing to carry\n")
	case agreed == carried:
		p("Agreement       100%%: the CRM shows what billing says for %d of %s\n", agreed, plural(carried, "customer", "customers"))
	default:
		p("Agreement       %.1f%%: the CRM shows what billing says for %d of %s%s\n", 100*float64(agreed)/float64(carried), agreed, plural(carried, "customer", "customers"), rest)
	}
	for _, row := range r.rows {
		switch {
		case row.standing == differs && row.human:
			p("                  %s: billing says %s, the CRM holds %s, which a person chose;\n", row.name, row.billing, shown(row.crm))
			p("                  Trueup looks again at billing's next change\n")
		case row.standing == differs:
			p("                  %s: billing says %s, the CRM holds %s\n", row.name, row.billing, shown(row.crm))
		case row.standing == left:
			p("                  not carried: %s, because the configuration leaves %s out\n", row.name, row.billing)
		}
	}
	for _, row := range r.rows {
		if row.held() {
			p("Held            %s: billing says %s, a person chose %s in the CRM, and that edit stays\n", row.name, row.billing, shown(row.crm))
		}
	}
}

func (r report) writeExceptions(p printer) {
	open := slices.Clone(r.snap.Exceptions)
	p("\nFor a person    %s\n", plural(len(open), "exception is open", "exceptions are open"))
	slices.SortStableFunc(open, func(a, b Exception) int {
		return slices.Index(status.Kinds, a.Kind) - slices.Index(status.Kinds, b.Kind)
	})
	for _, x := range open {
		who := x.Customer
		if who == "" {
			who = "an event"
		}
		for _, row := range r.rows {
			if row.customer == x.Customer {
				who = row.name
			}
		}
		why := kindMeaning(x.Kind)
		if why == "" {
			why = x.Reason
		}
		p("  %-17s %s: %s\n", x.Kind, who, why)
	}
}

func (r report) writeEvents(p printer) {
	p("\nEvents          %d came in, and %s dropped\n", r.accepted, plural(r.repeats, "repeat was", "repeats were"))
	for _, o := range status.Outcomes {
		if n := r.snap.Outcomes[o]; n > 0 {
			p("  %-14s %3d  %s\n", o, n, outcomeMeaning(o))
		}
	}
	if r.snap.Waiting > 0 {
		p("  %-14s %3d  not done when the time was up\n", "waiting", r.snap.Waiting)
	}
	if r.lost > 0 {
		p("  %-14s %3d  never accepted, though billing tried again and again\n", "lost", r.lost)
	}
}

func (r report) writeWrites(p printer) {
	p("\nWrites          %d made", r.writes)
	switch {
	case r.writes > r.fewest:
		p(", %d for nothing: %d would have been enough\n", r.writes-r.fewest, r.fewest)
	case r.writes == r.fewest:
		p(", the fewest possible: one for each change that the CRM did not show yet\n")
	default:
		p("; one for each change that the CRM did not show yet would be %d,\n", r.fewest)
		p("                  and changes that came in a burst shared a write\n")
	}
	if r.refusals > 0 {
		p("                  %s refused by the CRM as out of date and looked at again\n", plural(r.refusals, "more was", "more were"))
	}
}
