package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot returns the command with all its verbs.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "trueup",
		Short: "Keep a customer's status the same in two tools",
		Long: `Trueup keeps a customer's status the same in two tools: one decides, the other
follows. To see it work, run trueup demo; it needs no accounts.`,
		Example: `  trueup demo --for 20s
  trueup check --live
  trueup run
  trueup status
  trueup plan customer-status
  trueup exceptions
  trueup explain customer-status cus_123`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.PersistentFlags().StringP("config", "c", "trueup.yaml", "the configuration `FILE`")
	terminalFlags(root)
	root.SetFlagErrorFunc(wrongFlag)
	root.Version = versionName() // gives it --version
	root.SetVersionTemplate(versionLine())
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.AddCommand(initCommand(), runCommand(), demoCommand(), checkCommand(), connectCommand(), configCommand(), eventsCommand(), exceptionsCommand(),
		planCommand(), applyCommand(), jobsCommand(), explainCommand(), statusCommand(), reportCommand(), exportCommand(), forgetCommand(), linksCommand(), tokenCommand(), peopleCommand(),
		apiCommand(), pauseCommand(), resumeCommand(), modeCommand(), pinCommand(), unpinCommand(), undoCommand(), activityCommand(), syncCommand(), backupCommand(), restoreCommand(), copyCommand(), verifyCommand(), versionCommand(), benchCommand())
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Example = "  trueup completion bash > /etc/bash_completion.d/trueup"
		case "help":
			c.Example = "  trueup help run"
		}
	}
	countArguments(root)
	return root
}

// wrongFlag says what is wrong with a flag, without the words of the library
// that reads it.
func wrongFlag(cmd *cobra.Command, err error) error {
	hint := "see " + cmd.CommandPath() + " --help"
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) {
		f := invalid.GetFlag()
		_, meaning := pflag.UnquoteUsage(f)
		if cause := errors.Unwrap(invalid); f.Value.Type() == "func" && cause != nil { // it has words of our own
			return usage("--"+f.Name+": "+meaning+"; "+hint, "--%s: %w", f.Name, cause)
		}
		return usage("--"+f.Name+": "+meaning+"; "+hint, "--%s %q is not valid", f.Name, invalid.GetValue())
	}
	if unknown := new(pflag.NotExistError); errors.As(err, &unknown) {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			hint = "did you mean --" + near + "? " + hint
		}
	}
	return usage(hint, "%w", err)
}

// nearestFlag is the flag that a misspelt one may have meant, "" for none.
func nearestFlag(cmd *cobra.Command, name string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	if near := names.SuggestionsFor(name); len(near) > 0 && len(name) > 1 {
		return near[0]
	}
	return ""
}

// countArguments makes a wrong number of arguments, or an unknown verb, a
// mistake in usage.
func countArguments(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return wrongArguments(cmd, args)
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		countArguments(c)
	}
}

func wrongArguments(cmd *cobra.Command, args []string) error {
	help := "see " + cmd.CommandPath() + " --help"
	_, takes, _ := strings.Cut(cmd.Use, " ")
	if cmd.HasSubCommands() && takes == "" && len(args) > 0 {
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			help = "did you mean " + cmd.CommandPath() + " " + near[0] + "? " + help
		}
		return usage(help, "unknown command %q", args[0])
	}
	if takes == "" {
		return usage(help, "%s takes no arguments, but was given %q", cmd.CommandPath(), args[0])
	}
	return usage("write "+cmd.CommandPath()+" "+takes+"; "+help, "wrong number of arguments: %d", len(args))
}
