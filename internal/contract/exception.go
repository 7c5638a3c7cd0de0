package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Exception is something that needs a person.
type Exception struct {
	ID       int64        `json:"id"`
	Sync     string       `json:"sync"`
	Customer string       `json:"customer"`
	Kind     status.Kind  `json:"kind"`
	Stage    status.Stage `json:"stage"`
	Why
	SourceValue string             `json:"source_value"`
	TargetValue string             `json:"target_value"`
	LastAction  string             `json:"last_action"`
	Confidence  float64            `json:"confidence"`
	Owner       string             `json:"owner"`
	OwnerName   string             `json:"owner_name,omitempty" doc:"What the owner is called, where a name is known."`
	State       status.State       `json:"state"`
	Count       int                `json:"count"`
	FirstSeen   *time.Time         `json:"first_seen"`
	LastSeen    *time.Time         `json:"last_seen"`
	Candidates  []status.Candidate `json:"candidates"`
	Name        string             `json:"name,omitempty" doc:"Who the customer is, where the source shows a name."`
}

// ExceptionOf converts an exception.
func ExceptionOf(x store.Exception) Exception {
	r := Exception{ID: x.ID, Sync: x.Sync, Customer: x.Customer, Name: x.Name, Kind: x.Kind, Stage: x.Stage, Why: WhyOf(x.Reason), SourceValue: x.SourceValue,
		TargetValue: x.TargetValue, LastAction: x.LastAction, Confidence: x.Confidence, Owner: x.Owner, State: x.State, Count: x.Count,
		FirstSeen: Stamp(x.FirstSeen), LastSeen: Stamp(x.LastSeen), Candidates: x.Candidates}
	if r.Candidates == nil {
		r.Candidates = []status.Candidate{}
	}
	return r
}

// Action is one entry of an exception's history.
type Action struct {
	ID   int64      `json:"id"`
	At   *time.Time `json:"at"`
	Who  string     `json:"who"`
	Verb string     `json:"verb"`
	Note string     `json:"note"`
}

// ActionsOf converts an exception's history.
func ActionsOf(actions []store.Action) []Action {
	all := []Action{}
	for _, a := range actions {
		all = append(all, ActionOf(a))
	}
	return all
}

// ActionOf converts one entry.
func ActionOf(a store.Action) Action {
	return Action{ID: a.ID, At: Stamp(a.At), Who: a.Who, Verb: a.Verb, Note: a.Note}
}

// ExceptionInFull is an exception with what can be done about it and what was
// done.
type ExceptionInFull struct {
	Exception
	Cause    string      `json:"cause"`
	OpenedAt *time.Time  `json:"opened_at"`
	Ignored  string      `json:"ignored"`
	Siblings int         `json:"siblings"` // other open exceptions of the same cause
	Remedies []Remedy    `json:"remedies" doc:"What can be done about this reason, in words; those of its offers that do it are below."`
	Offers   []OfferLine `json:"offers"`
	History  []Action    `json:"history"`
}

// OfferLine is something that can be done about an exception.
type OfferLine struct {
	Verb string `json:"verb"`
	Does string `json:"does"`
}

// Group is the open exceptions of one cause.
type Group struct {
	Sync      string      `json:"sync"`
	Kind      status.Kind `json:"kind"`
	Cause     string      `json:"cause"`
	Customers int         `json:"customers"`
	Oldest    *time.Time  `json:"oldest"`
	LastSeen  *time.Time  `json:"last_seen"`
}

// GroupOf converts a group.
func GroupOf(g store.Group) Group {
	return Group{Sync: g.Sync, Kind: g.Kind, Cause: g.Cause, Customers: g.Customers, Oldest: Stamp(g.Oldest), LastSeen: Stamp(g.LastSeen)}
}
