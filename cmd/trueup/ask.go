package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// ask asks whoever sits at the terminal; asked is false when nobody does.
func ask(cmd *cobra.Command, question string) (agreed, asked bool) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(in) {
		return false, false
	}
	fmt.Fprint(cmd.ErrOrStderr(), question+" [y/N] ")
	// A line that ends the input is an answer like any other, and Ctrl-C is no.
	answer, err := entered(cmd.Context(), func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if errors.Is(err, errInterrupted) {
		fmt.Fprintln(cmd.ErrOrStderr())
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", true
}

// askYes is ask where having nobody to ask is a mistake in usage, with instead
// as what to do.
func askYes(cmd *cobra.Command, question, instead string) (bool, error) {
	agreed, asked := ask(cmd, question)
	if !asked {
		return false, usage(instead, "not a terminal, so cannot ask for confirmation; nothing was changed")
	}
	if !agreed {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing was changed")
	}
	return agreed, nil
}

// errInterrupted ends a command at a question that Ctrl-C answers.
var errInterrupted = errors.New("interrupted")

// entered waits for what a person enters, at most until Ctrl-C. Nothing ends a read from
// a terminal, so it is left behind: the process is about to end.
func entered(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		return a.text, a.err
	case <-ctx.Done():
		return "", errInterrupted
	}
}
