package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/trueup-sync/trueup/proof/planted"
)

var background = context.Background()

// verdict is how long one planted bug lived.
type verdict struct {
	Bug    string `json:"bug"`
	About  string `json:"about"`
	Seeds  uint64 `json:"seeds_to_kill"` // 0: it outlived them all
	Breach string `json:"breach"`
	Test   string `json:"test,omitempty"` // that found it, when no history was lived through
}

// plantedBugs builds this program once more with the bugs in it, and lets it
// live through histories with one of them after the other switched on.
func plantedBugs(o options, out, progress io.Writer) error {
	chosen, err := chosenBugs(o.planted)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trueup-planted-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // what is left there is of no use
	overlay, err := plantedFiles(dir)
	if err != nil {
		return err
	}
	binary, err := buildPlanted(dir, overlay)
	if err != nil {
		return err
	}
	var verdicts []verdict
	alive, sound := 0, map[string]bool{}
	for i, b := range chosen {
		var v verdict
		if tests, run := b.Tests(); tests != "" {
			if !sound[tests] { // with no bug on they pass
				if v, err := test(overlay, planted.Bug{}, tests, run); err != nil || v.Test != "" {
					return errors.Join(fmt.Errorf("the tests of %s fail without a bug: %s", tests, v.Test), err)
				}
				sound[tests] = true
			}
			v, err = test(overlay, b, tests, run)
		} else {
			v, err = hunt(binary, b, o)
		}
		if err != nil {
			return err
		}
		if v.Seeds == 0 && v.Test == "" {
			alive++
		}
		fmt.Fprintf(progress, "%d of %d: %s\n", i+1, len(chosen), v)
		verdicts = append(verdicts, v)
	}
	if err := printVerdicts(out, verdicts, o.json); err != nil {
		return err
	}
	if alive > 0 {
		fmt.Fprintf(progress, "%d of %d planted bugs were not found in %d histories\n", alive, len(chosen), o.seeds)
		return errBroken{}
	}
	return nil
}

// listBugs prints the planted bugs, one a line.
func listBugs(out io.Writer) error {
	for _, b := range planted.Bugs {
		if _, err := fmt.Fprintf(out, "%s: %s\n", b.Name, b.About); err != nil {
			return err
		}
	}
	return nil
}

// chosenBugs reads the names of -planted, all or some with commas.
func chosenBugs(names string) ([]planted.Bug, error) {
	if names == "all" {
		return planted.Bugs, nil
	}
	var chosen []planted.Bug
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(planted.Bugs, func(b planted.Bug) bool { return b.Name == strings.TrimSpace(name) })
		if i < 0 {
			var known []string
			for _, b := range planted.Bugs {
				known = append(known, b.Name)
			}
			return nil, fmt.Errorf("there is no planted bug %q; choose all, or some of %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, planted.Bugs[i])
	}
	return chosen, nil
}

// plantedFiles writes the files with the bugs in them, for go build -overlay.
func plantedFiles(dir string) (string, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/trueup-sync/trueup").Output()
	if err != nil {
		return "", fmt.Errorf("find the module (run this inside of it): %w", err)
	}
	return planted.Overlay(strings.TrimSpace(string(root)), dir)
}

func buildPlanted(dir, overlay string) (string, error) {
	binary := filepath.Join(dir, "trueup-sim")
	cmd := exec.Command("go", "build", "-tags", "planted", "-ldflags=-s -w", "-overlay", overlay, "-o", binary, "github.com/trueup-sync/trueup/proof/cmd/trueup-sim")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build with the planted bugs: %w\n%s", err, text)
	}
	return binary, nil
}

// onDisk is how many histories are lived through at most for a bug that only those
// on disk show: they take a thousand times as long.
const onDisk = 3000

// hunt lives through histories until one shows the bug.
func hunt(binary string, b planted.Bug, o options) (verdict, error) {
	v := verdict{Bug: b.Name, About: b.About}
	seeds := o.seeds
	if b.Disk() {
		seeds = min(seeds, onDisk)
	}
	cmd := exec.Command(binary, "-bug", b.Name, "-json", "-seeds", fmt.Sprint(seeds), "-from", fmt.Sprint(o.from), "-workers", fmt.Sprint(o.workers))
	if b.Disk() {
		cmd.Args = append(cmd.Args, "-sweeps")
	}
	text, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return v, err
	}
	var s summary
	if err := json.Unmarshal(text, &s); err != nil {
		return v, fmt.Errorf("live with the bug %s: %w\n%s", b.Name, err, exit.Stderr)
	}
	if s.Breach != "" {
		v.Seeds, v.Breach = s.Failed-s.From+1, s.Breach
	}
	return v, nil
}

// test runs the tests of a package with the bug, and says which one found it.
func test(overlay string, b planted.Bug, dir, run string) (verdict, error) {
	v := verdict{Bug: b.Name, About: b.About}
	cmd := exec.Command("go", "test", "-tags", "planted", "-overlay", overlay, "-vet=off", "-count=1", "-failfast", "-run", run, "github.com/trueup-sync/trueup/"+dir)
	cmd.Env = append(os.Environ(), planted.Switches+"="+b.Name)
	text, err := cmd.CombinedOutput()
	if err == nil {
		return v, nil
	}
	for line := range strings.Lines(string(text)) {
		if name, failed := strings.CutPrefix(line, "--- FAIL: "); failed {
			v.Test, _, _ = strings.Cut(name, " ")
			return v, nil
		}
	}
	return v, fmt.Errorf("test %s with the bug %s: %w\n%s", dir, b.Name, err, text)
}

func (v verdict) String() string {
	if v.Test != "" {
		return v.Bug + " by " + v.Test
	}
	if v.Seeds == 0 {
		return v.Bug + " was NOT found"
	}
	return fmt.Sprintf("%s after %d seeds (%s)", v.Bug, v.Seeds, v.invariant())
}

// invariant is the number and the name of what it broke.
func (v verdict) invariant() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(v.Breach, "invariant "), ":")
	return name
}

func printVerdicts(out io.Writer, verdicts []verdict, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(verdicts)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "planted bug\tseeds to find it\tby invariant\twhat it does")
	for _, v := range verdicts {
		seeds := "NOT FOUND"
		by := v.invariant()
		switch {
		case v.Test != "":
			seeds, by = "a test", v.Test
		case v.Seeds > 0:
			seeds = fmt.Sprint(v.Seeds)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", v.Bug, seeds, by, v.About)
	}
	return table.Flush()
}
