package reason

// What the decision table says.
const (
	AlreadyEqual       Code = "already_equal"
	TargetEmpty        Code = "target_empty"
	SourceNewer        Code = "source_newer"
	FirstContactSource Code = "first_contact_source_wins"
	FirstContactAsk    Code = "first_contact_ask"
	Untouched          Code = "untouched"
	OurWriteArrived    Code = "our_write_arrived"
	OurOlderWrite      Code = "our_older_write"
	AutomationEdit     Code = "automation_edit"
	PersonNewer        Code = "person_newer"
	PersonOlder        Code = "person_older"
	CannotTell         Code = "cannot_tell"
	OwnerUsesSource    Code = "owner_says_ours"
	OwnerKeepsTarget   Code = "owner_keeps_theirs"
	WriteUndone        Code = "write_undone"
	ChangeWaits        Code = "change_waits"     // by transitions, for a time
	ChangeAsks         Code = "change_asks"      // by transitions, for a person
	ChangeForbidden    Code = "change_forbidden" // by transitions, unless a person says so
)

// What is wrong with an event, or became of it.
const (
	EventUnreadable  Code = "event_unreadable"
	EventIgnored     Code = "event_ignored"      // its connector has no use for it
	EventReused      Code = "event_id_reused"    // its id was used before for something else
	EventNotLinked   Code = "event_not_linked"   // of a record that is no customer's
	EventNoStatus    Code = "event_no_status"    // and its source cannot be asked
	EventSuperseded  Code = "event_superseded"   // by another that waited with it
	EventOvertaken   Code = "event_overtaken"    // by one that was carried before
	EventsWentMute   Code = "events_went_mute"   // they used to have statuses
	EventsDatedAhead Code = "events_dated_ahead" // of the time they come
	CustomerErased   Code = "customer_forgotten"
	SyncRemoved      Code = "sync_removed"

	// A database that may be an older copy of the one that was at work last.
	CopyRestored  Code = "copy_restored"
	CopyBehind    Code = "copy_behind"
	CopyElsewhere Code = "copy_elsewhere"
	CopyUnused    Code = "copy_unused"
	CopyMoved     Code = "copy_moved"
)

// What is wrong with the source's side of a customer.
const (
	CustomerGone   Code = "customer_gone"
	CustomerMerged Code = "customer_merged"
	DecidedWith    Code = "decided_with"
	NotToldYet     Code = "not_told_yet"
	ToldByAnother  Code = "told_by_another_connection"
	AnswerOutdated Code = "answer_outdated"
	NoStatus       Code = "no_status"
	StatusVanished Code = "status_vanished"
	ValueIgnored   Code = "value_ignored"
	ValueUnmapped  Code = "value_unmapped"
)

// What is wrong with the customer's record.
const (
	NoRecord        Code = "no_record"
	SeveralRecords  Code = "several_records"
	NotSureEnough   Code = "not_sure_enough"
	RecordTaken     Code = "record_taken"
	SurvivorTaken   Code = "survivor_taken"
	RecordGone      Code = "record_gone"
	SurvivorGone    Code = "survivor_gone"
	AnothersKey     Code = "anothers_key"
	NotThereYet     Code = "not_there_yet" // looked for again
	LinkedBy        Code = "linked_by"
	LinkRemovedBy   Code = "link_removed_by"
	LinksRemovedBy  Code = "links_removed_by"
	AccountsChanged Code = "accounts_changed"
)

// What became of a write.
const (
	Written        Code = "written"
	WriteAccepted  Code = "write_accepted" // and cannot be verified
	ShownNow       Code = "shown_now"
	NotShownYet    Code = "not_shown_yet"
	NotShown       Code = "not_shown"
	OtherSpelling  Code = "other_spelling"
	OptionsMissing Code = "options_missing"
	NeverSticks    Code = "never_sticks"
	LoopSuspected  Code = "loop_suspected"
	MassChange     Code = "mass_change"
	SyncHalted     Code = "sync_halted"
	WroteOver      Code = "wrote_over"
	OnlyWatched    Code = "only_watched"
	WaitsForPlan   Code = "waits_for_plan"
	CustomerPinned Code = "customer_pinned"
	SyncPaused     Code = "sync_paused"
)

// What became of a plan's row.
const (
	ByPlan          Code = "by_plan"
	OtherMatch      Code = "other_match"
	OtherLink       Code = "other_link"
	TargetChanged   Code = "target_changed"
	SourceChanged   Code = "source_changed"
	EditedSincePlan Code = "edited_since_plan"
)

// What became of the wish to undo a write.
const (
	Undid        Code = "undid"
	UndoNothing  Code = "undo_nothing" // there is no write to the record
	UndoneBefore Code = "undone_before"
	UndoEmpty    Code = "undo_empty"    // the field would have to be emptied
	UndoUnseen   Code = "undo_unseen"   // the target cannot show what it holds
	UndoUnproved Code = "undo_unproved" // a write may yet arrive
	UndoMoved    Code = "undo_moved"    // the target holds something else
	UndoEdited   Code = "undo_edited"   // or the same, set by somebody else
)

// What fails of a call, a connection or of ours.
const (
	CallFailed       Code = "call_failed"
	CallRefused      Code = "call_refused"
	CallStillFails   Code = "call_still_fails"
	ConnectionFails  Code = "connection_fails"
	DatabaseFailed   Code = "database_failed"
	PathWithoutEnd   Code = "path_without_end"
	QueueStandsStill Code = "queue_stands_still"
	Several          Code = "several"
)
