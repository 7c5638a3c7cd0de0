package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestATimelineTellsWhoChangedWhatOnBothSides(t *testing.T) {
	w := newWorld(t)
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 27, hour, minute, 0, 0, time.UTC) }
	v := &visit{Pages: w.pages, zone: time.UTC, now: at(23, 0)}
	found := v.timelineOf(flow, []store.Decision{ // the latest first
		{At: at(16, 41), Outcome: status.Held, Desired: "Churned", DesiredAt: at(14, 2), Observed: "Active", ObservedAt: at(16, 40), By: "Marcus Webb", Reason: reason.Text("a person was later")},
		{At: at(15, 0), Action: "link", Desired: "x"},
		{At: at(14, 3), Outcome: status.Applied, Desired: "Churned", DesiredAt: at(14, 2), Observed: "VIP", By: "us"},
		{At: at(9, 15), Outcome: status.AlreadyEqual, Desired: "Active", Observed: "Active", ObservedAt: at(9, 0), By: "us"},
	})
	var told []string
	for _, m := range found {
		told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", m.At.Format("15:04"), m.Said, m.Value, m.After, m.Why)))
	}
	want := []string{
		"16:41 Trueup left it alone   A person was later",
		"16:40 Marcus Webb set Active in CRM It was Churned",
		"14:03 Trueup changed CRM: Churned",
		"14:03 Someone, or another program, set VIP in CRM It was Active. CRM does not tell when; Trueup saw it then",
		"14:02 Billing changed, and wants Churned",
		"09:15 Both showed Active",
		"09:15 Billing wants Active  Billing does not tell when; Trueup saw it then",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("it tells:\n%s", got)
	}
	if found[2].From != "VIP" || found[2].FromStatus != "" || found[2].Status != "churned" {
		t.Errorf("%+v", found[2])
	}
}

func TestAConflictShowsWhatHappenedInOrder(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", "Halden Optics")
	x := w.needs(status.Conflict, "cus_1")
	w.tells(w.get(fmt.Sprintf("/exceptions/%d", x.ID)), 200, "What happened, in order", "Today,", "Billing wants Churned", "Trueup changed CRM: Active → to Churned")
}
