package reason

import (
	"cmp"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// AlarmNames are the alarms as titles have them.
var AlarmNames = map[status.Alarm]string{
	status.AlarmSilent:           "No webhooks",
	status.AlarmConnectionFailed: "Connection failed",
	status.AlarmQueueOld:         "Customers wait too long",
	status.AlarmOverdue:          "Overdue exceptions",
	status.AlarmHalted:           "Halted",
	status.AlarmPaused:           "Paused",
}

// PlanFirst is what leads out of the pause of a database that may be an older copy.
const PlanFirst = "make a plan first and read it: it shows where the two tools differ now; then resume the sync"

// AlarmFacts is what an alarm is about.
type AlarmFacts struct {
	Connection string
	Count      int
	Within     time.Duration
	By, Why    string
	Because    Reason
	// PlanFirst is set where a pause waits for a plan.
	PlanFirst bool
}

// OfAlarm says what an alarm means and what to do first.
func OfAlarm(alarm status.Alarm, f AlarmFacts) (sentence string, todo Remedy) {
	within := period(f.Within.Round(time.Second).String())
	switch alarm {
	case status.AlarmSilent:
		return connection(Facts{Connection: f.Connection}) + " sends no webhooks; in the week before, the longest gap between two was " + within,
			Remedy{Verb: ListEvents, Text: "check the webhooks in the tool: are they switched off, or is the address wrong?"}
	case status.AlarmConnectionFailed:
		todo = Remedy{Verb: CheckLive, Text: "check the connection"}
		if all := f.Because.Remedies(); len(all) > 0 {
			todo = all[0]
		}
		return cmp.Or(f.Because.Sentence(), "a connection fails"), todo
	case status.AlarmQueueOld:
		return counted(f.Count, "customer") + " waiting for more than " + within,
			Remedy{Text: "check that Trueup is running, and that no connection is resting or too slow for its customers"}
	case status.AlarmOverdue:
		return counted(f.Count, "exception") + " open for more than " + within,
			Remedy{Verb: ListExceptions, Text: "settle them, or assign them to someone"}
	case status.AlarmHalted:
		return "too many customers were about to change at once (mass_change); nothing more is written to those statuses",
			Remedy{Verb: Resume, Text: "if the change is right, resume the sync"}
	case status.AlarmPaused:
		if f.PlanFirst {
			todo = Remedy{Verb: Plan, Text: PlanFirst}
			return "paused by " + who(Facts{By: f.By}) + before(": ", f.Why) + "; nothing is written", todo
		}
		return "paused by " + who(Facts{By: f.By}) + before(": ", f.Why) + "; nothing is written",
			Remedy{Verb: Resume, Text: "when the work is done, resume the sync"}
	}
	return string(alarm), Remedy{}
}
