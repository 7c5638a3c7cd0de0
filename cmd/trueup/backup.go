package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// copyJSON is the JSON of a copy of the database.
type copyJSON struct {
	File      string     `json:"file"`
	CopiedAt  *time.Time `json:"copied_at"`
	Customers int        `json:"customers"`
	Links     int        `json:"links"`
	Events    int        `json:"events"`
	LastEvent *time.Time `json:"last_event_at,omitempty"`
	Bytes     int64      `json:"bytes"`
}

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Save a copy of the database, while Trueup runs",
		Long: `Copy a SQLite database into a new file, while trueup run works on it, and check the copy.
The file must not exist yet; its folder is made if need be. It holds personal data, and only
its owner can read it.
Keep trueup.yaml and the files with secrets beside it: they are not in the database.

trueup restore puts the copy back. For a database on a PostgreSQL server, this command
prints the pg_dump to run.`,
		Example: `  trueup backup backups/trueup-2026-11-29.db
  trueup backup "backups/trueup-$(date +%F).db" --json`,
		Args: cobra.ExactArgs(1),
		RunE: withDatabase(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			found, err := db.Backup(cmd.Context(), args[0])
			switch {
			case errors.Is(err, store.ErrNotSQLite):
				return &failure{err: errors.New("nothing was copied: " + err.Error()),
					hint: "run: pg_dump --format=custom --file=" + strconv.Quote(args[0]) + " " + strconv.Quote(withoutPassword(cfg.Database.Reveal())), code: exitFailed}
			case errors.Is(err, store.ErrThere):
				return usage("name a new file, or move that one away", "%w", err)
			case err != nil:
				return err
			}
			return tellCopy(cmd, args[0], found, "copied to "+args[0])
		}),
	}
	jsonFlag(cmd)
	return cmd
}

func restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Restore a copy of the database",
		Long: `Put a copy that trueup backup made where trueup.yaml says that the database is. There must
be none yet: stop Trueup and move the old files away first, all that begin with the
database's name.

The copy does not know what Trueup wrote after it was made. So trueup run pauses each
sync that writes when it first works on a copy: make a plan, read it, and resume the
sync. What waited in the copy is not processed automatically; trueup events lists it.

On a PostgreSQL server, use pg_restore; Trueup notices that too.`,
		Example: `  trueup restore backups/trueup-2026-11-29.db
  trueup restore backups/trueup-2026-11-29.db --config /etc/trueup/trueup.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := readable(cmd)
			if err != nil {
				return err
			}
			to := cfg.Database.Reveal()
			if store.IsPostgres(to) {
				return usage("run: pg_restore --dbname="+strconv.Quote(withoutPassword(to))+" "+strconv.Quote(args[0]), "the database of %s is on a PostgreSQL server", cfg.Path)
			}
			found, err := store.Restore(cmd.Context(), args[0], to)
			if errors.Is(err, store.ErrThere) {
				return usage("stop Trueup, and move all files away that begin with "+filepath.Base(to)+" first", "nothing was restored: %w", err)
			}
			if err != nil {
				return err
			}
			return tellCopy(cmd, to, found, "restored to "+to+
				"\nstart trueup run; it pauses each sync that writes, until you have read a plan and resumed it")
		},
	}
	jsonFlag(cmd)
	return cmd
}

func tellCopy(cmd *cobra.Command, path string, found store.CopyFigures, said string) error {
	counted := fmt.Sprintf("%s, %s and %s", status.Plural(found.Customers, "customer"), status.Plural(found.Links, "link"), status.Plural(found.Events, "event"))
	if !found.LastEvent.IsZero() {
		counted += ", the last received " + clockOf(cmd.OutOrStdout()).on(found.LastEvent)
	}
	return done(cmd, copyJSON{File: path, CopiedAt: contract.Stamp(found.CopiedAt), Customers: found.Customers, Links: found.Links, Events: found.Events,
		LastEvent: contract.Stamp(found.LastEvent), Bytes: found.Bytes}, counted+"; "+said)
}

// withoutPassword is the address of a database that can be shown; pg_dump finds the
// password in PGPASSWORD or ~/.pgpass.
func withoutPassword(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "postgres://..."
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	q.Del("password")
	q.Del("sslpassword")
	u.RawQuery = q.Encode()
	return u.String()
}

func verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that the database is whole and consistent",
		Long: `Read the whole database and check what must always hold: the file is whole, every event that
waits belongs to a customer in the queue, every write under way belongs to a customer, and
so on. It changes nothing and can run beside trueup run. If something is wrong it ends
with exit code 3.`,
		Example: `  trueup verify
  trueup verify --json`,
		Args: cobra.NoArgs,
		RunE: withDatabase(func(cmd *cobra.Command, _ []string, _ *config.Config, db *store.DB) error {
			began := time.Now()
			found, looked, err := db.Verify(cmd.Context())
			if err != nil {
				return err
			}
			if wantsJSON(cmd) {
				err = printJSON(cmd.OutOrStdout(), verifiedJSON(found, looked))
			} else {
				err = printVerified(cmd, found, looked, time.Since(began))
			}
			if err == nil && len(found) > 0 {
				err = errPerson
			}
			return err
		}),
	}
	jsonFlag(cmd)
	return cmd
}

// verified is the JSON of a check of the database.
type verified struct {
	Rules  int      `json:"rules"`
	Broken []broken `json:"broken"`
}

type broken struct {
	Rule   string `json:"rule"`
	Rows   int    `json:"rows"`
	Detail string `json:"detail,omitempty"`
}

func verifiedJSON(found []store.Finding, looked int) verified {
	all := verified{Rules: looked, Broken: []broken{}}
	for _, f := range found {
		all.Broken = append(all.Broken, broken{Rule: f.Rule, Rows: f.Broken, Detail: f.Detail})
	}
	return all
}

func printVerified(cmd *cobra.Command, found []store.Finding, looked int, took time.Duration) error {
	out := cmd.OutOrStdout()
	if len(found) == 0 {
		_, err := fmt.Fprintf(out, "the database is whole: %s hold (%s)\n", status.Plural(looked, "rule"), took.Round(time.Millisecond))
		return err
	}
	for _, f := range found {
		line := fmt.Sprintf("broken: %s (%s)", f.Rule, status.Plural(f.Broken, "row"))
		if f.Detail != "" {
			line += ": " + f.Detail
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, "stop Trueup, keep these files, and restore the last backup: trueup restore FILE")
	return err
}
