package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trueup-sync/trueup/internal/setup"
)

// talk asks a person at a terminal. Where there is none, every answer is what stands in
// brackets.
type talk struct {
	ctx   context.Context
	asks  bool
	file  *os.File
	lines *bufio.Reader
	out   io.Writer
}

// choice is one answer of several.
type choice struct{ name, about string }

func newTalk(cmd *cobra.Command) *talk {
	t := &talk{ctx: cmd.Context(), out: cmd.ErrOrStderr()}
	if file, ok := cmd.InOrStdin().(*os.File); ok && isTerminal(file) {
		t.asks, t.file, t.lines = true, file, bufio.NewReader(file)
	}
	return t
}

func (t *talk) say(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// line asks for one line.
func (t *talk) line(question, usual string) (string, error) {
	if !t.asks {
		return usual, nil
	}
	t.say("%s", question)
	if usual != "" {
		t.say(" [%s]", usual)
	}
	t.say(": ")
	text, err := entered(t.ctx, func() (string, error) { return t.lines.ReadString('\n') })
	if errors.Is(err, errInterrupted) {
		t.say("\n")
	}
	if errors.Is(err, io.EOF) && text == "" {
		return "", usage("nothing was written; what you have answered is kept for the next trueup init", "the answers have ended")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return usual, nil
	}
	return text, nil
}

// secret asks for a line that the terminal does not show.
func (t *talk) secret(question string) (string, error) {
	if !t.asks {
		return "", nil
	}
	// Nothing is shown from before the question on, so that Ctrl-C finds what to restore.
	terminal := int(t.file.Fd())
	before, err := term.MakeRaw(terminal)
	if err != nil {
		return "", err
	}
	t.say("%s (not shown): ", question)
	text, err := entered(t.ctx, func() (string, error) { return unshown(t.lines) })
	err = errors.Join(err, term.Restore(terminal, before))
	t.say("\n")
	return strings.TrimSpace(text), err
}

// unshown reads a line from a terminal that passes each key on as it is pressed.
func unshown(keys io.ByteReader) (string, error) {
	var text []byte
	for {
		key, err := keys.ReadByte()
		switch {
		case key == '\r' || key == '\n' || errors.Is(err, io.EOF) || key == 0x04: // Ctrl-D
			return string(text), nil
		case err != nil:
			return "", err
		case key == 0x03: // Ctrl-C
			return "", errInterrupted
		case key == 0x15: // Ctrl-U
			text = nil
		case key == 0x7f || key == '\b':
			_, size := utf8.DecodeLastRune(text)
			text = text[:len(text)-size]
		default:
			text = append(text, key)
		}
	}
}

// checked asks for one line until nothing is wrong with it.
func (t *talk) checked(question, usual string, wrong func(string) string) (string, error) {
	for {
		text, err := t.line(question, usual)
		if err != nil || !t.asks {
			return text, err
		}
		problem := wrong(text)
		if problem == "" {
			return text, nil
		}
		t.say("%s\n", problem)
	}
}

// yes asks for y or n.
func (t *talk) yes(question string, usual bool) (bool, error) {
	answer, err := t.checked(question+" y/n", map[bool]string{true: "y", false: "n"}[usual], func(text string) string {
		if slices.Contains([]string{"y", "yes", "n", "no"}, strings.ToLower(text)) {
			return ""
		}
		return "Answer y or n."
	})
	return strings.HasPrefix(strings.ToLower(answer), "y"), err
}

// typeOf asks for the type of one side's tool.
func (t *talk) typeOf(side setup.Side, usual string) (string, error) {
	question := map[setup.Side]string{setup.Source: "Which tool decides a customer's status?", setup.Target: "Which tool follows?"}[side]
	var all []choice
	for _, name := range setup.TypesOf(side) {
		kind, _ := setup.TypeOf(name)
		all = append(all, choice{name, kind.Label})
	}
	return t.choose(question, all, usual)
}

// choose asks for one of several, by its name or its number.
func (t *talk) choose(question string, all []choice, usual string) (string, error) {
	if !t.asks {
		return usual, nil
	}
	t.list(question, all)
	return t.pick("Number or name", all, usual)
}

// list shows what can be chosen.
func (t *talk) list(question string, all []choice) {
	t.say("\n%s\n", question)
	for i, one := range all {
		about := ""
		if one.about != "" {
			about = "  " + one.about
		}
		t.say("  %d  %s%s\n", i+1, one.name, about)
	}
}

// pick asks for one of those that were listed.
func (t *talk) pick(question string, all []choice, usual string) (string, error) {
	chosen := func(text string) string {
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(all) {
			return all[n-1].name
		}
		if slices.ContainsFunc(all, func(c choice) bool { return c.name == text }) {
			return text
		}
		return ""
	}
	answer, err := t.checked(question, usual, func(text string) string {
		switch {
		case text == "":
			return fmt.Sprintf("Choose one: enter its name, or its number from 1 to %d.", len(all))
		case chosen(text) == "":
			return fmt.Sprintf("%q is none of them. Enter a name, or a number from 1 to %d.", text, len(all))
		}
		return ""
	})
	return chosen(answer), err
}
