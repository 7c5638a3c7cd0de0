package reason

import (
	"fmt"

	"github.com/trueup-sync/trueup/internal/status"
)

// CauseTitle says how many have one question, as a sentence without its end. source
// and target are the sync's connections; a value that is asked about stands behind.
func CauseTitle(kind status.Kind, n int, source, target, sync string) string {
	customers, one := counted(n, "customer"), n == 1
	is := func(singular, plural string) string {
		if one {
			return customers + " " + singular
		}
		return customers + " " + plural
	}
	switch kind {
	case status.Unmatched:
		return is("has", "have") + " no record in " + target
	case status.AmbiguousMatch:
		return is("matches", "match") + " more than one record"
	case status.LowConfidence:
		return is("matches", "match") + " a record by an uncertain rule"
	case status.UnmappedStatus:
		return is("has", "have") + " the value"
	case status.Conflict:
		return is("was changed by a person", "were changed by people") + " in " + target
	case status.FirstContact:
		return is("differs", "differ") + " in a record Trueup never wrote"
	case status.ConfirmChange:
		return is("waits", "wait") + " for someone to confirm the change"
	case status.BrokenLink:
		return is("is", "are") + " gone from one of the tools"
	case status.DuplicateLink:
		return is("matches", "match") + " a record that belongs to another customer"
	case status.WriteFailed:
		if one {
			return target + " did not take 1 write"
		}
		return fmt.Sprintf("%s did not take %d writes", target, n)
	case status.NeverSticks:
		return is("does", "do") + " not keep the value in " + target
	case status.LoopSuspected:
		return is("was", "were") + " written too often"
	case status.ConnectionFailed:
		return fmt.Sprintf("%s or %s does not answer as it should", source, target)
	case status.UnreadableEvent:
		return "An event cannot be read"
	case status.MassChange:
		return sync + " is halted"
	}
	return fmt.Sprintf("%s: %s", KindNames[kind], counted(n, "exception"))
}

// CauseText says what a question is about, on the side of which tool, and what that
// means until someone decides. Where the latest reason says more, it is Kinds.
func CauseText(kind status.Kind, source, target string) string {
	switch kind {
	case status.Unmatched:
		return "No match rule finds a record in " + target + ", so nothing is written. The right one may be there under another address."
	case status.AmbiguousMatch:
		return "More than one record in " + target + " matches, probably duplicates. Nothing is written until you choose one."
	case status.LowConfidence:
		return "A record in " + target + " matches, by a rule that is less certain than you ask for. Nothing is written until you choose."
	case status.UnmappedStatus:
		return source + " uses a value that has no meaning yet. Nothing is written until it has one."
	case status.Conflict:
		return "Someone edited the status in " + target + " too. The edit stays until you decide."
	case status.FirstContact:
		return target + " holds another value, and Trueup has never written the record. Nothing is written until you decide."
	case status.ConfirmChange:
		return "Your file has a person confirm this change before " + target + " is written."
	case status.BrokenLink:
		return "The linked record is gone from " + target + ", or the customer from " + source + ". Nothing is written."
	case status.DuplicateLink:
		return "The record that a rule finds in " + target + " belongs to another customer. Nothing is written until you choose."
	case status.WriteFailed:
		return target + " did not take the write. Trueup tries again on its own."
	case status.NeverSticks:
		return "Trueup wrote the value three times, and each time it was gone from " + target + " at the next look."
	case status.LoopSuspected:
		return "Trueup wrote as often as the limit allows, and the status changed again. Two programs may answer each other."
	case status.MassChange:
		return "Too many customers changed at once. The others wait until someone resumes the sync."
	}
	return Kinds[kind]
}

// CauseHelp says of a question why it is open, and what its button leads to.
func CauseHelp(kind status.Kind, source, target string) (why, do string) {
	switch kind {
	case status.UnmappedStatus:
		return source + " uses it; the map has no meaning for it", "Add to the map"
	case status.Unmatched:
		return "No match rule finds one", "Find records"
	case status.AmbiguousMatch:
		return "Probably duplicates in " + target, "Choose records"
	case status.LowConfidence:
		return "The match is below the confidence that you ask for", "Check the match"
	case status.Conflict:
		return source + " says something else; the edit stays until you decide", "Decide"
	case status.FirstContact:
		return "Trueup has never written the record", "Decide"
	case status.ConfirmChange:
		return "The file asks a person before this change is written", "Decide"
	case status.WriteFailed:
		return "Its answer says why", "See the answer"
	case status.BrokenLink:
		return "The record is gone from " + target + ", or the customer from " + source, "See which"
	case status.DuplicateLink:
		return "One record belongs to one customer", "Choose records"
	case status.NeverSticks:
		return "Something in " + target + " sets the value again", "See the history"
	case status.LoopSuspected:
		return "Two programs may answer each other", "See the history"
	case status.ConnectionFailed:
		return "A tool cannot be reached, or refuses its credentials", "See what failed"
	case status.UnreadableEvent:
		return source + " sent something that the file does not describe", "See the event"
	case status.MassChange:
		return "More customers changed at once than the limit allows", "Check and resume"
	}
	return Kinds[kind], "Open"
}
