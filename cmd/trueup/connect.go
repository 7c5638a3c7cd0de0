package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
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
in the tool, waits until the tool sends you back, and stores the tokens in the
database, encrypted with encryption_key. A running trueup run uses them at once.
Run it again when a connection_failed exception asks for it: the new tokens replace
the old ones.

The tool sends you back to redirect_url. If that is an address of this machine, this
command listens there. If it is <public_url>/oauth/<connection>/back, the running
trueup run receives you, and this command must use the same database. With --paste
nothing needs to be reached: you paste the address at which your browser ends, even
if it shows an error there, or the code in it.

If the file has all that is needed, as with grant: client_credentials, no approval is
needed, and this gets a new token.

Instead of the connection's name you can give its type, if it is the only one of
that type.`,
		Example: `  trueup connect crm
  trueup connect crm --paste
  trueup connect gohighlevel --json`,
		Args: cobra.ExactArgs(1),
		RunE: connect,
	}
	cmd.Flags().Bool("paste", false, "paste the address at which the browser ends, or the code in it")
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
	paste, err := cmd.Flags().GetBool("paste")
	if err != nil {
		return err
	}
	how := app.Connecting{Show: func(page, back string) {
		fmt.Fprintf(cmd.ErrOrStderr(), "Open this address and choose the account for connection %s:\n\n%s\n\n", name, page)
		if paste {
			fmt.Fprintf(cmd.ErrOrStderr(), "Your browser then ends at an address that begins with %s,\neven if it shows an error. Paste that address here, or the code in it: ", back)
		}
	}}
	if paste {
		how.Paste = func(ctx context.Context) (string, error) { return line(ctx, cmd.InOrStdin()) }
	}
	account, err := app.Connect(cmd.Context(), cfg, name, how)
	if err != nil {
		return err
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), connected{Connection: name, Account: account})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is connected to %s\n", name, account)
	return err
}

// line reads one line; it does not wait longer than ctx.
func line(ctx context.Context, from io.Reader) (string, error) {
	type read struct {
		text string
		err  error
	}
	came := make(chan read, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(from, 64<<10)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		came <- read{text, err}
	}()
	select {
	case r := <-came:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
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
