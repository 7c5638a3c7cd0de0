package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// statementContext is the context of a transaction's statements. SQLite's driver starts a
// goroutine and a call every thousand steps for each statement that may be cut off, and the
// short ones of a change need none: the time is looked at before each.
func (db *DB) statementContext(ctx context.Context) context.Context {
	if db.dialect.prepared {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	clean(args)
	var result sql.Result
	err := t.limit.Err()
	if err != nil {
		return 0, errStore{err}
	}
	if stmt := t.prepared(query); stmt != nil {
		result, err = t.inner.StmtContext(t.ctx, stmt).ExecContext(t.ctx, args...)
	} else {
		result, err = t.inner.ExecContext(t.ctx, t.db.text(query), args...)
	}
	if err != nil {
		return 0, errStore{err}
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, errStore{err}
	}
	return n, nil
}

// query runs a statement and calls scan for each of its rows.
func (t *tx) query(scan func(scanner) error, query string, args ...any) error {
	clean(args)
	var rows *sql.Rows
	err := t.limit.Err()
	if err != nil {
		return errStore{err}
	}
	if stmt := t.prepared(query); stmt != nil {
		rows, err = t.inner.StmtContext(t.ctx, stmt).QueryContext(t.ctx, args...)
	} else {
		rows, err = t.inner.QueryContext(t.ctx, t.db.text(query), args...)
	}
	if err != nil {
		return errStore{err}
	}
	if err := each(rows, scan); err != nil {
		return errStore{err}
	}
	return nil
}

// prepared is the statement as it is kept, nil when it is not.
func (t *tx) prepared(query string) *sql.Stmt {
	if t.plain { // it is not the one transaction whose statements are kept
		return nil
	}
	return t.db.statements.get(query)
}

// view runs a statement outside any transaction.
func (db *DB) view(ctx context.Context, scan func(scanner) error, query string, args ...any) error {
	clean(args)
	stmt, err := db.readStatements.get(ctx, db, query)
	if err != nil {
		return err
	}
	var rows *sql.Rows
	if stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		if len(args) > longList {
			args = slices.Concat(db.anew, args)
		}
		rows, err = db.read.QueryContext(ctx, db.text(query), args...)
	}
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// longList is how many arguments only a statement with a long list has.
const longList = 64

type scanner interface{ Scan(into ...any) error }

func each(rows *sql.Rows, scan func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// text is the statement in the engine's words.
func (db *DB) text(query string) string {
	return strings.Replace(strings.Replace(query, "/*lock*/", db.lock, 1), "/*hold*/", db.hold, 1)
}

// clean makes arguments cleaned.
func clean(args []any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			if c := cleaned(s); c != s {
				args[i] = c
			}
		}
	}
}

// cleaned replaces what PostgreSQL cannot hold in a text: a tool's answer must
// not make a settlement impossible.
func cleaned(s string) string {
	if utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// statements keeps statements prepared: with SQLite, reading the text costs
// more than running it. The one writing connection belongs to the transaction
// while that is open, so a statement is prepared after its first use.
type statements struct {
	db     *DB
	by     map[string]*sql.Stmt
	wanted []string
}

// get returns the prepared statement, nil when there is none.
func (s *statements) get(query string) *sql.Stmt {
	if !s.db.prepared {
		return nil
	}
	stmt, ok := s.by[query]
	if !ok && !slices.Contains(s.wanted, query) {
		s.wanted = append(s.wanted, query)
	}
	return stmt
}

// prepare prepares what the last transaction asked for in vain.
func (s *statements) prepare(ctx context.Context) error {
	if len(s.wanted) == 0 { // always so with an engine that has several writers
		return nil
	}
	for _, query := range s.wanted {
		stmt, err := s.db.write.PrepareContext(ctx, s.db.text(query))
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		if s.by == nil {
			s.by = map[string]*sql.Stmt{}
		}
		s.by[query] = stmt
	}
	s.wanted = nil
	return nil
}

func (s *statements) close() error {
	var err error
	for _, stmt := range s.by {
		err = errors.Join(err, stmt.Close())
	}
	return err
}

// readStatements keeps the statements of view prepared.
type readStatements struct {
	mu sync.RWMutex
	by map[string]*sql.Stmt
}

// get returns the prepared statement, nil when this engine's driver keeps its
// own.
func (s *readStatements) get(ctx context.Context, db *DB, query string) (*sql.Stmt, error) {
	if !db.prepared {
		return nil, nil
	}
	s.mu.RLock()
	stmt := s.by[query]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.by[query]; stmt != nil {
		return stmt, nil
	}
	// It outlives the caller, whose context may end while it is prepared.
	stmt, err := db.read.PrepareContext(context.WithoutCancel(ctx), db.text(query))
	if err != nil {
		return nil, err
	}
	if s.by == nil {
		s.by = map[string]*sql.Stmt{}
	}
	s.by[query] = stmt
	return stmt, nil
}

// statement is a statement whose parameters have names, for those with many.
type statement struct {
	text   string   // with $N
	params []string // the name of each
}

var parameter = regexp.MustCompile(`:[a-z_]+`)

// named reads a statement in which a parameter is written :name.
func named(text string) (s statement) {
	numbers := map[string]int{}
	s.text = parameter.ReplaceAllStringFunc(text, func(name string) string {
		n, ok := numbers[name]
		if !ok {
			s.params = append(s.params, name[1:])
			n = len(s.params)
			numbers[name] = n
		}
		return fmt.Sprintf("$%d", n)
	})
	return s
}

// args are the values in the statement's order. A name too many or too few is a
// mistake in the code.
func (s statement) args(values map[string]any) []any {
	all := make([]any, len(s.params))
	for i, name := range s.params {
		value, ok := values[name]
		if !ok {
			panic("no value for :" + name)
		}
		all[i] = value
	}
	if len(values) != len(all) {
		panic("a value for no parameter")
	}
	return all
}
