package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"trueup/internal/app"
	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/standing"
	"trueup/internal/store"
)

// connectionFlag says that a name is a connection's.
func connectionFlag(cmd *cobra.Command) {
	cmd.Flags().Bool("connection", false, "it is a connection, where a sync has the name as well")
}

func syncRenameCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Give all that is known under one name to another name",
		Long: `Give all that the database holds of a sync or a connection to the name it has in
trueup.yaml now: events, customers, links, holds, exceptions, plans, messages; of a
connection what it has told, its place in the list of changes, and its tokens.

Change the name in the file first. A running trueup run goes on under the old name
until this is done, and uses the new file within a second or two. Webhooks that are
still sent to the old name of a connection are taken. It is one transaction, and
others wait for it: with millions of rows some webhooks are told to come back.

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
		return usage("give it this name in the file first, then run this again", "%s has no sync and no connection %s", cfg.Path, name)
	case inFile(cfg, kind, old):
		return usage("change its name in the file to "+name+" first, then run this again", "%s still has the %s %s", cfg.Path, kind, old)
	}
	moved, err := db.Rename(cmd.Context(), app.NewRename(cfg, kind, old, name))
	var namesake *store.NamesakeError
	switch {
	case errors.Is(err, store.ErrNotKnown):
		return usage("those that left the file are listed by trueup status", "the database holds nothing of a %s %s", kind, old)
	case errors.As(err, &namesake):
		return &failure{err: err, code: exitFailed,
			hint: fmt.Sprintf("two memories cannot become one: call it %[1]s again in the file, or end %[1]s with trueup sync remove %[1]s", old)}
	case err != nil:
		return err
	}
	said := fmt.Sprintf("%s is %s from now on; moved: %s", old, name, moved)
	if moved.Empty() {
		said = fmt.Sprintf("%s is %s; there was nothing to move", old, name)
	}
	return done(cmd, contract.Renamed{Old: old, Holding: contract.HoldingOf(moved).Called(name)}, said)
}

func syncRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "End a sync or a connection that is not in the file any more",
		Long: `End what the database holds of a sync or a connection that trueup.yaml does not have
any more: its events wait no longer, and its exceptions close with who said so. Of
a connection the place in the list of changes and the tokens are deleted. It is not
shown any more, and nothing is received for it.

Links and history stay until they are deleted by age (retention) or a customer is
forgotten. A sync that comes back into the file under this name still has them.

It says what would be ended and asks first.`,
		Example: `  trueup sync remove customer-status
  trueup sync remove customer-status --yes --as ana@example.com
  trueup sync remove billing --connection`,
		Args: cobra.ExactArgs(1),
	}
	yes := false
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	asFlag(cmd)
	connectionFlag(cmd)
	jsonFlag(cmd)
	cmd.RunE = withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		return syncRemove(cmd, cfg, db, args[0], yes)
	})
	return cmd
}

func syncRemove(cmd *cobra.Command, cfg *config.Config, db *store.DB, name string, yes bool) error {
	left, err := standing.Left(cmd.Context(), db, cfg)
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
		return usage("take it out of the file first, then run this again", "%s is still in %s", name, cfg.Path)
	case kind == "":
		return usage("those that left the file are listed by trueup status", "the database holds nothing of a sync or a connection %s that could be ended", name)
	}
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	if !yes {
		fmt.Fprintf(cmd.ErrOrStderr(), "of the %s %s the database holds: %s\n", kind, name, found)
		agreed, err := askYes(cmd, "End it: its events wait no longer, and its exceptions close?", "add --yes to do it")
		if err != nil || !agreed {
			return err
		}
	}
	ended, err := db.End(cmd.Context(), kind, name, who)
	if err != nil {
		return err
	}
	return done(cmd, contract.HoldingOf(ended), fmt.Sprintf("%s is ended: %s; what is left of it is history", name, endedIn(ended)))
}

// endedIn says what an end has changed.
func endedIn(h store.Holding) string {
	if h.Kind == store.ConnectionName {
		return "its place and its tokens are deleted"
	}
	return fmt.Sprintf("%d waiting events and %d open exceptions are closed", h.Waiting, h.OpenExceptions)
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
