package reason

import (
	"strings"
	"time"
)

// confirmOrKeep is what can be done about a change that waits for a person.
const confirmOrKeep = "use the source's value to let it be written, or keep the target's"

// decisions are the reasons of the decision table.
var decisions = map[Code]entry{
	AlreadyEqual:       {says: always("the target already has this value")},
	TargetEmpty:        {says: always("the target's field was empty, and Trueup had never written this record")},
	SourceNewer:        {says: always("Trueup had never written this record, and the source's change is newer than the record's last edit")},
	FirstContactSource: {says: always("Trueup had never written this record, and first_contact is source_wins")},
	FirstContactAsk: {says: always("the target has another value, or was emptied, and Trueup has never written this record"),
		todo: do(Remedy{Text: "decide which value is right; if the source is right for every customer, set first_contact: source_wins and retry"})},
	Untouched:        {says: always("no one had changed the target since Trueup last confirmed its value")},
	OurWriteArrived:  {says: always("the target shows an earlier write of Trueup whose result was unknown")},
	OurOlderWrite:    {says: always("the target showed an older value that Trueup had written")},
	AutomationEdit:   {says: always("an automation had changed the target")},
	PersonNewer:      {says: withTimes("the target was edited after the source changed, so the edit stays")},
	PersonOlder:      {says: always("the source changed after the target was edited")},
	CannotTell:       {says: withTimes("the times do not show which side changed last, so the target's value stays until someone decides or the source changes again")},
	OwnerUsesSource:  {says: always("someone chose the source's value")},
	OwnerKeepsTarget: {says: always("someone chose to keep the target's value")},
	WriteUndone:      {says: always("someone undid Trueup's write of this value; it is not written again until the source changes")},
	ChangeWaits: {says: func(f Facts) string {
		sentence := "waits" + at(f, " until ", f.Until) + ": " + or(string(f.Status), "the status") + " is written"
		var when []string
		if f.Within != "" {
			when = append(when, "once "+source(f)+" has had it for "+period(f.Within)+" without a change")
		}
		if f.Hours != "" {
			when = append(when, "only in its hours ("+f.Hours+")")
		}
		if len(when) == 0 {
			return sentence + " later"
		}
		return sentence + " " + strings.Join(when, ", and ")
	}},
	ChangeAsks: {says: func(f Facts) string {
		return "a change to " + or(string(f.Status), "this status") + " is written only after a person confirms it"
	}, todo: do(Remedy{Text: confirmOrKeep})},
	ChangeForbidden: {says: func(f Facts) string {
		return "a change from " + or(f.Found, "the target's status") + " to " + or(string(f.Status), "the source's") + " is forbidden by transitions, unless a person decides otherwise"
	}, todo: do(Remedy{Text: confirmOrKeep})},
}

// withTimes adds a second sentence: when both sides were changed, as far as it is
// known. It says no name: reasons reach logs and Slack.
func withTimes(sentence string) func(Facts) string {
	return func(f Facts) string {
		told := f.Reader.names(sentence)
		if f.Source == "" || f.Target == "" {
			return told
		}
		exact := f.At.Sub(f.To).Abs() < 2*time.Minute // or both would be told alike
		changed, edited, who := "at an unknown time", "at an unknown time", "Someone"
		switch {
		case !f.At.IsZero() && f.Earliest:
			changed = "at " + f.Reader.when(f.At, exact) + " or later"
		case !f.At.IsZero():
			changed = "at " + f.Reader.when(f.At, exact)
		}
		switch {
		case !f.To.IsZero() && f.From.Equal(f.To):
			edited = "at " + f.Reader.when(f.To, exact)
		case !f.To.IsZero() && !f.From.IsZero():
			from, to := f.Reader.when(f.From, exact), f.Reader.when(f.To, exact)
			if edited = "between " + from + " and " + to; from == to {
				edited = "at " + to
			}
		case !f.To.IsZero():
			edited = "at " + f.Reader.when(f.To, exact) + " or earlier"
		}
		if f.Person {
			who = "A person"
		}
		return told + ". " + who + " edited " + f.Target + " " + edited + "; " + f.Source + " changed to " + f.Value + " " + changed
	}
}
