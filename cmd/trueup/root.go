package main

import (
	"github.com/spf13/cobra"
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
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("see "+cmd.CommandPath()+" --help", "%w", err)
	})
	root.Version = versionName() // gives it --version
	root.SetVersionTemplate(versionLine())
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.AddCommand(runCommand(), demoCommand(), checkCommand(), connectCommand(), configCommand(), eventsCommand(), exceptionsCommand(),
		planCommand(), applyCommand(), explainCommand(), statusCommand(), reportCommand(), exportCommand(), forgetCommand(), linksCommand(), tokenCommand(),
		apiCommand(), resumeCommand(), syncCommand(), versionCommand())
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

// countArguments makes a wrong number of arguments, or an unknown verb, a
// mistake in usage.
func countArguments(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage("see "+cmd.CommandPath()+" --help", "%w", err)
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		countArguments(c)
	}
}
