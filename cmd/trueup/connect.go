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
		Short: "Give consent to a connection that uses OAuth",
		Long: `Show the address at which you give your consent in the tool, wait until the tool
sends you back to this machine, and keep the tokens in the database, sealed with
encryption_key. A running trueup run uses them at once. Do it again when a
connection_failed exception asks for it.

The name of a type does as well when there is one connection of it. On a machine
without a browser forward the port of oauth.redirect_url, such as
ssh -L 8765:127.0.0.1:8765 HOST, and open the address at home.`,
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
		fmt.Fprintf(cmd.ErrOrStderr(), "Open this address, and choose the account of connection %s:\n\n%s\n\n", name, page)
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
		return "", usage("its connections are: "+strings.Join(all, ", "), "there is no connection %q in %s", word, cfg.Path)
	}
	return "", usage("name one of them: "+strings.Join(of, ", "), "%d connections are of type %s", len(of), word)
}
