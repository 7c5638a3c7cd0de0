package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Why a database cannot be copied to a server.
var (
	// ErrOnServer means that the database that is to be copied is no SQLite file.
	ErrOnServer = errors.New("only a SQLite file is copied to PostgreSQL; to copy a PostgreSQL database, use pg_dump and pg_restore")
	// ErrNotServer means that the place to copy to is no PostgreSQL server.
	ErrNotServer = errors.New("the place to copy to is not an address that begins with postgres://")
	// ErrNotEmpty means that there is something else already.
	ErrNotEmpty = errors.New("the place to copy to is not empty; make a new database, or a new schema, for Trueup alone")
	// ErrMoved means that the file was copied before, to another place.
	ErrMoved = errors.New("this file was already copied to another PostgreSQL database, which may be newer; use that one")
	// ErrHalfCopied means that a copy into this database has not ended.
	ErrHalfCopied = errors.New("a copy into this database was interrupted; run trueup copy again, which continues it")
	// ErrCopyDiffers means that what was copied is not what the file holds.
	ErrCopyDiffers = errors.New("it changed while it was copied; stop every trueup command that uses this file, and run trueup copy again")
)

// CopiedTable is a table that both databases hold alike.
type CopiedTable struct {
	Table  string
	Rows   int
	Digest string // of its rows, in any order
}

// CopyReport is what a copy to a server came to.
type CopyReport struct {
	Tables []CopiedTable
	// Began says that something may be there, which the next call continues.
	Began bool
	// Continued says that an earlier copy was continued.
	Continued bool
	// Older is why the file itself may be an older copy, "" where nothing says so. The
	// copy is taken for one as well.
	Older reason.Reason
}

// Rows returns how many rows a table has.
func (r CopyReport) Rows(table string) int {
	for _, t := range r.Tables {
		if t.Table == table {
			return t.Rows
		}
	}
	return 0
}

// copyBatch is how many rows are copied in one transaction.
var copyBatch = 2000

// movedMark is how the place of a SQLite file begins that was copied to a server.
const movedMark = "moved to "

// CopyTo copies a SQLite file, which no service works on, into an empty PostgreSQL
// database, compares all of it, and notes in both which of them is in use from now on.
// Interrupted, it is continued by the next call. Until it has ended nobody can use the
// copy. tell is told how far it is.
func (db *DB) CopyTo(ctx context.Context, dsn string, tell func(table string, done, all int)) (report CopyReport, err error) {
	if db.name != sqliteDialect.name {
		return report, ErrOnServer
	}
	if !IsPostgres(dsn) {
		return report, ErrNotServer
	}
	from := db.witnessFile
	if from, err = filepath.Abs(strings.TrimSuffix(from, ".mark")); err != nil {
		return report, err
	}
	c, err := openCopy(ctx, db, dsn, from)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, c.to.closePools()) }()
	report.Began, report.Continued, report.Older = true, c.continued, c.older
	for _, table := range c.tables {
		found, err := c.table(ctx, table, tell)
		if err != nil {
			return report, fmt.Errorf("copy the table %s: %w", table.name, err)
		}
		report.Tables = append(report.Tables, found)
	}
	if err := c.numbers(ctx); err != nil {
		return report, fmt.Errorf("let the numbers of rows go on: %w", err)
	}
	for _, table := range c.tables { // so that the first statements are planned for what is there
		if _, err := c.to.write.ExecContext(ctx, `analyze "`+table.name+`"`); err != nil {
			return report, fmt.Errorf("count what was copied: %w", err)
		}
	}
	return report, c.end(ctx)
}

// copying is a copy under way.
type copying struct {
	from, to  *DB
	tables    []copyTable
	continued bool
	older     reason.Reason
	was       marks
	place     string
}

// copyTable is a table with its columns.
type copyTable struct {
	name, columns string
	names         []string
	blobs         []bool
}

// openCopy opens the place to copy to, and refuses one that is not empty.
func openCopy(ctx context.Context, db *DB, dsn, from string) (c *copying, err error) {
	c = &copying{from: db, to: &DB{}}
	if err = c.to.openPools(ctx, Options{DSN: dsn}); err != nil {
		return nil, fmt.Errorf("open the place to copy to: %w", err)
	}
	c.to.statements.db = c.to
	if err = c.begin(ctx, from); err != nil {
		return nil, errors.Join(err, c.to.closePools())
	}
	return c, nil
}

func (c *copying) begin(ctx context.Context, from string) error {
	begun, err := c.begun(ctx)
	if err != nil {
		return err
	}
	switch {
	case begun == "":
		if err := c.empty(ctx); err != nil {
			return err
		}
		if _, err := c.to.write.ExecContext(ctx, "create table "+copyNote+" (id bigint primary key, half_copied_from text not null); create table "+copyNote+"_tables (name text primary key, last_row bigint not null, complete bigint not null)"); err != nil {
			return fmt.Errorf("begin the copy: %w", c.to.noSchema(ctx, err))
		}
		if _, err := c.to.write.ExecContext(ctx, "insert into "+copyNote+" values (1, $1)", from); err != nil {
			return fmt.Errorf("begin the copy: %w", err)
		}
	case begun != from:
		return fmt.Errorf("a copy of %s was begun there: %w", begun, ErrNotEmpty)
	default:
		c.continued = true
	}
	steps, err := migrationsOf(migrations, c.to.name)
	if err != nil {
		return err
	}
	if err := c.to.migrate(ctx, steps, true); err != nil {
		return err
	}
	if err := c.marks(ctx); err != nil {
		return err
	}
	c.tables, err = c.from.copyTables(ctx)
	return err
}

// copyNote is the table that says, while a copy is under way, how far it is. A database
// that has it is not opened.
const copyNote = "unfinished_copy"

// copyColumn is a column that only this table has.
const copyColumn = "half_copied_from"

// begun returns which file a copy was begun of there, "" for none.
func (c *copying) begun(ctx context.Context) (from string, err error) {
	there := ""
	switch err := c.to.read.QueryRowContext(ctx, c.to.tablesWith, copyColumn).Scan(&there); {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look at the place to copy to: %w", err)
	}
	err = c.to.read.QueryRowContext(ctx, "select coalesce(max("+copyColumn+"), '') from "+copyNote).Scan(&from)
	if from == "" && err == nil { // cut off between its first two steps: nothing is there yet
		_, err = c.to.write.ExecContext(ctx, "drop table "+copyNote+", "+copyNote+"_tables")
	}
	return from, err
}

// wholeCopy refuses a database that is half of a copy.
func (db *DB) wholeCopy(ctx context.Context) error {
	if db.name != postgresDialect.name {
		return nil
	}
	there := ""
	switch err := db.read.QueryRowContext(ctx, db.tablesWith, copyColumn).Scan(&there); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("open the database: %w", err)
	}
	return ErrHalfCopied
}

// empty refuses a schema that holds a table of anybody.
func (c *copying) empty(ctx context.Context) error {
	tables := 0
	err := c.to.read.QueryRowContext(ctx, "select count(*) from information_schema.tables where table_schema = current_schema()").Scan(&tables)
	if err != nil {
		return fmt.Errorf("look at the place to copy to: %w", err)
	}
	if tables > 0 {
		return ErrNotEmpty
	}
	return nil
}

// marks reads whether the file is the one that was at work last.
func (c *copying) marks(ctx context.Context) error {
	var err error
	if c.place, err = c.to.placeHere(ctx); err != nil {
		return err
	}
	now, err := c.from.Now(ctx)
	if err != nil {
		return err
	}
	if err := c.from.update(ctx, func(t *tx) error { c.was, err = t.marks(); return err }); err != nil {
		return err
	}
	if to, moved := strings.CutPrefix(c.was.place, movedMark); moved {
		if !samePlace(to, c.place) {
			return ErrMoved
		}
		return nil
	}
	if why, older := c.was.olderCopy(now, "", c.from.witness()); older {
		c.older = why
	}
	return nil
}

// copyTables are the tables of a SQLite file that are copied.
func (db *DB) copyTables(ctx context.Context) (all []copyTable, err error) {
	rows, err := db.read.QueryContext(ctx, `select m.name, c.name, c.type = 'BLOB' or c.type = 'blob' from sqlite_master m join pragma_table_info(m.name) c
where m.type = 'table' and m.name not like 'sqlite_%' and m.name not in ('schema_version', 'marks') order by m.name, c.cid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() // nothing is left to read
	for rows.Next() {
		var table, column string
		var blob bool
		if err := rows.Scan(&table, &column, &blob); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].name != table {
			all = append(all, copyTable{name: table})
		}
		last := &all[len(all)-1]
		last.names, last.blobs = append(last.names, column), append(last.blobs, blob)
	}
	for i := range all {
		quoted := make([]string, len(all[i].names))
		for j, n := range all[i].names {
			quoted[j] = `"` + n + `"`
		}
		all[i].columns = strings.Join(quoted, ", ")
	}
	return all, rows.Err()
}

// copyTries is how often a table is copied anew that differs afterwards.
const copyTries = 3

// table copies a table, and compares it.
func (c *copying) table(ctx context.Context, t copyTable, tell func(table string, done, all int)) (CopiedTable, error) {
	for try := 1; ; try++ {
		if err := c.rows(ctx, t, tell); err != nil {
			return CopiedTable{}, err
		}
		is, rows, err := c.from.digest(ctx, t)
		if err != nil {
			return CopiedTable{}, err
		}
		became, there, err := c.to.digest(ctx, t)
		if err != nil {
			return CopiedTable{}, err
		}
		if is == became && rows == there {
			return CopiedTable{Table: t.name, Rows: rows, Digest: is}, nil
		}
		if try == copyTries {
			return CopiedTable{}, ErrCopyDiffers
		}
		// Somebody has changed it meanwhile: it is copied anew.
		if _, err := c.to.write.ExecContext(ctx, `truncate table "`+t.name+`"`); err != nil {
			return CopiedTable{}, err
		}
		if _, err := c.to.write.ExecContext(ctx, "delete from "+copyNote+"_tables where name = $1", t.name); err != nil {
			return CopiedTable{}, err
		}
	}
}

// rows copies the rows of a table that are not copied yet.
func (c *copying) rows(ctx context.Context, t copyTable, tell func(table string, done, all int)) error {
	all := 0
	if err := c.from.read.QueryRowContext(ctx, `select count(*) from "`+t.name+`"`).Scan(&all); err != nil {
		return err
	}
	last, complete, done := int64(-1<<62), 0, 0
	err := c.to.read.QueryRowContext(ctx, "select last_row, complete, (select count(*) from \""+t.name+"\") from "+copyNote+"_tables where name = $1", t.name).Scan(&last, &complete, &done)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for complete == 0 {
		batch, after, err := c.from.batch(ctx, t, last)
		if err != nil {
			return err
		}
		if len(batch) < copyBatch {
			complete = 1
		}
		last = after
		if err := c.to.insert(ctx, t, batch, last, complete); err != nil {
			return err
		}
		done += len(batch)
		tell(t.name, done, all)
	}
	return nil
}

// end notes in both databases which of them is in use from now on. The file is told
// first: cut off between the two, nobody works on either.
func (c *copying) end(ctx context.Context) error {
	now, err := c.from.Now(ctx)
	if err != nil {
		return err
	}
	if err := c.from.update(ctx, func(t *tx) error {
		return t.setMarks(marks{beats: max(c.was.beats, c.from.witness()) + 1, seen: now, place: movedMark + c.place})
	}); err != nil {
		return fmt.Errorf("note in the file that it was copied: %w", err)
	}
	if err := c.from.testify(ctx); err != nil && !errors.Is(err, ErrNoMark) {
		return err
	}
	copied := int64(0)
	if c.older.Code != "" {
		copied = ms(now)
	}
	tx, err := c.to.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // has no effect after the commit
	at, err := c.to.Now(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "insert into marks (id, beats, seen_at, place, copied_at) values (1, $1, $2, $3, $4)", c.was.beats, ms(at), c.place, copied); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "drop table "+copyNote+", "+copyNote+"_tables"); err != nil {
		return err
	}
	return tx.Commit()
}
