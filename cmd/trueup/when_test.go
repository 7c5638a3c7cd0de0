package main

import (
	"testing"
	"time"
)

func TestATerminalTellsTimesFromNowAndOtherOutputExactly(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("", -5*3600)
	now := time.Date(2026, 11, 28, 19, 2, 0, 0, time.UTC)
	person, program := clock{now}, clock{}
	for _, c := range []struct {
		name      string
		got, want string
	}{
		{"seconds", person.when(now.Add(-12 * time.Second)), "12 seconds ago"},
		{"one minute", person.when(now.Add(-time.Minute)), "1 minute ago"},
		{"the future", person.when(now.Add(3 * time.Hour)), "in 3 hours"},
		{"a day", person.when(now.Add(-24 * time.Hour)), "Fri, Nov 27, 2:02 PM"},
		{"another year", person.when(now.AddDate(-1, 0, 0)), "Fri, Nov 28, 2025, 2:02 PM"},
		{"in a sentence", person.on(now.Add(-time.Hour)), "1 hour ago"},
		{"a date in a sentence", person.on(now.Add(-48 * time.Hour)), "on Thu, Nov 26, 2:02 PM"},
		{"a state", person.since(now.Add(-time.Hour)), "for 1 hour"},
		{"an old state", person.since(now.Add(-48 * time.Hour)), "since Thu, Nov 26, 2:02 PM"},
		{"an end", person.until(now.Add(2 * time.Minute)), "for another 2 minutes"},
		{"never", person.when(time.Time{}), "-"},
		{"a program", program.when(now), "2026-11-28 19:02:00Z"},
		{"a program's sentence", program.on(now) + ", " + program.since(now) + ", " + program.until(now),
			"on 2026-11-28 19:02:00Z, since 2026-11-28 19:02:00Z, until 2026-11-28 19:02:00Z"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}
