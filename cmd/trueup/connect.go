package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trueup/internal/app"
	"trueup/internal/config"
)

// connected is what trueup connect prints as JSON.
type connected struct {
	Connection string `json:"connection"`
	Account    string `json:"account"`
}

func connectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connect CONNECTION",
		Short: "Connect to a tool that uses OAuth",
		Long: `Connect to a tool that uses OAuth. This prints the address where you approve access
in the tool, waits until the tool sends you back to this machine, and stores the
tokens in the database, encrypted with encryption_key. A running trueup run uses
them at once. Run it again when a connection_failed exception asks for it.

Instead of the connection's name you can give its type, if it is the only one of
that type. On a machine without a browser, forward the port of oauth.redirect_url,
for example with ssh -L 8765:127.0.0.1:8765 HOST, and open the address on your own
computer.`,
		Example: `  trueup connect crm
  trueup connect gohighlevel
  trueup connect crm --json`,
		Args: cobra.ExactArgs(1),
		RunE: connect,
	}
	jsonFlag(cmd)
	return cmd
}

func connect(cmd *cobra.Command, args []string) error {
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	name, err := connectionOf(cfg, args[0])
	if err != nil {
		return err
	}
	account, err := app.Connect(cmd.Context(), cfg, name, func(page string) {
		fmt.Fprintf(cmd.ErrOrStderr(), "Open this address and choose the account for connection %s:\n\n%s\n\n", name, page)
	})
	if err != nil {
		return err
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), connected{Connection: name, Account: account})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is connected to %s\n", name, account)
	return err
}

// connectionOf returns the connection of that name, or the only one of that
// type.
func connectionOf(cfg *config.Config, word string) (string, error) {
	if _, ok := cfg.Connections[word]; ok {
		return word, nil
	}
	var all, of []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		all = append(all, name)
		if cfg.Connections[name].Type == word {
			of = append(of, name)
		}
	}
	switch len(of) {
	case 1:
		return of[0], nil
	case 0:
		return "", usage("available connections: "+strings.Join(all, ", "), "no connection %q in %s", word, cfg.Path)
	}
	return "", usage("name one of these: "+strings.Join(of, ", "), "%d connections are of type %s", len(of), word)
}
