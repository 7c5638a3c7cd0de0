package demo

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares what write produces with testdata/name.
func golden(t *testing.T, name string, write func(*strings.Builder)) {
	t.Helper()
	var b strings.Builder
	write(&b)
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var viewStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var viewCast = []member{
	{name: "Ana Lima", customer: "cus_1", contacts: []contact{{ID: "con_1"}}},
	{name: "Ben Okafor", customer: "cus_2", contacts: []contact{{ID: "con_2"}}},
}

func TestPlainLines(t *testing.T) {
	at := func(ms int) time.Time { return viewStart.Add(time.Duration(ms) * time.Millisecond) }
	j := &journal{}
	n := narrator{cast: viewCast}
	golden(t, "plain.txt", func(b *strings.Builder) {
		v := newView(b, false)
		v.begin(links{"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"}, "/tmp/demo/trueup.yaml")
		j.add(happening{at: at(400), what: said, by: "billing", record: "cus_1", note: "Ana Lima: the subscription is paused; the webhook comes twice"})
		j.add(happening{at: at(400), what: changed, by: byScript, record: "cus_1", from: "active", to: "paused"})
		j.add(happening{at: at(401), what: told, record: "cus_1"})
		j.add(happening{at: at(420), what: written, by: apiTrueup, record: "con_1", to: "Paused"})
		last := map[string]Last{"cus_1": {Outcome: status.Applied, Reason: "billing changed", At: at(430)}}
		v.tell(viewStart, n.next(j, Snapshot{Last: last}))
		v.show(frame{})

		j.add(happening{at: at(61_500), what: edited, by: byPage, record: "con_2", to: "Churned"})
		j.add(happening{at: at(62_700), what: changed, by: byPage, record: "cus_2", from: "active", to: "paused"})
		j.add(happening{at: at(62_750), what: refused, by: apiTrueup, record: "con_2", note: "412 the contact has changed since it was read"})
		last["cus_2"] = Last{Outcome: status.Held, At: at(62_800)}
		v.tell(viewStart, n.next(j, Snapshot{Last: last}))
		v.tell(viewStart, n.next(j, Snapshot{Last: last}))
		v.end()
	})
}

func exampleFrame() frame {
	return frame{
		elapsed: 7 * time.Second, length: 20 * time.Second,
		links: links{"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"},
		rows: []row{
			{name: "Ana Lima", billing: "active", crm: "Active", standing: equal, last: Last{Outcome: status.AlreadyEqual}},
			{name: "Ben Okafor", billing: "on_hold", crm: "Active", standing: stopped, last: Last{Outcome: status.Parked}, exceptions: []Exception{{Kind: status.UnmappedStatus}}},
			{name: "Chloé Martin", billing: "paused", crm: "Churned", standing: differs, human: true, last: Last{Outcome: status.Applied}},
			{name: "Mei Tanaka", billing: "incomplete", standing: left, last: Last{Outcome: status.Ignored}},
		},
		snap: Snapshot{Waiting: 1, Outcomes: map[status.Outcome]int{status.Applied: 3, status.Parked: 1}}, writes: 3, repeats: 2,
	}
}

func TestTheTerminalShowsTheTableInPlace(t *testing.T) {
	var b strings.Builder
	v := &terminalView{w: &b, size: func() (int, int) { return 100, 30 }}
	v.begin(links{}, "/tmp/demo/trueup.yaml")
	v.tell(viewStart, []line{{at: viewStart.Add(time.Second), who: "billing", text: "Ana Lima: the subscription is active"}})
	v.show(exampleFrame())
	v.end()
	v.end()
	out := b.String()
	if !strings.HasPrefix(out, enterScreen) || !strings.HasSuffix(out, leaveScreen) || strings.Count(out, leaveScreen) != 1 {
		t.Errorf("the second screen should be entered and left once: %q", out)
	}
	if strings.Contains(strings.ReplaceAll(out, plainText, ""), "\x1b[3") || strings.Contains(out, plainText) {
		t.Errorf("colour without being asked for: %q", out)
	}
	golden(t, "terminal.txt", func(g *strings.Builder) {
		shown := regexp.MustCompile(`\x1b\[[0-9?]*[a-zA-Z]`).ReplaceAllString(out, "")
		for l := range strings.Lines(strings.ReplaceAll(shown, "\r\n", "\n")) {
			g.WriteString(strings.TrimRight(l, " \n") + "\n")
		}
	})
}

func TestTheTerminalNeverScrolls(t *testing.T) {
	var lines []line
	for range 100 {
		lines = append(lines, line{at: viewStart, who: "billing", text: strings.Repeat("é", 200)})
	}
	for _, size := range [][2]int{{20, 10}, {80, 24}, {200, 60}, {100, 14}} {
		var b strings.Builder
		v := &terminalView{w: &b, size: func() (int, int) { return size[0], size[1] }, color: true}
		v.tell(viewStart, lines)
		v.show(exampleFrame())
		shown := strings.Split(regexp.MustCompile(`\x1b\[[0-9?]*[a-zA-Z]`).ReplaceAllString(b.String(), ""), "\r\n")
		if len(shown) > size[1] {
			t.Errorf("%d lines on a terminal of %d", len(shown), size[1])
		}
		for _, l := range shown {
			if n := utf8.RuneCountInString(l); n >= size[0] {
				t.Errorf("a line of %d on a terminal of %d: %q", n, size[0], l)
			}
		}
	}
}

func TestNoColorIsRespected(t *testing.T) {
	for value, want := range map[string]bool{"": true, "1": false} {
		t.Setenv("NO_COLOR", value)
		if got := newView(&strings.Builder{}, true).(*terminalView).color; got != want {
			t.Errorf("NO_COLOR=%q: colour is %v, want %v", value, got, want)
		}
	}
	if IsTerminal(&strings.Builder{}) {
		t.Error("a buffer is no terminal")
	}
}
