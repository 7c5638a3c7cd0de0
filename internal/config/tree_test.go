package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEveryKeyIsFoundOnItsLine strings together the ways YAML has to spread a
// value over lines. A fault on the wrong line is worse than one without a line.
func TestEveryKeyIsFoundOnItsLine(t *testing.T) {
	pieces := []string{
		"\n", "# c\n", "KEY: 1\n", "KEY: x # c\n\n\n", "KEY: ''\n",
		"KEY: |\n  a\n\n  b\n", "KEY: |-\n  a\n\n\n", "KEY: |+ # c\n  a\n\n", "KEY: |\n  # text\n  a\n# c\n", "KEY: >\n  a\n  b\n\n",
		"KEY: \"a\n  b\n\n  c\"\n", "KEY: \"a \\\n   b\"\n", "KEY: 'a\n\n  b'\n", "KEY: plain\n  more\n  text\n",
		"KEY: [a,\n  ${B},\n\n  c]\n", "KEY: [\n  # c\n  a, # d\n  b\n]\n", "KEY: {a: 1,\n  b: 2}\n", "KEY: {\n  a: ${A},\n  # c\n}\n",
		"KEY: # c\n  a: 1 # d\n\n  # e\n  b:\n  - x\n  - y: 1\n    z: 2\n", "KEY:\n- a\n\n- b\n", "KEY:   \n  \n  a: b\n",
	}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		want, line := map[string]int{}, 1
		for i, piece := range rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 8).Draw(t, "pieces") {
			key := fmt.Sprintf("k%d", i)
			if strings.Contains(piece, "KEY") {
				want[key] = line
			}
			text.WriteString(strings.Replace(piece, "KEY", key, 1))
			line += strings.Count(piece, "\n")
		}
		text.WriteString("end: 1\n")
		want["end"] = line
		ending := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "ending")
		src := strings.ReplaceAll(text.String(), "\n", ending)
		if rapid.Bool().Draw(t, "byte order mark") {
			src = "\ufeff" + src
		}
		r := &report{places: places{}, bad: map[string]bool{}}
		if readTree(r, []byte(src)) == nil {
			t.Fatal(r.faults)
		}
		for key, line := range want {
			if r.places[key] != line {
				t.Fatalf("%s stands on line %d, found on %d:\n%s", key, line, r.places[key], src)
			}
		}
	})
}
