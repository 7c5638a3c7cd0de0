package demo

import "github.com/trueup-sync/trueup/internal/status"

// outcomeMeaning says what an outcome means to somebody who sees it first.
func outcomeMeaning(o status.Outcome) string {
	switch o {
	case status.Applied:
		return "the CRM was changed to agree with billing"
	case status.AlreadyEqual:
		return "both agreed already, so nothing was written"
	case status.WouldWrite:
		return "would have been written, but the sync only watches"
	case status.Superseded:
		return "a newer change had already come"
	case status.Held:
		return "a person's newer edit was left alone"
	case status.Parked:
		return "waits for a person"
	case status.Ignored:
		return "a value listed under ignore"
	}
	return ""
}

// kindMeaning says what an exception is about, where the demonstration makes it
// happen; for the others their own reason has to do.
func kindMeaning(k status.Kind) string {
	switch k {
	case status.Unmatched:
		return "no contact in the CRM belongs to this customer"
	case status.AmbiguousMatch:
		return "more than one contact could be this customer"
	case status.UnmappedStatus:
		return "billing's value has no meaning in the configuration"
	case status.Conflict:
		return "a person edited the CRM, and that edit stays"
	}
	return ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		return itoa(n) + " " + one
	}
	return itoa(n) + " " + many
}
