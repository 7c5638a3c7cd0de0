package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// askYes asks whoever sits at the terminal. Without one it is a mistake in usage,
// with instead as what to do.
func askYes(cmd *cobra.Command, question, instead string) (bool, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(in) {
		return false, usage(instead, "nobody is here to ask; nothing was changed")
	}
	fmt.Fprint(cmd.ErrOrStderr(), question+" [y/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if yes := strings.EqualFold(strings.TrimSpace(answer), "y") || strings.EqualFold(strings.TrimSpace(answer), "yes"); yes {
		return true, nil
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "nothing was changed")
	return false, nil
}
