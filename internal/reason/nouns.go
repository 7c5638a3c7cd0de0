package reason

import "github.com/trueup-sync/trueup/internal/status"

// KindNames are the kinds of exception in a few words, for titles and lists.
var KindNames = map[status.Kind]string{
	status.Unmatched:        "No matching record",
	status.AmbiguousMatch:   "Several matching records",
	status.LowConfidence:    "Uncertain match",
	status.UnmappedStatus:   "Unknown status value",
	status.Conflict:         "Conflicting edit",
	status.FirstContact:     "Different value at first contact",
	status.UnreadableEvent:  "Unreadable event",
	status.BrokenLink:       "Broken link",
	status.DuplicateLink:    "Record already linked",
	status.WriteFailed:      "Write failed",
	status.NeverSticks:      "Value does not stay",
	status.ConnectionFailed: "Connection failed",
	status.LoopSuspected:    "Suspected loop",
	status.MassChange:       "Too many changes at once",
	status.ConfirmChange:    "Change to confirm",
}

// Kinds says what each kind of exception is about.
var Kinds = map[status.Kind]string{
	status.Unmatched:        "No record in the target matches the customer.",
	status.AmbiguousMatch:   "Several records in the target match the customer.",
	status.LowConfidence:    "One record matches, but the rule that found it is less certain than min_confidence.",
	status.UnmappedStatus:   "The source uses a status that has no meaning yet.",
	status.Conflict:         "Someone changed the target too, and that edit stays for now.",
	status.FirstContact:     "The target holds another value, and Trueup has never written this record.",
	status.UnreadableEvent:  "An event was signed correctly, but cannot be read.",
	status.BrokenLink:       "The linked record, or the customer in the source, no longer exists.",
	status.DuplicateLink:    "The record that a rule found belongs to another customer.",
	status.WriteFailed:      "The target did not take the write.",
	status.NeverSticks:      "The value was written three times and was gone at the next read each time.",
	status.ConnectionFailed: "A tool could not be reached, or did not answer as it should.",
	status.LoopSuspected:    "One customer reached its limit of writes and changed again.",
	status.MassChange:       "Too many customers changed at once. The sync is halted for the rest.",
	status.ConfirmChange:    "The sync's transitions let this change be written only after a person confirms it.",
}

// Outcomes says what became of an event.
var Outcomes = map[status.Outcome]string{
	status.Applied:      "The target was written and shows the value.",
	status.AlreadyEqual: "The target already had the value.",
	status.WouldWrite:   "The sync only watches. It would have written the target.",
	status.Superseded:   "A newer change of the same customer was applied instead.",
	status.Held:         "The target was left alone: it was edited, the customer is pinned, or the change waits.",
	status.Parked:       "A person is needed.",
	status.Ignored:      "Nothing to do for this event.",
}

// Refusals says why a webhook was refused, and what to do.
var Refusals = map[status.Refusal]string{
	status.BadSignature: "the signature is not valid; compare the webhook secret in trueup.yaml with the tool's, and the clocks of both machines",
	status.NoWebhook:    "the connection does not accept webhooks; add webhook to it in trueup.yaml, or stop sending them",
	status.NoSync:       "no sync uses the connection; use it in a sync, or stop sending them",
	status.TooLarge:     "the body is larger than 1 MiB; send fewer events at once",
	status.Malformed:    "the body cannot be read; compare it with webhook of the connection in trueup.yaml",
	status.Compressed:   "the body is compressed; send it without Content-Encoding",
}

// Stages says what each stage of the path does.
var Stages = map[status.Stage]string{
	status.StageReceive:    "Receive the event",
	status.StageReadSource: "Read the customer in the source",
	status.StageMap:        "Translate the status",
	status.StageMatch:      "Find the record in the target",
	status.StageReadTarget: "Read the record in the target",
	status.StageDecide:     "Decide whether to write",
	status.StageWrite:      "Write the value",
	status.StageConfirm:    "Check that the target shows it",
}
