// Package contract is the JSON that other programs read: the commands print it
// with --json and the API returns it, field for field the same.
//
// Main types: Exception, Customer, Event, Link, Group, Plan, Sync, Token. Main
// functions: the conversions from the store's types, named after the result.
//
// Invariants: a field that was published is not renamed or removed; an empty
// list is [] and an unknown time is null.
//
// It may import internal/identity, reason, status and store.
package contract

import (
	"encoding/json"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Stamp is a time in JSON: nil when it is not known.
func Stamp(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Link is which record belongs to a customer.
type Link struct {
	Sync       string     `json:"sync"`
	Customer   string     `json:"customer"`
	TargetID   string     `json:"target_id"`
	Rule       string     `json:"rule"`
	Confidence float64    `json:"confidence"`
	By         string     `json:"by"`
	At         *time.Time `json:"at"`
}

// LinkOf converts a link.
func LinkOf(l store.Link) Link {
	return Link{Sync: l.Sync, Customer: l.Customer, TargetID: l.TargetID, Rule: l.Rule, Confidence: l.Confidence, By: l.By, At: Stamp(l.At)}
}

// LinkChange is one change of a customer's link. A target of "" means no link.
type LinkChange struct {
	OldTarget string     `json:"old_target"`
	NewTarget string     `json:"new_target"`
	At        *time.Time `json:"at"`
	Why       string     `json:"why" doc:"The match rule, or set, imported, removed, rematched or merged."`
	WhyText   string     `json:"why_text" doc:"The same for people."`
	Who       string     `json:"who"`
}

// LinkChangesOf converts the history of a link.
func LinkChangesOf(changes []store.LinkChange) []LinkChange {
	all := []LinkChange{}
	for _, c := range changes {
		all = append(all, LinkChange{OldTarget: c.OldTarget, NewTarget: c.NewTarget, At: Stamp(c.At), Why: c.Why, WhyText: reason.LinkWhy(c.Why), Who: c.Who})
	}
	return all
}

// Event is one received change notification. Payload is set only where a single
// event is shown.
type Event struct {
	Seq        int64          `json:"seq"`
	Sync       string         `json:"sync"`
	Connection string         `json:"connection"`
	Side       store.Side     `json:"side"`
	ID         string         `json:"id"`
	Customer   string         `json:"customer"`
	Value      string         `json:"value"`
	OccurredAt *time.Time     `json:"occurred_at"`
	ReceivedAt *time.Time     `json:"received_at"`
	Outcome    status.Outcome `json:"outcome"`
	Why
	SettledAt *time.Time `json:"settled_at"`
	// Now is what has become of the event, whose outcome stays as it was.
	Now     status.Became `json:"now" doc:"What has become of the event since: waiting, done, since_written, since_equal, since_ignored, since_replayed, settled, gone or still_open."`
	NowText string        `json:"now_text" doc:"The same for people."`
	NowKind status.Kind   `json:"now_kind,omitempty" doc:"The kind of the exception that is open about its customer."`
	Name    string        `json:"name,omitempty" doc:"Who the customer is, where the source shows a name."`
	// ReplayOf is the event that this one repeats, ReplayedBy who asked for it.
	ReplayOf   int64           `json:"replay_of,omitempty"`
	ReplayedBy string          `json:"replayed_by,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
}

// EventOf converts an event that was read with how it stands now, without its
// payload.
func EventOf(e store.Event) Event {
	return Event{Seq: e.Seq, Sync: e.Sync, Connection: e.Connection, Side: e.Side, ID: e.ID, Customer: e.Customer, Value: e.Value,
		OccurredAt: Stamp(e.OccurredAt), ReceivedAt: Stamp(e.ReceivedAt), Outcome: e.Outcome, Why: WhyOf(e.Reason), SettledAt: Stamp(e.SettledAt),
		Now: e.Now.Became, NowText: reason.Became(e.Now.Became, e.Now.Kind, e.Now.Code), NowKind: e.Now.Kind, Name: e.Now.Name, ReplayOf: e.ReplayOf, ReplayedBy: e.ReplayedBy}
}

// WithPayload adds the payload as the tool sent it: as JSON, or as a string if
// it is not JSON.
func (e Event) WithPayload(payload []byte) (Event, error) {
	e.Payload = payload
	if json.Valid(payload) {
		return e, nil
	}
	var err error
	e.Payload, err = json.Marshal(string(payload))
	return e, err
}
