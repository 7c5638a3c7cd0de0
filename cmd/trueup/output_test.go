package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

const wideHeader = "NUMBER\tLAST SEEN\tSYNC\tCUSTOMER\tKIND\tSTATE\tREASON"

var wideRow = "3\t2026-11-27 14:02:00Z\tcustomer-status\tcus_größer\tconflict\topen\t" + strings.Repeat("a person changed the target ", 6) + "end"

// drawn is a table on a screen of this width.
func drawn(width int, header string, rows ...string) string {
	var out strings.Builder
	g := newGrid(&out, header)
	g.width = width
	for _, r := range rows {
		fmt.Fprintln(g, r)
	}
	g.Flush()
	return out.String()
}

func TestNoLineOfATableIsWiderThanTheScreenAndNothingIsCut(t *testing.T) {
	for _, width := range []int{30, 80, 100, 200} {
		got := drawn(width, wideHeader, wideRow, wideRow)
		for line := range strings.Lines(got) {
			if text.StringWidth(strings.TrimSuffix(line, "\n")) > width {
				t.Errorf("%d characters: %q is wider", width, line)
			}
		}
		if words := strings.Count(got, "person") + strings.Count(got, "end"); words != 14 {
			t.Errorf("%d characters: words are missing:\n%s", width, got)
		}
	}
}

func TestATableThatIsNoTerminalsHasOneLineForEachRow(t *testing.T) {
	got := drawn(0, wideHeader, wideRow)
	if strings.Count(got, "\n") != 2 || strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
}

func TestATableWithoutRowsHasNoHeader(t *testing.T) {
	if got := drawn(80, wideHeader); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestATerminalObeysNothingThatAToolWrote(t *testing.T) {
	if got := drawn(80, "A\tB", "1\t\x1b[2J"); strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
}
