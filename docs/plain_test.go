package docs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
)

func TestThePagesArePlain(t *testing.T) {
	pages := []string{"../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md"}
	for _, pattern := range []string{"*.md", "exceptions/*.md", "connectors/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d pages, %v", pattern, len(found), err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		// style.md shows what to avoid, and a run writes the scoreboard.
		if slices.Contains([]string{"style.md", "scoreboard.md"}, page) {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range plain.Find(string(text)) {
			t.Errorf("%s: %s", page, mark)
		}
	}
}
