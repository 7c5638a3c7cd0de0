package reason

import (
	"cmp"
	"fmt"
	"strings"
)

// writes are the reasons of what was written, or was not.
var writes = map[Code]entry{
	Written: {says: func(f Facts) string { return value(f) + " was written" + because(f, ": ") }},
	WriteAccepted: {says: func(f Facts) string {
		return value(f) + " was accepted by " + target(f) + ", not verified" + because(f, ": ")
	}},
	ShownNow: {says: func(f Facts) string { return target(f) + " shows it now" }},
	NotShownYet: {says: func(f Facts) string {
		return target(f) + " accepted " + value(f) + " but shows " + holds(f.Found) + "; it will be read again"
	}},
	NotShown: {says: func(f Facts) string {
		return target(f) + " accepted " + value(f) + " but shows " + holds(f.Found)
	}, todo: func(f Facts) []Remedy {
		if f.Status != "" { // in another spelling
			return []Remedy{{Verb: Retry, Text: fmt.Sprintf("if %s spells it that way, write to: %q for %s in trueup.yaml, then retry", target(f), f.Found, f.Status)}}
		}
		return []Remedy{{Verb: Retry, Text: "check in " + target(f) + " that the field can be written and that " + value(f) + " is one of its options, then retry"}}
	}},
	OtherSpelling: {says: func(f Facts) string {
		return fmt.Sprintf("%s keeps %s as %s, which differs only in case or spaces", target(f), quotedOr(f.Value, "the value"), quotedOr(f.Found, "another spelling"))
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: Retry, Text: fmt.Sprintf("write to: %s for %s in trueup.yaml, then retry", quotedOr(f.Found, "the target's spelling"), or(string(f.Status), "the status"))}}
	}},
	OptionsMissing: {says: func(f Facts) string {
		return fmt.Sprintf("%s no longer has the option %s in the field that holds the status (its options are %s), so it cannot be written", target(f), quoted(f.Missing), quoted(f.Values))
	}, todo: do(Remedy{Text: "add the option there, or correct to in statuses; this closes automatically at the next sweep"})},
	NeverSticks: {says: func(f Facts) string {
		var lines []string
		for _, u := range f.Undone {
			lines = append(lines, fmt.Sprintf("written at %s, then %s by %s at %s", f.Reader.when(u.Written, true), cmp.Or(u.Found, "emptied"), u.By, f.Reader.when(u.At, true)))
		}
		return value(f) + " does not stay in " + target(f) + before(": ", strings.Join(lines, "; ")) + f.Reader.names("; it is not written again until the source changes")
	}, todo: do(Remedy{Verb: Retry, Text: "find what resets the field, stop it, then retry"})},
	LoopSuspected: {says: func(f Facts) string {
		var lines []string
		for _, w := range f.Writes {
			lines = append(lines, w.Value+" at "+f.Reader.when(w.At, true))
		}
		often := "as often as is allowed"
		if f.Count > 0 {
			often = counted(f.Count, "time")
		}
		return target(f) + " was written " + often + before(" in ", period(f.Within)) + before(": ", strings.Join(lines, ", ")) + "; nothing more is written to this customer until someone acts"
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: Retry, Text: "find what else changes " + source(f) + " or " + target(f) + " after each write, stop it, then retry"}}
	}},
	MassChange: {says: massChange, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: Resume, Text: "check whether " + source(f) + " is right; if it is, resume the sync, and the waiting customers are written"}}
	}},
	SyncHalted: {says: func(f Facts) string {
		return value(f) + " is not written: too many customers changed at once, so " + sync(f) + " was halted" + at(f, " at ", f.Since)
	}, todo: do(Remedy{Verb: Resume, Text: "if the change is right, resume the sync; it releases all customers who wait"})},
	WroteOver: {says: func(f Facts) string {
		return source(f) + " reported late that it had changed to " + or(f.Planned, "the value") + at(f, " at ", f.At) + ": Trueup wrote " + value(f) + " over " + holds(f.Found) +
			", which had been in " + target(f) + at(f, " since ", f.To) + " or earlier and may have been the newer value"
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Text: "to bring it back, set " + holds(f.Found) + " in " + target(f) + " by hand; that is a newer edit, and it stays"},
			{Verb: Resolve, Text: "to leave " + value(f) + ", resolve this"}, {Verb: Explain, Text: "see who had edited it"}}
	}},
	OnlyWatched: {says: func(f Facts) string {
		sentence := "only watched: Trueup would have written " + value(f)
		if f.Because != nil {
			sentence += " (" + f.Because.Sentence() + ")"
		}
		if f.Kept {
			sentence += "; it came while " + sync(f) + " was live, and is checked again when it goes live"
		}
		return sentence
	}},
	WaitsForPlan: {says: func(f Facts) string { return value(f) + " is not written yet: it waits for a plan that you apply" },
		todo: do(Remedy{Verb: Plan, Text: "see what would be written"})},
	SyncPaused: {says: func(f Facts) string { return sync(f) + " is paused, and nothing is written" },
		todo: do(Remedy{Verb: Resume, Text: "to go on, resume the sync"})},
	CustomerPinned: {says: func(f Facts) string {
		return who(f) + " pinned the customer" + at(f, " at ", f.Since) + at(f, " until ", f.To) + before(": ", f.Detail) + "; nothing is written"
	}, todo: do(Remedy{Verb: Unpin, Text: "to sync the customer again, as it is by then, unpin it"})},
}

func quotedOr(word, otherwise string) string {
	if word == "" {
		return otherwise
	}
	return fmt.Sprintf("%q", word)
}

func massChange(f Facts) string {
	share := ""
	if f.Known > 0 {
		share = fmt.Sprintf(" (%g%% of %s, or %d if that is fewer)", f.Percent, counted(f.Known, "customer"), f.Limit)
		if f.Limit == 0 {
			share = fmt.Sprintf(" (%g%% of %s)", f.Percent, counted(f.Known, "customer"))
		}
		if float64(f.Most-1) >= float64(f.Known)*f.Percent/100 && f.Most > 1 { // a share of so few says little
			share = fmt.Sprintf(" (%g%% of %s, but not fewer than %d)", f.Percent, counted(f.Known, "customer"), f.Most)
		}
	}
	return fmt.Sprintf("%s moved%s%s; the limit is %d%s, so %s is halted for the rest",
		counted(f.Count, "customer"), before(" to ", strings.Join(f.Statuses, " or ")), before(" within ", period(f.Within)), f.Most, share, sync(f))
}
