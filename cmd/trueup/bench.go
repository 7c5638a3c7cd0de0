package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/bench"
)

func benchCommand() *cobra.Command {
	o := bench.Options{Size: bench.Normal}
	quick, full, growth := false, false, false
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Find how much Trueup can do on this machine",
		Long: `Find how much Trueup can do on this machine, with SQLite and, if you name an empty
database, with PostgreSQL. Two sample tools run on this machine; no account and no
configuration are needed, and nothing of yours is touched.

Each figure is shown beside its floor, measured in the same run: what a program
reaches that does only what cannot be avoided. RATIO is Trueup's figure divided by the
floor's. On a machine that is busy both get slower, so compare ratios.

  start    from the start until it is ready, and its memory
  accept   webhooks stored and answered, from 1 to 256 senders
  carry    changes from the webhook to the target
  burst    many changes of few customers
  sweep    a comparison of both sides, and webhooks meanwhile
  nodes    changes with two nodes beside one; both share the PostgreSQL database
  growth   the same steps in a database of 10 thousand to 10 million events (--growth)

It takes a few minutes, for each of the two engines.`,
		Example: `  trueup bench
  trueup bench --quick
  trueup bench --full --postgres postgres://trueup@db.example.com/bench --json > bench.json
  trueup bench --only accept,sweep
  trueup bench --growth`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case quick && full:
				return usage("use only one of them", "--quick and --full cannot be combined")
			case quick:
				o.Size = bench.Quick
			case full:
				o.Size = bench.Full
			}
			if growth {
				o.Only = append(o.Only, "growth")
			}
			return runBench(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&quick, "quick", false, "small numbers, to see that it works")
	flags.BoolVar(&full, "full", false, "large numbers: a million customers, a burst of 100,000 events")
	flags.BoolVar(&growth, "growth", false, "measure the same steps in databases of growing size")
	flags.IntVar(&o.AtMost, "at-most", 0, "use no more than `N` events or customers anywhere")
	flags.StringSliceVar(&o.Only, "only", nil, "measure only these: "+strings.Join(bench.Names(), ", "))
	flags.StringVar(&o.Postgres, "postgres", "", "also measure with the empty PostgreSQL database at `URL`")
	flags.StringVar(&o.Dir, "dir", ".", "make the SQLite files in `DIR`, on the disk you want to measure")
	jsonFlag(cmd)
	cmd.AddCommand(bareCommand())
	return cmd
}

// bareCommand is the program that Trueup is compared with, which trueup bench starts.
func bareCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "bare LISTEN TOOLS SECRET",
		Short:   "Run the program that trueup bench compares with",
		Example: "  trueup bench bare 127.0.0.1:8081 http://127.0.0.1:8082 whsec_…",
		Hidden:  true,
		Args:    cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Bare(cmd.Context(), args[0], args[1], args[2])
		},
	}
}

func runBench(cmd *cobra.Command, o bench.Options) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	o.Command = func(ctx context.Context, args ...string) *exec.Cmd {
		c := exec.CommandContext(ctx, self, args...) // #nosec G204 -- this program itself
		c.Args[0] = os.Args[0]
		return c
	}
	o.Progress = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) }
	report, err := bench.Run(cmd.Context(), o)
	if len(report.Rows) > 0 || err == nil {
		if printErr := printBench(cmd, report); printErr != nil {
			return printErr
		}
	}
	return err
}

func printBench(cmd *cobra.Command, r bench.Report) error {
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), r)
	}
	err := tableOf(cmd, "ENGINE\tWHAT\tTRUEUP\tFLOOR\tRATIO\tFLOOR IS\tNOTE", r.Rows, func(row bench.Row) string {
		return strings.Join([]string{row.Engine, row.What, benchFigure(row.Trueup, row.Unit), benchFigure(row.Floor.Figure, row.Unit),
			benchRatio(row), row.Floor.What, orDash(row.Note)}, "\t")
	})
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "\nmeasured on %s\n", r.Machine)
	if r.Machine.Busy() {
		fmt.Fprintf(out, "this machine was busy with other work (load %.1f): its figures are too low, its ratios are what counts\n", r.Machine.Load)
	}
	return nil
}

// benchFigure is a value, with the times and the processor time that it was measured with.
func benchFigure(f bench.Figure, unit string) string {
	if f.Value == 0 {
		return "not known"
	}
	var more []string
	if f.P50Ms > 0 && unit == "/s" {
		more = append(more, "p50 "+short(f.P50Ms)+" ms")
	}
	if f.P99Ms > 0 && f.P99Ms != f.Value {
		more = append(more, "p99 "+short(f.P99Ms)+" ms")
	}
	if f.CPUMicros > 0 {
		more = append(more, short(f.CPUMicros)+" µs CPU")
	}
	text := short(f.Value) + " " + unit
	if unit == "/s" {
		text = short(f.Value) + unit
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

func benchRatio(r bench.Row) string {
	if r.Ratio == 0 {
		return "-"
	}
	if r.Ratio < 0.095 {
		return strconv.FormatFloat(r.Ratio, 'f', 4, 64)
	}
	return short(r.Ratio)
}

// short writes a number with three digits that mean something.
func short(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
