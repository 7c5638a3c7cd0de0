package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
)

// inited is what trueup init prints as JSON.
type inited struct {
	Config string `json:"config"`
	Mode   string `json:"mode"`
	// Secrets are files that were made, Missing those that a person still has to make.
	Secrets []string `json:"secrets"`
	Missing []string `json:"missing_secrets"`
	// Unwritten are statuses for which no value of the target is known yet.
	Unwritten []status.Status `json:"statuses_without_value"`
	// Gaps are values of the source without a meaning.
	Gaps []initGap `json:"gaps"`
	// Faults are what trueup check still finds in the file.
	Faults []fault `json:"faults"`
	Next   string  `json:"next"`
}

type initGap struct {
	Value     string `json:"value"`
	Customers int    `json:"customers"`
}

// tellInit says what was written, what is left to do, and which command is next.
func tellInit(cmd *cobra.Command, r inited, faults config.Faults) error {
	r.Mode, r.Next = "watch", "trueup check --live"
	if flag := cmd.Flags().Lookup("config"); flag.Changed {
		r.Next += " -c " + r.Config
	}
	r.Faults = []fault{}
	for _, f := range faults {
		r.Faults = append(r.Faults, fault{Line: f.Line, Path: f.Path, Problem: f.Problem, Remedy: f.Remedy})
	}
	if r.Secrets == nil {
		r.Secrets = []string{}
	}
	if r.Missing == nil {
		r.Missing = []string{}
	}
	if r.Unwritten == nil {
		r.Unwritten = []status.Status{}
	}
	if wantsJSON(cmd) {
		if err := printJSON(cmd.OutOrStdout(), r); err != nil {
			return err
		}
	} else {
		r.print(cmd, faults)
	}
	if len(faults)+len(r.Unwritten)+len(r.Gaps) > 0 {
		return errPerson
	}
	return nil
}

func (r inited) print(cmd *cobra.Command, faults config.Faults) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "wrote %s in mode watch: nothing is written to any tool\n", r.Config)
	for _, file := range r.Secrets {
		fmt.Fprintf(out, "wrote %s, which only you can read\n", filepath.Join(filepath.Dir(r.Config), file))
	}
	if len(r.Gaps) > 0 {
		var all []string
		for _, g := range r.Gaps {
			text := fmt.Sprintf("%q", g.Value)
			if g.Customers > 0 {
				text += " (" + status.Plural(g.Customers, "customer") + ")"
			}
			all = append(all, text)
		}
		fmt.Fprintf(out, "%s of the source without a meaning, marked in the file: %s; customers with one become exceptions until statuses or ignore lists it\n", status.Plural(len(all), "value"), strings.Join(all, ", "))
	}
	if len(faults)+len(r.Unwritten) > 0 {
		fmt.Fprintln(out, "to complete before Trueup can run:")
	}
	for _, f := range faults {
		fmt.Fprintf(out, "  %s\n", f)
	}
	for _, one := range r.Unwritten {
		fmt.Fprintf(out, "  %s: write what the target shows for %s, in the line that begins with # %s\n", r.Config, one, one)
	}
	for _, file := range r.Missing {
		fmt.Fprintf(out, "  put the secret into %s, and let only yourself read it (chmod 600)\n", filepath.Join(filepath.Dir(r.Config), file))
	}
	fmt.Fprintf(out, "next: %s\n", r.Next)
}
