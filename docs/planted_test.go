package docs

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/proof/planted"
)

// One number of planted bugs everywhere: the README has that of the code, and the
// scoreboard that of its own table, which a run has made.
func TestTheNumberOfPlantedBugsIsTheOneThereAre(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	number := regexp.MustCompile(`(\d+) planted bugs`)
	for _, name := range []string{"../README.md", "reliability.md", "../CONTRIBUTING.md", "architecture.md"} {
		for _, m := range number.FindAllStringSubmatch(read(name), -1) {
			if m[1] != fmt.Sprint(len(planted.Bugs)) {
				t.Errorf("%s says %s, there are %d: bash scripts/generate.sh", name, m[0], len(planted.Bugs))
			}
		}
	}
	_, table, _ := strings.Cut(read("scoreboard.md"), "\n## Planted bugs\n")
	table, _, _ = strings.Cut(table, "\n## ")
	said := regexp.MustCompile(`all (\d+) are found`).FindStringSubmatch(table)
	list, _, _ := strings.Cut(table, "\nall ")
	found := regexp.MustCompile(`(?m)^[a-z0-9_]+ +(\d+|a test) `).FindAllString(list, -1)
	if said == nil {
		t.Fatal("the scoreboard does not say how many planted bugs are found")
	}
	if fmt.Sprint(len(found)) != said[1] || strings.Contains(table, "NOT FOUND") {
		t.Errorf("the scoreboard says that %s planted bugs are found and lists %d, or one that is not", said[1], len(found))
	}
}
