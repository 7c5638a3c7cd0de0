package store

import (
	"encoding/json"
	"slices"
)

// Aside is a record that the list of one side set aside because it cannot be
// read. Problem says why, and nothing of what the record holds.
type Aside struct {
	Side    Side   `json:"side"`
	ID      string `json:"id,omitempty"`
	Problem string `json:"problem"`
}

// mostAsides is how many records of a side are named: they show what is wrong,
// and the number shows how often.
const mostAsides = 20

// SetAside counts records that one side's list set aside, and names the first.
func (w *Sweep) SetAside(side Side, found ...Aside) {
	n := &w.TargetAside
	if side == SourceSide {
		n = &w.SourceAside
	}
	for _, a := range found {
		if *n++; *n <= mostAsides {
			a.Side = side
			w.Asides = append(slices.Clip(w.Asides), a)
		}
	}
}

// ReadAnew forgets what a side's list set aside: it is read from its begin again.
func (w *Sweep) ReadAnew(side Side) {
	if side == SourceSide {
		w.SourceAside = 0
	} else {
		w.TargetAside = 0
	}
	w.Asides = slices.DeleteFunc(slices.Clone(w.Asides), func(a Aside) bool { return a.Side == side })
}

func storedAsides(all []Aside) (string, error) {
	if len(all) == 0 {
		return "", nil
	}
	text, err := json.Marshal(all)
	return string(text), err
}

func asidesOf(text string) (all []Aside, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &all)
	}
	return all, err
}

// asidesWithout takes a person's names out of the records that were set aside.
func (n *namer) asidesWithout(text string, prose func(string) (string, bool)) (string, bool) {
	all, err := asidesOf(text)
	if err != nil {
		return prose(text)
	}
	changed := false
	for i, a := range all {
		id, here := a.ID, slices.Contains(n.names, a.ID)
		if here {
			id = n.pseudonym
		} else {
			id, here = n.replaced(id)
		}
		problem, there := prose(a.Problem)
		if here || there {
			all[i], changed = Aside{Side: a.Side, ID: id, Problem: problem}, true
		}
	}
	if !changed {
		return text, false
	}
	out, err := storedAsides(all)
	if err != nil {
		return prose(text)
	}
	return out, true
}
