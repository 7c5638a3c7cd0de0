package reason

import "fmt"

// Template is a text with places for values.
type Template string

// With puts values into their places.
func (t Template) With(values ...any) string { return fmt.Sprintf(string(t), values...) }

// What was done last before an exception opened. A failure of a whole sync is
// told from its others by this text, and open exceptions have it stored: a new
// wording needs a migration.
const (
	DidReceive   Template = "received the change"
	DidPoll      Template = "asked for changes"
	DidCompare   Template = "compared both sides"
	DidCheck     Template = "looked at the queue"
	DidStore     Template = "stored event %s"
	DidOptions   Template = "read the options of the field"
	DidGoMute    Template = "received events without a status"
	DidAccounts  Template = "compared the accounts with those of the links"
	DidDateAhead Template = "received an event dated ahead"
)

// What an attempt did last, in the order of the path. The values are a customer's,
// so a stored one is forgotten with him.
const (
	DidReadSource    Template = "read the customer in %s"
	DidReadEvent     Template = "read the newest event of %s"
	DidMap           Template = "mapped %s to %s"
	DidSearch        Template = "searched %s by %s"
	DidLink          Template = "linked the customer to a record of %s by %s"
	DidFollowMerge   Template = "followed a merge in %s from record %s to record %s"
	DidReadTarget    Template = "read the record in %s"
	DidReadPlan      Template = "read the plan"
	DidReadLastWrite Template = "read the last write"
	DidSend          Template = "sent %s to %s"
	DidSendRead      Template = "sent %s to %s and read it there"
	DidSendAccepted  Template = "sent %s to %s, which accepted it"
	DidSendRespelled Template = "sent %s to %s, which keeps it as %q"
	DidSendInVain    Template = "sent %s to %s; its answer proves nothing and the record is unchanged"
	DidSendBlind     Template = "sent %s to %s; its answer proves nothing and it could not be read again"
)

// The messages to people: their titles and the texts around a reason.
const (
	TitleGroup       Template = "%s in %s"
	TitleCustomers   Template = "%s in %s: %s"
	TitleStillOpen   Template = "Still open: %s in %s"
	TitleResolved    Template = "Resolved: %s in %s"
	TitleFlood       Template = "%d groups of exceptions at once"
	TitleOverdue     Template = "%d groups of exceptions are overdue"
	TitleDigest      Template = "Trueup on %s"
	TitleSilent      Template = "%s receives no webhooks"
	TitleHeard       Template = "%s receives webhooks again"
	TitleFileFaulty  Template = "The changed trueup.yaml is not used"
	TitleFileUsed    Template = "trueup.yaml is used again"
	TextReason       Template = "%s. What to do: %s"
	TextResolved     Template = "It started at %s and lasted %s."
	TextFlood        Template = "They came within a few minutes, so this is one message for all of them. A group gets its own message again when something is added to it."
	TextNothingOpen  Template = "No open exceptions."
	TextHeard        Template = "Its source sent a webhook after %s of silence."
	TextFileFaulty   Template = "The previous configuration stays in use. Fix the faults, or restore the old file."
	TextFileUsed     Template = "The file on disk no longer has faults."
	TextSilent       Template = "The last webhook from its source arrived at %s. In the week before, the longest gap between two was %s. If the tool is not that quiet, check its webhooks: are they switched off, or is the address wrong?"
	AskUseSource     Template = "Overwrite %[2]s with %[1]s?"
	AskKeepTarget    Template = "Keep %s until the source changes?"
	LabelUseSource   Template = "Use %s's value"
	LabelKeepTarget  Template = "Keep %s's value"
	LabelAssignToMe  Template = "Assign to me"
	LabelMeaning     Template = "Meaning and remedy"
	LabelOpenTrueup  Template = "Open Trueup"
	NeedUndelivered  Template = "%s: %s not delivered since %s: %s"
	NoteProgramsKind Template = "kind: %s"
	NoteRowGone      Template = "the row is no longer in the plan: the customer was forgotten, or there are later plans"
)
