package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trueup-sync/trueup/internal/config"
)

const (
	// between is the space between two columns.
	between = "  "
	// narrowest is how narrow a column of sentences may get, and longest how long a
	// word may be that is not broken.
	narrowest, longest = 20, 32
	// tablePart is how many lines are aligned together, so that a table of any
	// length needs little memory.
	tablePart = 1000
)

// grid aligns lines whose cells end with a tab; a line without a tab stands
// between two tables. On a terminal no line is wider than the screen: long cells
// wrap. Elsewhere each row is one line and nothing is cut.
type grid struct {
	out    io.Writer
	width  int // of the screen; 0: not a terminal
	color  bool
	header string   // the first line, if there is another one
	names  []string // of the columns, "" for none
	part   bytes.Buffer
	lines  int
}

// newGrid returns a grid that prints a header over the lines, unless it is "".
func newGrid(out io.Writer, header string) *grid {
	g := &grid{out: out, width: screenWidth(out), color: wantsColor(out), header: header}
	for name := range strings.SplitSeq(header, "\t") {
		g.names = append(g.names, strings.TrimSpace(name))
	}
	return g
}

func (g *grid) Write(b []byte) (int, error) {
	if g.header != "" {
		fmt.Fprintln(&g.part, g.header)
		g.header = ""
	}
	n, _ := g.part.Write(b) // a buffer takes everything
	if g.lines += bytes.Count(b, []byte("\n")); g.lines >= tablePart {
		return n, g.Flush()
	}
	return n, nil
}

// Flush prints what was written.
func (g *grid) Flush() error {
	all := g.part.String()
	g.part.Reset()
	g.lines = 0
	if g.width > 0 {
		_, err := io.WriteString(g.out, g.fit(all))
		return err
	}
	t := tabwriter.NewWriter(g.out, 0, 8, 2, ' ', 0)
	if _, err := io.WriteString(t, all); err != nil {
		return err
	}
	return t.Flush()
}

// fit lays the lines out for the screen.
func (g *grid) fit(all string) string {
	var out strings.Builder
	var rows [][]string
	flush := func() {
		if len(rows) > 0 {
			out.WriteString(g.rows(rows))
		}
		rows = nil
	}
	for line := range strings.Lines(all) {
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(line, "\t") {
			row := strings.Split(line, "\t")
			for i := range row {
				row[i] = visible(row[i])
			}
			rows = append(rows, row)
			continue
		}
		flush()
		out.WriteString(wrapped(visible(line), g.width) + "\n")
	}
	flush()
	return out.String()
}

// rows lays out one table.
func (g *grid) rows(rows [][]string) string {
	indent := rows[0][0][:len(rows[0][0])-len(strings.TrimLeft(rows[0][0], " "))]
	var natural, words []int // the widths of the columns, and of their longest words
	for _, row := range rows {
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
			if i == len(natural) {
				natural, words = append(natural, 0), append(words, 0)
			}
			natural[i] = max(natural[i], text.StringWidthWithoutEscSequences(row[i]))
			word := longestWord(row[i])
			if i < len(g.names) && showsTimes[g.names[i]] {
				word = natural[i]
			}
			words[i] = max(words[i], min(longest, word))
		}
	}
	last := len(words) - 1
	words[last] = max(words[last], min(narrowest, natural[last]))
	room := g.width - len(indent) - len(between)*len(natural)
	widths, fits := share(natural, words, room)
	switch {
	case fits:
	case slices.Equal(rows[0], g.names):
		return g.blocks(rows[1:])
	default:
		widths, _ = share(natural, make([]int, len(natural)), room)
	}
	t := table.NewWriter()
	var columns []table.ColumnConfig
	for i, w := range widths {
		c := table.ColumnConfig{Number: i + 1, WidthMax: w, WidthMaxEnforcer: text.WrapSoft}
		if g.color && i < len(g.names) && showsStates[g.names[i]] {
			c.Transformer = colored
		}
		columns = append(columns, c)
	}
	t.SetColumnConfigs(columns)
	t.SetStyle(table.Style{Box: table.BoxStyle{PaddingRight: between}})
	t.SuppressTrailingSpaces()
	for _, row := range rows {
		var cells table.Row
		for _, c := range row {
			cells = append(cells, c)
		}
		t.AppendRow(cells)
	}
	var out strings.Builder
	for line := range strings.Lines(t.Render() + "\n") {
		out.WriteString(strings.TrimRight(indent+line, " \n") + "\n")
	}
	return out.String()
}

// blocks shows each row as lines, one for each cell that holds something.
func (g *grid) blocks(rows [][]string) string {
	var out strings.Builder
	inner := &grid{width: g.width, color: g.color}
	for i, row := range rows {
		if i > 0 {
			out.WriteString("\n")
		}
		var lines [][]string
		for j, c := range row {
			if j >= len(g.names) || c == "-" || c == "" {
				continue
			}
			if g.color && showsStates[g.names[j]] {
				c = colored(c)
			}
			lines = append(lines, []string{g.names[j], c})
		}
		out.WriteString(inner.rows(lines))
	}
	return out.String()
}

// share fits columns into the room: the widest gives way first, and none gets
// narrower than its longest word. It reports whether they fit.
func share(natural, words []int, room int) (widths []int, fits bool) {
	widths = slices.Clone(natural)
	sum := 0
	for _, n := range natural {
		sum += n
	}
	for ; sum > room; sum-- {
		widest := -1
		for i, w := range widths {
			if w > words[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return widths, false
		}
		widths[widest]--
	}
	return widths, true
}

// label is what a line begins with: its indent, and a name set apart from the text.
var label = regexp.MustCompile(`^ *(\S+( \S+)*  +)?`)

// wrapped breaks a line between words, and goes on under the text's beginning.
func wrapped(line string, width int) string {
	if text.StringWidthWithoutEscSequences(line) <= width {
		return line
	}
	head := label.FindString(line)
	if text.StringWidth(head) > width/2 {
		head = head[:len(head)-len(strings.TrimLeft(head, " "))]
	}
	rest, room := line[len(head):], max(1, width-text.StringWidth(head))
	var lines []string
	for part := range strings.Lines(text.WrapSoft(rest, room)) {
		lines = append(lines, strings.TrimRight(head+part, " \n"))
		head = strings.Repeat(" ", width-room)
	}
	return strings.Join(lines, "\n")
}

func longestWord(s string) int {
	n := 0
	for _, w := range strings.Fields(s) {
		n = max(n, text.StringWidthWithoutEscSequences(w))
	}
	return n
}

// visible is a tool's text without what a terminal would obey.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// showsStates are the columns whose words have a color.
var showsStates = map[string]bool{"STATE": true, "OUTCOME": true, "ACTION": true}

// showsTimes are the columns whose cells stay on one line.
var showsTimes = map[string]bool{"RECEIVED": true, "LAST SEEN": true, "OLDEST": true}

// stateColors are the colors of the words that say how something stands.
var stateColors = map[string]text.Colors{
	"applied": {text.FgGreen}, "already_equal": {text.FgGreen}, "would_write": {text.FgGreen}, "resolved": {text.FgGreen},
	"open": {text.FgRed}, "parked": {text.FgRed}, "failed": {text.FgRed}, "park": {text.FgRed},
	"acknowledged": {text.FgYellow}, "held": {text.FgYellow}, "hold": {text.FgYellow}, "refused": {text.FgYellow}, "waiting": {text.FgYellow},
}

func colored(cell any) string {
	word := fmt.Sprint(cell)
	if c, ok := stateColors[word]; ok {
		return "\x1b" + c.EscapeSeq()[1:] + word + "\x1b[0m"
	}
	return word
}

// wantsColor reports whether the output shows colors and its reader wants them.
func wantsColor(out io.Writer) bool {
	return isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// list prints rows as a JSON array, or as a table under a header. An empty
// table says on stderr that it is empty.
func list[T any](cmd *cobra.Command, rows []T, empty, header string, line func(T) string) error {
	if wantsJSON(cmd) {
		if rows == nil {
			rows = []T{}
		}
		return printJSON(cmd.OutOrStdout(), rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), empty)
		return nil
	}
	return tableOf(cmd, header, rows, line)
}

// syncCell makes the cells of the column SYNC. On a terminal there is none where all
// rows are of the file's only sync: the room is for what differs.
func syncCell[T any](cmd *cobra.Command, cfg *config.Config, rows []T, of func(T) string) func(string) string {
	if screenWidth(cmd.OutOrStdout()) > 0 && len(cfg.Syncs) == 1 &&
		!slices.ContainsFunc(rows, func(r T) bool { _, ok := cfg.Syncs[of(r)]; return !ok }) {
		return func(string) string { return "" }
	}
	return func(sync string) string { return sync + "\t" }
}

// tableOf prints rows under a header.
func tableOf[T any](cmd *cobra.Command, header string, rows []T, line func(T) string) error {
	g := newGrid(cmd.OutOrStdout(), header)
	for _, r := range rows {
		fmt.Fprintln(g, line(r))
	}
	return g.Flush()
}

// screenWidth is how many characters a line of the terminal has, 0 where the
// output is none.
func screenWidth(w io.Writer) int {
	if t, ok := w.(*terminal); ok {
		return t.width
	}
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
