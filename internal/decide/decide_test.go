package decide

import (
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

const skew = 2 * time.Second

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// held is a base that was proved at noon and seen a minute later.
func held(value string) Base { return Base{Known: true, Value: value, At: noon, SeenAt: minute(1)} }

// The decision table is this test: each row by its number.
func TestTheTable(t *testing.T) {
	policy := Policy{ClockSkew: skew}
	paused := Desired{Value: "Paused", At: minute(10)}
	// by is what the target holds, edited at a minute, where it tells all.
	by := func(actor status.Actor, value string, at int) Observed {
		return Observed{Value: value, EditedAt: minute(at), FieldTime: true, Actor: actor, SeenAt: minute(30)}
	}
	// somebody is the same where the time is the record's and nobody is named.
	somebody := func(value string, at int) Observed {
		return Observed{Value: value, EditedAt: minute(at), SeenAt: minute(30)}
	}
	// last is the same where the record's last editor is known, and not of which field.
	last := func(actor status.Actor, value string, at int) Observed {
		return Observed{Value: value, EditedAt: minute(at), Actor: actor, SeenAt: minute(30)}
	}
	write := func(row int, r Reason) Decision { return Decision{Action: Write, Reason: r, Row: row, Confidence: 1} }
	conflict := func(row int, r Reason, confidence float64) Decision {
		return Decision{Action: Hold, Reason: r, Row: row, Kind: status.Conflict, Confidence: confidence}
	}
	adopted := func(d Decision, id int64) Decision { d.Adopted = id; return d }
	equal := Decision{Action: None, Reason: AlreadyEqual, Row: 1, Confidence: 1}
	ask := Decision{Action: Park, Reason: FirstContactAsk, Row: 3, Kind: status.FirstContact, Confidence: 1}
	sourceWins := Policy{ClockSkew: skew, FirstContactSourceWins: true}
	skip := Policy{ClockSkew: skew, SkipAutomation: true}
	heldFacts := Facts{Desired: paused, Observed: somebody("Churned", 20), Base: held("Active")}
	ruled := func(f Facts, r Ruling) Facts {
		r.Desired, r.Observed, r.RecordAt, r.At = "Paused", "Churned", minute(20), minute(40)
		f.Ruling = r
		return f
	}
	kept := Decision{Action: Hold, Reason: OwnerKeepsTarget, Row: 10, Confidence: 1}
	changed := func(f Facts, change func(*Facts)) Facts { change(&f); return f }
	ours, theirs := Ruling{UseSource: true}, Ruling{KeepTarget: true}
	late := []Intent{{ID: 9, Value: "Lead", SentAt: minute(35), Expires: minute(45)}}
	sent := []Intent{{ID: 7, Value: "Churned", SentAt: minute(5), Expires: minute(15)}}

	seen := []Intent{{ID: 7, Value: "Churned", SentAt: minute(5), Expires: minute(15), Prior: "Active", PriorAt: minute(0), Seen: true}}
	longer := []Intent{{ID: 7, Value: "Churned", SentAt: minute(25), Expires: minute(35), Prior: "Active"}}
	unanswered := []Intent{{ID: 8, Value: "Paused", SentAt: minute(11), Expires: minute(21), Prior: "Active", PriorAt: minute(0)}}

	tests := map[string]struct {
		facts Facts
		want  Decision
	}{
		"row 1: equal":                              {Facts{Desired: paused, Observed: somebody("Paused", 5), Base: held("Active")}, equal},
		"row 1: equal without a base":               {Facts{Desired: paused, Observed: somebody("Paused", 5)}, equal},
		"row 1: equal though a person set it later": {Facts{Desired: paused, Observed: by(status.ActorHuman, "Paused", 20), Base: held("Active"), HumanAt: minute(20)}, equal},
		"row 1: equal though an intent is open":     {Facts{Desired: paused, Observed: somebody("Paused", 6), Intents: []Intent{{ID: 1, Value: "Paused", SentAt: minute(5), Expires: minute(15)}}}, equal},

		"row 2: empty and never written": {Facts{Desired: paused, Observed: somebody("", 20)}, write(2, TargetEmpty)},

		"row 3: emptied after it was seen filled":               {Facts{Desired: paused, Observed: somebody("", 20), Cleared: true}, ask},
		"row 3: emptied before the source changed":              {Facts{Desired: paused, Observed: somebody("", 5), Cleared: true}, write(3, SourceNewer)},
		"row 3: another value, the source is newer":             {Facts{Desired: paused, Observed: somebody("Active", 5)}, write(3, SourceNewer)},
		"row 3: another value, the source is older":             {Facts{Desired: paused, Observed: somebody("Active", 20)}, ask},
		"row 3: another value, within the skew":                 {Facts{Desired: Desired{"Paused", minute(5).Add(skew)}, Observed: somebody("Active", 5)}, ask},
		"row 3: another value, just beyond the skew":            {Facts{Desired: Desired{"Paused", minute(5).Add(skew + time.Millisecond)}, Observed: somebody("Active", 5)}, write(3, SourceNewer)},
		"row 3: another value and no times":                     {Facts{Desired: Desired{Value: "Paused"}, Observed: Observed{Value: "Active", SeenAt: minute(30)}}, ask},
		"row 3: the source wins":                                {Facts{Desired: paused, Observed: somebody("Active", 20), Policy: sourceWins}, write(3, FirstContactSource)},
		"row 3: the source wins, not over a person's newer one": {Facts{Desired: paused, Observed: by(status.ActorHuman, "Active", 20), Policy: sourceWins}, conflict(3, PersonNewer, 1)},

		"row 3: the source wins, not over an edit that was seen to happen":    {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 20)}, func(f *Facts) { f.Observed.Since = minute(1) }).Observed, Policy: sourceWins}, conflict(10, CannotTell, 0.5)},
		"row 3: the source wins, over an edit that was seen to happen before": {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 5)}, func(f *Facts) { f.Observed.Since = minute(1) }).Observed, Policy: sourceWins}, write(3, SourceNewer)},
		"row 3: the source wins, over what an automation set":                 {Facts{Desired: paused, Observed: changed(Facts{Observed: by(status.ActorAutomation, "Active", 20)}, func(f *Facts) { f.Observed.Since = minute(1) }).Observed, Policy: sourceWins}, write(3, FirstContactSource)},
		"row 3: the source wins, not over an edit that an earlier look found": {Facts{Desired: paused, Observed: somebody("Active", 20), HumanAt: minute(20), HumanSeen: true, Policy: sourceWins}, conflict(8, PersonNewer, 1)},
		"row 3: the source wins, over an edit from before the first look":     {Facts{Desired: paused, Observed: somebody("Active", 20), HumanAt: minute(20), Policy: sourceWins}, write(3, FirstContactSource)},
		"row 3: a time that an earlier look has proved wrong":                 {Facts{Desired: paused, Observed: somebody("Active", 5), HumanAt: minute(20), HumanSeen: true}, ask},
		"row 3: a time before the record was seen to hold another value":      {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 5)}, func(f *Facts) { f.Observed.Since = minute(8) }).Observed}, ask},

		"row 4: untouched":                             {Facts{Desired: paused, Observed: somebody("Active", 0), Base: held("Active")}, write(4, Untouched)},
		"row 4: another field was edited later":        {Facts{Desired: paused, Observed: somebody("Active", 20), Base: held("Active")}, write(4, Untouched)},
		"row 4: a person set it anew, newer":           {Facts{Desired: paused, Observed: by(status.ActorHuman, "Active", 20), Base: held("Active")}, conflict(8, PersonNewer, 1)},
		"row 4: a person set it anew, older":           {Facts{Desired: paused, Observed: by(status.ActorHuman, "Active", 5), Base: held("Active")}, write(4, Untouched)},
		"row 4: a person set it anew, within the skew": {Facts{Desired: paused, Observed: by(status.ActorHuman, "Active", 10), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 4: a person set it anew a second before it was proved, within the skew": {Facts{Desired: Desired{"Paused", minute(10).Add(-time.Second)}, Base: Base{Known: true, Value: "Active", SeenAt: minute(10)},
			Observed: Observed{Value: "Active", EditedAt: minute(10).Add(-time.Second), FieldTime: true, Actor: status.ActorHuman, SeenAt: minute(30)}}, conflict(10, CannotTell, 0.5)},
		"row 4: the person's edit is the base itself":      {Facts{Desired: paused, Observed: by(status.ActorHuman, "Active", 0), Base: held("Active")}, write(4, Untouched)},
		"row 4: a person was seen before, newer":           {Facts{Desired: paused, Observed: somebody("Active", 20), Base: held("Active"), HumanAt: minute(20)}, conflict(8, PersonNewer, 1)},
		"row 4: a person was seen before, older":           {Facts{Desired: paused, Observed: somebody("Active", 20), Base: held("Active"), HumanAt: minute(5)}, write(4, Untouched)},
		"row 4: a person was seen, the source has no time": {Facts{Desired: Desired{Value: "Paused"}, Observed: somebody("Active", 20), Base: held("Active"), HumanAt: minute(5)}, conflict(10, CannotTell, 0.5)},

		"row 4: nobody edited it since our write left":          {Facts{Desired: paused, Observed: somebody("Active", 0), Base: held("Active"), Intents: unanswered}, write(4, Untouched)},
		"row 4: a person may have put it back":                  {Facts{Desired: paused, Observed: last(status.ActorHuman, "Active", 12), Base: held("Active"), Intents: unanswered}, conflict(8, PersonNewer, 1)},
		"row 4: somebody may have put it back":                  {Facts{Desired: paused, Observed: somebody("Active", 12), Base: held("Active"), Intents: unanswered}, conflict(8, PersonNewer, 1)},
		"row 4: an automation may have covered who put it back": {Facts{Desired: paused, Observed: last(status.ActorAutomation, "Active", 12), Base: held("Active"), Intents: unanswered}, conflict(8, PersonNewer, 1)},
		"row 4: an automation has put it back":                  {Facts{Desired: paused, Observed: by(status.ActorAutomation, "Active", 12), Base: held("Active"), Intents: unanswered}, write(4, Untouched)},
		"row 4: we have put it back":                            {Facts{Desired: paused, Observed: last(status.ActorUs, "Active", 12), Base: held("Active"), Intents: unanswered}, write(4, Untouched)},
		"row 4: put back, by a clock that is behind":            {Facts{Desired: paused, Observed: somebody("Active", -2), Base: Base{Known: true, Value: "Active", At: minute(-5), SeenAt: minute(1)}, Intents: changed(Facts{Intents: slices.Clone(unanswered)}, func(f *Facts) { f.Intents[0].PriorAt = minute(-5) }).Intents}, conflict(8, PersonNewer, 1)},
		"row 10: at first contact the source wins, and not over what a person edited while our write was on its way": {changed(Facts{Desired: Desired{"Churned", minute(-60)}, Observed: by(status.ActorHuman, "Paused", 10),
			Intents: []Intent{{ID: 8, Value: "Churned", SentAt: minute(11), Expires: minute(21), Prior: "Lead", PriorAt: minute(-90)}}}, func(f *Facts) { f.Policy.FirstContactSourceWins = true }), conflict(10, CannotTell, 0.5)},
		"row 3: at first contact the source wins where the last edit was our write, whose value the tool spells its own way": {changed(Facts{Desired: Desired{"Churned", minute(-60)}, Observed: Observed{Value: "churned ", Actor: status.ActorUs, EditedAt: minute(11), SeenAt: minute(12)},
			Intents: []Intent{{ID: 8, Value: "Churned", SentAt: minute(11), Expires: minute(21), Prior: "churned ", PriorAt: minute(-90)}}}, func(f *Facts) { f.Policy.FirstContactSourceWins = true }), write(3, FirstContactSource)},
		"row 4: not edited since it was proved, although an older write of ours has no answer": {Facts{Desired: paused, Observed: somebody("Active", 5), Base: Base{Known: true, Value: "Active", At: minute(5), SeenAt: minute(7)},
			Intents: []Intent{{ID: 8, Value: "Churned", SentAt: minute(1), Expires: minute(11), Prior: "Lead", PriorAt: minute(0)}}}, write(4, Untouched)},
		"row 9: put back, and the source has changed since":                            {Facts{Desired: Desired{"Paused", minute(20)}, Observed: somebody("Active", 12), Base: held("Active"), Intents: unanswered}, write(9, PersonOlder)},
		"row 4: edited after our write left, and the base seen since":                  {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 12)}, func(f *Facts) { f.Observed.Again, f.Observed.Before = true, minute(12) }).Observed, Base: Base{Known: true, Value: "Active", SeenAt: minute(13)}, Intents: unanswered}, write(4, Untouched)},
		"row 4: put back, after the base was seen since our write left":                {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 14)}, func(f *Facts) { f.Observed.Again, f.Observed.Before = true, minute(12) }).Observed, Base: Base{Known: true, Value: "Active", SeenAt: minute(13)}, Intents: unanswered}, conflict(8, PersonNewer, 1)},
		"row 4: put back, after the base was seen and before any look under this link": {Facts{Desired: paused, Observed: somebody("Active", 14), Base: Base{Known: true, Value: "Active", SeenAt: minute(13)}, Intents: unanswered}, conflict(8, PersonNewer, 1)},
		"row 4: a person set it anew in the second of our write": {Facts{Desired: paused, Observed: changed(Facts{Observed: by(status.ActorHuman, "Active", 15)}, func(f *Facts) { f.Observed.By = "ana" }).Observed,
			Base: Base{Known: true, Value: "Active", At: minute(15), By: "us", SeenAt: minute(15)}}, conflict(8, PersonNewer, 1)},
		"row 4: set back, after a look that found another value":               {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 20)}, func(f *Facts) { f.Observed.Since = minute(15) }).Observed, Base: held("Active")}, conflict(8, PersonNewer, 1)},
		"row 9: set back before the source changed":                            {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 8)}, func(f *Facts) { f.Observed.Since = minute(5) }).Observed, Base: held("Active")}, write(9, PersonOlder)},
		"row 4: another value was found before the base was proved by a write": {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Active", 20)}, func(f *Facts) { f.Observed.Since = minute(1).Add(skew) }).Observed, Base: held("Active")}, write(4, Untouched)},
		"row 4: what was found of our write is not put back":                   {Facts{Desired: paused, Observed: somebody("Active", 12), Base: held("Active"), Intents: seen}, write(4, Untouched)},
		"row 10: taken back, by a clock that the latest of our writes proves wrong": {Facts{Desired: paused, Observed: somebody("", 5),
			Intents: []Intent{{ID: 8, Value: "Active", SentAt: minute(4), Expires: minute(14), PriorAt: minute(0)}, {ID: 9, Value: "Paused", SentAt: minute(12), Expires: minute(22), PriorAt: minute(0)}}}, conflict(10, CannotTell, 0.5)},
		"row 9: taken back, before the source changed": {Facts{Desired: paused, Observed: somebody("", 5),
			Intents: []Intent{{ID: 8, Value: "Active", SentAt: minute(4), Expires: minute(14), PriorAt: minute(0)}, {ID: 9, Value: "Paused", SentAt: minute(12), Expires: minute(22), PriorAt: minute(5)}}}, write(9, PersonOlder)},
		"row 2: our first write may have been taken back":        {Facts{Desired: paused, Observed: somebody("", 12), Intents: []Intent{{ID: 8, Value: "Paused", SentAt: minute(11), Expires: minute(21), PriorAt: minute(0)}}}, conflict(8, PersonNewer, 1)},
		"row 4: a person set it anew, by a clock that is behind": {Facts{Desired: paused, Observed: by(status.ActorHuman, "Active", -300), Base: Base{Known: true, Value: "Active", SeenAt: minute(5)}}, conflict(10, CannotTell, 0.5)},

		"row 5: our write arrived, by a clock that is behind": {Facts{Desired: paused, Observed: somebody("Churned", -300), Base: held("Active"), Intents: longer}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: our write arrived, by a clock that is ahead":  {Facts{Desired: paused, Observed: somebody("Churned", 300), Base: held("Active"), Intents: longer}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: our write of what the base was arrived, and was looked for since": {Facts{Desired: paused, Observed: somebody("Active", 6), Base: Base{Known: true, Value: "Active", SeenAt: minute(15)},
			Intents: []Intent{{ID: 7, Value: "Active", SentAt: minute(5), Expires: minute(10)}}}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: our write arrived":                            {Facts{Desired: paused, Observed: somebody("Churned", 6), Base: held("Active"), Intents: sent}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: our first write arrived":                      {Facts{Desired: paused, Observed: somebody("Churned", 6), Intents: sent}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: our write arrived, and was looked for late":   {Facts{Desired: paused, Observed: Observed{Value: "Churned", EditedAt: minute(6), SeenAt: minute(300)}, Base: held("Active"), Intents: sent}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: a person chose the same value":                {Facts{Desired: paused, Observed: by(status.ActorHuman, "Churned", 20), Base: held("Active"), Intents: sent}, conflict(8, PersonNewer, 1)},
		"row 5: edited before the write was sent":             {Facts{Desired: paused, Observed: somebody("Churned", 4), Base: held("Active"), Intents: sent}, write(9, PersonOlder)},
		"row 5: edited after the write could arrive":          {Facts{Desired: paused, Observed: somebody("Churned", 16), Base: held("Active"), Intents: sent}, conflict(10, CannotTell, 0.5)},
		"row 5: no times, and seen in time":                   {Facts{Desired: paused, Observed: Observed{Value: "Churned", SeenAt: minute(6)}, Base: held("Active"), Intents: sent}, adopted(write(5, OurWriteArrived), 7)},
		"row 5: our write arrived over a person's newer edit": {Facts{Desired: paused, Observed: somebody("Churned", 6), Base: held("Active"), Intents: sent, HumanAt: minute(20)}, adopted(conflict(8, PersonNewer, 1), 7)},
		"row 5: an intent of another value explains nothing":  {Facts{Desired: paused, Observed: somebody("Gone", 6), Base: held("Active"), Intents: sent}, write(9, PersonOlder)},

		"row 6: an older write of ours":                                             {Facts{Desired: paused, Observed: by(status.ActorUs, "Churned", 20), Base: held("Active")}, write(6, OurOlderWrite)},
		"row 6: the record's last editor is us, and no write of ours was under way": {Facts{Desired: paused, Observed: last(status.ActorUs, "Churned", 20), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 6: the record's last editor is us, and a write of ours was under way":  {Facts{Desired: paused, Observed: last(status.ActorUs, "Churned", 6), Base: held("Active"), Intents: seen}, write(6, OurOlderWrite)},
		"row 6: the record's last editor is us, long before the source changed":     {Facts{Desired: paused, Observed: last(status.ActorUs, "Churned", 4), Base: held("Active")}, write(6, OurOlderWrite)},
		"row 6: the record's last editor is us, and only the spelling is another":   {Facts{Desired: paused, Observed: last(status.ActorUs, "active ", 20), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 6: ours, even if a person was seen before":                             {Facts{Desired: paused, Observed: by(status.ActorUs, "Churned", 20), Base: held("Active"), HumanAt: minute(15)}, write(6, OurOlderWrite)},
		"row 6: the record's last editor is us, after a person":                     {Facts{Desired: paused, Observed: Observed{Value: "Churned", EditedAt: minute(20), Actor: status.ActorUs}, Base: held("Active"), HumanAt: minute(15)}, conflict(8, PersonNewer, 1)},

		"row 7: an automation":                                                          {Facts{Desired: paused, Observed: by(status.ActorAutomation, "Churned", 20), Base: held("Active")}, write(7, AutomationEdit)},
		"row 7: the record's last editor is an automation":                              {Facts{Desired: paused, Observed: last(status.ActorAutomation, "Churned", 20), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 7: the record's last editor is an automation, after a base seen later":     {Facts{Desired: paused, Observed: last(status.ActorAutomation, "Churned", 20), Base: Base{Known: true, Value: "Active", SeenAt: minute(15)}}, conflict(8, PersonNewer, 1)},
		"row 7: the record's last editor is an automation, before the source changed":   {Facts{Desired: paused, Observed: last(status.ActorAutomation, "Churned", 5), Base: held("Active")}, write(7, AutomationEdit)},
		"row 7: the record's last editor is an automation, and the spelling is another": {Facts{Desired: paused, Observed: last(status.ActorAutomation, "ACTIVE", 20), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 7: an automation, to be skipped":                                           {Facts{Desired: paused, Observed: by(status.ActorAutomation, "Churned", 20), Base: held("Active"), Policy: skip}, conflict(8, PersonNewer, 1)},
		"row 7: an automation that may have covered a person":                           {Facts{Desired: paused, Observed: Observed{Value: "Churned", EditedAt: minute(20), Actor: status.ActorAutomation}, Base: held("Active"), HumanAt: minute(15)}, conflict(8, PersonNewer, 1)},

		"row 8: a person, newer":                            {Facts{Desired: paused, Observed: by(status.ActorHuman, "Churned", 20), Base: held("Active")}, conflict(8, PersonNewer, 1)},
		"row 8: a person, just beyond the skew":             {Facts{Desired: paused, Observed: Observed{Value: "Churned", EditedAt: minute(10).Add(skew + time.Millisecond), FieldTime: true, Actor: status.ActorHuman}, Base: held("Active")}, conflict(8, PersonNewer, 1)},
		"row 8: somebody, after a base that was seen later": {Facts{Desired: paused, Observed: somebody("Churned", 20), Base: Base{Known: true, Value: "Active", SeenAt: minute(15)}}, conflict(8, PersonNewer, 1)},
		"row 8: no times at all, the base was seen later":   {Facts{Desired: paused, Observed: Observed{Value: "Churned", SeenAt: minute(30)}, Base: Base{Known: true, Value: "Active", SeenAt: minute(15)}}, conflict(8, PersonNewer, 1)},
		"row 9: a person, older":                            {Facts{Desired: paused, Observed: by(status.ActorHuman, "Churned", 5), Base: held("Active")}, write(9, PersonOlder)},
		"row 9: somebody, the record was edited before":     {Facts{Desired: paused, Observed: somebody("Churned", 5), Base: held("Active")}, write(9, PersonOlder)},
		"row 9: no times at all, seen before the source":    {Facts{Desired: paused, Observed: Observed{Value: "Churned", SeenAt: minute(5)}, Base: held("Active")}, write(9, PersonOlder)},
		"row 9: a cleared field, older":                     {Facts{Desired: paused, Observed: somebody("", 5), Base: held("Active")}, write(9, PersonOlder)},
		"row 10: within the skew":                           {Facts{Desired: paused, Observed: by(status.ActorHuman, "Churned", 10), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 10: only the record's time, which is newer":    {Facts{Desired: paused, Observed: somebody("Churned", 20), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 10: a third value, after a write of ours without an answer": {Facts{Desired: paused, Observed: somebody("Lead", 12), Base: held("Active"),
			Intents: []Intent{{ID: 8, Value: "Churned", SentAt: minute(11), Expires: minute(21), Prior: "Active", PriorAt: minute(0)}}}, conflict(10, CannotTell, 0.5)},
		"row 10: no times at all":                           {Facts{Desired: paused, Observed: Observed{Value: "Churned", SeenAt: minute(30)}, Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 10: the source has no time":                    {Facts{Desired: Desired{Value: "Paused"}, Observed: by(status.ActorHuman, "Churned", 5), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 8: a time before the base was seen is wrong":   {Facts{Desired: paused, Observed: somebody("Churned", 5), Base: Base{Known: true, Value: "Active", SeenAt: minute(15)}}, conflict(8, PersonNewer, 1)},
		"row 8: so is a field's own":                        {Facts{Desired: paused, Observed: by(status.ActorHuman, "Churned", 5), Base: Base{Known: true, Value: "Active", SeenAt: minute(15)}}, conflict(8, PersonNewer, 1)},
		"row 10: a wrong time leaves our two looks":         {Facts{Desired: paused, Observed: somebody("Churned", -300), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 9: a wrong time, and seen before the source":   {Facts{Desired: Desired{"Paused", minute(31)}, Observed: by(status.ActorHuman, "Churned", -300), Base: held("Active")}, write(9, PersonOlder)},
		"row 9: a time to come, and seen before the source": {Facts{Desired: Desired{"Paused", minute(31)}, Observed: by(status.ActorHuman, "Churned", 300), Base: held("Active")}, write(9, PersonOlder)},
		"row 10: a time to come leaves our two looks":       {Facts{Desired: paused, Observed: by(status.ActorHuman, "Churned", 300), Base: held("Active")}, conflict(10, CannotTell, 0.5)},
		"row 8: a third value was seen after the source":    {Facts{Desired: paused, Observed: changed(Facts{Observed: somebody("Churned", 20)}, func(f *Facts) { f.Observed.Since = minute(15) }).Observed, Base: held("Active")}, conflict(8, PersonNewer, 1)},
		"row 10: nothing is known but that it is not ours":  {Facts{Desired: paused, Observed: Observed{Value: "Churned"}, Base: Base{Known: true, Value: "Active"}}, conflict(10, CannotTell, 0.5)},

		"an owner said ours":                         {ruled(heldFacts, ours), write(10, OwnerUsesSource)},
		"an owner said ours at first contact":        {ruled(Facts{Desired: paused, Observed: somebody("Churned", 20)}, ours), write(3, OwnerUsesSource)},
		"an owner said ours of a tool without times": {changed(ruled(Facts{Desired: paused, Observed: Observed{Value: "Churned", SeenAt: minute(30)}, Base: held("Active")}, ours), func(f *Facts) { f.Ruling.RecordAt = time.Time{} }), write(10, OwnerUsesSource)},
		"an owner said theirs":                       {ruled(heldFacts, theirs), kept},
		"ours, and the record was edited since":      {changed(ruled(heldFacts, ours), func(f *Facts) { f.Observed.EditedAt = minute(21) }), conflict(10, CannotTell, 0.5)},
		"ours, and the record holds another value":   {changed(ruled(heldFacts, ours), func(f *Facts) { f.Observed.Value = "Lead" }), conflict(10, CannotTell, 0.5)},
		"ours, and the source wants another value":   {changed(ruled(heldFacts, ours), func(f *Facts) { f.Desired.Value = "Active" }), conflict(10, CannotTell, 0.5)},
		"theirs, and the source changed back and forth": {changed(ruled(heldFacts, theirs), func(f *Facts) {
			f.Desired.At, f.Observed.EditedAt, f.Observed.SeenAt = minute(41), minute(42), minute(43)
		}), conflict(10, CannotTell, 0.5)},
		"theirs, and a person edited again": {changed(ruled(heldFacts, theirs), func(f *Facts) { f.Observed = somebody("Lead", 50) }), kept},
		"theirs, and a write of ours came late": {changed(ruled(heldFacts, theirs), func(f *Facts) {
			f.Observed, f.HumanAt, f.Intents = Observed{Value: "Lead", SeenAt: minute(41)}, minute(20), late
		}), adopted(conflict(8, PersonNewer, 1), 9)},
		"theirs, and our account has set another value": {changed(ruled(heldFacts, theirs), func(f *Facts) {
			f.Observed, f.HumanAt = Observed{Value: "Lead", EditedAt: minute(41), SeenAt: minute(42), Actor: status.ActorUs}, minute(20)
		}), conflict(8, PersonNewer, 1)},
		"theirs, and our account has set the same value": {changed(ruled(heldFacts, theirs), func(f *Facts) {
			f.Observed, f.HumanAt = Observed{Value: "Churned", EditedAt: minute(41), SeenAt: minute(42), Actor: status.ActorUs}, minute(20)
		}), Decision{Action: Hold, Reason: OwnerKeepsTarget, Row: 8, Confidence: 1}},
		"our write was undone, and the table would write it again": {changed(ruled(heldFacts, Ruling{Undone: true}), func(f *Facts) {
			f.Base = held("Churned")
		}), Decision{Action: Hold, Reason: WriteUndone, Row: 4, Confidence: 1}},
		"undone, and an automation has set another value": {changed(ruled(heldFacts, Ruling{Undone: true}), func(f *Facts) {
			f.Observed = by(status.ActorAutomation, "Lead", 50)
		}), Decision{Action: Hold, Reason: WriteUndone, Row: 7, Confidence: 1}},
		"undone, and the source has changed": {changed(ruled(heldFacts, Ruling{Undone: true}), func(f *Facts) {
			f.Base, f.Desired = held("Churned"), Desired{Value: "Active", At: minute(50)}
		}), write(4, Untouched)},
		"undone, and the source changed back and forth": {changed(ruled(heldFacts, Ruling{Undone: true}), func(f *Facts) {
			f.Base, f.Desired.At = held("Churned"), minute(50)
		}), write(4, Untouched)},
		"undone, and both sides agree":                    {changed(ruled(heldFacts, Ruling{Undone: true}), func(f *Facts) { f.Observed.Value = "Paused" }), equal},
		"theirs, and the table has nothing to ask":        {changed(ruled(heldFacts, theirs), func(f *Facts) { f.Observed.Value = "Paused" }), equal},
		"ours does not make what is written anyway a row": {changed(ruled(heldFacts, ours), func(f *Facts) { f.Observed = by(status.ActorHuman, "Churned", 5) }), write(9, PersonOlder)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.facts.Policy == (Policy{}) {
				tt.facts.Policy = policy
			}
			if got := Decide(tt.facts); got != tt.want {
				t.Errorf("decided %+v\nwant    %+v", got, tt.want)
			}
		})
	}
}

// An edit within the skew is never taken for surely older or newer: each
// comparison is asked on both sides of its edge.
func TestBothEdgesOfTheSkew(t *testing.T) {
	const tick = time.Millisecond
	// at is what a tool with a time of the field tells, seen at the 30th minute.
	at := func(edit time.Time) Observed {
		return Observed{Value: "Churned", EditedAt: edit, FieldTime: true, Actor: status.ActorHuman, SeenAt: minute(30)}
	}
	facts := func(change func(*Facts)) Facts {
		f := Facts{Desired: Desired{Value: "Paused", At: minute(10)}, Base: held("Active"), Observed: at(minute(10)), Policy: Policy{ClockSkew: skew}}
		change(&f)
		return f
	}
	record := func(value string, edit time.Time) Observed {
		return Observed{Value: value, EditedAt: edit, SeenAt: minute(30)}
	}
	sent := Intent{ID: 7, Value: "Churned", SentAt: minute(5), Expires: minute(15), Prior: "Active", PriorAt: minute(0)}
	tests := map[string]struct {
		facts func(by time.Duration) Facts
		// at and beyond are the reasons on the edge and one millisecond further.
		edge       time.Duration
		further    time.Duration
		at, beyond Reason
	}{
		"an edit is newer than the source's change": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed = at(minute(10).Add(by)) })
		}, skew, tick, CannotTell, PersonNewer},
		"an edit is older than the source's change": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed = at(minute(10).Add(by)) })
		}, -skew, -tick, CannotTell, PersonOlder},
		"an edit that was seen before is newer": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed, f.HumanAt = record("Active", minute(0)), minute(10).Add(by) })
		}, skew, tick, CannotTell, PersonNewer},
		"an edit that was seen before is older": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed, f.HumanAt = record("Active", minute(0)), minute(10).Add(by) })
		}, -skew, -tick, CannotTell, Untouched},
		"the base was seen later than the source's change": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed, f.Base.SeenAt = record("Churned", minute(20)), minute(10).Add(by) })
		}, skew, tick, CannotTell, PersonNewer},
		"what has no time was seen before the source's change": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed = Observed{Value: "Churned", SeenAt: minute(10).Add(by)} })
		}, -skew, -tick, CannotTell, PersonOlder},
		"a time is before the base was seen": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Desired.At, f.Observed = minute(5), record("Churned", minute(1).Add(by)) })
		}, -skew, -tick, PersonOlder, CannotTell},
		"a field's time is later than it was seen": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed = at(minute(30).Add(by)) })
		}, skew, tick, PersonNewer, CannotTell},
		"a write was sent after the edit": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed, f.Intents = record("Churned", minute(5).Add(by)), []Intent{sent} })
		}, -skew, -tick, OurWriteArrived, CannotTell}, // it had read the record edited earlier still: that clock is wrong
		"a write can have arrived by then": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Observed, f.Intents = record("Churned", minute(15).Add(by)), []Intent{sent} })
		}, skew, tick, OurWriteArrived, CannotTell},
		"a write can have arrived by when it was seen": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				f.Observed, f.Intents = Observed{Value: "Churned", SeenAt: minute(15).Add(by)}, []Intent{sent}
			})
		}, skew, tick, OurWriteArrived, CannotTell},
		"the record was edited since the write left": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				left := sent
				left.SentAt = minute(11)
				f.Observed, f.Intents = record("Active", minute(0).Add(by)), []Intent{left}
			})
		}, 0, tick, Untouched, PersonNewer},
		"an automation answers our write": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				f.Base.Wrote = minute(15)
				f.Observed = Observed{Value: "Churned", EditedAt: minute(15).Add(by), Actor: status.ActorAutomation, SeenAt: minute(30)}
			})
		}, skew, tick, AutomationEdit, CannotTell},
		"a person has set the base anew": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				f.Observed, f.Base.At = at(minute(10)), minute(10).Add(by)
				f.Observed.Value = "Active"
			})
		}, 0, -tick, Untouched, CannotTell},
		"first contact: the edit is older": {func(by time.Duration) Facts {
			return facts(func(f *Facts) { f.Base, f.Observed = Base{}, record("Churned", minute(10).Add(by)) })
		}, -skew, -tick, FirstContactAsk, SourceNewer},
		"first contact: a person's edit is newer": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				f.Base, f.Observed, f.Policy.FirstContactSourceWins = Base{}, at(minute(10).Add(by)), true
			})
		}, skew, tick, FirstContactSource, PersonNewer},
		"first contact: an edit that was seen to happen is older": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				f.Base, f.Observed, f.Policy.FirstContactSourceWins = Base{}, record("Churned", minute(20)), true
				f.HumanAt, f.HumanSeen = minute(10).Add(by), true
			})
		}, -skew, -tick, CannotTell, FirstContactSource},
		"an owner's word is older than the source's change": {func(by time.Duration) Facts {
			return facts(func(f *Facts) {
				f.Ruling = Ruling{UseSource: true, Desired: "Paused", Observed: "Churned", RecordAt: minute(41), At: minute(40)}
				f.Desired.At = minute(40).Add(by)
				f.Observed = at(minute(41))
				f.Observed.SeenAt = minute(42)
			})
		}, skew, tick, OwnerUsesSource, PersonNewer},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := Decide(tt.facts(tt.edge)); d.Reason != tt.at {
				t.Errorf("on the edge: %+v", d)
			}
			if d := Decide(tt.facts(tt.edge + tt.further)); d.Reason != tt.beyond {
				t.Errorf("beyond it: %+v", d)
			}
		})
	}
}

// An owner who says ours was shown a value, and when the record was edited where
// the target told. His word stands while both are known to be the same.
func TestOursStandsForTheRecordThatWasShown(t *testing.T) {
	for name, tt := range map[string]struct {
		then, now time.Time
		value     string
		want      bool
	}{
		"times then and now, the same value, not edited":   {minute(20), minute(20), "Churned", true},
		"times then and now, the same value, edited since": {minute(20), minute(21), "Churned", false},
		"times then and now, the clock was set back":       {minute(20), minute(19), "Churned", true},
		"times then and now, another value, not edited":    {minute(20), minute(20), "Lead", false},
		"times then and now, another value, edited since":  {minute(20), minute(21), "Lead", false},
		"times then and none now, the same value":          {minute(20), time.Time{}, "Churned", false},
		"times then and none now, another value":           {minute(20), time.Time{}, "Lead", false},
		"none then and times now, the same value":          {time.Time{}, minute(20), "Churned", false},
		"none then and times now, another value":           {time.Time{}, minute(20), "Lead", false},
		"never a time, the same value":                     {time.Time{}, time.Time{}, "Churned", true},
		"never a time, another value":                      {time.Time{}, time.Time{}, "Lead", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, field := range []bool{true, false} {
				f := Facts{Desired: Desired{Value: "Paused", At: minute(10)}, Base: held("Active"), HumanAt: minute(20), Policy: Policy{ClockSkew: skew},
					Observed: Observed{Value: tt.value, EditedAt: tt.now, FieldTime: field, SeenAt: minute(41)},
					Ruling:   Ruling{UseSource: true, Desired: "Paused", Observed: "Churned", RecordAt: tt.then, At: minute(40)}}
				if d := Decide(f); (d.Reason == OwnerUsesSource) != tt.want || (d.Action == Write) != tt.want {
					t.Errorf("with a time of the field %t: %s by %s", field, d.Action, d.Reason)
				}
			}
		})
	}
}

// Whether the record was edited since a write left is told by the target's clock
// alone: before it an edit is not ours, after it one may be, whatever our clock says.
func TestAnEditIsOursOnlyAfterTheWriteLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		prior, edited time.Time
		want          Reason
	}{
		"edited after what the write found, by the target's clock":  {minute(2), minute(3), OurWriteArrived},
		"edited when the write found it, so not since":              {minute(3), minute(3), PersonOlder},
		"edited before the write was sent, and nothing was known":   {time.Time{}, minute(3), PersonOlder},
		"edited before the write was sent by exactly the skew":      {time.Time{}, minute(5).Add(-skew), OurWriteArrived},
		"edited before the write was sent by more than the skew":    {time.Time{}, minute(5).Add(-skew - time.Millisecond), PersonOlder},
		"edited before what the write found, by the target's clock": {minute(4), minute(3), PersonOlder},
	} {
		t.Run(name, func(t *testing.T) {
			f := Facts{Desired: Desired{Value: "Paused", At: minute(10)}, Base: held("Active"), Policy: Policy{ClockSkew: skew},
				Observed: Observed{Value: "Churned", EditedAt: tt.edited, SeenAt: minute(12)},
				Intents:  []Intent{{ID: 7, Value: "Churned", SentAt: minute(5), Expires: minute(15), Prior: "Active", PriorAt: tt.prior}}}
			if d := Decide(f); d.Reason != tt.want {
				t.Errorf("%s, want %s", d.Reason, tt.want)
			}
		})
	}
}
