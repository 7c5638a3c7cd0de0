package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by the linker in a release, see scripts/release.sh.
var version, commit string

// versionName is the release, or where the binary was built from.
func versionName() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "development " + s.Value[:12]
		}
	}
	return "development"
}

func versionLine() string {
	from := ""
	if commit != "" {
		from = "commit " + commit[:min(len(commit), 12)] + ", "
	}
	return fmt.Sprintf("trueup %s (%s%s)\n", versionName(), from, runtime.Version())
}

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		Example: "  trueup version --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wantsJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), map[string]string{"version": versionName(), "commit": commit, "go": runtime.Version()})
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
	jsonFlag(cmd)
	return cmd
}
