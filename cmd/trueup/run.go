package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
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
		Short: "Run the service: receive changes and sync them, until stopped",
		Long: `Run the service: receive changes and sync them. The database is created or updated
at startup. An interrupt or SIGTERM refuses new events, finishes the customers in
progress, and exits 0. A second one exits at once, and the next start checks what
was in progress.

The configuration is read again when the file changes, and on SIGHUP: webhooks are
still received, and customers in progress finish first. A file with faults changes
nothing; the log, trueup status, the API, /readyz and Slack report what is wrong.
A file that changes listen, admin_listen or database is refused until the next start.

Without a configuration file and a database, trueup run shows a link. It opens pages
that make the file step by step; the service then continues with it.`,
		Example: `  trueup run
  trueup run -c /etc/trueup/trueup.yaml --listen 0.0.0.0:8080 --log-format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "", "serve on `ADDRESS` instead of the file's listen")
	flags.StringVar(&f.logFormat, "log-format", "", "json or text (text on a terminal)")
	flags.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	flags.DurationVar(&f.drain, "drain", 30*time.Second, "how long a stop waits for customers in progress")
	flags.DurationVar(&f.lease, "lease", 0, "how long this process may work on a customer it has claimed")
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
	log, err := newLog(cmd.ErrOrStderr(), f.logFormat, f.logLevel)
	if err != nil {
		return err
	}
	if f.lease != 0 && f.lease < time.Second {
		return usage("use 1s or more", "--lease %s is too short for a call", f.lease)
	}
	var a *app.App
	if app.CanSetUp(path) {
		if a, err = f.setUp(cmd, path, log); err != nil || a == nil {
			return err
		}
	}
	// The text is kept: what is written from here on is a change of it.
	text, err := config.Read(path)
	var cfg *config.Config
	if err == nil {
		cfg, err = parseConfig(path, text)
	}
	switch {
	case err != nil && a != nil: // edited since the set-up wrote it
		return errors.Join(err, f.stop(a))
	case err != nil:
		return err
	}
	if a == nil {
		if a, err = app.Start(cmd.Context(), app.Options{Config: cfg, Version: versionName(), Log: log, Listen: f.listen, Lease: f.lease, FileChanged: func() {
			select {
			case asked <- syscall.SIGHUP: // as if somebody had asked for it
			default: // it is read anyway
			}
		}}); err != nil && cmd.Context().Err() != nil { // it was told to stop before it had begun
			log.Info("stopped")
			return nil
		} else if err != nil {
			return err
		}
	}
	announce(log, cfg, a.URL())
	if err := tellFirstLink(cmd, a); err != nil { // webhooks are taken all the same
		log.Warn("could not make the link for the first person; trueup people add makes one", slog.Any("error", err))
	}
	watching, stopWatching := context.WithCancel(cmd.Context())
	defer stopWatching()
	var watch sync.WaitGroup
	refused := ""
	watch.Go(func() {
		(&fileWatch{path: path, have: text, asked: asked, log: log, lost: func(err error) { a.FileRefused("", err) }, use: func(text []byte, asked bool) bool {
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
	if err := errors.Join(failed, f.stop(a)); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// stop waits for the customers in progress, for so long as the flag says.
func (f runFlags) stop(a *app.App) error {
	ctx, cancel := context.WithTimeout(context.Background(), f.drain)
	defer cancel()
	return a.Stop(ctx)
}

// tellFirstLink prints the link by which the first person comes in, while there is
// none. Where standard error is kept as a log, others may read it: there it says so.
func tellFirstLink(cmd *cobra.Command, a *app.App) error {
	link, err := a.FirstLink(cmd.Context())
	if err != nil || link == "" {
		return err
	}
	warning := ""
	if !isTerminal(cmd.ErrOrStderr()) {
		warning = "Anyone who reads this line can use the link until then; " + commandLine(cmd, "trueup people add") + " on the server makes an account without it.\n"
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "No one can sign in yet. Make the first account, within 24 hours: %s\n%s", link, warning)
	return err
}

// setUp serves the pages that make a configuration, and returns the service that runs
// on it; none when it was stopped before.
func (f runFlags) setUp(cmd *cobra.Command, path string, log *slog.Logger) (*app.App, error) {
	s, err := app.StartSetUp(cmd.Context(), app.SetUpOptions{Path: path, Listen: f.listen, Version: versionName(), Log: log})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "There is no %s yet. To make it, open this link; it works once, in one browser:\n\n  %s\n\n", path, s.URL())
	select {
	case <-s.Saved():
		fmt.Fprintf(cmd.OutOrStdout(), "%s is written, and the service continues with it\n", path)
		return s.Done(), nil
	case <-cmd.Context().Done():
	case err = <-s.Failed():
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.drain)
	defer cancel()
	return nil, errors.Join(err, s.Stop(ctx))
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
	for _, n := range cfg.Notices() {
		level := slog.LevelInfo
		if n.Warning {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, n.String())
	}
}
