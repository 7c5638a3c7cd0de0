package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The list is how a reader finds a decision, so it has each once, in order.
func TestTheListOfDecisionsHasEachOnceInOrder(t *testing.T) {
	files, err := filepath.Glob("decisions/[0-9]*.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("decisions/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, listed []string
	for _, file := range files {
		want = append(want, filepath.Base(file))
	}
	for _, link := range regexp.MustCompile(`(?m)^\| \[\d+\]\(([^)]+)\)`).FindAllSubmatch(text, -1) {
		listed = append(listed, string(link[1]))
	}
	slices.Sort(want)
	if d := cmp.Diff(want, listed); d != "" {
		t.Errorf("decisions/README.md (-files +list):\n%s", d)
	}
}
