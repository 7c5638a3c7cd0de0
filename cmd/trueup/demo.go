package main

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/demo"
)

func demoCommand() *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a demonstration with two sample tools, without any account",
		Long: `Start two sample tools on this machine, a billing tool that decides and a CRM
that follows, with Trueup between them, and show a stream of changes with
everything that goes wrong in practice: repeats, wrong order, an unknown status, a
customer that is missing in the CRM, a person's edit. Both tools have a page where
you can change a status yourself. The demonstration ends with Ctrl-C, or after the
time given with --for, and prints a table of what happened.`,
		Example: `  trueup demo
  trueup demo --for 20s
  trueup demo --dir ./demo     # keeps trueup.yaml, the database and the log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.For != 0 && o.For < demo.Shortest {
				return usage("use "+demo.Shortest.String()+" or more", "--for %s is too short to show anything", o.For)
			}
			if !cmd.Flags().Changed("seed") {
				o.Seed = rand.Uint64() // #nosec G404 -- it decides who plays which part, and is no secret
			}
			return runDemo(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.For, "for", 0, "end after this time (5s or more)")
	flags.StringVar(&o.Dir, "dir", "", "keep trueup.yaml, the database and the log in `DIR`, a new folder")
	flags.Uint64Var(&o.Seed, "seed", 0, "play the same script again (random by default)")
	return cmd
}

func runDemo(cmd *cobra.Command, o demo.Options) error {
	to := io.Discard
	if o.Dir != "" {
		// The sample tools of an earlier demonstration have gone with what they held, and a file
		// that someone made is not written over.
		for _, name := range []string{"trueup.yaml", "trueup.db"} {
			if _, err := os.Lstat(filepath.Join(o.Dir, name)); err == nil {
				return usage("name a new folder, or remove this one first if it holds an earlier demonstration",
					"%s has a %s already, which the demonstration would write over", o.Dir, name)
			}
		}
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return err
		}
		file, err := os.OpenFile(filepath.Join(o.Dir, "trueup.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		to = file
	}
	o.Out = cmd.OutOrStdout()
	o.IsTerminal = demo.IsTerminal(o.Out)
	log, err := newLog(to, "json", slog.LevelInfo)
	if err != nil {
		return err
	}
	o.Start = app.DemoStart(versionName(), log)
	return demo.Run(cmd.Context(), o)
}
