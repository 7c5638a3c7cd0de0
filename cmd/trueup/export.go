package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/blueprint"
)

// exported is a written file as it is printed.
type exported struct {
	File string `json:"file"`
	What string `json:"what"`
}

func exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write files for another tool to import",
		Example: `  trueup export make --sync customer-status --out make
  trueup export sql --connection crm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	toMake := &cobra.Command{
		Use:   "make --out DIR",
		Short: "Write the Make scenarios of a sync, and a page that explains how to import them",
		Long: `Write the Make scenarios of a sync as blueprints for Make to import: one sends the
tool's events to Trueup, the other finds, reads and writes records for Trueup. The
README.md beside them explains what to click. The files contain no secrets.`,
		Example: `  trueup export make --sync customer-status --out make
  trueup export make --sync customer-status --out make --force --json`,
		Args: cobra.NoArgs,
		RunE: exportMake,
	}
	toMake.Flags().String("sync", "", "the `SYNC` with a connection of type make, if the file has several")
	toMake.Flags().String("out", "", "the `DIR` to write to; it is created if it is missing")
	toMake.Flags().Bool("force", false, "overwrite existing files")
	jsonFlag(toMake)
	cmd.AddCommand(toMake, exportSQLCommand())
	return cmd
}

func exportMake(cmd *cobra.Command, _ []string) error {
	name, err := cmd.Flags().GetString("sync")
	if err != nil {
		return err
	}
	out, err := cmd.Flags().GetString("out")
	if err != nil {
		return err
	}
	force, err := cmd.Flags().GetBool("force")
	if err != nil {
		return err
	}
	if out == "" {
		return usage("see trueup export make --help", "--out is required")
	}
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	if name == "" {
		if name, err = onlySync(cfg); err != nil {
			return err
		}
	}
	if err := checkSync(cfg, name); err != nil {
		return err
	}
	files, err := blueprint.Export(cfg, name)
	switch {
	case errors.Is(err, blueprint.ErrNotMake):
		return usage("name a sync whose source or target is a connection of type make", "sync %s: %w", name, err)
	case errors.Is(err, blueprint.ErrNoPublicURL):
		return usage("set the address at which Make reaches this server, such as public_url: https://sync.example.com", "%s: %w", cfg.Path, err)
	case err != nil:
		return usage("fix trueup.yaml", "%w", err)
	}
	if blueprint.Unreachable(cfg) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: Make cannot reach %s; set public_url to an address on the internet and export again\n", cfg.PublicURL)
	}
	written, err := writeFiles(out, files, force)
	if err != nil {
		return err
	}
	return list(cmd, written, "nothing to write", "FILE\tWHAT", func(e exported) string { return e.File + "\t" + e.What })
}

// writeFiles writes all files or, when one is there already, none.
func writeFiles(dir string, files []blueprint.File, force bool) ([]exported, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- the files are to be read, and hold no secret
		return nil, err
	}
	var there []string
	var written []exported
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, path)
		}
		written = append(written, exported{File: path, What: f.What})
	}
	if len(there) > 0 && !force {
		return nil, usage("overwrite with --force, or choose another --out", "nothing was written: already there: %s", strings.Join(there, ", "))
	}
	for i, f := range files {
		if err := os.WriteFile(written[i].File, f.Body, 0o644); err != nil { // #nosec G306 -- it is to be read, and holds no secret
			return nil, err
		}
	}
	return written, nil
}
