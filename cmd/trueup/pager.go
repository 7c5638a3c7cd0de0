package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// terminal is the screen of a person: sentences wrap between words, times are told
// from now on, and what is longer than the screen goes through a pager.
type terminal struct {
	file          *os.File
	width, height int
	clock         clock
	wraps, pages  bool
	text          bytes.Buffer // what is not printed yet
}

// onlyShows are the commands that only show something: they ask nothing and show no
// progress, so that a pager can have the screen.
var onlyShows = map[string]bool{
	"status": true, "explain": true, "report": true, "links list": true, "token list": true,
	"events": true, "events list": true, "events show": true,
	"exceptions": true, "exceptions list": true, "exceptions show": true, "exceptions groups": true,
}

// verbatim are the commands whose output is a program's, not sentences.
var verbatim = map[string]bool{"config schema": true, "api": true, "completion": true, "events show": true}

// terminalFlags add the flags about the terminal.
func terminalFlags(root *cobra.Command) {
	root.PersistentFlags().Bool("utc", false, "in a terminal, show exact times in UTC")
	root.PersistentFlags().Bool("no-pager", false, "in a terminal, do not show long output through a pager")
}

// onTerminal has a command write for a person, if its output is a terminal. Else it
// returns nil.
func onTerminal(cmd *cobra.Command, stdout io.Writer) *terminal {
	name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	first, _, _ := strings.Cut(name, " ")
	file, ok := stdout.(*os.File)
	if !ok || !isTerminal(file) || first == "run" || first == "demo" { // they draw the screen themselves
		return nil
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return nil
	}
	flag := func(name string) bool {
		on, err := cmd.Flags().GetBool(name)
		return err == nil && on
	}
	data := flag("json") || flag("csv")
	t := &terminal{file: file, width: width, height: height, pages: onlyShows[name] && !data && !flag("no-pager"),
		wraps: !verbatim[name] && !verbatim[first] && !data}
	if !flag("utc") {
		t.clock.now = time.Now()
	}
	cmd.SetOut(t)
	return t
}

func (t *terminal) Write(b []byte) (int, error) {
	t.text.Write(b)
	if t.pages {
		return len(b), nil
	}
	end := bytes.LastIndexByte(t.text.Bytes(), '\n') + 1
	return len(b), t.print(string(t.text.Next(end)))
}

// fitted is a text whose lines are no wider than the screen.
func (t *terminal) fitted(all string) string {
	if !t.wraps {
		return all
	}
	var out strings.Builder
	for line := range strings.Lines(all) {
		text, ended := strings.CutSuffix(line, "\n")
		out.WriteString(wrapped(text, t.width))
		if ended {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func (t *terminal) print(all string) error {
	_, err := io.WriteString(t.file, t.fitted(all))
	return err
}

// close prints what is left.
func (t *terminal) close() error {
	if t == nil || t.text.Len() == 0 {
		return nil
	}
	all := t.fitted(t.text.String())
	t.text.Reset()
	if t.pages && strings.Count(all, "\n") >= t.height {
		if pager := pagerCommand(); pager != nil {
			return t.page(pager, all)
		}
	}
	_, err := io.WriteString(t.file, all)
	return err
}

// pagerCommand is the pager of whoever reads, nil for none.
func pagerCommand() *exec.Cmd {
	if os.Getenv("TERM") == "dumb" { // it cannot scroll back
		return nil
	}
	if chosen, ok := os.LookupEnv("PAGER"); ok {
		if strings.TrimSpace(chosen) == "" || chosen == "cat" {
			return nil
		}
		return exec.Command("sh", "-c", chosen) // #nosec G204 -- the reader's own choice
	}
	if path, err := exec.LookPath("less"); err == nil {
		return exec.Command(path, "-FRX") // #nosec G204 -- it is less
	}
	return nil
}

// page shows a text through a pager. Leaving it before the end is no failure.
func (t *terminal) page(pager *exec.Cmd, all string) error {
	pager.Stdin, pager.Stdout, pager.Stderr = strings.NewReader(all), t.file, os.Stderr
	err := pager.Run()
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return nil
	case errors.As(err, &exit) && exit.ExitCode() != 127: // 127: there is no such command
		return nil
	}
	_, err = io.WriteString(t.file, all)
	return err
}
