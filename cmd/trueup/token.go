package main

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Create, list and revoke API tokens",
		Long: `Create, list and revoke the tokens that other programs use to call the API. A token
has a role: viewer can read, operator can also act on exceptions, set links, make and
apply plans, and pause a sync, and admin can also take a sync live, read the payloads of
events and manage tokens.`,
		Example: `  trueup token create dashboard --role viewer
  trueup token list
  trueup token revoke dashboard`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	create := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Create an API token and print it once",
		Long: `Create an API token and print it on standard output. It is not shown again: only its
hash is stored. NAME is what histories call its holder. A name can be used only once,
even after the token is revoked.`,
		Example: `  trueup token create dashboard --role viewer
  TOKEN=$(trueup token create bot --role operator)`,
		Args: cobra.ExactArgs(1),
		RunE: withStore(createToken),
	}
	create.Flags().String("role", "", "viewer, operator or admin")
	create.Flags().String("as", "", "who creates it: a `NAME` or an address (default: your user name)")
	list := &cobra.Command{Use: "list", Short: "List all API tokens, including revoked ones", Example: "  trueup token list --json", Args: cobra.NoArgs, RunE: withDatabase(listTokens)}
	revoke := &cobra.Command{Use: "revoke NAME", Short: "Revoke an API token", Example: "  trueup token revoke dashboard",
		Args: cobra.ExactArgs(1), RunE: withStore(revokeToken)}
	for _, c := range []*cobra.Command{create, list, revoke} {
		jsonFlag(c)
		cmd.AddCommand(c)
	}
	return cmd
}

var tokenName = regexp.MustCompile(api.NamePattern)

func createToken(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	a := store.APIToken{Name: args[0]}
	role, err := cmd.Flags().GetString("role")
	if err != nil {
		return err
	}
	if a.Role, err = oneOf("role", role, store.Roles); err != nil {
		return err
	}
	if a.Role == "" {
		return usage("choose what it can do: viewer can read, operator can also act, admin can also read payloads and manage tokens", "--role is missing")
	}
	if !tokenName.MatchString(a.Name) {
		return usage("use up to 64 letters, digits, dots, dashes and underscores", "%q is not a valid token name", a.Name)
	}
	if a.CreatedBy, err = whoIs(cmd); err != nil {
		return err
	}
	text := api.NewToken()
	if a, err = db.AddAPIToken(cmd.Context(), a, api.Hash(text)); err != nil {
		if errors.Is(err, store.ErrTaken) {
			return &failure{err: err, hint: "choose another name", code: exitFailed}
		}
		return err
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), contract.NewToken{Token: contract.TokenOf(a), Text: text})
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s is a token with the role %s. Save it now: it is not shown again.\n", a.Name, a.Role)
	_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
	return err
}

func listTokens(cmd *cobra.Command, _ []string, _ *config.Config, db *store.DB) error {
	found, err := db.APITokens(cmd.Context())
	if err != nil {
		return err
	}
	var rows []contract.Token
	for _, a := range found {
		rows = append(rows, contract.TokenOf(a))
	}
	at := clockOf(cmd.OutOrStdout())
	return list(cmd, rows, "no tokens", "NAME\tROLE\tMADE\tBY\tLAST USED\tREVOKED", func(a contract.Token) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", a.Name, a.Role, at.stamp(a.CreatedAt), orDash(a.CreatedBy), at.stamp(a.LastUsedAt), at.stamp(a.RevokedAt))
	})
}

func revokeToken(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	err := db.RevokeAPIToken(cmd.Context(), args[0])
	if errors.Is(err, store.ErrNotFound) {
		return &failure{err: fmt.Errorf("no token %s", args[0]), hint: "trueup token list shows all tokens", code: exitFailed}
	}
	if err != nil {
		return err
	}
	return done(cmd, map[string]any{"name": args[0]}, fmt.Sprintf("token %s is revoked", args[0]))
}

// stamp is a time of a row for people.
func (c clock) stamp(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return c.when(*t)
}
