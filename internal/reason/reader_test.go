package reason

import (
	"strings"
	"testing"
	"time"
)

// A page calls the tools by their names and tells times in a person's zone; nothing of
// that is in what a log or a program gets.
func TestAReasonIsToldInTheWordsOfItsReader(t *testing.T) {
	zone := time.FixedZone("CST", -6*3600)
	reader := &Reader{Source: "Billing", Target: "CRM", Call: strings.ToUpper, When: func(at time.Time, exact bool) string {
		if exact {
			return at.In(zone).Format("3:04:05 PM")
		}
		return at.In(zone).Format("3:04 PM")
	}}
	at := func(minute, second int) time.Time { return time.Date(2026, 11, 29, 22, minute, second, 0, time.UTC) }
	for _, c := range []struct {
		name       string
		reason     Reason
		told, bare string
	}{
		{"a sentence without facts", Because(Written, Facts{Value: "Paused"}, Reason{Code: Untouched}),
			"Paused was written: no one had changed CRM since Trueup last confirmed its value",
			"Paused was written: no one had changed the target since Trueup last confirmed its value"},
		{"two times that are far apart", Reason{Code: PersonNewer, Facts: Facts{Source: "billing", Target: "crm", Value: "canceled", Person: true, At: at(2, 0), From: at(40, 0), To: at(40, 0)}},
			"CRM was edited after Billing changed, so the edit stays. A person edited CRM at 4:40 PM; BILLING changed to canceled at 4:02 PM",
			"the target was edited after the source changed, so the edit stays. A person edited crm at 2026-11-29 22:40:00Z; billing changed to canceled at 2026-11-29 22:02:00Z"},
		{"two times of the same minute", Reason{Code: CannotTell, Facts: Facts{Source: "billing", Target: "crm", Value: "paused", At: at(36, 35), Earliest: true, From: at(36, 28), To: at(36, 47)}},
			"the times do not show which side changed last, so CRM’s value stays until someone decides or Billing changes again. Someone edited CRM between 4:36:28 PM and 4:36:47 PM; BILLING changed to paused at 4:36:35 PM or later",
			"the times do not show which side changed last, so the target's value stays until someone decides or the source changes again. Someone edited crm between 2026-11-29 22:36:28Z and 2026-11-29 22:36:47Z; billing changed to paused at 2026-11-29 22:36:35Z or later"},
		{"an edit within a minute that is told once", Reason{Code: PersonNewer, Facts: Facts{Source: "billing", Target: "crm", Value: "canceled", Person: true, At: at(2, 0), From: at(22, 5), To: at(22, 40)}},
			"CRM was edited after Billing changed, so the edit stays. A person edited CRM at 4:22 PM; BILLING changed to canceled at 4:02 PM",
			"the target was edited after the source changed, so the edit stays. A person edited crm between 2026-11-29 22:22:05Z and 2026-11-29 22:22:40Z; billing changed to canceled at 2026-11-29 22:02:00Z"},
		{"a tool that is named by its facts", Reason{Code: NoRecord, Facts: Facts{Target: "crm", Count: 2}},
			"no record in CRM matches this customer by any of the 2 match rules", "no record in crm matches this customer by any of the 2 match rules"},
		{"the word of an older row", Text("the target said no"), "the target said no", "the target said no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.reason.To(reader).Sentence(); got != c.told {
				t.Errorf("told %q\nwant %q", got, c.told)
			}
			if got := c.reason.Sentence(); got != c.bare {
				t.Errorf("without a reader %q\nwant %q", got, c.bare)
			}
		})
	}
}
