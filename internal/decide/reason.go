package decide

// Reason is why a decision was made, out of a closed set.
type Reason int

// The reasons. The zero Reason is none of them.
const (
	AlreadyEqual Reason = iota + 1
	TargetEmpty
	SourceNewer
	FirstContactSource
	FirstContactAsk
	Untouched
	OurWriteArrived
	OurOlderWrite
	AutomationEdit
	PersonNewer
	PersonOlder
	CannotTell
	OwnerSaysOurs
	OwnerKeepsTheirs
)

// reasons are the words of each reason: for programs and for people.
var reasons = map[Reason]struct{ word, sentence string }{
	AlreadyEqual:       {"already_equal", "the target holds it already"},
	TargetEmpty:        {"target_empty", "the target's field was empty and we had never written it"},
	SourceNewer:        {"source_newer", "we had never written it, and the source's change is newer than the record's last edit"},
	FirstContactSource: {"first_contact_source_wins", "we had never written it, and first_contact says that the source wins"},
	FirstContactAsk:    {"first_contact_ask", "the target holds another value, or was emptied, and we have never written it; say what is right, or set first_contact: source_wins"},
	Untouched:          {"untouched", "nobody had changed the target since it was last proved"},
	OurWriteArrived:    {"our_write_arrived", "the target holds an earlier write of ours whose effect was not known"},
	OurOlderWrite:      {"our_older_write", "the target held an older write of ours"},
	AutomationEdit:     {"automation_edit", "an automation had changed the target"},
	PersonNewer:        {"person_newer", "the target was changed later than the source, so that edit stays"},
	PersonOlder:        {"person_older", "the target was changed before the source"},
	CannotTell:         {"cannot_tell", "the target was changed too, and the times cannot tell which change is newer; the edit stays until somebody says, or the source changes again"},
	OwnerSaysOurs:      {"owner_says_ours", "the owner said that the source's value is to be written"},
	OwnerKeepsTheirs:   {"owner_keeps_theirs", "the owner said that the target's value stays"},
}

// String is the machine's word, such as already_equal.
func (r Reason) String() string { return reasons[r].word }

// Sentence says it to people.
func (r Reason) Sentence() string { return reasons[r].sentence }
