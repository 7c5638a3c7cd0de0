package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// copiedJSON is what trueup copy prints as JSON.
type copiedJSON struct {
	From      string            `json:"from"`
	To        string            `json:"to"` // without the password
	Tables    []copiedTableJSON `json:"tables"`
	Rows      int               `json:"rows"`
	Continued bool              `json:"continued"`
	// OlderCopy says why the file itself may be an older copy, "" for no sign of it.
	OlderCopy string `json:"older_copy"`
	// Line is where the file says database, 0 when it does not.
	Line int `json:"line"`
}

type copiedTableJSON struct {
	Table  string `json:"table"`
	Rows   int    `json:"rows"`
	Digest string `json:"digest"`
}

func copyCommand() *cobra.Command {
	to := ""
	cmd := &cobra.Command{
		Use:   "copy --to postgres://…",
		Short: "Copy the database from SQLite to PostgreSQL",
		Long: `Copy all of a SQLite database into an empty PostgreSQL database, to let several nodes share
the work. Stop trueup run first. The copy is made table by table; if it is interrupted,
the same command continues it, and until it has ended nothing can use the copy. At the
end each table is compared, by the number of its rows and a digest of them.

Then change database in trueup.yaml, as the command says, and start trueup run. Keep the
old file until you are sure, but do not use both: if the old file is used again, each
sync that writes is paused until you have read a plan.

The password can be in PGPASSWORD or ~/.pgpass instead of the address.`,
		Example: `  trueup copy --to postgres://trueup@db.example.com/trueup
  PGPASSWORD=… trueup copy --to "postgres://trueup@db.example.com/trueup?sslmode=verify-full" --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return copyDatabase(cmd, to) },
	}
	cmd.Flags().StringVar(&to, "to", "", "the `ADDRESS` of an empty PostgreSQL database")
	jsonFlag(cmd)
	return cmd
}

func copyDatabase(cmd *cobra.Command, to string) (err error) {
	if to == "" {
		return usage("add --to postgres://user@host/database", "the place to copy to is missing")
	}
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	from := cfg.Database.Reveal()
	if store.IsPostgres(from) {
		return usage("", "%w", store.ErrOnServer)
	}
	db, err := store.Open(cmd.Context(), store.Options{DSN: from, Work: true})
	if errors.Is(err, store.ErrLocked) {
		return &failure{err: errors.New("trueup run works on this database; nothing was copied"), hint: "stop it first; webhooks that come meanwhile are sent again by the tools", code: exitFailed}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m := newMeter(cmd)
	report, err := db.CopyTo(cmd.Context(), to, func(table string, done, all int) { m.say("%s: %d of %s", table, done, status.Plural(all, "row")) })
	m.end()
	if err != nil {
		return notCopied(err, report.Began)
	}
	result := copiedJSON{From: from, To: withoutPassword(to), Tables: []copiedTableJSON{}, Continued: report.Continued, Line: databaseLine(cfg)}
	if report.Older.Code != "" {
		result.OlderCopy = report.Older.Sentence()
	}
	for _, t := range report.Tables {
		result.Tables, result.Rows = append(result.Tables, copiedTableJSON(t)), result.Rows+t.Rows
	}
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), result)
	}
	return result.print(cmd, cfg)
}

// notCopied says what to do about a copy that was not made.
func notCopied(err error, began bool) error {
	for known, hint := range map[error]string{
		store.ErrNotServer:   "write it as --to postgres://user@host/database",
		store.ErrNotEmpty:    "to begin again where a copy was begun, drop its tables first",
		store.ErrMoved:       "if you have used the file again since, start trueup run on it once: it then says what to do",
		store.ErrCopyDiffers: "what was copied stays; the next trueup copy continues",
	} {
		if errors.Is(err, known) {
			code := exitFailed
			if errors.Is(err, store.ErrNotServer) {
				code = exitUsage
			}
			return &failure{err: err, hint: hint, code: code}
		}
	}
	hint := "nothing was copied; check the address, and that its user may make tables there"
	if began {
		hint = "what was copied stays; run the same command again to continue"
	}
	return &failure{err: err, hint: hint, code: exitFailed}
}

// databaseLine is the line of the file that says database, 0 when none does.
func databaseLine(cfg *config.Config) int {
	for _, key := range []string{"database", "database_file"} {
		if cfg.Says(key) {
			return cfg.Line(key)
		}
	}
	return 0
}

func (r copiedJSON) print(cmd *cobra.Command, cfg *config.Config) error {
	out := cmd.OutOrStdout()
	if r.Continued {
		fmt.Fprintln(out, "continued the copy that was interrupted")
	}
	g := newGrid(out, "TABLE\tROWS IN BOTH\tDIGEST OF BOTH")
	for _, t := range r.Tables {
		if t.Rows > 0 {
			fmt.Fprintf(g, "%s\t%d\t%s\n", t.Table, t.Rows, t.Digest[:16])
		}
	}
	if err := g.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s of %s copied and compared; both hold the same\n", status.Plural(r.Rows, "row"), status.Plural(len(r.Tables), "table"))
	if r.OlderCopy != "" {
		fmt.Fprintf(out, "%s; trueup run pauses each sync that writes, until you have read a plan and resumed it\n", r.OlderCopy)
	}
	where := fmt.Sprintf("%s:%d: change the line to", cfg.Path, r.Line)
	if r.Line == 0 {
		where = cfg.Path + ": add the line"
	}
	_, err := fmt.Fprintf(out, "next, in %s\n  database: %s   # and the password, in PGPASSWORD, ~/.pgpass or a database_file\nthen start trueup run; keep %s, and do not use it again\n", where, r.To, r.From)
	return err
}
