package reason

import (
	"fmt"

	"trueup/internal/status"
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
		return is("was", "were") + " changed by people in " + target
	case status.FirstContact:
		return is("differs", "differ") + " in a record Trueup never wrote"
	case status.ConfirmChange:
		return is("waits", "wait") + " for someone to confirm the change"
	case status.BrokenLink:
		return is("has", "have") + " lost the linked record"
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
