package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestTransitionsAreReadByStatus(t *testing.T) {
	got := mustLoad(t, "testdata/good/transitions.yaml").Syncs["a"].Transitions
	want := &Transitions{
		To: map[status.Status]Transition{
			"churned": {After: 10 * time.Minute, Hours: &Hours{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "09:00", To: "17:00", Zone: "America/New_York"}},
			"paused":  {Ask: true},
			"active":  {},
			"trial":   {Ask: true, After: 24 * time.Hour, Hours: &Hours{From: "22:00", To: "24:00", Zone: "UTC"}},
		},
		Forbid: []ForbiddenChange{{"churned", "active"}, {"paused", "trial"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	hours := *got.To["churned"].Hours
	from, to := hours.Minutes()
	if days := hours.Weekdays(); from != 540 || to != 1020 || days[time.Sunday] || days[time.Saturday] || !days[time.Friday] || hours.Location().String() != "America/New_York" {
		t.Errorf("%v %d %d %s", days, from, to, hours.Location())
	}
	if s := hours.String(); s != "mon, tue, wed, thu, fri 09:00-17:00 America/New_York" {
		t.Errorf("they are called %q", s)
	}
	if days := got.To["trial"].Hours.Weekdays(); days != [7]bool{true, true, true, true, true, true, true} {
		t.Errorf("without days they are of %v", days)
	}
}
