package reason

// decisions are the reasons of the decision table.
var decisions = map[Code]entry{
	AlreadyEqual:       {says: always("the target holds it already")},
	TargetEmpty:        {says: always("the target's field was empty and we had never written it")},
	SourceNewer:        {says: always("we had never written it, and the source's change is newer than the record's last edit")},
	FirstContactSource: {says: always("we had never written it, and first_contact says that the source wins")},
	FirstContactAsk: {says: always("the target holds another value, or was emptied, and we have never written it"),
		todo: do(Remedy{Text: "choose whose value is right, or set first_contact: source_wins"})},
	Untouched:       {says: always("no one had changed the target since it was last proved")},
	OurWriteArrived: {says: always("the target holds an earlier write of ours whose effect was not known")},
	OurOlderWrite:   {says: always("the target held an older write of ours")},
	AutomationEdit:  {says: always("an automation had changed the target")},
	PersonNewer:     {says: withTimes("the target was changed later than the source, so that edit stays")},
	PersonOlder:     {says: always("the target was changed before the source")},
	CannotTell: {says: withTimes("the target was changed too, and the times cannot tell which change is newer; " +
		"the edit stays until its owner decides, or the source changes again")},
	OwnerUsesSource:  {says: always("the owner chose the source's value")},
	OwnerKeepsTarget: {says: always("the owner chose to keep the target's value")},
}

// withTimes adds when both sides were changed, as far as it is known. It says no
// name: reasons reach logs and Slack.
func withTimes(sentence string) func(Facts) string {
	return func(f Facts) string {
		if f.Source == "" || f.Target == "" {
			return sentence
		}
		changed, edited, who := "at an unknown time", "at an unknown time", "someone"
		switch {
		case !f.At.IsZero() && f.Earliest:
			changed = "at " + stamp(f.At) + " at the earliest"
		case !f.At.IsZero():
			changed = "at " + stamp(f.At)
		}
		switch {
		case !f.To.IsZero() && f.From.Equal(f.To):
			edited = "at " + stamp(f.To)
		case !f.To.IsZero() && !f.From.IsZero():
			edited = "between " + stamp(f.From) + " and " + stamp(f.To)
		case !f.To.IsZero():
			edited = "at " + stamp(f.To) + " at the latest"
		}
		if f.Person {
			who = "a person"
		}
		return sentence + "; " + f.Source + " changed to " + f.Value + " " + changed + ", " + who + " edited " + f.Target + " " + edited
	}
}
