// Command trueup keeps a customer's status the same in two tools. It turns
// flags and the environment into options, and errors into exit codes; each verb
// is a file.
//
// Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done but something
// needs a person.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/store"
)

func main() {
	// net/http gives the standard logger what a tool sends unasked, in the
	// tool's own words. Our own log goes elsewhere.
	log.SetOutput(io.Discard)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// sameSignal is how long a second signal counts as the first: timeout(1) sends
// it to the process and to its group.
const sameSignal = time.Second

// run runs one command and returns its exit code. The first signal ends the
// command in order, a second one later at once.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(sameSignal, stop) })
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	var screen *terminal
	cmd.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		screen = onTerminal(cmd, stdout)
		cmd.SetContext(store.By(cmd.Context(), userName(cmd), store.ByCommand))
	}
	err := cmd.ExecuteContext(ctx)
	if failed := screen.close(); err == nil {
		err = failed
	}
	return tellError(err, stderr)
}
