package reason

import (
	"slices"
	"strings"
)

// Verb is what can be done. Whoever shows a remedy knows how it is done there:
// by a command, a request or a button.
type Verb string

// The verbs; "" is something that is done in a tool or in trueup.yaml.
const (
	Retry          Verb = "retry"
	Link           Verb = "link"
	Rematch        Verb = "rematch"
	Map            Verb = "map"
	Resolve        Verb = "resolve"
	Resume         Verb = "resume"
	CheckLive      Verb = "check_live"
	ListEvents     Verb = "list_events"
	ListParked     Verb = "list_parked"
	Replay         Verb = "replay"
	ReplayParked   Verb = "replay_parked"
	LinksSet       Verb = "links_set"
	LinksRemove    Verb = "links_remove"
	RemoveAllLinks Verb = "remove_all_links"
	SameAccount    Verb = "same_account"
	Explain        Verb = "explain"
	Status         Verb = "status"
)

// Remedy is something that can be done about a reason: a verb with its
// arguments, beyond what the reason stands at (its sync, customer or exception).
type Remedy struct {
	Verb     Verb   `json:"verb"`
	Customer string `json:"customer,omitempty"`
	// Text says it in words, without a command.
	Text string `json:"text"`
}

// Remedies are what can be done, the most useful first.
func (r Reason) Remedies() []Remedy {
	if todo := catalogue[r.Code].todo; todo != nil {
		return todo(r.Facts)
	}
	if r.Facts.Because != nil {
		return r.Facts.Because.Remedies()
	}
	return nil
}

// Advice says the remedies in words, without a command; "" is none.
func (r Reason) Advice() string {
	var all []string
	for _, m := range r.Remedies() {
		all = append(all, m.Text)
	}
	return strings.Join(all, "; ")
}

// do is the same remedies whatever the facts are.
func do(all ...Remedy) func(Facts) []Remedy {
	return func(Facts) []Remedy { return slices.Clone(all) }
}
