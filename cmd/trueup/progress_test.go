package main

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// told lets a comparison of a given speed run for a time, and returns what was
// told of it.
func told(terminal bool, steps int, each time.Duration) string {
	var out strings.Builder
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	m := &meter{w: &out, terminal: terminal, now: func() time.Time { return now }, began: now, told: now}
	s := config.Sync{Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm"}}
	progress := planProgress(m, s)
	for i := range steps {
		now = now.Add(each)
		progress(compare.Progress{Phase: store.PhaseTarget, Done: 100 * (i + 1), Total: 10_000})
	}
	m.end()
	return out.String()
}

func TestProgressIsALineAMinuteWhereThereIsNoTerminal(t *testing.T) {
	got := told(false, 10, 15*time.Second)
	want := "400 of about 10000 records of crm read, about 24 minutes left\n800 of about 10000 records of crm read, about 23 minutes left\n"
	if got != want {
		t.Errorf("told was %q", got)
	}
	if got := told(false, 10, time.Second); got != "" {
		t.Errorf("of what takes ten seconds was told %q", got)
	}
}

func TestProgressIsOneLineOnATerminal(t *testing.T) {
	got := told(true, 30, 40*time.Millisecond)
	if n := strings.Count(got, "records"); n != 10 || strings.Contains(got, "\n") {
		t.Errorf("told was %q", got)
	}
	if !strings.HasSuffix(got, " \r") || !strings.HasPrefix(got, "\r300 of about 10000 records of crm read") {
		t.Errorf("it does not leave the line: %q", got)
	}
}

func TestAnEstimateIsToldWhenItCanBe(t *testing.T) {
	for _, tt := range []struct {
		done, all int
		since     time.Duration
		want      string
	}{
		{0, 100, time.Minute, ""}, {100, 100, time.Minute, ""}, {50, 0, time.Minute, ""}, {50, 100, time.Second, ""},
		{50, 100, 10 * time.Second, ", less than a minute left"}, {50, 100, 90 * time.Second, ", about 2 minutes left"},
		{1, 100, time.Minute, ", about 99 minutes left"}, {1, 601, time.Minute, ", about 10 hours left"},
	} {
		if got := left(tt.done, tt.all, tt.since); got != tt.want {
			t.Errorf("%d of %d after %s: %q, not %q", tt.done, tt.all, tt.since, got, tt.want)
		}
	}
}

func TestAnEstimateIsOfWhatWasDoneLately(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var p pace
	for _, tt := range []struct {
		after     time.Duration
		done      int
		want, why string
	}{
		{time.Minute, 1, "", "the first row had to wait"},
		{3 * time.Second, 19, "", "too few to tell"},
		{3 * time.Second, 61, ", about 2 minutes left", "ten a second"},
		{50 * time.Second, 561, ", about 2 minutes left", "the same"},
		{30 * time.Minute, 562, "", "the tool has let it wait for half an hour"},
		{10 * time.Second, 662, ", about 1 minute left", "and it goes on"},
	} {
		now = now.Add(tt.after)
		if got := p.left(tt.done, 1500, now); got != tt.want {
			t.Errorf("%s: %q, not %q", tt.why, got, tt.want)
		}
	}
}

// What an earlier application has written says nothing of the pace of this one.
func TestAnApplicationTellsWhatIsLeftWhenItCanBeTold(t *testing.T) {
	var out strings.Builder
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	m := &meter{w: &out, now: func() time.Time { return now }, began: now, told: now}
	progress := applyProgress(m, 600)
	for _, tt := range []struct {
		after time.Duration
		done  compare.ApplyResult
		want  string
	}{
		{time.Minute, compare.ApplyResult{Applied: 1}, "1 of 600 rows: 1 applied, 0 refused, 0 failed\n"}, // it had to wait
		{time.Minute, compare.ApplyResult{Applied: 8, Refused: 2, Failed: 1}, "11 of 600 rows: 8 applied, 2 refused, 1 failed\n"},
		{time.Minute, compare.ApplyResult{Applied: 60, Refused: 10, Failed: 1}, "71 of 600 rows: 60 applied, 10 refused, 1 failed, about 9 minutes left\n"},
		{time.Minute, compare.ApplyResult{Applied: 90, Before: 30, Refused: 10, Failed: 1}, "131 of 600 rows: 90 applied, 10 refused, 1 failed, about 8 minutes left\n"},
	} {
		out.Reset()
		now = now.Add(tt.after)
		if progress(tt.done); out.String() != tt.want {
			t.Errorf("after %+v it tells %q, not %q", tt.done, out.String(), tt.want)
		}
	}
}

func TestALongTableIsCutOnlyWhereItIsShort(t *testing.T) {
	rows := func(yield func(store.PlanRow, error) bool) {
		for range 60 {
			if !yield(store.PlanRow{Customer: "cus\x1b[2J\n1", Before: "Active", After: "", Action: "write"}, nil) {
				return
			}
		}
	}
	for most, want := range map[int]int{0: 60, shortTable: shortTable, 60: 60} {
		var out strings.Builder
		more, err := printRows(&out, rows, most)
		if err != nil || more != (want < 60) || strings.Count(out.String(), "Active → -") != want {
			t.Errorf("of 60 rows %d are printed, and more are told of: %t, %v", strings.Count(out.String(), "Active → -"), more, err)
		}
		if strings.ContainsAny(out.String(), "\x1b") || strings.Count(out.String(), "\n") != want+1 {
			t.Errorf("a cell is more than a cell: %q", out.String())
		}
	}
}
