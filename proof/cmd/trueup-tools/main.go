// Command trueup-tools prints a page with the table of what is proved of each tool,
// in the place of the table that the page has.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/trueup-sync/trueup/proof/tools"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: trueup-tools PAGE")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	before, rest, found := strings.Cut(string(text), "<!-- table -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end -->\n")
	if !found || !ended {
		fmt.Fprintf(os.Stderr, "%s has no <!-- table --> and <!-- end -->\n", os.Args[1])
		os.Exit(1)
	}
	fmt.Print(before + "<!-- table -->\n" + tools.Markdown() + "<!-- end -->\n" + after)
}
