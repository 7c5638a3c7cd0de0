package decide

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func week(days ...time.Weekday) (all [7]bool) {
	for _, d := range days {
		all[d] = true
	}
	return all
}

func workdays(z *time.Location) *Hours {
	return &Hours{Days: week(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday), From: 9 * 60, To: 17 * 60, Zone: z}
}

func TestAChangeIsPermittedAsTransitionsSay(t *testing.T) {
	utc := workdays(time.UTC)
	tuesday := func(hour, min int) time.Time { return time.Date(2026, 3, 3, hour, min, 0, 0, time.UTC) }
	noon := tuesday(12, 0)
	wait := func(until time.Time) Permission {
		return Permission{Action: Hold, Reason: ChangeWaits, Until: until}
	}
	ask := Permission{Action: Park, Reason: ChangeAsks, Kind: status.ConfirmChange}
	forbidden := Permission{Action: Park, Reason: ChangeForbidden, Kind: status.ConfirmChange}
	kept := Permission{Action: Hold, Reason: OwnerKeepsTarget}
	written := Permission{Action: Write}
	ten := Transition{After: 10 * time.Minute}
	asks := Transition{Ask: true}
	office := Transition{Hours: utc}
	fromChurned := Transition{Forbidden: []status.Status{"churned"}}
	tests := map[string]struct {
		change Change
		want   Permission
	}{
		"what no transition names is written at once":                   {Change{Now: noon}, written},
		"a change that has not lasted waits":                            {Change{Transition: ten, Since: tuesday(11, 55), Now: noon}, wait(tuesday(12, 5))},
		"a change that has just lasted is written":                      {Change{Transition: ten, Since: tuesday(11, 50), Now: noon}, written},
		"a change of which nobody knows since when begins now":          {Change{Transition: ten, Now: noon}, wait(tuesday(12, 10))},
		"a change that begins later lasts from then on":                 {Change{Transition: ten, Since: tuesday(13, 0), Now: noon}, wait(tuesday(13, 10))},
		"within its hours it is written":                                {Change{Transition: office, Now: noon}, written},
		"before them it waits for their beginning":                      {Change{Transition: office, Now: tuesday(3, 0)}, wait(tuesday(9, 0))},
		"at their end they are over":                                    {Change{Transition: office, Now: tuesday(17, 0)}, wait(tuesday(9, 0).AddDate(0, 0, 1))},
		"after Friday's it waits for Monday's":                          {Change{Transition: office, Now: time.Date(2026, 3, 6, 17, 0, 0, 1, time.UTC)}, wait(time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC))},
		"one that lasts when the hours are over waits for the next":     {Change{Transition: Transition{After: 10 * time.Minute, Hours: utc}, Since: tuesday(16, 55), Now: tuesday(16, 58)}, wait(tuesday(9, 0).AddDate(0, 0, 1))},
		"one that lasts within the hours waits for that only":           {Change{Transition: Transition{After: 10 * time.Minute, Hours: utc}, Since: tuesday(11, 55), Now: noon}, wait(tuesday(12, 5))},
		"one that asks is asked about":                                  {Change{Transition: asks, Now: noon}, ask},
		"one that was confirmed is written":                             {Change{Transition: asks, Now: noon, UseSource: true}, written},
		"one whose target is to stay is held":                           {Change{Transition: asks, Now: noon, KeepTarget: true}, kept},
		"nobody is asked before it has lasted":                          {Change{Transition: Transition{After: 10 * time.Minute, Ask: true, Hours: utc}, Since: tuesday(20, 0), Now: tuesday(20, 1)}, wait(tuesday(20, 10))},
		"outside of the hours a person is asked all the same":           {Change{Transition: Transition{Ask: true, Hours: utc}, Now: tuesday(20, 0)}, ask},
		"what was confirmed waits for its hours":                        {Change{Transition: Transition{Ask: true, Hours: utc}, Now: tuesday(8, 0), UseSource: true}, wait(tuesday(9, 0))},
		"a forbidden change is asked about":                             {Change{Transition: fromChurned, From: "churned", Now: noon}, forbidden},
		"a forbidden change that a person wants is written":             {Change{Transition: fromChurned, From: "churned", Now: noon, UseSource: true}, written},
		"from elsewhere the same change is written":                     {Change{Transition: fromChurned, From: "paused", Now: noon}, written},
		"from an empty target it is written":                            {Change{Transition: fromChurned, Now: noon}, written},
		"a word to keep the target means nothing where no one is asked": {Change{Transition: ten, Since: tuesday(11, 0), Now: noon, KeepTarget: true}, written},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Permit(tt.change)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHoursGoByTheClocksOfTheirZone(t *testing.T) {
	newYork, berlin := zone(t, "America/New_York"), zone(t, "Europe/Berlin")
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	all := week(0, 1, 2, 3, 4, 5, 6)
	tests := map[string]struct {
		hours      Hours
		now, opens string
	}{
		"nine in New York in winter":                                      {*workdays(newYork), "2026-03-06T12:00:00Z", "2026-03-06T14:00:00Z"},
		"nine in New York after the clocks went forward on Sunday":        {*workdays(newYork), "2026-03-06T23:00:00Z", "2026-03-09T13:00:00Z"},
		"nine in New York after they went back":                           {*workdays(newYork), "2026-10-30T22:00:00Z", "2026-11-02T14:00:00Z"},
		"half past two on the night without one opens at three":           {Hours{Days: all, From: 150, To: 240, Zone: newYork}, "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"},
		"half past one of the night with two opens at the first":          {Hours{Days: all, From: 90, To: 300, Zone: newYork}, "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"},
		"and is closed when the clock shows one again":                    {Hours{Days: all, From: 90, To: 300, Zone: newYork}, "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"},
		"a window inside the lost hour waits for the next week":           {Hours{Days: week(time.Sunday), From: 130, To: 170, Zone: berlin}, "2026-03-28T12:00:00Z", "2026-04-05T00:10:00Z"},
		"over midnight, after it, they are still those of the day before": {Hours{Days: week(time.Monday), From: 22 * 60, To: 6 * 60, Zone: berlin}, "2026-03-03T02:00:00Z", "2026-03-03T02:00:00Z"},
		"over midnight they do not begin on the day after":                {Hours{Days: week(time.Monday), From: 22 * 60, To: 6 * 60, Zone: berlin}, "2026-03-03T21:30:00Z", "2026-03-09T21:00:00Z"},
		"to the end of the day":                                           {Hours{Days: week(time.Monday), From: 23 * 60, To: 24 * 60, Zone: berlin}, "2026-03-02T22:59:59Z", "2026-03-02T22:59:59Z"},
		"and no longer":                                                   {Hours{Days: week(time.Monday), From: 23 * 60, To: 24 * 60, Zone: berlin}, "2026-03-02T23:00:00Z", "2026-03-09T22:00:00Z"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.hours.next(at(tt.now)); !got.Equal(at(tt.opens)) {
				t.Errorf("they open at %s, not %s", got.UTC().Format(time.RFC3339), tt.opens)
			}
		})
	}
}

// Invariant 5.
func TestNothingIsPermittedBeforeItsTimeOrWithoutThePersonWhoHasToConfirmIt(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "Asia/Kathmandu")}
	words := []status.Status{"", "active", "paused", "churned"}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "now"), 0)
		c := Change{Now: now, From: rapid.SampledFrom(words).Draw(t, "from"), UseSource: rapid.Bool().Draw(t, "use"), KeepTarget: rapid.Bool().Draw(t, "keep"),
			Since: now.Add(-time.Duration(rapid.Int64Range(-3600, 7200).Draw(t, "since")) * time.Second)}
		c.Transition = Transition{After: time.Duration(rapid.IntRange(0, 60).Draw(t, "after")) * time.Minute, Ask: rapid.Bool().Draw(t, "ask"),
			Forbidden: rapid.SliceOfN(rapid.SampledFrom(words[1:]), 0, 2).Draw(t, "forbidden")}
		if rapid.Bool().Draw(t, "has hours") {
			h := &Hours{From: rapid.IntRange(0, 1439).Draw(t, "from"), To: rapid.IntRange(0, 1440).Draw(t, "to"), Zone: rapid.SampledFrom(zones).Draw(t, "zone")}
			h.Days[rapid.IntRange(0, 6).Draw(t, "day")] = true
			c.Transition.Hours = h
		}
		forbidden := false
		for _, from := range c.Transition.Forbidden {
			forbidden = forbidden || from == c.From
		}
		p := Permit(c)
		switch p.Action {
		case Write:
			if c.Transition.After > 0 && now.Sub(c.Since) < c.Transition.After {
				t.Fatal("it is written before it has lasted")
			}
			if (c.Transition.Ask || forbidden) && !c.UseSource {
				t.Fatal("it is written although no person has confirmed it")
			}
			if h := c.Transition.Hours; h != nil {
				wall := now.In(h.Zone)
				minute, day, before := wall.Hour()*60+wall.Minute(), wall.Weekday(), now.Add(-24*time.Hour).In(h.Zone).Weekday()
				in := h.From < h.To && h.Days[day] && minute >= h.From && minute < h.To ||
					h.From >= h.To && (h.Days[day] && minute >= h.From || h.Days[before] && minute < h.To)
				if !in {
					t.Fatalf("it is written outside of its hours: %s", wall)
				}
			}
		case Hold:
			if p.Reason == ChangeWaits && !p.Until.After(now) {
				t.Fatal("it waits for a time that is over")
			}
			if p.Reason == ChangeWaits {
				c.Now = p.Until
				if again := Permit(c); again.Reason == ChangeWaits && !again.Until.After(p.Until) {
					t.Fatal("it waits for ever")
				}
			}
		case Park:
			if p.Kind != status.ConfirmChange {
				t.Fatalf("it asks about %q", p.Kind)
			}
		default:
			t.Fatalf("action %q", p.Action)
		}
	})
}
