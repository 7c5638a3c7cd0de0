package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// The control sequences the view needs; every terminal since the VT100 knows
// them, and ECMA-48 has them written down.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
	plainText   = "\x1b[0m"
)

type color string

const (
	faint  color = "\x1b[2m"
	bold   color = "\x1b[1m"
	green  color = "\x1b[32m"
	yellow color = "\x1b[33m"
	red    color = "\x1b[31m"
	blue   color = "\x1b[36m"
)

// terminalView redraws the whole screen in place, on the terminal's second
// screen, so that what stood there before comes back at the end.
type terminalView struct {
	w      io.Writer
	size   func() (width, height int)
	color  bool
	start  time.Time
	config string
	log    []line
	open   bool
}

// span is a piece of a screen line in one colour.
type span struct {
	text  string
	color color
}

func (v *terminalView) begin(_ links, config string) {
	v.config = config
	io.WriteString(v.w, enterScreen)
	v.open = true
}

func (v *terminalView) end() {
	if v.open {
		io.WriteString(v.w, leaveScreen)
		v.open = false
	}
}

func (v *terminalView) tell(start time.Time, lines []line) {
	v.start = start
	v.log = append(v.log, lines...)
	v.log = v.log[max(0, len(v.log)-200):]
}

func (v *terminalView) show(f frame) {
	width, height := v.size()
	var b strings.Builder
	b.WriteString(home)
	for i, l := range v.screen(f, height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(v.paint(l, width))
	}
	b.WriteString(clearBelow)
	io.WriteString(v.w, b.String())
}

// paint cuts a line to the width and colours it.
func (v *terminalView) paint(l []span, width int) string {
	var b strings.Builder
	room := width - 1
	for _, s := range l {
		text := s.text
		if n := utf8.RuneCountInString(text); n > room {
			text = string([]rune(text)[:max(0, room)])
		}
		room -= utf8.RuneCountInString(text)
		if v.color && s.color != "" && text != "" {
			text = string(s.color) + text + plainText
		}
		b.WriteString(text)
	}
	return b.String() + clearLine
}

// screen is what is shown, at most height lines; the log takes what is left.
func (v *terminalView) screen(f frame, height int) [][]span {
	clock := stopwatch(f.elapsed)
	if f.length > 0 {
		clock += " of " + stopwatch(f.length)
	} else {
		clock += ", ends with Ctrl-C"
	}
	out := [][]span{
		{{"Trueup demonstration", bold}, {"   " + clock, faint}},
		{{"billing ", ""}, {f.links.Billing, blue}, {"   CRM ", ""}, {f.links.CRM, blue}, {"   Trueup ", ""}, {f.links.Trueup, blue}},
		{{"configuration " + v.config, faint}},
		{},
		{{fmt.Sprintf("%-14s %-10s   %-8s  %-13s  %s", "customer", "billing", "CRM", "last outcome", ""), faint}},
	}
	for _, r := range f.rows {
		out = append(out, r.spans())
	}
	out = append(out, []span{},
		[]span{{"outcomes  ", faint}, {counted(f.snap.Outcomes), ""}},
		[]span{{"written   ", faint}, {plural(f.writes, "write to the CRM", "writes to the CRM"), ""},
			{fmt.Sprintf("   repeats dropped %d   waiting %d", f.repeats, f.snap.Waiting), ""}},
		[]span{})
	room := max(height-len(out), 0)
	for _, l := range v.log[max(0, len(v.log)-room):] {
		out = append(out, []span{{l.format(v.start), l.color()}})
	}
	return out[:min(len(out), height)]
}

func (l line) color() color {
	switch l.who {
	case "person":
		return yellow
	case "billing":
		return blue
	}
	return ""
}

func (r row) spans() []span {
	sign, c, note := "=", green, ""
	switch r.standing {
	case differs:
		sign, c = "≠", yellow
		if r.human {
			note = "a person edited it; looked at again at billing's next change"
		}
	case stopped:
		sign, c = "!", red
		note = string(r.exceptions[0].Kind)
		if m := kindMeaning(r.exceptions[0].Kind); m != "" {
			note = m
		}
	case left:
		sign, c, note = "·", faint, "a value the configuration leaves out"
	}
	crm := r.crm
	if crm == "" {
		crm = "–"
	}
	return []span{
		{fmt.Sprintf("%-14s ", r.name), ""},
		{fmt.Sprintf("%-10s ", r.billing), ""},
		{sign + " ", c},
		{fmt.Sprintf("%-8s  ", crm), c},
		{fmt.Sprintf("%-13s  ", r.last.Outcome), ""},
		{note, faint},
	}
}
