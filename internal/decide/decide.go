// Package decide answers one question: may the target be written now?
//
// Main types: Facts (all that is known of one customer), Decision (an action
// with a reason out of a closed set), Change (a write that is allowed, with what
// the sync's configuration says of it). Main functions: Decide, and Permit for
// what Decide would write.
//
// Invariants. Where a line of code keeps one, it names the number:
//
//  1. Decide is total and pure: the same facts give the same decision, whatever
//     the order of the intents.
//  2. An equal value is never written.
//  3. A person's edit that is not certainly older than the source's change is
//     never overwritten, unless an owner who was shown it says so. At first
//     contact with source_wins, this protects only an edit that was seen to
//     happen, and a person's edit that the field's own time shows to be
//     certainly newer.
//  4. What the facts leave open is held, never guessed.
//  5. Permit lets nothing be written before its time, and nothing that a person
//     must confirm before someone who was shown it has confirmed it.
//
// It may import internal/status and internal/reason and nothing else of ours: no
// store, no clock, no connector.
package decide

import (
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Facts is all that is known of one customer. A zero time is unknown. "Our clock" is the
// database's, the same for all nodes.
type Facts struct {
	Desired  Desired
	Observed Observed
	Base     Base
	// HumanAt is the latest time at which, by an earlier read, a person may have edited the value;
	// later edits may hide that edit.
	HumanAt time.Time
	// HumanSeen: the edit at HumanAt was made after we had read this record: it was seen to happen.
	HumanSeen bool
	// Cleared: before any base, the field was seen with a value, and a person may have emptied it
	// since.
	Cleared bool
	// Intents are our writes to this record whose effect is not proved.
	Intents []Intent
	Ruling  Ruling
	Policy  Policy
}

// Ruling is what an owner decided.
type Ruling struct {
	UseSource  bool // write the desired value
	KeepTarget bool // leave the target's value
	Undone     bool // a write of Desired was undone: do not repeat it
	// Desired and Observed are what they were shown, of a record that was last edited at RecordAt.
	Desired, Observed string
	RecordAt          time.Time
	At                time.Time // when they decided
}

// Stands reports whether the record is still as the owner saw it: the same value, and not edited
// since. If only one of the two edit times is known, it does not stand.
func (r Ruling) Stands(o Observed) bool {
	return r.Observed == o.Value && r.RecordAt.IsZero() == o.EditedAt.IsZero() && !o.EditedAt.After(r.RecordAt)
}

// Desired is what the source wants the target to hold.
type Desired struct {
	Value string // the target's word
	// At is when the source changed to it, by the source's clock. It must not be too late: a
	// person's edit in between would be overwritten.
	At time.Time
}

// Observed is what the target holds.
type Observed struct {
	Value string // "" is an empty field
	// EditedAt is when the record was last edited, by the target's clock; FieldTime: it and Actor
	// are the field's own.
	EditedAt  time.Time
	FieldTime bool
	Actor     status.Actor
	By        string // who that was, by name
	// SeenAt is when it was first seen with this value and this EditedAt, by our clock: the edit is
	// not later.
	SeenAt time.Time
	// Since is when our previous read showed another value, by our clock, zero when it did not: the
	// edit is later.
	Since time.Time
	// Again: our previous read showed the same value. Before is its EditedAt, zero when unknown.
	Again  bool
	Before time.Time
}

// Base is what the target was last proved to hold.
type Base struct {
	Known bool
	Value string
	At    time.Time // its EditedAt then, by the target's clock
	By    string    // who had set it
	// SeenAt is the last time it was seen to hold the value, by our clock: an
	// edit that changed it is later.
	SeenAt time.Time
	// Wrote is when we sent the write that set it, zero when unknown.
	Wrote time.Time
}

// Intent is a write of ours that may have arrived.
type Intent struct {
	ID     int64
	Value  string
	SentAt time.Time
	// Expires is when it can no longer arrive.
	Expires time.Time
	// Prior is what the record held when the write was sent, PriorAt its EditedAt then, by the
	// target's clock.
	Prior   string
	PriorAt time.Time
	// Seen: its value was found in the record afterwards. A value that is found later is someone
	// else's, unless the target names us.
	Seen bool
}

// Policy is what the sync's configuration says.
type Policy struct {
	FirstContactSourceWins bool
	ClockSkew              time.Duration // how far two clocks may differ
	SkipAutomation         bool          // an automation's edits count like a person's
}

// Action is what to do.
type Action string

// The actions.
const (
	None  Action = "none"  // the target holds it already
	Write Action = "write" // write the desired value
	Hold  Action = "hold"  // leave it alone: a person changed it
	Park  Action = "park"  // an owner must decide
)

// Decision is what to do and why.
type Decision struct {
	Action Action
	Reason Reason
	Row    int // of the table in docs/architecture.md
	// Kind is the exception that a Hold or Park opens, "" if an owner has decided already.
	Kind status.Kind
	// Confidence is below 1 if the facts leave the question open.
	Confidence float64
	// Adopted is the intent that explains what was observed, 0 when none does.
	Adopted int64
}

// Decide applies the table, and then the owner's ruling on what the table leaves to a person.
func Decide(f Facts) Decision { return f.ruled(f.byTable()) }

// byTable applies the table, one row after the other.
func (f Facts) byTable() Decision {
	intent, ours := f.Explained()
	from, to, back := f.setBack()
	switch {
	case f.Observed.Value == f.Desired.Value: // row 1, invariant 2
		return Decision{Action: None, Reason: AlreadyEqual, Row: 1, Confidence: 1}
	case ours: // row 5
		d := f.unlessPerson(write(5, OurWriteArrived))
		d.Adopted = intent
		return d
	case back: // row 4 and, before any base, 2 and 3
		return f.edited(from, to)
	case !f.Base.Known && f.Observed.Value == "" && !f.Cleared: // row 2
		return write(2, TargetEmpty)
	case !f.Base.Known: // row 3
		return f.firstContact()
	case f.Observed.Value == f.Base.Value: // row 4
		return f.untouched()
	case f.Observed.Actor == status.ActorUs: // row 6
		return f.unlessCovered(write(6, OurOlderWrite))
	case f.Observed.Actor == status.ActorAutomation && !f.Policy.SkipAutomation: // row 7
		return f.unlessCovered(write(7, AutomationEdit))
	}
	return f.edited(f.window())
}

// ruled applies an owner's ruling. It holds only for what the owner was shown: not if the source
// has changed since, and a write not if the record was edited since (invariant 3). If they keep the
// target's value, they keep what people set; a late write of ours over it is asked about.
func (f Facts) ruled(d Decision) Decision {
	useSource, keepTarget, undone := f.Ruled()
	switch asked := d.Action == Hold || d.Action == Park; {
	case undone && (asked || d.Action == Write):
		return Decision{Action: Hold, Reason: WriteUndone, Row: d.Row, Confidence: 1}
	case asked && keepTarget:
		return Decision{Action: Hold, Reason: OwnerKeepsTarget, Row: d.Row, Confidence: 1}
	case asked && useSource:
		return write(d.Row, OwnerUsesSource)
	}
	return d
}

// Ruled is what the owner's ruling says of the facts, if it still holds.
func (f Facts) Ruled() (useSource, keepTarget, undone bool) {
	r := f.Ruling
	if r.Desired != f.Desired.Value || f.Desired.At.After(r.At.Add(f.Policy.ClockSkew)) {
		return false, false, false
	}
	useSource = r.UseSource && r.Stands(f.Observed)
	keepTarget = r.KeepTarget && (r.Observed == f.Observed.Value || !f.byUs())
	return useSource, keepTarget, r.Undone
}

// byUs reports whether what is observed may be our own doing.
func (f Facts) byUs() bool {
	_, ours := f.Explained()
	return ours || f.Observed.Actor == status.ActorUs
}

func write(row int, why Reason) Decision {
	return Decision{Action: Write, Reason: why, Row: row, Confidence: 1}
}

func hold(row int, why Reason, confidence float64) Decision {
	return Decision{Action: Hold, Reason: why, Row: row, Kind: status.Conflict, Confidence: confidence}
}

// unsure is the confidence of a decision that the facts leave open.
const unsure = 0.5

// Explained returns the lowest id of an intent that accounts for the observed value. None does if a
// person chose it, if the record was last edited before the write was sent, or if the edit may be
// later than the write can have arrived.
func (f Facts) Explained() (id int64, ok bool) {
	for _, i := range f.Intents {
		if !i.Seen && i.Value == f.Observed.Value && f.Observed.Actor != status.ActorHuman && f.arrived(i) && (!ok || i.ID < id) {
			id, ok = i.ID, true
		}
	}
	return id, ok
}

// byProgram reports whether the field itself was certainly set by us, or by an automation whose
// edits need not be kept. The last editor of a whole record may have touched another field after a
// person.
func (f Facts) byProgram() bool {
	by := f.Observed.Actor
	return f.Observed.FieldTime && (by == status.ActorUs || by == status.ActorAutomation && !f.Policy.SkipAutomation)
}

// surelyOurs reports whether the difference from the base is our doing, or a program's reaction,
// although the target names only one editor for the whole record: that editor is us and a write of
// ours may have arrived, or the record was edited at the moment of our write.
func (f Facts) surelyOurs() bool {
	o, b := f.Observed, f.Base
	possible := !f.editTime(f.since()).IsZero()
	if !b.Wrote.IsZero() && possible && !o.EditedAt.After(b.Wrote.Add(f.Policy.ClockSkew)) {
		return true
	}
	return o.Actor == status.ActorUs && slices.ContainsFunc(f.Intents, f.arrived)
}

// firstContact is row 3: we have never written this record. Where the source wins, it wins over
// what was there, but not over an edit that was seen to happen later.
func (f Facts) firstContact() Decision {
	o := f.Observed
	told := f.editTime(o.Since)
	newest := write(3, FirstContactSource)
	if f.HumanSeen {
		newest = f.unlessPerson(newest)
	}
	switch {
	case !told.IsZero() && f.olderThanSource(told) && newest.Action == Write:
		return write(3, SourceNewer)
	case !f.Policy.FirstContactSourceWins:
		return Decision{Action: Park, Reason: FirstContactAsk, Row: 3, Kind: status.FirstContact, Confidence: 1}
	case o.Actor == status.ActorHuman && o.FieldTime && f.newerThanSource(told):
		return hold(3, PersonNewer, 1)
	case (!o.Since.IsZero() || !f.lastWriteBeforeEdit().IsZero() && !f.surelyOurs()) && !f.byProgram():
		if d := f.edited(f.window()); d.Action == Hold {
			return d
		}
	}
	return newest
}

// untouched is row 4: the target holds what was last proved. Only where the field has a time and an
// editor of its own does it show that a person set the same value again; elsewhere only an edit
// that was seen before counts.
func (f Facts) untouched() Decision {
	if f.setAgain() {
		if d := f.edited(f.setAgainAt()); d.Action == Hold {
			return d
		}
	}
	return f.unlessPerson(write(4, Untouched))
}

// edited is rows 8 to 10: someone made an edit between the two times.
func (f Facts) edited(from, to time.Time) Decision {
	switch {
	case f.newerThanSource(from):
		return hold(8, PersonNewer, 1)
	case f.olderThanSource(to):
		return f.unlessPerson(write(9, PersonOlder))
	}
	return hold(10, CannotTell, unsure) // invariant 4
}

// unlessPerson turns a write into a hold if a person's edit is known that is not certainly older
// than the source's change (invariant 3).
func (f Facts) unlessPerson(d Decision) Decision {
	switch {
	case f.HumanAt.IsZero() || f.olderThanSource(f.HumanAt):
		return d
	case f.newerThanSource(f.HumanAt):
		return hold(8, PersonNewer, 1)
	}
	return hold(10, CannotTell, unsure)
}

// unlessCovered allows writing over us and automations where they certainly set the field itself.
// The last editor of a whole record may have touched another field after a person: then it counts
// as someone's edit, like any other.
func (f Facts) unlessCovered(d Decision) Decision {
	if f.Observed.FieldTime {
		return d
	}
	if d = f.unlessPerson(d); d.Action == Hold || f.surelyOurs() {
		return d
	}
	if covered := f.edited(f.window()); covered.Action == Hold {
		return covered
	}
	return d
}
