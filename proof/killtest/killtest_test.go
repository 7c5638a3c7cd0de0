package killtest

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rounds = flag.Uint64("rounds", 1, "how many rounds on each engine")

// `go run ./proof/cmd/trueup-kill` is the same, and says what it does meanwhile.
func TestAFewRoundsOfKills(t *testing.T) {
	b, err := NewBench([]string{SQLite, Postgres})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, why := range b.Cannot {
		t.Logf("without the rounds on a %s: %v", name, why)
	}
	for seed := range *rounds {
		for _, engine := range []string{SQLite, Postgres} {
			r := Round{Engine: engine, Seed: seed}
			result, err := b.Run(t.Context(), r)
			if err != nil {
				t.Fatalf("%s\n%v", r, err)
			}
			for _, broken := range result.Breaches {
				t.Errorf("%s\n%s", r, broken)
			}
			t.Logf("%s %d: %+v", engine, seed, result.Tally)
		}
	}
}

// The names here must be those in the code, or a boundary is never killed at.
func TestEachFailpointOfTheCodeIsInAList(t *testing.T) {
	hit := regexp.MustCompile(`failpoint\.Hit\("(\w+)"\)`)
	var found []string
	err := filepath.WalkDir("../../internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range hit.FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	listed := slices.Sorted(slices.Values(slices.Concat(Failpoints, StartFailpoints, MigrationFailpoints)))
	if diff := cmp.Diff(listed, slices.Compact(found)); diff != "" {
		t.Errorf("listed in kinds.go, and hit in the code: %s", diff)
	}
}

func TestRoundsInARowMeetAllKinds(t *testing.T) {
	for _, engine := range []string{SQLite, Postgres} {
		met := map[string]int{}
		for seed := range uint64(36) {
			s := Round{Engine: engine, Seed: seed}.script(nil)
			met[s.opening.Name]++
			for _, k := range s.kinds {
				met[k.Name]++
			}
		}
		for _, d := range []disk{folder, small, frail} {
			deck, extra := decks(engine, d)
			for _, k := range slices.Concat(deck, extra, openings) {
				if met[k.Name] < 10 {
					t.Errorf("%s meets %q %d times in 36 rounds", engine, k.Name, met[k.Name])
				}
			}
		}
	}
}
