package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func linksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "links",
		Short: "List, set, remove, export and import links",
		Long: `List, set, remove, export and import links. A link joins one customer of the source
to one record of the target. Match rules find links. A person can set them too, and
those are kept.`,
		Example: `  trueup links
  trueup links set customer-status cus_123 contact_9
  trueup links export > links.csv
  trueup links import links.csv`,
		Args: cobra.NoArgs,
	}
	list := &cobra.Command{Use: "list", Short: "List links", Example: "  trueup links list --sync customer-status --json", Args: cobra.NoArgs, RunE: withDatabase(listLinks)}
	force := false
	set := &cobra.Command{Use: "set [SYNC] CUSTOMER TARGET", Short: "Link a customer (the source's id) to a record (the target's id)", Long: setLong,
		Example: "  trueup links set customer-status cus_123 contact_9", Args: withSync(3),
		RunE: withStore(onSync(3, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return setLink(cmd, args, force, cfg, db)
		}))}
	joinFlags(set, &force)
	all, yes := false, false
	remove := &cobra.Command{Use: "remove [SYNC] CUSTOMER", Short: "Remove a customer's link, or all links; the match rules run again",
		Long: `Remove a customer's link, or with --all every link of a sync. The match rules then
run again.

Use --all when a sync now reaches a different account: what was seen and written in
the previous account is forgotten along with the links, so that each record is
treated as new (first_contact).`,
		Example: "  trueup links remove customer-status cus_123\n  trueup links remove customer-status --all",
		Args: func(cmd *cobra.Command, args []string) error {
			if all {
				return withSync(1)(cmd, args)
			}
			return withSync(2)(cmd, args)
		},
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			if all {
				return onSync(1, func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
					return removeLinks(cmd, args[0], yes, cfg, db)
				})(cmd, args, cfg, db)
			}
			return onSync(2, removeLink)(cmd, args, cfg, db)
		})}
	remove.Flags().BoolVar(&all, "all", false, "remove every link of the sync")
	remove.Flags().BoolVar(&yes, "yes", false, "with --all: do not ask for confirmation")
	export := &cobra.Command{Use: "export", Short: "Print links as CSV",
		Long:    "Print links as CSV. A cell that a spreadsheet would run as a formula starts with a ', which import removes.",
		Example: "  trueup links export --sync customer-status > links.csv", Args: cobra.NoArgs, RunE: withDatabase(exportLinks)}
	imports := linksImportCommand()
	for _, c := range []*cobra.Command{list, export} {
		syncFlag(c)
	}
	for _, c := range []*cobra.Command{list, set, remove, imports} {
		jsonFlag(c)
	}
	for _, c := range []*cobra.Command{set, remove, imports} {
		asFlag(c)
	}
	cmd.RunE = list.RunE
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, set, remove, export, imports)
	return cmd
}

func listLinks(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
	sync, err := syncOf(cmd, cfg)
	if err != nil {
		return err
	}
	found, err := db.Links(cmd.Context(), sync)
	if err != nil {
		return err
	}
	var rows []contract.Link
	for _, l := range found {
		rows = append(rows, contract.LinkOf(l))
	}
	at := clockOf(cmd.OutOrStdout())
	return list(cmd, rows, "no links", "SYNC\tCUSTOMER\tTARGET\tRULE\tCONFIDENCE\tBY\tAT", func(l contract.Link) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%g\t%s\t%s", l.Sync, l.Customer, l.TargetID, orDash(l.Rule), l.Confidence, l.By, at.when(*l.At))
	})
}

const setLong = `Link a customer (the source's id) to a record (the target's id). The command reads
both tools, shows the two sides as they are now, and asks; --yes skips the question.
It prints personal data.

It refuses a record that has another customer's key, unless you add --force. It
always refuses a record that is linked to another customer: first remove that link
with trueup links remove SYNC OTHER-CUSTOMER. If a tool does not answer, the link is
made anyway, with a warning.`

func setLink(cmd *cobra.Command, args []string, force bool, cfg *config.Config, db *store.DB) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	l := store.Link{Sync: args[0], Customer: args[1], TargetID: args[2], Rule: "set", Confidence: 1, By: who}
	if l.Customer == "" || l.TargetID == "" {
		return usage("see trueup links set --help", "the customer and the target must not be empty")
	}
	var none *exceptions.MissingRecordError
	switch err := mayLink(cmd, cfg, db)(cmd.Context(), l.Sync, l.Customer, l.TargetID, force); {
	case errors.Is(err, errDeclined):
		return nil
	case errors.As(err, &none):
		return &failure{err: none, hint: "give the id of an existing record; nothing was changed", code: exitFailed}
	case err != nil:
		return taken(refused(err))
	}
	if err := db.SetLink(cmd.Context(), l); err != nil {
		return taken(err)
	}
	return done(cmd, map[string]any{"sync": l.Sync, "customer": l.Customer, "target_id": l.TargetID},
		linked(l.Sync, l.Customer, l.TargetID)+fmt.Sprintf("\nIt will be checked again; see trueup explain %s %s", l.Sync, l.Customer))
}

func removeLink(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	err = db.RemoveLink(cmd.Context(), args[0], args[1], who)
	if errors.Is(err, store.ErrNotFound) {
		return &failure{err: fmt.Errorf("customer %s of %s has no link", args[1], args[0]), hint: "trueup links list shows the customers that have one", code: exitFailed}
	}
	if err != nil {
		return err
	}
	return done(cmd, map[string]any{"sync": args[0], "customer": args[1]}, fmt.Sprintf("removed the link of customer %s; the match rules run again", args[1]))
}

// removeLinks removes all links of a sync.
func removeLinks(cmd *cobra.Command, sync string, yes bool, cfg *config.Config, db *store.DB) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	if !yes {
		agreed, err := askYes(cmd, "Remove every link of "+sync+", including those set by people?", "add --yes; to keep a copy first, use trueup links export")
		if err != nil || !agreed {
			return err
		}
	}
	n, err := db.RemoveLinks(cmd.Context(), sync, who, overview.Accounts(cfg.Syncs[sync]))
	if err != nil {
		return err
	}
	return done(cmd, map[string]any{"sync": sync, "removed": n}, fmt.Sprintf("removed %s of %s; the match rules run again", status.Plural(n, "link"), sync))
}

func exportLinks(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
	sync, err := syncOf(cmd, cfg)
	if err != nil {
		return err
	}
	found, err := db.Links(cmd.Context(), sync)
	if err != nil {
		return err
	}
	return writeLinks(cmd.OutOrStdout(), found)
}

// taken adds what to do to the error about a record that is another's.
func taken(err error) error {
	var d *store.DuplicateLinkError
	if errors.As(err, &d) {
		return &failure{err: d, hint: fmt.Sprintf("remove that link first: trueup links remove %s %s", d.Sync, d.Customer), code: exitFailed}
	}
	return err
}

func done(cmd *cobra.Command, v any, sentence string) error {
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), sentence)
	return err
}
