package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

func syncCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Rename or remove a sync, or confirm its accounts",
		Long: `Rename or remove a sync, or confirm its accounts, after a change in trueup.yaml that
Trueup cannot judge. A sync or a connection is known by its name in trueup.yaml: its
events, links, holds, exceptions and everything else belong to that name, and the
links belong to an account.`,
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
		Use:   "same-account [SYNC]",
		Short: "Confirm that a sync still reaches the same accounts, at a new address",
		Long: `Confirm that a sync still reaches the same accounts, at a new address. A link names a
record of one account. When the file names another address or account, the same ids
may belong to other people there. So Trueup stops the sync, and its events wait,
until a person confirms which it is.

Confirm only if the tool has moved or goes by another name. If it is another account,
remove the links instead: trueup links remove SYNC --all.`,
		Example: `  trueup sync same-account customer-status
  trueup sync same-account customer-status --as ana@example.com --json`,
		Args: withSync(1),
		RunE: withStore(onSync(1, sameAccount)),
	}
	asFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func sameAccount(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	sync := args[0]
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	moved, err := db.SameAccounts(cmd.Context(), sync, who, overview.Accounts(cfg.Syncs[sync]))
	if err != nil {
		return err
	}
	answer := contract.SameAccount{Sync: sync, Changed: len(moved) > 0, Accounts: []contract.AccountMoved{}}
	said := sync + " already reaches the accounts of its links; nothing was changed"
	for i, m := range moved {
		answer.Accounts = append(answer.Accounts, overview.AccountMoved(m))
		if i == 0 {
			said = "recorded: "
		} else {
			said += " and "
		}
		said += fmt.Sprintf("the %s of %s, %s, is the same account as %s", m.Was.Side, sync, m.Now.Shown, m.Was.Shown)
	}
	if len(moved) > 0 {
		said += "; waiting customers are synced"
	}
	return done(cmd, answer, said)
}
