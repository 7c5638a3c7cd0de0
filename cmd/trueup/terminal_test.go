package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/rogpeppe/go-internal/testscript"
)

// onScreen runs a command on a terminal of so many columns and fails if a line is
// wider. What the terminal showed is the file screen.
func onScreen(ts *testscript.TestScript, neg bool, args []string) {
	width, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	shown, err := inTerminal(ts, uint16(width), "", args[1:])
	if failed := err != nil; failed != neg {
		ts.Fatalf("failed: %t\n%s", failed, shown)
	}
	for line := range strings.Lines(shown) {
		if w := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); w > int(width) {
			ts.Fatalf("this line has %d columns:\n%s\nin\n%s", w, line, shown)
		}
	}
}

// interrupt runs a command on a terminal and presses Ctrl-C as soon as the terminal shows
// a text. What it showed is the file screen.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	shown, err := inTerminal(ts, 200, args[0], args[1:])
	if failed := err != nil; failed != neg {
		ts.Fatalf("failed: %t\n%s", failed, shown)
	}
}

// inTerminal runs a command on a terminal, presses Ctrl-C once until is shown there, and
// returns what it showed and how it ended.
func inTerminal(ts *testscript.TestScript, width uint16, until string, args []string) (shown string, ended error) {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, args[0])); err == nil && path == "" {
			path = filepath.Join(dir, args[0])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // it may wait for a person
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "NO_COLOR", "PAGER", "TERM", "TZ", "BILLING", "CRM"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.Env = append([]string{"TERM=xterm"}, cmd.Env...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: width})
	ts.Check(err)
	defer f.Close()
	var screen bytes.Buffer
	for b, pressed := make([]byte, 1024), until == ""; ; {
		n, err := f.Read(b)
		screen.Write(b[:n])
		if !pressed && strings.Contains(screen.String(), until) {
			pressed = true
			_, err := f.WriteString("\x03")
			ts.Check(err)
		}
		if errors.Is(err, syscall.EIO) { // so a terminal says that it is closed
			break
		}
		ts.Check(err)
	}
	shown = strings.ReplaceAll(screen.String(), "\r\n", "\n")
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(shown), 0o600))
	return shown, cmd.Wait()
}
