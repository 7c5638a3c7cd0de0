package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trueup-sync/trueup/internal/plain"
)

// verbs begin the short text of a command that does something.
var verbs = map[string]bool{"Acknowledge": true, "Add": true, "Sign": true, "Apply": true, "Stop": true, "Assign": true, "Check": true, "Close": true, "Compare": true, "Confirm": true, "Pause": true, "Pin": true, "Unpin": true,
	"Connect": true, "Copy": true, "Create": true, "Delete": true, "Find": true, "Generate": true, "Help": true, "Ignore": true, "Keep": true, "Link": true, "List": true,
	"Print": true, "Receive": true, "Remove": true, "Rename": true, "Reopen": true, "Replay": true, "Resume": true, "Revoke": true, "Run": true,
	"Restore": true, "Save": true, "Set": true, "Show": true, "Undo": true, "Write": true}

// TestHelpIsPlain walks every text of every command's help.
func TestHelpIsPlain(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		check := func(where, text string) {
			for _, found := range plain.Find(text) {
				t.Errorf("%s, in %s of %s", found, where, cmd.CommandPath())
			}
		}
		if verb, _, _ := strings.Cut(cmd.Short, " "); cmd.HasParent() && !verbs[strings.TrimSuffix(verb, ",")] {
			t.Errorf("the short text of %s begins with %q, which is no known verb", cmd.CommandPath(), verb)
		}
		check("the short text", cmd.Short)
		check("the long text", cmd.Long)
		check("the example", cmd.Example)
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { check("--"+f.Name, f.Usage) })
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(newRoot())
}
