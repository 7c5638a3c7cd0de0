package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// shippedDir is where shipped built the program, "" when it did not.
var shippedDir string

// shipped builds the program as it is shipped, without the race detector.
var shipped = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "trueup-shipped-"); err != nil {
		return "", err
	}
	shippedDir = dir
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build: %w: %s", err, out)
	}
	return dir, nil
})

// raced reports whether these tests watch for races.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// background is a command of a script that goes on while the next ones run.
var background = regexp.MustCompile(`(?m)^[^#\n]*&(\w+&)?$`)

// quick has a script run the program as it is shipped, unless the script runs something in
// the background: what starts and ends alone has no one to race with, and the race detector
// makes each start ten times as dear.
func quick(e *testscript.Env, dir string) error {
	if !raced() {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")+".txtar"))
	if err != nil || background.Match(text) {
		return err
	}
	program, err := shipped()
	e.Setenv("PATH", program+string(filepath.ListSeparator)+e.Getenv("PATH"))
	return err
}
