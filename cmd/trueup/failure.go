package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
	exitPerson = 3
)

// failure is an error with what its reader can do about it.
type failure struct {
	err  error
	hint string
	code int
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage is a mistake in the command line or the configuration.
func usage(hint, format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...), hint: hint, code: exitUsage}
}

// errPerson ends a command that did its work and found something for a person.
// It has said so already.
var errPerson = errors.New("something needs a person")

// tellError prints an error for people and returns the exit code.
func tellError(err error, stderr io.Writer) int {
	var f *failure
	var faults config.Faults
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errPerson):
		return exitPerson
	case errors.As(err, &faults):
		fmt.Fprintln(stderr, faults.Error())
		return exitUsage
	case errors.As(err, &f):
		say(stderr, err.Error(), f.hint)
		return f.code
	}
	what, hint := hintOf(err)
	say(stderr, what, hint)
	return exitFailed
}

func say(stderr io.Writer, what, hint string) {
	fmt.Fprintf(stderr, "trueup: %s\n", what)
	if hint != "" {
		fmt.Fprintf(stderr, "  %s\n", hint)
	}
}

// hintOf splits what happened from what to do next, where the error has both.
func hintOf(err error) (what, hint string) {
	var moved *app.AccountMovedError
	if errors.As(err, &moved) {
		return err.Error(), accountRemedies(moved.Sync)
	}
	for _, known := range []error{store.ErrNewer, store.ErrOlder, store.ErrUnreleased, store.ErrMissing, store.ErrNoSchema, store.ErrLocked, store.ErrUnreachable} {
		if errors.Is(err, known) {
			before, next, _ := strings.Cut(err.Error(), "; ")
			return before, next
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		switch of, _, _ := strings.Cut(err.Error(), " "); of {
		case "exception":
			hint = "trueup exceptions --each lists the open ones, with --all also the closed ones"
		case "event":
			hint = "trueup events lists the latest ones"
		}
	}
	return err.Error(), hint
}
