package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Customer is one customer with its three values and its history. A value that
// is not known yet is "".
type Customer struct {
	CustomerLine
	History     []Decision   `json:"history"`
	LinkHistory []LinkChange `json:"link_history"`
}

// CustomerLine is a customer in a list.
type CustomerLine struct {
	Sync     string         `json:"sync"`
	Customer string         `json:"customer"`
	Desired  Value          `json:"desired"`
	Observed Observed       `json:"observed"`
	Verified bool           `json:"verified" doc:"false: the target accepted the last write but cannot show what it holds."`
	Base     Value          `json:"base"`
	Link     *CustomerLink  `json:"link"`
	Outcome  status.Outcome `json:"outcome"`
	Why
	Name   string  `json:"name,omitempty" doc:"Who the customer is, where the source shows a name."`
	Ruling *Ruling `json:"ruling,omitempty"`
	Pin    *Pin    `json:"pin,omitempty" doc:"Set while a person has pinned the customer: it is read, and nothing is written."`
}

// Value is one of the three values.
type Value struct {
	Status status.Status `json:"status"`
	Value  string        `json:"value"`
	At     *time.Time    `json:"at"`
}

// Observed is what the target holds, and who set it, as far as the target shows
// it.
type Observed struct {
	Value
	By string `json:"by"`
}

// CustomerLink is the customer's link.
type CustomerLink struct {
	TargetID   string  `json:"target_id"`
	Rule       string  `json:"rule"`
	Confidence float64 `json:"confidence"`
	By         string  `json:"by"`
}

// Ruling is what an owner decided.
type Ruling struct {
	Kind  store.RulingKind `json:"kind"`
	By    string           `json:"by"`
	At    *time.Time       `json:"at"`
	Until *time.Time       `json:"until"`
}

// Decision is one line of a customer's history.
type Decision struct {
	At     *time.Time `json:"at"`
	Action string     `json:"action"`
	Why
	Row        int            `json:"row"`
	Stage      status.Stage   `json:"stage"`
	Outcome    status.Outcome `json:"outcome"`
	Kind       status.Kind    `json:"kind"`
	Desired    string         `json:"desired"`
	Observed   string         `json:"observed"`
	Base       string         `json:"base"`
	By         string         `json:"by"`
	Confidence float64        `json:"confidence"`
	Events     int            `json:"events"`
	Config     string         `json:"config" doc:"The digest of the configuration it was made under; empty when no configuration was asked."`
}

// CustomerLineOf converts a customer.
func CustomerLineOf(c store.Customer) CustomerLine {
	row := CustomerLine{Sync: c.Sync, Customer: c.Customer, Name: c.Name, Outcome: c.Outcome, Why: WhyOf(c.Reason), Verified: !c.Base.Unverified,
		Desired:  Value{Status: c.Desired.Status, Value: c.Desired.Value, At: Stamp(c.Desired.At)},
		Observed: Observed{Value: Value{Status: c.Observed.Status, Value: c.Observed.Value, At: Stamp(c.Observed.At)}, By: c.Observed.By},
		Base:     Value{Status: c.Base.Status, Value: c.Base.Value, At: Stamp(c.Base.At)},
	}
	if row.Base.At == nil && c.Base.Known {
		// The target gave no time for the value that was written.
		row.Base.At = Stamp(c.Base.SeenAt)
	}
	if row.Observed.At == nil && c.Observed.Value == c.Base.Value && c.Observed.By == c.Base.By {
		row.Observed.At = row.Base.At // our own write
	}
	if l := c.Link; l != nil {
		row.Link = &CustomerLink{TargetID: l.TargetID, Rule: l.Rule, Confidence: l.Confidence, By: l.By}
	}
	if r := c.Ruling; r.Kind != "" {
		row.Ruling = &Ruling{Kind: r.Kind, By: r.By, At: Stamp(r.At), Until: Stamp(r.Until)}
	}
	row.Pin = PinOf(c.Pin)
	return row
}

// CustomerOf converts a customer with its latest decisions and the latest
// changes of its link.
func CustomerOf(c store.Customer, decisions []store.Decision, links []store.LinkChange) Customer {
	row := Customer{CustomerLine: CustomerLineOf(c), History: []Decision{}, LinkHistory: LinkChangesOf(links)}
	for _, d := range decisions {
		row.History = append(row.History, Decision{At: Stamp(d.At), Action: d.Action, Why: WhyOf(d.Reason), Row: d.Row, Stage: d.Stage, Outcome: d.Outcome,
			Kind: d.Kind, Desired: d.Desired, Observed: d.Observed, Base: d.Base, By: d.By, Confidence: d.Confidence, Events: d.Events, Config: d.Config})
	}
	return row
}
