package demo

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// line is one thing that happened, for people.
type line struct {
	at   time.Time
	who  string // billing, person, CRM, Trueup
	text string
}

// narrator turns the journal and Trueup's snapshots into lines.
type narrator struct {
	cast []member
	seen int             // how much of the journal has been told
	last map[string]Last // what has been told of each customer
}

// next returns the lines for what happened since the last call.
func (n *narrator) next(j *journal, snap Snapshot) []line {
	var lines []line
	news := j.since(n.seen)
	n.seen += len(news)
	for _, h := range news {
		if l, ok := n.tell(h); ok {
			lines = append(lines, l)
		}
	}
	if n.last == nil {
		n.last = map[string]Last{}
	}
	for _, id := range slices.Sorted(maps.Keys(snap.Last)) {
		last := snap.Last[id]
		if last == n.last[id] {
			continue
		}
		n.last[id] = last
		text := n.name(id) + ": " + string(last.Outcome)
		if last.Reason != "" {
			text += " (" + last.Reason + ")"
		}
		lines = append(lines, line{at: last.At, who: "Trueup", text: text})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at.UnixMilli(), b.at.UnixMilli()) })
	return lines
}

// tell says what happened, unless the script has said it before it did it.
func (n *narrator) tell(h happening) (line, bool) {
	l := line{at: h.at}
	switch h.what {
	case said:
		l.who, l.text = h.by, h.note
	case changed:
		l.who, l.text = "billing", n.name(h.record)+": clicked "+h.to+" (was "+h.from+")"
	case edited:
		l.who, l.text = "person", n.name(h.record)+": clicked "+h.to+" in the CRM (was "+shown(h.from)+")"
	case written:
		l.who, l.text = "CRM", n.name(h.record)+": "+shown(h.from)+" → "+h.to+", written by Trueup"
	case refused:
		l.who, l.text = "CRM", n.name(h.record)+": refused a write by Trueup, "+h.note
	}
	return l, l.who != "" && h.by != byScript
}

// name is a customer's or contact's name.
func (n *narrator) name(id string) string {
	for _, m := range n.cast {
		if m.customer == id || slices.ContainsFunc(m.contacts, func(c contact) bool { return c.ID == id }) {
			return m.name
		}
	}
	return id
}
