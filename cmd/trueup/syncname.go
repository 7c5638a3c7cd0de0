package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

// connectionFlag says that a name is a connection's.
func connectionFlag(cmd *cobra.Command) {
	cmd.Flags().Bool("connection", false, "rename or remove the connection, if a sync has the same name")
}

func syncRenameCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a sync or a connection in the database",
		Long: `Rename a sync or a connection in the database to the name it has in trueup.yaml now.
This moves its events, customers, links, holds, exceptions, plans and messages; for a
connection, also its position in the list of changes and its tokens.

Change the name in the file first. A running trueup run uses the old name until the
rename is done, and the new file within a second or two after that. Webhooks sent to
a connection's old name are still accepted. The rename is one transaction, and others
wait for it: with millions of rows, some webhooks are asked to retry.

was: OLD in the file does the same.`,
		Example: `  trueup sync rename customer-status cs-two
  trueup sync rename billing bill2 --connection
  trueup sync rename customer-status cs-two --json`,
		Args: cobra.ExactArgs(2),
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return syncRename(cmd, cfg, db, args[0], args[1])
		}),
	}
	connectionFlag(cmd)
	jsonFlag(cmd)
	return cmd
}

func syncRename(cmd *cobra.Command, cfg *config.Config, db *store.DB, old, name string) error {
	kind, err := kindOf(cmd, func(kind store.NameKind) bool { return inFile(cfg, kind, name) })
	switch {
	case err != nil:
		return err
	case kind == "":
		return usage("change the name in the file first, then run this again", "%s has no sync or connection %s", cfg.Path, name)
	case inFile(cfg, kind, old):
		return usage("change its name in the file to "+name+" first, then run this again", "%s still has the %s %s", cfg.Path, kind, old)
	}
	moved, err := db.Rename(cmd.Context(), app.NewRename(cfg, kind, old, name))
	var namesake *store.NamesakeError
	switch {
	case errors.Is(err, store.ErrNotKnown):
		return usage("trueup status lists names that are no longer in the file", "the database has no %s %s", kind, old)
	case errors.As(err, &namesake):
		return &failure{err: err, code: exitFailed,
			hint: fmt.Sprintf("two histories cannot be merged: restore the name %[1]s in the file, or remove %[1]s with trueup sync remove %[1]s", old)}
	case err != nil:
		return err
	}
	said := fmt.Sprintf("%s is now %s; moved: %s", old, name, moved)
	if moved.Empty() {
		said = fmt.Sprintf("%s is now %s; there was nothing to move", old, name)
	}
	return done(cmd, contract.Renamed{Old: old, Holding: contract.HoldingOf(moved).Called(name)}, said)
}

func syncRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a sync or a connection that is no longer in the file",
		Long: `Remove a sync or a connection that is no longer in trueup.yaml. Its waiting events
and its exceptions close, with a record of who did it. For a connection, its position
in the list of changes and its tokens are deleted. It is no longer shown, and nothing
is received for it.

Links and history stay until they are old enough to be deleted (retention) or the
customer is forgotten. If a sync with this name returns to the file, it has them
again.

The command first shows what it would remove, and asks.`,
		Example: `  trueup sync remove customer-status
  trueup sync remove customer-status --yes --as ana@example.com
  trueup sync remove billing --connection`,
		Args: cobra.ExactArgs(1),
	}
	yes := false
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	asFlag(cmd)
	connectionFlag(cmd)
	jsonFlag(cmd)
	cmd.RunE = withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		return syncRemove(cmd, cfg, db, args[0], yes)
	})
	return cmd
}

func syncRemove(cmd *cobra.Command, cfg *config.Config, db *store.DB, name string, yes bool) error {
	left, err := overview.Left(cmd.Context(), db, cfg)
	if err != nil {
		return err
	}
	found := store.Holding{}
	kind, err := kindOf(cmd, func(kind store.NameKind) bool {
		for _, h := range left {
			if h.Kind == kind && h.Name == name {
				found = h
				return true
			}
		}
		return false
	})
	switch {
	case err != nil:
		return err
	case kind == "" && (inFile(cfg, store.SyncName, name) || inFile(cfg, store.ConnectionName, name)):
		return usage("remove it from the file first, then run this again", "%s is still in %s", name, cfg.Path)
	case kind == "":
		return usage("trueup status lists names that are no longer in the file", "the database has no sync or connection %s to remove", name)
	}
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	if !yes {
		fmt.Fprintf(cmd.ErrOrStderr(), "the database has for the %s %s: %s\n", kind, name, found)
		agreed, err := askYes(cmd, "Remove it and close its waiting events and exceptions?", "add --yes to remove it")
		if err != nil || !agreed {
			return err
		}
	}
	ended, err := db.End(cmd.Context(), kind, name, who)
	if err != nil {
		return err
	}
	return done(cmd, contract.HoldingOf(ended), fmt.Sprintf("removed %s: %s; its history is kept", name, endedIn(ended)))
}

// endedIn says what an end has changed.
func endedIn(h store.Holding) string {
	if h.Kind == store.ConnectionName {
		return "its position in the list of changes and its tokens were deleted"
	}
	return fmt.Sprintf("%d waiting events and %d open exceptions were closed", h.Waiting, h.OpenExceptions)
}

// kindOf says of what kind a name is that is a sync's, a connection's or both; "" is neither.
func kindOf(cmd *cobra.Command, is func(store.NameKind) bool) (store.NameKind, error) {
	connection, err := cmd.Flags().GetBool("connection")
	if err != nil {
		return "", err
	}
	kinds := []store.NameKind{store.SyncName, store.ConnectionName}
	if connection {
		kinds = kinds[1:]
	}
	for _, kind := range kinds {
		if is(kind) {
			return kind, nil
		}
	}
	return "", nil
}

func inFile(cfg *config.Config, kind store.NameKind, name string) bool {
	if kind == store.ConnectionName {
		_, ok := cfg.Connections[name]
		return ok
	}
	_, ok := cfg.Syncs[name]
	return ok
}
