package powercut

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"

	"github.com/ncruces/go-sqlite3"
	lite "github.com/ncruces/go-sqlite3/driver"
)

// connector opens connections whose errors tell SQLite's code as the store
// expects it.
type connector struct {
	driver.Connector
	// opened is called with each new connection; it may be nil.
	opened func(*sqlite3.Conn)
}

func newConnector(dsn string, opened func(*sqlite3.Conn)) (*connector, error) {
	inner, err := (&lite.SQLite{}).OpenConnector(dsn)
	return &connector{inner, opened}, err
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, coded(err)
	}
	conn := inner.(lite.Conn)
	if c.opened != nil {
		c.opened(conn.Raw())
	}
	return &connection{conn}, nil
}

// codedError is an error with SQLite's result code.
type codedError struct {
	error
	code int
}

func (e codedError) Code() int     { return e.code }
func (e codedError) Unwrap() error { return e.error }

// coded adds the code to an error that has one.
func coded(err error) error {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return err
	}
	return codedError{err, int(code)}
}

// connection is a connection of the driver.
type connection struct{ lite.Conn }

var _ driver.ExecerContext = (*connection)(nil)

func (c *connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, o)
	if err != nil {
		return nil, coded(err)
	}
	return transaction{tx}, nil
}

func (c *connection) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, coded(err)
	}
	return &statement{stmt}, nil
}

// ExecContext is how a text of several statements is run.
func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	return result, coded(err)
}

type transaction struct{ driver.Tx }

func (t transaction) Commit() error   { return coded(t.Tx.Commit()) }
func (t transaction) Rollback() error { return coded(t.Tx.Rollback()) }

type statement struct{ driver.Stmt }

func (s *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, numbered(args))
	return result, coded(err)
}

func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	found, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, numbered(args))
	if err != nil {
		return nil, coded(err)
	}
	return &answer{found}, nil
}

// numbered names each argument by its number, as the product's driver does: to
// SQLite itself $2 is a name like another, and is the first when it stands
// first in the text.
func numbered(args []driver.NamedValue) []driver.NamedValue {
	for i := range args {
		args[i].Name = strconv.Itoa(args[i].Ordinal)
	}
	return args
}

type answer struct{ driver.Rows }

func (a *answer) Next(into []driver.Value) error { return coded(a.Rows.Next(into)) }
