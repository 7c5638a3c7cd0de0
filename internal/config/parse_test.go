package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestExpandReplacesReferencesOnce(t *testing.T) {
	env := func(name string) (string, bool) {
		value, ok := map[string]string{"A": "1", "B_2": "${A}", "EMPTY": ""}[name]
		return value, ok
	}
	for _, test := range []struct{ name, in, want, problem string }{
		{"text without a reference stays", "$A {b} $", "$A {b} $", ""},
		{"several are replaced", "x${A}-${A}y", "x1-1y", ""},
		{"what comes out is not looked at again", "${B_2}", "${A}", ""},
		{"two dollars write a reference", "$${A}", "${A}", ""},
		{"three dollars write a dollar and a reference", "$$${A}", "$${A}", ""},
		{"an empty variable is empty text", "${EMPTY}", "", ""},
		{"an unset variable is named", "${NONE}", "", "the environment variable NONE is not set"},
		{"a name starts with a letter", "${1}", "", "${ is not followed by a variable's name and }"},
		{"there are no default values", "${A:-x}", "", "${ is not followed by a variable's name and }"},
		{"the brace is closed", "${A", "", "${ is not followed by a variable's name and }"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, problem, _ := expand(test.in, env, false)
			if got != test.want || problem != test.problem {
				t.Errorf("got %q and %q", got, problem)
			}
		})
	}
}

func TestAReferenceInBracketsMovesNoLineAndNoOtherText(t *testing.T) {
	src := "a: [${X}, ${Y}, \"{z}\"]\nb: {c: ${X}, d: '${X}'}\ne: |\n  ${X}\n  {y}\nf: ${X}\n"
	r := &report{places: places{}, bad: map[string]bool{}, written: map[string]string{}}
	root := readTree(r, []byte(src))
	if root == nil {
		t.Fatal(r.faults)
	}
	d := &decoder{report: r, env: func(name string) (string, bool) { return "<" + name + ">", true }}
	want := map[string]any{"a": []any{"<X>", "<Y>", "{z}"}, "b": map[string]any{"c": "<X>", "d": "<X>"}, "e": "<X>\n{y}\n", "f": "<X>"}
	if diff := cmp.Diff(want, d.anything(root, "")); diff != "" {
		t.Error(diff)
	}
	if r.places["f"] != 6 || r.places["b.d"] != 2 {
		t.Errorf("lines moved: %v", r.places)
	}
}

func TestTheNearestNameIsProposedAndNoFarOne(t *testing.T) {
	names := []string{"source", "target", "match", "to", "min_confidence"}
	for word, want := range map[string]string{
		"sorce": "source", "tagret": "target", "mach": "match", "too": "to", "minconfidence": "min_confidence",
		"": "", "colour": "", "xy": "", "customers": "",
	} {
		if got := closest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestAFileOfAnyDepthOrSizeIsAnsweredWithFaults(t *testing.T) {
	for name, src := range map[string]string{
		"larger than a file may be": strings.Repeat("#", maxFile+1),
		"nothing but brackets":      strings.Repeat("[", 3_000),
		"nothing but braces":        strings.Repeat("{", 3_000),
		"nothing but dashes":        strings.Repeat("- ", 3_000),
	} {
		t.Run(name, func(t *testing.T) {
			var faults Faults
			if _, err := Parse("t", []byte(src), ".", fakeTypes, lookup); !errors.As(err, &faults) || len(faults) == 0 {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestACircleIsRefusedAndNothingElse draws random syncs and compares with a
// search that only asks whether removing ends leaves something over.
func TestACircleIsRefusedAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := []string{"", "", "one", "two"}
		c := &Config{Connections: map[string]Connection{}, Syncs: map[string]Sync{}}
		for i := range 4 {
			name := fmt.Sprintf("c%d", i)
			account := rapid.SampledFrom([]string{"", "", "x", "X/"}).Draw(t, "account")
			c.Connections[name] = Connection{Name: name, Type: "stripe", Settings: &fakeStripe{AccountID: account}}
		}
		end := func(label string) (string, string) {
			return rapid.SampledFrom(slices.Sorted(maps.Keys(c.Connections))).Draw(t, label), rapid.SampledFrom(fields).Draw(t, label+" field")
		}
		for i := range rapid.IntRange(1, 6).Draw(t, "syncs") {
			var s Sync
			s.Name = fmt.Sprintf("s%d", i)
			s.Source.Connection, s.Source.Field = end("source")
			s.Target.Connection, s.Target.Field = end("target")
			if s.Source.Connection != s.Target.Connection || !overlap(s.Source.Field, s.Target.Field) {
				c.Syncs[s.Name] = s
			}
		}
		r := &report{places: places{"": 1}, bad: map[string]bool{}, written: map[string]string{}}
		findCircles(r, c)
		if got, want := len(r.faults) > 0, hasCircle(c); got != want {
			t.Fatalf("circle found: %v, is there: %v\n%v\n%+v", got, want, r.faults, c.Syncs)
		}
	})
}

func hasCircle(c *Config) bool {
	account := func(name string) string {
		if key := c.Connections[name].Settings.(*fakeStripe).AccountID; key != "" {
			return "x"
		}
		return name
	}
	left := maps.Clone(c.Syncs)
	for {
		removed := false
		for name, s := range left {
			fed := false
			for _, other := range left {
				fed = fed || account(other.Target.Connection) == account(s.Source.Connection) && overlap(other.Target.Field, s.Source.Field)
			}
			if !fed {
				delete(left, name)
				removed = true
			}
		}
		if !removed {
			return len(left) > 0
		}
	}
}

// FuzzParse holds the two promises of Parse for any bytes: a whole Config or
// faults, and no fault with a value of the environment or of a secret's file.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/faults/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	for _, src := range []string{"", "\xff", "a: &a [*a]", "? \n: ", "<<: {}", "- - -", "!!map {}", "a: |\n", "%YAML 1.2\n---\n", "\ue000", "{${STRIPE_API_KEY}}"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse("trueup.yaml", src, "testdata/good", fakeTypes, lookup)
		var faults Faults
		switch {
		case err != nil && (!errors.As(err, &faults) || len(faults) == 0 || c != nil):
			t.Fatalf("an error that is no fault: %v", err)
		case err == nil && (len(c.Connections) == 0 || len(c.Syncs) == 0):
			t.Fatal("a configuration without a sync")
		}
		for i, fault := range faults {
			if fault.Line < 1 || fault.Problem == "" || fault.Remedy == "" || i > 0 && fault.Line < faults[i-1].Line {
				t.Fatalf("a fault without its line, problem or remedy, or out of order: %#v", fault)
			}
			if strings.Contains(fault.String(), "\n") {
				t.Fatalf("a fault on more than one line: %q", fault)
			}
		}
		if err == nil {
			return
		}
		for name, value := range fakeEnv {
			if strings.Contains(value, "env-value") && strings.Contains(err.Error(), value) && !strings.Contains(string(src), value) {
				t.Fatalf("the value of %s is in the faults: %v", name, err)
			}
		}
		if strings.Contains(err.Error(), "sk-from-file") && !strings.Contains(string(src), "sk-from-file") {
			t.Fatalf("a secret's file is in the faults: %v", err)
		}
	})
}
