package demo

import (
	"math/rand/v2"
	"slices"
)

// role is the part a customer plays in the script.
type role string

const (
	ordinary  role = "ordinary"  // changes now and then
	repeated  role = "repeated"  // webhooks come more than once
	reordered role = "reordered" // an older event comes after a newer one
	bursting  role = "bursting"  // many changes at once
	newcomer  role = "newcomer"  // first a value the configuration ignores
	strange   role = "strange"   // a value nobody listed
	missing   role = "missing"   // no contact in the CRM
	twofold   role = "twofold"   // two contacts with the same e-mail
	kept      role = "kept"      // a person's edit is newer than the change: held
	overtaken role = "overtaken" // a person's edit, then a newer change: carried
)

// roles is one entry for each customer.
var roles = []role{ordinary, ordinary, ordinary, ordinary, ordinary, repeated, reordered,
	bursting, newcomer, strange, missing, twofold, kept, overtaken}

// people are invented; example.com receives no mail (RFC 2606).
var people = []struct{ name, email string }{
	{"Ana Lima", "ana.lima@example.com"},
	{"Ben Okafor", "ben.okafor@example.com"},
	{"Chloé Martin", "chloe.martin@example.com"},
	{"David Novak", "david.novak@example.com"},
	{"Emma Larsen", "emma.larsen@example.com"},
	{"Farid Haddad", "farid.haddad@example.com"},
	{"Grace Kim", "grace.kim@example.com"},
	{"Hugo Silva", "hugo.silva@example.com"},
	{"Ingrid Berg", "ingrid.berg@example.com"},
	{"Jonas Weber", "jonas.weber@example.com"},
	{"Kavya Rao", "kavya.rao@example.com"},
	{"Liam O'Brien", "liam.obrien@example.com"},
	{"Mei Tanaka", "mei.tanaka@example.com"},
	{"Noor Aziz", "noor.aziz@example.com"},
}

// member is one customer of the demonstration.
type member struct {
	role     role
	customer string // its id in the billing tool
	name     string
	email    string
	status   string // its value in the billing tool when everything begins
	contacts []contact
}

// contact is the member's id in the CRM, "" when there is none or no telling.
func (m member) contact() string {
	if len(m.contacts) != 1 {
		return ""
	}
	return m.contacts[0].ID
}

// newCast deals the roles out and returns the customers in the order of their
// names, each with the contacts the CRM has for it.
func newCast(rng *rand.Rand) []member {
	deal := rng.Perm(len(people))
	cast := make([]member, 0, len(people))
	next := 501
	record := func(m member, externalID, email, value string) contact {
		c := contact{ID: "con_" + itoa(next), Name: m.name, Email: email, ExternalID: externalID, Status: value}
		next++
		return c
	}
	ordinaries := 0
	for i, p := range people {
		m := member{role: roles[deal[i]], customer: "cus_" + itoa(1001+i), name: p.name, email: p.email, status: "active"}
		switch m.role {
		case ordinary:
			m.status = pick(rng, []string{"active", "trialing", "past_due", "paused"})
			c := record(m, m.customer, m.email, "")
			switch ordinaries {
			case 0: // both tools agree before Trueup comes
				c.Status, _ = mapped(m.status)
			case 1: // found by e-mail, which the CRM spells in its own way
				c.ExternalID, c.Email = "", capitalised(m.email)
			}
			ordinaries++
			m.contacts = []contact{c}
		case newcomer:
			m.status = "incomplete"
			m.contacts = []contact{record(m, "", m.email, "")}
		case missing:
		case twofold:
			m.contacts = []contact{record(m, "", m.email, ""), record(m, "", m.email, "")}
		default:
			m.contacts = []contact{record(m, m.customer, m.email, "")}
		}
		cast = append(cast, m)
	}
	return cast
}

func playing(cast []member, r role) member {
	return cast[slices.IndexFunc(cast, func(m member) bool { return m.role == r })]
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }
