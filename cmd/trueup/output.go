package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// jsonFlag adds --json.
func jsonFlag(cmd *cobra.Command) { cmd.Flags().Bool("json", false, "print JSON") }

func wantsJSON(cmd *cobra.Command) bool {
	yes, err := cmd.Flags().GetBool("json")
	return err == nil && yes
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
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
	return table(cmd, header, rows, line)
}

// table prints rows under a header. On a terminal a line ends where the screen
// does: the last column, a reason mostly, is whole in --json and in a pipe.
func table[T any](cmd *cobra.Command, header string, rows []T, line func(T) string) error {
	var all bytes.Buffer
	t := tabwriter.NewWriter(&all, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, header)
	for _, r := range rows {
		fmt.Fprintln(t, line(r))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(cmd.OutOrStdout(), fit(all.String(), screenWidth(cmd.OutOrStdout())))
	return err
}

// screenWidth is how many characters a line of the terminal has, 0 where the
// output is none.
func screenWidth(w io.Writer) int {
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

// fit cuts the lines of a text that are longer than the width; 0 is any length.
func fit(text string, width int) string {
	if width <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if runes := []rune(l); len(runes) > width {
			lines[i] = string(runes[:width-1]) + "…"
		}
	}
	return strings.Join(lines, "\n")
}

// when is a time for people.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// orDash is what an empty cell shows.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
