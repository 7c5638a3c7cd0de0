package decide

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// When the edit was made that a hold leaves alone is what a person is told, and
// its latest time is kept for the next look.
func TestWhenAPersonMayHaveEdited(t *testing.T) {
	never := time.Time{}
	seen := func(o Observed) Observed { o.SeenAt = minute(30); return o }
	churned := seen(Observed{Value: "Churned", EditedAt: minute(20)})
	with := func(o Observed, change func(*Observed)) Observed { change(&o); return o }
	field := func(actor status.Actor, value string, at int) Observed {
		return seen(Observed{Value: value, EditedAt: minute(at), FieldTime: true, Actor: actor})
	}
	answered := held("Active")
	answered.Wrote = minute(20)
	tests := map[string]struct {
		facts    Facts
		from, to time.Time // of the edit that is kept
		by       time.Time // at the latest, zero when no edit shows
	}{
		"a value is changed": {Facts{Observed: churned, Base: held("Active")}, minute(1), minute(20), minute(20)},
		"a field is emptied": {Facts{Observed: with(churned, func(o *Observed) { o.Value = "" }), Base: held("Active")}, minute(1), minute(20), minute(20)},
		"a value is changed, and the look before found it too": {Facts{Observed: with(churned, func(o *Observed) { o.Again = true }), Base: held("Active")}, minute(1), minute(20), minute(20)},
		"a person sets the same value again":                   {Facts{Observed: field(status.ActorHuman, "Active", 20), Base: held("Active")}, minute(20), minute(20), minute(20)},
		"nothing is changed":                                   {Facts{Observed: seen(Observed{Value: "Active", EditedAt: minute(0)}), Base: held("Active")}, never, minute(0), never},
		"nothing is changed since an edit that was seen":       {Facts{Observed: seen(Observed{Value: "Active", EditedAt: minute(0)}), Base: held("Active"), HumanAt: minute(25)}, minute(25), minute(25), never},
		"an automation sets the field":                         {Facts{Observed: field(status.ActorAutomation, "Churned", 20), Base: held("Active")}, minute(20), minute(20), never},
		"an automation is the last editor":                     {Facts{Observed: with(churned, func(o *Observed) { o.Actor = status.ActorAutomation }), Base: held("Active")}, minute(1), minute(20), minute(20)},
		"an automation answers our write":                      {Facts{Observed: with(churned, func(o *Observed) { o.Actor = status.ActorAutomation }), Base: answered}, minute(1), minute(20), never},
		"a person edits in the moment of our write":            {Facts{Observed: with(churned, func(o *Observed) { o.Actor = status.ActorHuman }), Base: answered}, minute(1), minute(20), minute(20)},
		"an unknown editor edits in the moment of our write":   {Facts{Observed: churned, Base: answered}, minute(1), minute(20), minute(20)},
		"first contact: the field holds a value":               {Facts{Observed: churned}, never, minute(20), minute(20)},
		"first contact: the field was always empty":            {Facts{Observed: with(churned, func(o *Observed) { o.Value = "" })}, never, minute(20), never},
		"first contact: the field is emptied":                  {Facts{Observed: with(churned, func(o *Observed) { o.Value = "" }), Cleared: true}, never, minute(20), minute(20)},
		"first contact: another field may have been edited":    {Facts{Observed: with(churned, func(o *Observed) { o.Again = true })}, never, minute(20), never},
		"first contact: the field itself was edited":           {Facts{Observed: with(field(status.ActorHuman, "Churned", 20), func(o *Observed) { o.Again = true })}, minute(20), minute(20), minute(20)},
		"first contact: we are the last editor": {Facts{Observed: with(churned, func(o *Observed) { o.Actor = status.ActorUs }),
			Intents: []Intent{{ID: 1, Value: "Lead", SentAt: minute(19), Expires: minute(29)}}}, never, minute(20), minute(20)},
		"our write accounts for the value": {Facts{Observed: churned, Base: held("Active"),
			Intents: []Intent{{ID: 1, Value: "Churned", SentAt: minute(19), Expires: minute(29)}}}, minute(1), minute(20), never},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.facts.Policy.ClockSkew = skew
			tt.facts.Desired = Desired{"Paused", minute(10)}
			if from, to := tt.facts.PersonsEdit(); !from.Equal(tt.from) || !to.Equal(tt.to) {
				t.Errorf("edited between %s and %s, want %s and %s", from, to, tt.from, tt.to)
			}
			if by := tt.facts.EditedBy(); !by.Equal(tt.by) {
				t.Errorf("edited by %s, want %s", by, tt.by)
			}
		})
	}
}
