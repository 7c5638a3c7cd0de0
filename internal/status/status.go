// Package status holds the nouns of the whole program: events, records, links,
// outcomes, stages, exception kinds. They mean the same in Go, SQL, log lines
// and documents.
//
// Main types: Event (one change notification), SourceRecord and TargetRecord
// (one customer as each tool holds it), and the closed sets Outcome, Stage and
// Kind, whose strings are part of the public contract.
//
// Invariants: a zero time.Time means "not known", never "long ago"; a Value is
// a tool's own word and is never compared across tools; nothing here does I/O.
//
// It must import nothing of ours: every other package imports it.
package status

import "time"

// Status is a word of our own vocabulary, such as active, paused or churned.
type Status string

// Event is one change notification, as its connector read it from a webhook or
// from a list of changes. It says only that the customer must be read again:
// Value is a hint, except when the source has no API to read the current status
// from.
type Event struct {
	// ID is the tool's id of the notification; together with the connection's name
	// it identifies a repeat.
	ID string
	// Customer is the tool's id of the record the event is about.
	Customer string
	// Value is the tool's word for the status at OccurredAt; HasValue is false
	// when the event does not carry one.
	Value    string
	HasValue bool
	// OccurredAt is when the change happened by the tool's clock.
	OccurredAt time.Time
	// UnchangedAt is the latest time at which the customer still had the earlier
	// status, zero when it is not known: OccurredAt when the event says that the
	// status changed with it, else the time at which the tool was last asked for
	// all changes.
	UnchangedAt time.Time
	// Payload is the event itself as JSON text, kept so that it can be read
	// again with the configuration of a later day.
	Payload []byte
}

// SourceRecord is one customer as the source of truth holds it now.
type SourceRecord struct {
	ID string
	// Value is the source's word for the status. NoStatus is set when the record
	// exists but has no status to sync (a Stripe customer without any
	// subscription): that is not an unknown value.
	Value    string
	NoStatus bool
	// ValueAt is when the value itself changed, for sources that keep that
	// time; UpdatedAt is when anything in the record changed.
	ValueAt   time.Time
	UpdatedAt time.Time
	// Keys are the values match rules may use, by name (email, external_id,
	// metadata.ghl_contact_id). Absent and empty mean the same.
	Keys map[string]string
}

// TargetRecord is one customer as the target holds it now.
type TargetRecord struct {
	ID string
	// Value is the target's word for the status; "" means the field is empty.
	Value string
	// EditedAt is when the record changed last. FieldTime says that it is the
	// status field's own time and not the whole record's.
	EditedAt  time.Time
	FieldTime bool
	// Actor is who edited last, as far as the target shows it; By is the target's
	// own word for that actor.
	Actor Actor
	By    string
	// Revision is the version that a conditional write must name, "" when the
	// target has none.
	Revision string
	// Keys are the record's values for match rules, by name.
	Keys map[string]string
}

// Actor is who edited a record last.
type Actor string

// The actors. ActorUnknown is what a target that does not know reports.
const (
	ActorUnknown    Actor = ""
	ActorUs         Actor = "us"
	ActorHuman      Actor = "human"
	ActorAutomation Actor = "automation"
)

// Outcome is how one event ended. Every event ends in exactly one.
type Outcome string

// The outcomes.
const (
	Applied      Outcome = "applied"
	AlreadyEqual Outcome = "already_equal"
	WouldWrite   Outcome = "would_write"
	Superseded   Outcome = "superseded"
	Held         Outcome = "held"
	Parked       Outcome = "parked"
	Ignored      Outcome = "ignored"
)

// Outcomes lists the closed set in the order people read it.
var Outcomes = []Outcome{Applied, AlreadyEqual, WouldWrite, Superseded, Held, Parked, Ignored}

// LeftOpen are the outcomes that leave something to do.
var LeftOpen = []Outcome{WouldWrite, Held, Parked}

// Became is what has become of an event since it ended. Its outcome stays as it
// was; its customer may have been synced meanwhile.
type Became string

// What an event has become.
const (
	BecameWaiting  Became = "waiting"        // it has no outcome yet
	BecameDone     Became = "done"           // it ended with nothing left to do
	BecameWritten  Became = "since_written"  // its customer has been synced since
	BecameEqual    Became = "since_equal"    // both sides agree since
	BecameIgnored  Became = "since_ignored"  // the customer's value is ignored since
	BecameReplayed Became = "since_replayed" // it could not be read, and was replayed
	BecameSettled  Became = "settled"        // a person closed it, or decided that the target's value stays
	BecameGone     Became = "gone"           // its customer is no longer known
	BecameOpen     Became = "still_open"
)

// Becames lists the closed set.
var Becames = []Became{BecameWaiting, BecameDone, BecameWritten, BecameEqual, BecameIgnored, BecameReplayed, BecameSettled, BecameGone, BecameOpen}

// Stage is a step of the path one customer takes.
type Stage string

// The stages, in the order of the path.
const (
	StageReceive    Stage = "receive"
	StageReadSource Stage = "read_source"
	StageMap        Stage = "map"
	StageMatch      Stage = "match"
	StageReadTarget Stage = "read_target"
	StageDecide     Stage = "decide"
	StageWrite      Stage = "write"
	StageConfirm    Stage = "confirm"
)

// Stages lists the closed set in path order.
var Stages = []Stage{StageReceive, StageReadSource, StageMap, StageMatch,
	StageReadTarget, StageDecide, StageWrite, StageConfirm}

// Before reports whether s comes earlier on the path than other.
func (s Stage) Before(other Stage) bool { return s.index() < other.index() }

func (s Stage) index() int {
	for i, st := range Stages {
		if st == s {
			return i
		}
	}
	return -1
}

// Kind is what an exception is about.
type Kind string

// The kinds of exception.
const (
	Unmatched        Kind = "unmatched"
	AmbiguousMatch   Kind = "ambiguous_match"
	LowConfidence    Kind = "low_confidence"
	UnmappedStatus   Kind = "unmapped_status"
	Conflict         Kind = "conflict"
	FirstContact     Kind = "first_contact"
	UnreadableEvent  Kind = "unreadable_event"
	BrokenLink       Kind = "broken_link"
	DuplicateLink    Kind = "duplicate_link"
	WriteFailed      Kind = "write_failed"
	NeverSticks      Kind = "never_sticks"
	ConnectionFailed Kind = "connection_failed"
	LoopSuspected    Kind = "loop_suspected"
	MassChange       Kind = "mass_change"
	ConfirmChange    Kind = "confirm_change"
)

// Kinds lists the closed set.
var Kinds = []Kind{Unmatched, AmbiguousMatch, LowConfidence, UnmappedStatus, Conflict,
	FirstContact, UnreadableEvent, BrokenLink, DuplicateLink, WriteFailed, NeverSticks,
	ConnectionFailed, LoopSuspected, MassChange, ConfirmChange}

// Refusal is why a webhook was not accepted and will not be, however often it is
// sent again.
type Refusal string

// The refusals.
const (
	BadSignature Refusal = "bad_signature"
	NoWebhook    Refusal = "no_webhook"
	NoSync       Refusal = "no_sync"
	TooLarge     Refusal = "too_large"
	Malformed    Refusal = "malformed"
	Compressed   Refusal = "compressed"
)

// Refusals lists the closed set.
var Refusals = []Refusal{BadSignature, NoWebhook, NoSync, TooLarge, Malformed, Compressed}

// State is where an exception is in its life.
type State string

// The states of an exception.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
	StateIgnored State = "ignored"
)

// States are all states, in the order of the contract.
var States = []State{Open, Acknowledged, Resolved, StateIgnored}

// Candidate is a target record that might be the customer.
type Candidate struct {
	TargetID   string  `json:"target_id"`
	Value      string  `json:"value,omitempty"`
	Rule       string  `json:"rule,omitempty"`
	Confidence float64 `json:"confidence"`
}
