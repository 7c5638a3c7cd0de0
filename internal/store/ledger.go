package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// The errors of a call that changes nothing.
var (
	// ErrFenced means that the lease is over or someone else has claimed the
	// customer: nothing was changed.
	ErrFenced = errors.New("the lease of this customer is over")
	// ErrNotFound means that there is no such row.
	ErrNotFound = errors.New("not found")
)

// DuplicateLinkError means that the target record is linked to another
// customer already.
type DuplicateLinkError struct{ Sync, TargetID, Customer string }

func (e *DuplicateLinkError) Error() string {
	return fmt.Sprintf("record %s is linked to customer %s of %s already", e.TargetID, e.Customer, e.Sync)
}

// Side says which end of a sync an event came from.
type Side string

// The sides. A target's event names the target's record, whose customer is
// found by the link.
const (
	SourceSide Side = "source"
	TargetSide Side = "target"
)

// NewEvent is one event for one sync. With an Outcome it is stored as done and
// wakes no customer.
type NewEvent struct {
	Connection string
	Sync       string
	Side       Side
	ID         string
	Customer   string
	Value      string
	HasValue   bool
	OccurredAt time.Time
	// UnchangedAt is until when the source is known to have stood as it was told
	// before, zero when it is not: it was asked for all changes then, or the event
	// says that the status changed with it.
	UnchangedAt time.Time
	Payload     []byte
	Outcome     status.Outcome
	Reason      reason.Reason
	// ReplayOf is the number of the event that is carried once more, and
	// ReplayedBy who asked for it; 0 and "" for what a tool sent.
	ReplayOf   int64
	ReplayedBy string
	// Exception is opened with the event, nil is none.
	Exception *NewException
	// Listed: it was not sent, but found in a list, which tells the same again.
	Listed bool
	// Owner gets the exception when the id was used before for something else.
	Owner string
}

// Event is a stored event. Its Payload is filled in by DB.Event, and by DB.Events
// unless the filter is Bare, and its Now by DB.Event, and by DB.Events where the
// filter asks. Its Exception and Owner are not stored.
type Event struct {
	Seq        int64
	NewEvent   // with an Outcome of "" while it waits
	ReceivedAt time.Time
	SettledAt  time.Time
	Now        Now
}

// HappenedAt is when the change happened, zero when the tool does not tell. A time
// that lies ahead of when the event came, by more than two clocks may differ,
// cannot be right: then it is when it came. A replay is dated by what it carries
// once more.
func (e Event) HappenedAt(skew time.Duration) time.Time {
	if !e.ReceivedAt.IsZero() && e.OccurredAt.After(e.ReceivedAt.Add(skew)) {
		return e.ReceivedAt
	}
	return e.OccurredAt
}

// Place is where the event stands in the order of arrival: a replay stands
// where what it carries once more stood.
func (e Event) Place() int64 {
	if e.ReplayOf > 0 {
		return e.ReplayOf
	}
	return e.Seq
}

// Desired is the source's latest state as we know it.
type Desired struct {
	SourceValue string        // the source's word
	Status      status.Status // ours
	Value       string        // the target's
	At          time.Time     // when the source changed to it
	SeenAt      time.Time     // when we last saw it there
	Since       time.Time     // since when it has surely been there without a change; never too early, as At may be
	Event       string        // the id of the event it was read from, for sources that cannot be asked
	EventAt     time.Time     // when that happened; what the source says of the value itself, where it can be asked
}

// Observed is what the target held when it was last read.
type Observed struct {
	Status status.Status
	Value  string
	At     time.Time // when the record or the field changed, by the target's clock
	By     string
	SeenAt time.Time
}

// Base is what the target was last proved to hold.
type Base struct {
	Known    bool
	RecordID string
	Status   status.Status
	Value    string
	By       string
	At       time.Time
	SeenAt   time.Time
	// Sent is what we wrote, where the target keeps it as Value, a spelling of
	// its own; "" where the two are one.
	Sent string
	// Unverified: the target took the write and cannot show what it holds.
	Unverified bool
}

// Link joins one customer to one target record.
type Link struct {
	Sync       string
	Customer   string
	TargetID   string
	Rule       string
	Confidence float64
	By         string
	At         time.Time
}

// Intent is a write that was sent, or is about to be, and is not yet proved.
type Intent struct {
	ID       int64
	RecordID string
	Value    string
	Prior    string    // what the record held when the write was sent
	PriorAt  time.Time // when it had been edited last then, by the target's clock
	SentAt   time.Time
	Expires  time.Time // from then on it can arrive no more
	// Ruling is what a person decided with this write, nil for none: BeginWrite stores
	// it with the intent.
	Ruling *Ruling
	// Seen: its value was read in the record afterwards. It has most likely
	// arrived; what is found from then on is someone else's.
	Seen bool
	// Accepted: the tool answered that it was done. Until the record shows it,
	// nothing is proved, and to send it again would only repeat the answer.
	Accepted bool
}

// Work is a claimed customer with all that is known of it.
type Work struct {
	Sync       string
	Customer   string
	Generation int64
	Fence      int64
	LeaseUntil time.Time
	// Now is the database's time of the claim.
	Now time.Time
	// Owed says that its change was accepted while the sync was live, and that the
	// sync has only watched since.
	Owed bool
	// Unheard says that nothing but a comparison has asked for it since the sync went
	// live: it is looked at to ask people, and nothing is written for it.
	Unheard  bool
	Pin      *Pin      // a person's word that it is left alone, nil for none
	NotDue   bool      // it had nothing to do: it was claimed by name
	Due      time.Time // since when it has been its turn, zero when it is not
	Attempts int       // failures in a row
	// FirstTry is when the first of them was. Without any it is since when what a
	// tool does not have yet has been looked for.
	FirstTry time.Time
	Desired  Desired
	Seen     Seen // before anything was carried
	Observed Observed
	Base     Base
	HumanAt  time.Time // the latest edit by a person that was seen
	Ruling   Ruling
	Writes   Writes
	Reverts  Reverts
	// LastWrite is the last write of ours that was proved, zero when there is none to
	// its present record.
	LastWrite LastWrite
	Link      *Link
	// Former are the records that were the customer's before its link was removed
	// or moved, and that were seen to hold something then.
	Former  []string
	Intents []Intent
	Events  []Event       // the waiting ones, in the order they came, without payload
	Open    []status.Kind // its exceptions that close automatically
	// WrittenOver says that one of them is a conflict with that cause.
	WrittenOver bool
}

// WrittenOver is the cause of a conflict that is known only after our write: the
// record shows what it should, and people have to say whether it may.
const WrittenOver = "written over"

// Writes is what limits need to know of the writes to a customer.
type Writes struct {
	// Stopped: there were too many. Nothing is written until a person says so, or
	// the values agree.
	Stopped bool    `json:"stopped,omitempty"`
	Latest  []Write `json:"latest,omitempty"` // the oldest first
}

// Write is one write that may have left.
type Write struct {
	Intent int64     `json:"intent"`
	Value  string    `json:"value"`
	At     time.Time `json:"at"`
	// Counts: it counts towards mass_change. Moved is when the customer did before.
	Counts bool      `json:"counts,omitempty"`
	Moved  time.Time `json:"moved,omitzero"`
}

// Reverts is how often our write was gone at the next read, for one value of the source.
type Reverts struct {
	RecordID string    `json:"record_id"`
	Value    string    `json:"value"`
	Desired  time.Time `json:"desired,omitzero"` // since when the source has it
	// Written is when it was written the last time, zero when that is gone again.
	Written time.Time `json:"written,omitzero"`
	Times   []Revert  `json:"times,omitempty"`
}

// Revert is what became of one write.
type Revert struct {
	Written time.Time `json:"written"`
	Found   string    `json:"found"`        // what the target held instead
	At      time.Time `json:"at,omitzero"`  // when it was edited, or else seen
	By      string    `json:"by,omitempty"` // what kind of editor, no person's name
}

// LastWrite is a write of ours that was proved, with what it took the place of.
type LastWrite struct {
	RecordID string    `json:"record_id"`
	Before   string    `json:"before"`         // what the record held
	Sent     string    `json:"sent"`           // what was written
	Value    string    `json:"value"`          // the same, as the record shows it
	At       time.Time `json:"at"`             // when it was sent
	Plan     int64     `json:"plan,omitempty"` // the plan whose row it was, 0 for none
	// Trial: a person had it written while the sync only watched.
	Trial bool `json:"trial,omitempty"`
	// Reverts is when a person had Before put back, zero when nobody has.
	Undone time.Time `json:"undone,omitzero"`
}

// IsZero reports whether there is none.
func (l LastWrite) IsZero() bool { return l.RecordID == "" }
func (l LastWrite) empty() bool  { return l.IsZero() }

// Seen is what a comparison saw the source say of a customer, zero when none did.
type Seen struct {
	Value string
	At    time.Time
}

// Ruling is what an owner decided about a customer when the decision table could
// not. It is valid for what they were shown: Desired and Observed, and a record
// that was last edited at RecordAt.
type Ruling struct {
	Kind     RulingKind // "" is none
	Desired  string
	Observed string
	RecordAt time.Time
	Until    time.Time // zero: until the source changes
	At       time.Time
	By       string
}

// RulingKind is whose value an owner chose.
type RulingKind string

// The kinds of ruling.
const (
	RuledForSource RulingKind = "ours"   // what the source says is written
	RuledForTarget RulingKind = "theirs" // what the target holds stays
	RuledByUndo    RulingKind = "undone" // our write was undone, and is not repeated
)

// Decision is one line of a customer's history.
type Decision struct {
	ID         int64
	Sync       string
	Customer   string
	At         time.Time
	Action     string
	Reason     reason.Reason
	Row        int // of the decision table, 0 when it was not asked
	Stage      status.Stage
	Outcome    status.Outcome
	Kind       status.Kind
	TargetID   string
	Desired    string
	Observed   string
	Base       string
	DesiredAt  time.Time
	ObservedAt time.Time
	By         string
	Confidence float64
	Events     int
	Config     string // the digest of the configuration, "" when none was asked
}

// NewException is something that needs a person.
type NewException struct {
	Sync        string
	Customer    string
	Kind        status.Kind
	Stage       status.Stage
	Reason      reason.Reason
	SourceValue string
	TargetValue string
	LastAction  string
	Confidence  float64
	Owner       string
	Candidates  []status.Candidate
	// Cause is what exceptions of one group have in common; "" is a group of
	// its own, by the customer.
	Cause string
}

// Exception is a stored exception: one row for each sync, customer and kind.
type Exception struct {
	ID int64
	NewException
	Name  string // the customer's, "" when it is not known
	State status.State
	Count int
	// Ignored says for how long, when State is ignored.
	Ignored   Ignored
	Assigned  bool // a person named the owner
	FirstSeen time.Time
	LastSeen  time.Time
	OpenedAt  time.Time // when it opened or came back the last time
	// WaitsSince is when its owner was asked: the later of OpenedAt and the last
	// assignment. What is overdue counts from here.
	WaitsSince time.Time
	// RemindedAt is when the owner was reminded of it, zero when not since it
	// opened.
	RemindedAt time.Time
}

// Ignored is for how long an exception is ignored.
type Ignored string

// The ways to ignore.
const (
	IgnoredUntilChange Ignored = "until_change" // until the source changes
	IgnoredAlways      Ignored = "always"
)

// Customer is one customer as it is stored.
type Customer struct {
	Sync      string
	Customer  string
	Name      string // for people, "" when the source shows none
	Email     string // last seen in the source, in lower case
	Desired   Desired
	Observed  Observed
	Base      Base
	HumanAt   time.Time
	Ruling    Ruling
	Pin       *Pin // nil: nobody has pinned it
	Link      *Link
	Outcome   status.Outcome
	Reason    reason.Reason
	SettledAt time.Time
	// DueAt is when it is tried next, zero when nothing is left to do.
	DueAt    time.Time
	Attempts int
}

// Counts is how one sync stands.
type Counts struct {
	WaitingCustomers int
	WaitingEvents    int
	OldestWaiting    time.Time // when the oldest waiting event came; zero is none
	Halted           Halted
	// Owed are the customers whose change was accepted while the sync was live,
	// and who wait until it is live again.
	Owed int
	// Pinned are the customers that people have pinned, and PinEnds is when the next
	// pin ends by itself, zero when none does.
	Pinned  int
	PinEnds time.Time
	// Delayed are the customers whose change waits for its time.
	Delayed Delayed
	// Unasked are the customers whom a comparison wants people to be told of, and whom
	// the path has not looked at yet.
	Unasked int
	// NeedPerson are the customers with an open exception and those unasked, each once.
	NeedPerson int
	// Asked is who waits for a person by an open exception.
	Asked Asked
	Open  map[status.Kind]int
}

// Asked is who waits for a person: customers, each counted once, and open exceptions
// of a sync as a whole, which are about no single customer.
type Asked struct{ Customers, Whole int }

// Delayed is how many customers wait for the time of their change, and when the
// first of them is looked at again.
type Delayed struct {
	Customers int
	Next      time.Time
}

// Last is how a customer's latest event ended.
type Last struct {
	Outcome status.Outcome
	Reason  reason.Reason
	At      time.Time
}

// Watched is what one reading of a customer found in a sync that only watches.
type Watched struct {
	Desired string // the target's word for what the source says, "" when it is not to be carried
	Would   bool   // Desired would have been written
	// Looked says that the target was read too, and what it held, since when as
	// far as it tells.
	Looked     bool
	TargetID   string
	Observed   string
	ObservedAt time.Time
	// AsOf is when it was read, zero for now. What would have been written since then
	// is left alone.
	AsOf time.Time
}

// Halted is how a halted sync stands.
type Halted struct {
	Since   time.Time // zero: it is not halted
	Waiting int       // customers that wait to be let through
}
