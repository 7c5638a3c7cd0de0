package reason

import (
	"slices"
	"strings"
)

// Verb is what can be done. The command line shows it as a command, the API as a
// request, Slack as a button.
type Verb string

// The verbs; "" is something that is done in a tool or in trueup.yaml.
const (
	Retry          Verb = "retry"
	Link           Verb = "link"
	Rematch        Verb = "rematch"
	Map            Verb = "map"
	Resolve        Verb = "resolve"
	Resume         Verb = "resume"
	Unpin          Verb = "unpin"
	CheckLive      Verb = "check_live"
	ListEvents     Verb = "list_events"
	ListParked     Verb = "list_parked"
	ListExceptions Verb = "list_exceptions"
	Replay         Verb = "replay"
	ReplayParked   Verb = "replay_parked"
	LinksSet       Verb = "links_set"
	LinksRemove    Verb = "links_remove"
	RemoveAllLinks Verb = "remove_all_links"
	SameAccount    Verb = "same_account"
	Explain        Verb = "explain"
	Status         Verb = "status"
	Show           Verb = "show"
	Plan           Verb = "plan"
)

// Remedy is something that can be done about a reason or a refusal: a verb with
// its arguments, where they differ from those of the reason itself (its sync,
// customer or exception).
type Remedy struct {
	Verb     Verb   `json:"verb"`
	Sync     string `json:"sync,omitempty"`
	Customer string `json:"customer,omitempty"`
	// Text is the remedy in words, without a command.
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

// Advice is the remedies in words, without a command; "" when there are none.
func (r Reason) Advice() string {
	var all []string
	for _, m := range r.Remedies() {
		all = append(all, m.Text)
	}
	return strings.Join(all, "; ")
}

// do gives the same remedies for all facts.
func do(all ...Remedy) func(Facts) []Remedy {
	return func(Facts) []Remedy { return slices.Clone(all) }
}
