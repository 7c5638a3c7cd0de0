package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/standing"
	"trueup/internal/store"
)

func syncCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Say what has become of a sync whose name or account in the file changed",
		Long: `Say what has become of a sync whose configuration changed in a way that Trueup
cannot judge. A sync or a connection is known by its name in trueup.yaml: what was
received, the links, the holds, the exceptions and all else that is known belongs to
that name, and the links belong to an account.`,
		Example: `  trueup sync rename customer-status cs-two
  trueup sync remove customer-status
  trueup sync same-account customer-status`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(syncRenameCommand(), syncRemoveCommand(), sameAccountCommand())
	return cmd
}

func sameAccountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "same-account SYNC",
		Short: "Say that a sync reaches the accounts its links are of, at another address",
		Long: `Say that a sync reaches the accounts its links are of, at another address. A link
names a record of one account: when the file names another address or another
account, the same ids belong to other people there. So nothing of the sync is
carried, and its events wait, until somebody says which it is.

Say it only when the tool has moved or is called by another name. If it is another
account, remove the links: trueup links remove SYNC --all.`,
		Example: `  trueup sync same-account customer-status
  trueup sync same-account customer-status --as ana@example.com --json`,
		Args: cobra.ExactArgs(1),
		RunE: withStore(sameAccount),
	}
	asFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func sameAccount(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	sync := args[0]
	if err := knownSync(cfg, sync); err != nil {
		return err
	}
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	moved, err := db.SameAccounts(cmd.Context(), sync, who, standing.Accounts(cfg.Syncs[sync]))
	if err != nil {
		return err
	}
	answer := contract.SameAccount{Sync: sync, Changed: len(moved) > 0, Accounts: []contract.AccountMoved{}}
	said := sync + " reaches the accounts its links are of already; nothing was changed"
	for i, m := range moved {
		answer.Accounts = append(answer.Accounts, standing.AccountMoved(m))
		if i == 0 {
			said = "noted: "
		} else {
			said += " and "
		}
		said += fmt.Sprintf("the %s of %s, %s, is the account that was %s", m.Was.Side, sync, m.Now.Shown, m.Was.Shown)
	}
	if len(moved) > 0 {
		said += "; what waits is carried"
	}
	return done(cmd, answer, said)
}
