package main

import (
	"bytes"
	"context"
	"errors"
	"io"
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
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, args[1])); err == nil && path == "" {
			path = filepath.Join(dir, args[1])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // it may wait for a person
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "NO_COLOR", "PAGER", "TERM", "TZ", "BILLING", "CRM"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.Env = append([]string{"TERM=xterm"}, cmd.Env...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: uint16(width)})
	ts.Check(err)
	defer f.Close()
	var screen bytes.Buffer
	if _, err := io.Copy(&screen, f); !errors.Is(err, syscall.EIO) { // so a terminal says that it is closed
		ts.Check(err)
	}
	shown := strings.ReplaceAll(screen.String(), "\r\n", "\n")
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(shown), 0o600))
	if failed := cmd.Wait() != nil; failed != neg {
		ts.Fatalf("failed: %t\n%s", failed, shown)
	}
	for line := range strings.Lines(shown) {
		if w := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); w > int(width) {
			ts.Fatalf("this line has %d columns:\n%s\nin\n%s", w, line, shown)
		}
	}
}
