package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trueup-sync/trueup/internal/status"
)

const (
	// redraw is how often a terminal's line changes.
	redraw = 100 * time.Millisecond
	// quietly is how often a line is written where there is no terminal.
	quietly = time.Minute
)

// meter tells on stderr how far something is: on a terminal in one line that is
// written over, elsewhere in a line a minute.
type meter struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	began    time.Time
	told     time.Time
	width    int // of the line that stands on the terminal
}

func newMeter(cmd *cobra.Command) *meter {
	m := &meter{w: cmd.ErrOrStderr(), terminal: isTerminal(cmd.ErrOrStderr()), now: time.Now}
	m.began = m.now()
	m.told = m.began
	return m
}

// isTerminal reports whether somebody reads what is written.
func isTerminal(stream any) bool {
	if t, ok := stream.(*terminal); ok {
		stream = t.file
	}
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// say tells it unless it told something just before.
func (m *meter) say(format string, args ...any) {
	every := quietly
	if m.terminal {
		every = redraw
	}
	now := m.now()
	if now.Sub(m.told) < every {
		return
	}
	m.told = now
	line := fmt.Sprintf(format, args...)
	if !m.terminal {
		fmt.Fprintln(m.w, line)
		return
	}
	fmt.Fprintf(m.w, "\r%s%s", line, strings.Repeat(" ", max(0, m.width-len(line))))
	m.width = len(line)
}

// end leaves the terminal's line to what comes next.
func (m *meter) end() {
	if m.width > 0 {
		fmt.Fprintf(m.w, "\r%s\r", strings.Repeat(" ", m.width))
		m.width = 0
	}
}

// left says how long the rest may take when done of all are done since the
// beginning, "" when that cannot be told.
func left(done, all int, since time.Duration) string {
	if done <= 0 || all <= done || since < 5*time.Second {
		return ""
	}
	rest := time.Duration(float64(since) / float64(done) * float64(all-done))
	switch {
	case rest < time.Minute:
		return ", less than a minute left"
	case rest < 100*time.Minute:
		return ", about " + status.Plural(int((rest+time.Minute/2)/time.Minute), "minute") + " left"
	}
	return ", about " + status.Plural(int((rest+time.Hour/2)/time.Hour), "hour") + " left"
}

const (
	// paceOver is how long back the pace of the rest is told from.
	paceOver = time.Minute
	// paceFrom is how many have to be done for it.
	paceFrom = 20
)

// pace is how fast something went lately. A first row that had to wait, or a rest
// that a tool asked for, says nothing of those to come.
type pace struct{ seen []moment }

type moment struct {
	at   time.Time
	done int
}

// left is how long the rest may take, "" while too little was done to tell.
func (p *pace) left(done, all int, now time.Time) string {
	if n := len(p.seen); n == 0 || now.Sub(p.seen[n-1].at) >= time.Second {
		p.seen = append(p.seen, moment{now, done})
	}
	for len(p.seen) > 1 && now.Sub(p.seen[0].at) > paceOver {
		p.seen = p.seen[1:]
	}
	first := p.seen[0]
	if done-first.done < paceFrom {
		return ""
	}
	return left(done-first.done, all-first.done, now.Sub(first.at))
}
