// Command trueup-mutate changes the pure packages in one place at a time, runs
// their tests, and prints each change that no test notices.
//
// It may import proof/mutate and nothing else of ours.
package main

import (
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
	"strings"
	"time"

	"trueup/proof/mutate"
)

// equivalent has the changes that make no difference, each with its reason:
// file, line of the source, what was, what is, and why, between tabs.
//
//go:embed equivalent.txt
var equivalent string

// targets are the files, and the tests that have to notice.
var targets = []struct{ file, run string }{
	{"internal/decide/decide.go", "."},
	{"internal/decide/when.go", "."},
	{"internal/mapping/mapping.go", "."},
	{"internal/identity/identity.go", "."},
	{"internal/identity/nearest.go", "."},
	{"internal/pipeline/readtarget.go", "."},
}

type planned struct {
	file, run, key string
	mutate.Mutant
}

func main() {
	sample := flag.Int("sample", 0, "run this many mutants of decide, mapping and identity, drawn by -seed; 0 runs all of every file")
	seed := flag.Uint64("seed", 1, "what to draw by")
	only := flag.String("only", "", "run the files whose path contains this")
	flag.Parse()
	survived, err := run(*sample, *seed, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "trueup-mutate:", err)
		os.Exit(2)
	}
	if survived > 0 {
		fmt.Printf("%d changes survived: write a test that notices each, or name it with its reason in proof/cmd/trueup-mutate/equivalent.txt\n", survived)
		os.Exit(1)
	}
}

func run(sample int, seed uint64, only string) (survived int, err error) {
	known := map[string]bool{}
	for line := range strings.Lines(equivalent) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 5 {
			known[strings.Join(f[:4], "\t")] = true
		}
	}
	var all []planned
	for _, t := range targets {
		if !strings.Contains(t.file, only) || sample > 0 && strings.Contains(t.file, "pipeline") {
			continue
		}
		source, err := os.ReadFile(t.file)
		if err != nil {
			return 0, err
		}
		mutants, err := mutate.Of(t.file, source)
		if err != nil {
			return 0, err
		}
		lines := strings.Split(string(source), "\n")
		for _, m := range mutants {
			key := strings.Join([]string{t.file, strings.TrimSpace(lines[m.Line-1]), m.Was, m.Now}, "\t")
			if !known[key] {
				all = append(all, planned{t.file, t.run, key, m})
			}
		}
	}
	if sample > 0 && sample < len(all) {
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:sample]
	}
	for _, p := range all {
		noticed, err := p.noticed()
		if err != nil {
			return survived, err
		}
		if !noticed {
			survived++
			fmt.Printf("%s:%d: %q instead of %q in: %s\n", p.file, p.Line, p.Now, p.Was, strings.Split(p.key, "\t")[1])
		}
	}
	fmt.Printf("%d changes, %d survived\n", len(all), survived)
	return survived, nil
}

// noticed reports whether a test fails with the change, or it does not compile.
func (p planned) noticed() (bool, error) {
	dir, err := os.MkdirTemp("", "trueup-mutate-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	root, err := os.Getwd()
	if err != nil {
		return false, err
	}
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	with, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, p.file): changed}})
	if err != nil {
		return false, err
	}
	if err := errors.Join(os.WriteFile(changed, p.Source, 0o600), os.WriteFile(overlay, with, 0o600)); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "test", "-vet=off", "-failfast", "-timeout=1m", "-overlay="+overlay, "-run="+p.run, "./"+filepath.Dir(p.file)).CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return false, fmt.Errorf("%w: %s", err, out)
	}
	return err != nil, nil
}
