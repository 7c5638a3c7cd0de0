package app_test

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
)

// Some tools tell the time of an edit to the second, and some to the minute. However
// roughly that is, an edit that a person made after the source's change must not look
// older than the change: each example's clock_skew covers it.
func TestAPersonsEditSecondsAfterTheChangeStays(t *testing.T) {
	minute := time.Now().Add(-time.Hour).Truncate(time.Minute)
	for name, at := range atTools {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, 1)
			at.build(s)
			cfg := exampleAt(t, name, at.base, s.url)
			tool := openExample(t, cfg, "crm", connector.Use{Values: []string{"Active", "Paused", "Churned"}, Target: true}).Target
			found, err := tool.Find(t.Context(), "email", mail(1))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			for _, second := range []float64{0.2, 20, 57.9} {
				set := minute.Add(time.Duration(second * float64(time.Second)))
				s.change(1, func(r *shopRow) { r.status, r.at, r.by = at.of("Paused"), set.Add(1500*time.Millisecond), at.person })
				record, err := tool.Read(t.Context(), found[0].ID)
				if err != nil {
					t.Fatal(err)
				}
				d := decide.Decide(decide.Facts{
					Desired:  decide.Desired{Value: "Active", At: set},
					Base:     decide.Base{Known: true, Value: "Churned", SeenAt: minute.Add(-time.Hour)},
					Observed: decide.Observed{Value: record.Value, EditedAt: record.EditedAt, FieldTime: record.FieldTime, Actor: record.Actor, By: record.By, SeenAt: set.Add(3 * time.Second)},
					Policy:   decide.Policy{ClockSkew: cfg.Syncs["customer-status"].Conflict.ClockSkew},
				})
				if d.Action != decide.Hold {
					t.Errorf("changed at second %v, edited 1.5 seconds later: it decides %+v", second, d)
				}
			}
		})
	}
}
