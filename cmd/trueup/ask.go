package main

import (
	"bufio"
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
	// A line that ends the input is an answer like any other.
	answer, _ := bufio.NewReader(in).ReadString('\n')
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
