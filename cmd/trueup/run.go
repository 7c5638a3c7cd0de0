package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"trueup/internal/app"
	"trueup/internal/config"
)

// runFlags are the flags of trueup run.
type runFlags struct {
	listen    string
	logFormat string
	logLevel  slog.Level
	drain     time.Duration
	lease     time.Duration
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Receive changes and carry them, until stopped",
		Long: `Receive changes and carry them. The database is made or brought up to date at
the start. An interrupt or SIGTERM refuses new events, lets the customers on
their way end, and exits 0; a second one ends at once, and the next start looks
up what was on its way.

The configuration is read again when the file changes, and on SIGHUP: webhooks go
on, customers on their way end first. A file with faults changes nothing, and the
log, trueup status, the API, /readyz and Slack say what is wrong. listen and database
change with the next start only.`,
		Example: `  trueup run
  trueup run -c /etc/trueup/trueup.yaml --listen 0.0.0.0:8080 --log-format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "", "serve on `ADDRESS` instead of the file's listen")
	flags.StringVar(&f.logFormat, "log-format", "", "json or text (text on a terminal)")
	flags.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	flags.DurationVar(&f.drain, "drain", 30*time.Second, "how long a stop waits for customers on their way")
	flags.DurationVar(&f.lease, "lease", 0, "how long a claimed customer is this process's")
	// A test that kills the process would wait a minute for the old lease.
	if err := flags.MarkHidden("lease"); err != nil {
		panic(err)
	}
	return cmd
}

func (f runFlags) run(cmd *cobra.Command) error {
	asked := hangups()
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return err
	}
	// The text is kept: what is written from here on is a change of it.
	text, err := config.Read(path)
	if err != nil {
		return err
	}
	cfg, err := parseConfig(path, text)
	if err != nil {
		return err
	}
	log, err := newLog(cmd.ErrOrStderr(), f.logFormat, f.logLevel)
	if err != nil {
		return err
	}
	if f.lease != 0 && f.lease < time.Second {
		return usage("give it 1s or more", "a lease of %s is too short for a call", f.lease)
	}
	a, err := app.Start(cmd.Context(), app.Options{Config: cfg, Version: versionName(), Log: log, Listen: f.listen, Lease: f.lease})
	if err != nil {
		return err
	}
	announce(log, cfg, a.URL())
	watching, stopWatching := context.WithCancel(cmd.Context())
	defer stopWatching()
	var watch sync.WaitGroup
	refused := ""
	watch.Go(func() {
		(&fileWatch{path: path, have: text, asked: asked, log: log, lost: a.FileRefused, use: func(text []byte, asked bool) bool {
			if asked {
				refused = "" // whoever asks is told
			}
			return f.reload(path, text, a, log, &refused)
		}}).run(watching)
	})
	var failed error
	select {
	case <-cmd.Context().Done():
		log.Info("stopping", slog.Duration("at_most", f.drain))
	case failed = <-a.Failed():
	}
	stopWatching()
	watch.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), f.drain)
	defer cancel()
	if err := errors.Join(failed, a.Stop(ctx)); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// announce says where the service is and where webhooks are to be sent.
func announce(log *slog.Logger, cfg *config.Config, url string) {
	log.Info("running", slog.String("version", versionName()), slog.String("url", url), slog.Int("connections", len(cfg.Connections)), slog.Int("syncs", len(cfg.Syncs)))
	public := strings.TrimSuffix(cmp.Or(cfg.PublicURL, url), "/")
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		log.Info("sync", slog.String("sync", name), slog.String("source", s.Source.Connection), slog.String("target", s.Target.Connection),
			slog.String("mode", s.Mode), slog.String("webhooks", public+"/hooks/"+s.Source.Connection))
	}
}
