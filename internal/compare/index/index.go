// Package index answers what both sides of a sync listed: it is the index of a
// comparison's log, in a temporary file.
//
// Main types: Index, which is filled once (Add, AddCustomers, Sort) and then
// asked, and Source and Target, the records as they were read.
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. Its memory does not grow with the number of records: SQLite sorts and
//     keeps in the file what does not fit into the cache.
//  2. Filling costs what sorting costs: rows are appended as they come and then
//     moved over in the order of their keys. Nothing is put in at random but what
//     the match rules find (Take).
//  3. Of a record that came twice the later one counts, with its keys.
//  4. The file holds personal data. It has no name: it is gone with the process,
//     however that ends.
//
// What it answers is what the log says. The log is package store's, and so is
// all that must outlive the process. It must not import package pipeline or a
// connector, and no SQL of the main database stands here.
package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Index is one comparison's. One goroutine uses it at a time, and after an error
// of it nothing but Close is called.
type Index struct {
	db *sql.DB
	// conn is the one connection: the file is its own, and another one would
	// find an empty database.
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	normalize  func(key, value string) string
	read       int64 // records of the target so far
	byEmail    bool  // there is an index for Sharing
}

// Source is a record of the source as a comparison has read it.
type Source struct {
	Record status.SourceRecord
	ReadAt time.Time
}

// Target is a record of the target as a comparison has read it.
type Target struct {
	Record status.TargetRecord
	ReadAt time.Time
}

// The tables that are read_… hold what comes in the order in which it comes; n
// counts the records.
const schema = `
create table read_sources (customer text, value text, no_status integer, value_at integer, updated_at integer, keys text, read_at integer);
create table read_targets (n integer primary key, target_id text, value text, edited_at integer, field_time integer, actor text, edited_by text,
    revision text, keys text, read_at integer);
create table read_keys (name text, value text, target_id text, n integer);
create table sources (customer text primary key, value text, no_status integer, value_at integer, updated_at integer, keys text, read_at integer) without rowid;
create table targets (target_id text primary key, n integer, value text, edited_at integer, field_time integer, actor text, edited_by text,
    revision text, keys text, read_at integer) without rowid;
create table keys (name text, value text, target_id text, n integer, primary key (name, value, target_id, n)) without rowid;
create table taken (target_id text primary key, customer text) without rowid;
create table customers (customer text primary key) without rowid;
`

// Invariant 3: what comes later replaces what came before.
const sorted = `
insert or replace into sources select customer, value, no_status, value_at, updated_at, keys, read_at from read_sources order by customer, rowid;
drop table read_sources;
insert or replace into targets select target_id, n, value, edited_at, field_time, actor, edited_by, revision, keys, read_at from read_targets order by target_id, n;
drop table read_targets;
insert into keys select name, value, target_id, n from read_keys order by name, value, target_id, n;
drop table read_keys;
commit;
`

// Open makes an empty index, in which two values of a key are the same when
// normalize makes them so.
func Open(ctx context.Context, normalize func(key, value string) string) (*Index, error) {
	db, err := sql.Open("sqlite", "") // without a name SQLite makes a temporary file (invariant 4)
	if err != nil {
		return nil, told(err)
	}
	x := &Index{db: db, statements: map[string]*sql.Stmt{}, normalize: normalize}
	if x.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(told(err), db.Close())
	}
	// What is left behind by a crash is of no use to anybody, so nothing is done to
	// have it right. The cache bounds what is sorted in memory as well (invariant 1).
	for _, text := range []string{"pragma journal_mode = off", "pragma synchronous = off", "pragma temp_store = file", "pragma cache_size = -16000", schema, "begin"} {
		if _, err := x.conn.ExecContext(ctx, text); err != nil {
			return nil, errors.Join(told(err), x.Close())
		}
	}
	return x, nil
}

// Close drops the index.
func (x *Index) Close() error {
	var err error
	for _, stmt := range x.statements {
		err = errors.Join(err, stmt.Close())
	}
	return errors.Join(err, x.conn.Close(), x.db.Close())
}

// Add adds a page of the log; pages come in its order.
func (x *Index) Add(ctx context.Context, p store.SweepPage) error {
	var sources, targets, keys [][]any
	for _, r := range p.Sources {
		sources = append(sources, []any{r.ID, r.Value, r.NoStatus, ms(r.ValueAt), ms(r.UpdatedAt), text(r.Keys), ms(p.ReadAt)})
	}
	for _, r := range p.Targets {
		x.read++
		targets = append(targets, []any{x.read, r.ID, r.Value, ms(r.EditedAt), r.FieldTime, string(r.Actor), r.By, r.Revision, text(r.Keys), ms(p.ReadAt)})
		for name, value := range r.Keys {
			if value = x.normalize(name, value); value != "" {
				keys = append(keys, []any{name, value, r.ID, x.read})
			}
		}
	}
	return errors.Join(x.insert(ctx, "insert into read_sources", sources), x.insert(ctx, "insert into read_targets", targets),
		x.insert(ctx, "insert into read_keys", keys), x.Take(ctx, p.Taken))
}

// AddCustomers adds customers who are to be looked at although the source did
// not list them.
func (x *Index) AddCustomers(ctx context.Context, customers []string) error {
	rows := make([][]any, len(customers))
	for i, customer := range customers {
		rows[i] = []any{customer}
	}
	return x.insert(ctx, "insert or ignore into customers", rows)
}

// Sort ends the filling: now it can be asked.
func (x *Index) Sort(ctx context.Context) error {
	_, err := x.conn.ExecContext(ctx, sorted) // invariant 2
	return told(err)
}

// Take notes for whom the match rules found records of the target.
func (x *Index) Take(ctx context.Context, taken []store.Taken) error {
	rows := make([][]any, len(taken))
	for i, t := range taken {
		rows[i] = []any{t.TargetID, t.Customer}
	}
	return x.insert(ctx, "insert or replace into taken", rows)
}

// rowsAtOnce is how many rows one statement takes: each has a cost of its own.
const rowsAtOnce = 50

func (x *Index) insert(ctx context.Context, into string, rows [][]any) error {
	for len(rows) > 0 {
		n := rowsAtOnce
		if len(rows) < n {
			n = 1
		}
		var args []any
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		row := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
		stmt, err := x.statement(ctx, into+" values "+row+strings.Repeat(", "+row, n-1))
		if err == nil {
			_, err = stmt.ExecContext(ctx, args...)
		}
		if err != nil {
			return told(err)
		}
		rows = rows[n:]
	}
	return nil
}

func (x *Index) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := x.statements[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := x.conn.PrepareContext(context.WithoutCancel(ctx), query)
	if err == nil {
		x.statements[query] = stmt
	}
	return stmt, err
}

// told says of an error of the temporary file what to do.
func told(err error) error {
	var lite *sqlite.Error
	if err == nil || !errors.As(err, &lite) {
		return err
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("cannot write the temporary file of the comparison: %w; it is in the folder named by SQLITE_TMPDIR or TMPDIR, or else in /var/tmp or /tmp: "+
			"free some space there, or set SQLITE_TMPDIR to a folder with room; then start the comparison again to continue", err)
	}
	return fmt.Errorf("the temporary file of the comparison: %w", err)
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// text is JSON of what surely has one.
func text[T []string | map[string]string](of T) string {
	b, err := json.Marshal(of)
	if err != nil {
		panic(fmt.Sprintf("texts are not JSON: %v", err))
	}
	return string(b)
}
