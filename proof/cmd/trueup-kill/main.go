// Command trueup-kill kills the real program under load, on SQLite and on
// PostgreSQL, and checks from the outside that nothing acknowledged is lost and
// nothing is written that must not be. It prints how often it did what.
//
//	go run ./proof/cmd/trueup-kill -rounds 60
//	go run ./proof/cmd/trueup-kill -engine postgres -seed 17 -rounds 1
//
// It exits with 1 when an invariant did not hold. Disks that are full or fail
// need root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/trueup-sync/trueup/proof/killtest"
)

type options struct {
	rounds uint64
	seed   uint64
	engine string
	only   string
	length time.Duration
	json   bool
	// verbose tells what was done in each round, not only in those that failed.
	verbose bool
}

func main() {
	var o options
	flag.Uint64Var(&o.rounds, "rounds", 20, "how many rounds on each engine")
	flag.Uint64Var(&o.seed, "seed", 0, "the seed of the first round; the others follow")
	flag.StringVar(&o.engine, "engine", "both", "sqlite, postgres, standby (PostgreSQL with one that takes over) or both, the first two")
	flag.StringVar(&o.only, "only", "", "a part of the names of the kinds that are wanted")
	flag.DurationVar(&o.length, "for", 0, "begin no round after this time; 0 is no bound")
	flag.BoolVar(&o.json, "json", false, "print the result as JSON")
	flag.BoolVar(&o.verbose, "v", false, "tell what is done in each round")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Usage: trueup-kill [flags]

Examples:
  go run ./proof/cmd/trueup-kill                                     20 rounds on each engine
  go run ./proof/cmd/trueup-kill -rounds 1000 -for 10m               ten minutes
  go run ./proof/cmd/trueup-kill -engine sqlite -seed 17 -rounds 1   one round again

Flags:
`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "trueup-kill takes flags only, not %q; see -help\n", flag.Args())
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errBroken):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "trueup-kill:", err)
		os.Exit(1)
	}
}

// errBroken has been told already.
var errBroken = errors.New("an invariant did not hold")

func (o options) engines() ([]string, error) {
	switch o.engine {
	case killtest.SQLite, killtest.Postgres, killtest.Standby:
		return []string{o.engine}, nil
	case "both":
		return []string{killtest.SQLite, killtest.Postgres}, nil
	}
	return nil, fmt.Errorf("-engine takes sqlite, postgres, standby or both, not %q", o.engine)
}

func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	engines, err := o.engines()
	if err != nil {
		return err
	}
	bench, err := killtest.NewBench(engines)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bench.Close()) }()
	s := newSummary(engines, o.seed)
	for name, why := range bench.Cannot {
		s.Without[name] = why.Error()
		fmt.Fprintf(progress, "without the rounds on a %s: %v\n", name, why)
	}
	began := time.Now()
	for n := range o.rounds {
		if o.length > 0 && time.Since(began) > o.length {
			break
		}
		for _, engine := range engines {
			r := killtest.Round{Engine: engine, Seed: o.seed + n, Only: o.only}
			result, err := bench.Run(ctx, r)
			if err != nil {
				tell(progress, result.Timeline)
				return fmt.Errorf("%s: %w", r, err)
			}
			s.add(result)
			fmt.Fprintf(progress, "%s, seed %d: %.1f s, %d events acknowledged, %d writes, %d breaches\n",
				engine, r.Seed, result.Seconds, result.Acknowledged, result.Writes, len(result.Breaches))
			if o.verbose || len(result.Breaches) > 0 {
				tell(progress, result.Timeline)
			}
		}
	}
	s.Seconds = time.Since(began).Seconds()
	if err := s.print(out, o.json); err != nil {
		return err
	}
	if len(s.Broken) > 0 {
		return errBroken
	}
	return nil
}

func tell(progress io.Writer, timeline []string) {
	for _, line := range timeline {
		fmt.Fprintf(progress, "  %s\n", line)
	}
}
