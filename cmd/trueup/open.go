package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// loadConfig reads the file that --config names.
func loadConfig(cmd *cobra.Command) (*config.Config, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	return config.Load(path, app.Types(), os.LookupEnv)
}

// parseConfig reads the text of the file at path.
func parseConfig(path string, text []byte) (*config.Config, error) {
	return config.Parse(path, text, filepath.Dir(path), app.Types(), os.LookupEnv)
}

// withStore runs a command on the database of the configuration, beside a
// trueup run or without one.
func withStore(run func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error) func(*cobra.Command, []string) error {
	return withConfig(func(cmd *cobra.Command) (*config.Config, error) {
		cfg, err := loadConfig(cmd)
		return cfg, err
	}, run)
}

func withConfig(load func(*cobra.Command) (*config.Config, error), run func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		cfg, err := load(cmd)
		if err != nil {
			return err
		}
		db, err := store.Open(cmd.Context(), store.Options{DSN: cfg.Database.Reveal()})
		if err != nil {
			return err
		}
		noteMode(cmd, cfg)
		defer func() {
			if closeErr := db.Close(); err == nil {
				err = closeErr
			}
		}()
		return run(cmd, args, cfg, db)
	}
}

// withDatabase is withStore for a command that only reads the database: it works
// although the rest of the file has faults, which it tells. The configuration
// has no syncs then.
func withDatabase(run func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error) func(*cobra.Command, []string) error {
	return withConfig(readable, run)
}

// readable returns the configuration, or what a command that only reads the
// database needs of it.
func readable(cmd *cobra.Command) (*config.Config, error) {
	cfg, err := loadConfig(cmd)
	var faults config.Faults
	if !errors.As(err, &faults) {
		return cfg, err
	}
	path, pathErr := cmd.Flags().GetString("config")
	if pathErr != nil {
		return nil, pathErr
	}
	database, ok := config.Database(path, app.Types(), os.LookupEnv)
	if !ok {
		return nil, err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%v\nwarning: %s has faults; this command reads its database anyway\n", faults, path)
	return &config.Config{Path: path, Database: database}, nil
}

// syncFlag adds --sync, which narrows a list to one sync.
func syncFlag(cmd *cobra.Command) {
	cmd.Flags().String("sync", "", "only this `SYNC`")
}

// syncOf returns the sync of --sync, "" for all, and checks its name.
func syncOf(cmd *cobra.Command, cfg *config.Config) (string, error) {
	name, err := cmd.Flags().GetString("sync")
	if err != nil || name == "" {
		return "", err
	}
	return name, checkSync(cfg, name)
}

func checkSync(cfg *config.Config, name string) error {
	if _, ok := cfg.Syncs[name]; ok || cfg.Syncs == nil { // nil: the file has faults, see withDatabase
		return nil
	}
	return usage("available syncs: "+strings.Join(slices.Sorted(maps.Keys(cfg.Syncs)), ", "), "no sync %q in %s", name, cfg.Path)
}

// number reads an id from the command line.
func number(what, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, usage("use a number from the first column of the list", "%q is not a valid %s number", text, what)
	}
	return n, nil
}

// noteMode tells people of each sync that writes nothing because the file does not
// say that it may.
func noteMode(cmd *cobra.Command, cfg *config.Config) {
	if wantsJSON(cmd) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		if !cfg.SaysMode(name) {
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s only watches and writes nothing; to let it write, add mode: live below %s:%d\n", name, cfg.Path, cfg.Line("syncs."+name))
		}
	}
}
