package demo

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/trueup-sync/trueup/internal/status"
)

// frame is the present state, as a view shows it.
type frame struct {
	elapsed time.Duration
	length  time.Duration // 0: until it is stopped
	links   links
	rows    []row
	snap    Snapshot
	writes  int
	repeats int
}

// view shows a demonstration while it runs.
type view interface {
	// begin is called once, before anything else.
	begin(links links, config string)
	// tell adds lines to the log.
	tell(start time.Time, lines []line)
	// show renews the present state.
	show(f frame)
	// end gives the terminal back; what is written afterwards stays.
	end()
}

// IsTerminal reports whether w is a terminal that can redraw in place.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// newView returns the view for a terminal or for anything else.
func newView(w io.Writer, terminal bool) view {
	if !terminal {
		return &plainView{w: w}
	}
	size := func() (int, int) { return 100, 40 }
	if f, ok := w.(*os.File); ok {
		size = func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil || width < 20 || height < 10 {
				return 100, 40
			}
			return width, height
		}
	}
	return &terminalView{w: w, size: size, color: os.Getenv("NO_COLOR") == ""}
}

// plainView writes one line for each happening.
type plainView struct{ w io.Writer }

func (v *plainView) begin(l links, config string) { introduce(v.w, l, config) }
func (v *plainView) show(frame)                   {}
func (v *plainView) end()                         {}

func (v *plainView) tell(start time.Time, lines []line) {
	for _, l := range lines {
		fmt.Fprintln(v.w, l.format(start))
	}
}

func introduce(w io.Writer, l links, config string) {
	fmt.Fprintf(w, `A billing tool decides each customer's status, a CRM follows, and Trueup keeps them the same.
  billing tool   %s   click a status, as the tool itself would change it
  CRM            %s   click a status, as a person would
  Trueup         %s
  configuration  %s

`, l.Billing, l.CRM, l.Trueup, config)
}

func (l line) format(start time.Time) string {
	return fmt.Sprintf("%s  %-7s  %s", stopwatch(l.at.Sub(start)), l.who, l.text)
}

// stopwatch is a time since the start, such as 01:02.3.
func stopwatch(d time.Duration) string {
	tenths := max(d, 0) / (100 * time.Millisecond)
	return fmt.Sprintf("%02d:%02d.%d", tenths/600, tenths/10%60, tenths%10)
}

// counted writes the outcomes that happened, in the order people read them.
func counted(outcomes map[status.Outcome]int) string {
	text := ""
	for _, o := range status.Outcomes {
		if n := outcomes[o]; n > 0 {
			text += fmt.Sprintf("%s %d   ", o, n)
		}
	}
	if text == "" {
		return "none yet"
	}
	return text[:len(text)-3]
}
