package demo

import (
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
)

// standing is how one customer's two values compare.
type standing string

const (
	equal   standing = "equal"   // the CRM holds what billing means
	differs standing = "differs" // it does not, and no exception says why
	stopped standing = "stopped" // an open exception says why it is not carried
	left    standing = "left"    // the configuration says to leave this value out
)

// row is one customer in both tools.
type row struct {
	name     string
	customer string
	billing  string // the billing tool's value
	want     string // the CRM's word for it, "" when it has none
	crm      string // what the CRM holds, "" for empty or when there is no telling
	standing standing
	human    bool // a person edited the contact last
	last     Last
	// exceptions are the customer's open ones.
	exceptions []Exception
}

// board compares the two tools customer by customer, in the cast's order. The
// values come from the tools themselves; Trueup is only asked why.
func board(cast []member, customers []customer, contacts []contact, snap Snapshot) []row {
	rows := make([]row, 0, len(cast))
	for _, m := range cast {
		r := row{name: m.name, customer: m.customer, last: snap.Last[m.customer]}
		for _, c := range customers {
			if c.ID == m.customer {
				r.billing = c.Status
			}
		}
		for _, c := range contacts {
			if c.ID == m.contact() {
				r.crm, r.human = c.Status, editor(c.UpdatedBy) == "a person"
			}
		}
		for _, x := range snap.Exceptions {
			if x.Customer == m.customer {
				r.exceptions = append(r.exceptions, x)
			}
		}
		var known bool
		r.want, known = mapped(r.billing)
		switch {
		case len(r.exceptions) > 0:
			r.standing = stopped
		case slices.Contains(ignored, r.billing):
			r.standing = left
		case known && r.crm == r.want:
			r.standing = equal
		default:
			r.standing = differs
		}
		rows = append(rows, r)
	}
	return rows
}

// held reports whether the customer is left alone because of a person's edit.
func (r row) held() bool {
	return slices.ContainsFunc(r.exceptions, func(x Exception) bool { return x.Kind == status.Conflict })
}

// shown is a value for people; an empty field has no word of its own.
func shown(value string) string {
	if value == "" {
		return "empty"
	}
	return value
}
