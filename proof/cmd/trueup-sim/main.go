// Command trueup-sim lives through many simulated histories of Trueup and
// checks its invariants in each. It says how many it did in a second, what they
// met, and for the first that broke an invariant: the shortest form of it that
// still does, its timeline, and the regression test to keep.
//
//	go run ./proof/cmd/trueup-sim -seeds 1000000
//	go run ./proof/cmd/trueup-sim -seed 4711
//
// It exits with 1 when an invariant was broken, or when something that can
// happen never did.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/proof/sim"
)

type options struct {
	seeds, from  uint64
	seed         string
	without      string
	nodes        int
	workers      int
	sqlite       uint64
	sweeps       bool
	json         bool
	planted, bug string
}

func main() {
	var o options
	flag.Uint64Var(&o.seeds, "seeds", 20_000, "how many histories")
	flag.Uint64Var(&o.from, "from", 0, "the first seed")
	flag.StringVar(&o.seed, "seed", "", "live through this one seed and print its timeline")
	flag.StringVar(&o.without, "without", "", "with -seed: the steps to leave out, as numbers with commas")
	flag.IntVar(&o.nodes, "nodes", 0, "with -seed: so many nodes instead of those the seed chose")
	flag.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "how many at once")
	flag.Uint64Var(&o.sqlite, "sqlite", 0, "live through every n-th on SQLite as well and compare; 0 is none")
	flag.BoolVar(&o.sweeps, "sweeps", false, "live on SQLite only, where nodes compare both sides and nobody else finds lost events, and operators apply plans, forget people and rename")
	flag.BoolVar(&o.json, "json", false, "print the result as JSON")
	flag.StringVar(&o.planted, "planted", "", "plant bugs, all or some with commas, one after the other, and say after how many seeds each is found; list only names them")
	flag.StringVar(&o.bug, "bug", "", "used by -planted itself: the bug that is switched on")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Usage: trueup-sim [flags]

Examples:
  go run ./proof/cmd/trueup-sim                          20,000 histories
  go run ./proof/cmd/trueup-sim -seeds 1000000           a million
  go run ./proof/cmd/trueup-sim -seeds 20000 -sqlite 50  every 50th on SQLite too
  go run ./proof/cmd/trueup-sim -seeds 1000 -sweeps      with comparisons of both sides, plans, forgetting and renames
  go run ./proof/cmd/trueup-sim -seed 4711               one, with its timeline
  go run ./proof/cmd/trueup-sim -planted all             is every planted bug found?

Flags:
`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800) // a history is small and soon forgotten
	}
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "trueup-sim takes flags only, not %q; see -help\n", flag.Args())
		os.Exit(2)
	}
	err := run(o, os.Stdout, os.Stderr)
	var broken errBroken
	switch {
	case errors.As(err, &broken):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "trueup-sim:", err)
		os.Exit(1)
	}
}

// errBroken has been told already.
type errBroken struct{}

func (errBroken) Error() string { return "an invariant was broken" }

func run(o options, out, progress io.Writer) error {
	if o.bug != "" {
		if err := plant(o.bug); err != nil {
			return err
		}
	}
	switch {
	case o.seed != "":
		return single(o, out)
	case o.planted == "list":
		return listBugs(out)
	case o.planted != "":
		return plantedBugs(o, out, progress)
	}
	return many(o, out, progress)
}

// single lives through one case and tells all of it.
func single(o options, out io.Writer) error {
	c, err := o.caseOf()
	if err != nil {
		return err
	}
	r, err := sim.Run(c, o.traced())
	if err != nil {
		return err
	}
	if o.json {
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	} else {
		timeline(out, r)
	}
	if r.Breach != nil {
		return errBroken{}
	}
	return nil
}

func (o options) traced() sim.Options {
	how := o.run()
	how.Trace = true
	return how
}

func (o options) caseOf() (sim.Case, error) {
	c := sim.Case{Nodes: o.nodes}
	var err error
	if c.Seed, err = strconv.ParseUint(o.seed, 0, 64); err != nil {
		return c, fmt.Errorf("-seed takes a number, not %q", o.seed)
	}
	for text := range strings.SplitSeq(o.without, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return c, fmt.Errorf("-without takes numbers with commas, not %q", text)
		}
		c.Without = append(c.Without, n)
	}
	return c, nil
}

func timeline(out io.Writer, r sim.Result) {
	fmt.Fprintf(out, "%s\n%s\n\n", r.Case, r.Setting)
	for _, line := range r.Timeline {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "\nhash %016x\n", r.Hash)
	if r.Breach == nil {
		fmt.Fprintln(out, "all invariants held")
		return
	}
	fmt.Fprintf(out, "%s\n\nTo keep it, add to proof/sim/failed_test.go, with what was wrong for a name:\n\n\t%q: %s,\n",
		r.Breach, "what was wrong", strings.TrimPrefix(r.Case.String(), "sim."))
}
