// Command trueup-mutate changes the pure packages in one place at a time, runs
// their tests, and prints each change that no test notices.
//
// It builds the tests of a package once, with all changes in it; a variable of
// the environment chooses one.
//
// It may import proof/mutate and nothing else of ours.
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/proof/mutate"
)

// equivalent has the changes that make no difference, each with its reason:
// file, the line before, the line after, and why, between tabs.
//
//go:embed equivalent.txt
var equivalent string

// packages are what is changed, and how its tests are run. A random test runs
// from one seed, so that a change which it notices today it notices tomorrow.
var packages = []struct {
	dir   string
	files []string
	pure  bool // its tests are quick: a sample is drawn from it
	args  []string
}{
	{"internal/decide", []string{"decide.go", "when.go"}, true, []string{"-rapid.seed=1", "-rapid.nofailfile"}},
	{"internal/mapping", []string{"mapping.go"}, true, nil},
	{"internal/identity", []string{"identity.go", "nearest.go"}, true, nil},
	{"internal/pipeline", []string{"readtarget.go"}, false, []string{"-test.run=Older|AnothersKey|Row|Link|Merge|WrongClock|Survivor|Reason"}},
}

const chooses = "TRUEUP_MUTANT"

// change is a mutant with the program that can become it: number n of it.
type change struct {
	mutate.Mutant
	file, program, dir string
	args               []string
	n                  int
}

func main() {
	sample := flag.Int("sample", 0, "try this many changes of decide, mapping and identity, drawn by -seed; 0 tries all of every file")
	seed := flag.Uint64("seed", 1, "what to draw by")
	only := flag.String("only", "", "try the files whose path contains this")
	flag.Parse()
	survived, err := run(*sample, *seed, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "trueup-mutate:", err)
		os.Exit(2)
	}
	if survived > 0 {
		fmt.Printf("%d changes survived. Write a test that notices each, or add it with its reason to proof/cmd/trueup-mutate/equivalent.txt\n", survived)
		os.Exit(1)
	}
}

func run(sample int, seed uint64, only string) (survived int, err error) {
	work, err := os.MkdirTemp("", "trueup-mutate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	all, err := changes(work, sample > 0, only)
	if err != nil {
		return 0, err
	}
	if sample > 0 && sample < len(all) {
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:sample]
		slices.SortFunc(all, func(a, b change) int { return cmp.Or(strings.Compare(a.program, b.program), a.n-b.n) })
	}
	tried := ""
	for _, c := range all {
		if tried != c.program { // without a change everything passes
			tried = c.program
			unchanged := c
			unchanged.n = 0
			if out, failed := unchanged.fails(); failed {
				return 0, fmt.Errorf("the tests of %s fail without a change:\n%s", c.dir, out)
			}
		}
		if _, failed := c.fails(); !failed {
			survived++
			fmt.Printf("%s:%d\n\t%s\n\t%s\n", c.file, c.Line, c.Was, c.Now)
		}
	}
	fmt.Printf("%d changes tried, %d survived\n", len(all), survived)
	return survived, nil
}

// changes finds what can be changed and is not equivalent, and builds the tests.
func changes(work string, pure bool, only string) (all []change, err error) {
	for _, p := range packages {
		if pure && !p.pure {
			continue
		}
		program := filepath.Join(work, strings.ReplaceAll(p.dir, "/", "_"))
		replace := map[string][]byte{}
		n := 1
		for _, name := range p.files {
			file := p.dir + "/" + name
			if !strings.Contains(file, only) {
				continue
			}
			source, err := os.ReadFile(filepath.FromSlash(file))
			if err != nil {
				return nil, err
			}
			mutants, err := mutate.Of(name, source)
			if err != nil {
				return nil, err
			}
			same := equivalents(file)
			for k, m := range mutants {
				if what := m.Was + "\t" + m.Now; same[what] > 0 {
					same[what]--
				} else {
					all = append(all, change{m, file, program, p.dir, p.args, n + k})
				}
			}
			for what, left := range same {
				if left > 0 {
					return nil, fmt.Errorf("equivalent.txt has a change of %s that is not made now: %q", file, what)
				}
			}
			replace[file] = mutate.All(source, mutants, "chosenMutant", n)
			n += len(mutants)
		}
		if len(replace) == 0 {
			continue
		}
		replace[p.dir+"/chosenmutant.go"] = fmt.Appendf(nil, "package %s\n\nimport (\"os\"; \"strconv\")\n\nvar chosenMutant, _ = strconv.Atoi(os.Getenv(%q))\n", filepath.Base(p.dir), chooses)
		if err := build(p.dir, program, replace); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// equivalents counts the changes of a file that make no difference.
func equivalents(file string) map[string]int {
	same := map[string]int{}
	for line := range strings.Lines(equivalent) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 4 && f[0] == file {
			same[f[1]+"\t"+f[2]]++
		}
	}
	return same
}

// build compiles the tests of a package with other texts of its files.
func build(dir, program string, files map[string][]byte) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	replace := map[string]string{}
	for file, text := range files {
		copied := program + "_" + filepath.Base(file)
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			return err
		}
		replace[filepath.Join(root, filepath.FromSlash(file))] = copied
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(program+".json", overlay, 0o600); err != nil {
		return err
	}
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", program+".json", "-o", program, "./"+dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the tests of %s: %w\n%s", dir, err, out)
	}
	return nil
}

// fails reports whether the tests fail with the change. One that does not come
// to an end fails.
func (c change) fails() (out []byte, failed bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	test := exec.CommandContext(ctx, c.program, append([]string{"-test.failfast", "-test.timeout=2m"}, c.args...)...)
	test.Dir, test.Env = filepath.FromSlash(c.dir), append(os.Environ(), fmt.Sprintf("%s=%d", chooses, c.n))
	out, err := test.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Append(out, err), c.n == 0
	}
	return bytes.TrimSpace(out), err != nil
}
