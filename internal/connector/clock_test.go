package connector

import (
	"testing"
	"time"
)

func TestTheAgeOfTheNewestChangeIsInWords(t *testing.T) {
	now := time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		ago  time.Duration
		want string
	}{
		{"just now", 12 * time.Second, "less than a minute before our clock"},
		{"in hours", 61 * time.Minute, "1 hour before our clock"},
		{"in days from the second on", 713*time.Hour + 41*time.Minute + 52*time.Second, "29 days before our clock"},
		{"of a clock that is ahead", -90 * time.Minute, "1 hour after our clock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newest := now.Add(-c.ago)
			got := SayClocks(now, now, "the newest change", newest)
			if want := "the newest change is dated " + newest.Format(time.RFC3339) + ", " + c.want; len(got) != 1 || got[0] != want {
				t.Errorf("it says %q, want %q", got, want)
			}
		})
	}
}
