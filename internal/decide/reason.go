package decide

import "github.com/trueup-sync/trueup/internal/reason"

// Reason is why a decision was made: one of those below.
type Reason = reason.Code

// Reasons lists the closed set.
var Reasons = []Reason{AlreadyEqual, TargetEmpty, SourceNewer, FirstContactSource, FirstContactAsk, Untouched, OurWriteArrived,
	OurOlderWrite, AutomationEdit, PersonNewer, PersonOlder, CannotTell, OwnerUsesSource, OwnerKeepsTarget, WriteUndone,
	ChangeWaits, ChangeAsks, ChangeForbidden}

// The reasons that a decision can have.
const (
	AlreadyEqual       = reason.AlreadyEqual
	TargetEmpty        = reason.TargetEmpty
	SourceNewer        = reason.SourceNewer
	FirstContactSource = reason.FirstContactSource
	FirstContactAsk    = reason.FirstContactAsk
	Untouched          = reason.Untouched
	OurWriteArrived    = reason.OurWriteArrived
	OurOlderWrite      = reason.OurOlderWrite
	AutomationEdit     = reason.AutomationEdit
	PersonNewer        = reason.PersonNewer
	PersonOlder        = reason.PersonOlder
	CannotTell         = reason.CannotTell
	OwnerUsesSource    = reason.OwnerUsesSource
	OwnerKeepsTarget   = reason.OwnerKeepsTarget
	WriteUndone        = reason.WriteUndone
	ChangeWaits        = reason.ChangeWaits
	ChangeAsks         = reason.ChangeAsks
	ChangeForbidden    = reason.ChangeForbidden
)
